/* manager/forgotten.h -- records of units that are no longer loaded.
 *
 * A unit that has ended and that nothing refers to is forgotten, as in systemd; what is known of
 * its last invocations is kept for `why`, for the last FORGOTTEN_MAX of such units. */
#pragma once

#define FORGOTTEN_MAX 512

struct invocation_record;
struct manager;

/* Takes the list over on success. 0 or -ENOMEM. */
int forgotten_keep(struct manager *m, const char *name, struct invocation_record *records);
/* Hands the records of that unit over; NULL if there are none. */
struct invocation_record *forgotten_take(struct manager *m, const char *name);
/* The records of a unit that is not loaded, newest first; NULL. They stay the manager's. */
const struct invocation_record *forgotten_find(const struct manager *m, const char *name);
void forgotten_done(struct manager *m);
