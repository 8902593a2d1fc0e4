/* manager/last_words.h -- why the container ends: the verdict in /dev/termination-log.
 *
 * Kubernetes shows what is in that file, at most 4 KiB of it, as the message of a container that
 * has ended. */
#pragma once

struct manager;
struct unit;

/* Of PID 1 of a container where that file is: lets `reeve why` look at the unit that failed, and
 * begins the end when its verdict is written, or after a few seconds. Returns 1 if so; 0 where
 * there is nothing to be written to; or a negative errno. */
int last_words_begin(struct manager *m, const struct unit *u);
/* Forgets it (the manager is being freed). */
void last_words_drop(struct manager *m);
