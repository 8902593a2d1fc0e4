/* manager/checkpoint.h -- the state as of now, always in a memfd, and what uses it after a crash.
 *
 * Each turn of the loop appends the blocks of the units that have changed; when half of the file is
 * out of date it is written anew. The crash handler allocates nothing: it executes this program
 * again, with everything it needs prepared. */
#pragma once

#include <stdbool.h>

struct manager;
struct unit;

/* Begins. `argv` is what main() got, and stays valid. 0 or a negative errno. */
int checkpoint_begin(struct manager *m, char **argv);
/* A unit has changed, or is about to be forgotten (`gone`). */
void checkpoint_unit(struct manager *m, struct unit *u, bool gone);
/* Something of the manager itself has changed. */
void checkpoint_head(struct manager *m);
/* An output stream was made: written within the second. */
void checkpoint_streams(struct manager *m);
/* Writes what has come together. */
void checkpoint_flush(struct manager *m);
void checkpoint_end(struct manager *m);
