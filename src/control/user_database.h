/* control/user_database.h -- io.systemd.UserDatabase for the users of DynamicUser=, where programs
 * look for it (nss-systemd, userdbctl): so `id` inside such a unit knows its name. */
#pragma once

struct manager;
struct user_database;

/* Makes the service on the manager's loop, if the manager has systemd's places; else *ret is NULL.
 * Returns 0 or a negative errno. */
int user_database_new(struct manager *m, struct user_database **ret);
void user_database_free(struct user_database *d); /* NULL is allowed */
