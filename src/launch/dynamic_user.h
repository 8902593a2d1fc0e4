/* launch/dynamic_user.h -- DynamicUser=: a user for the life of the service (systemd.exec(5)).
 *
 * The ids are those of systemd, 61184 to 65519, and so are the lock files in
 * /run/systemd/dynamic-uid, so that reeve and a systemd on one machine never give out the same. */
#pragma once

struct child;

/* Fills in the identity of the child: an existing user of that name, the id that an earlier command
 * of the unit has taken, or a new one. USER. */
int dynamic_user_acquire(struct child *c);

struct spawn_runtime;
/* Gives the id back: nobody has it any more. To be called in a child. */
void dynamic_user_release(struct spawn_runtime *r);
