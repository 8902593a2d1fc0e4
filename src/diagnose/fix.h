/* diagnose/fix.h -- fixes that are tried, applied and taken back.
 *
 * A fix is tried in a copy of the machine (copy.h): there the unit is started as it is, and has to
 * fail as it did; then in a fresh copy with the fix, and has to work as long as it is watched. Only
 * both together make a fix verified. */
#pragma once

#include "diagnose/cause.h"

/* Where an applied drop-in goes, below the unit's folder of drop-ins: behind all others. */
#define FIX_DROPIN_NAME "zz-reeve-fix.conf"

/* What is being done, a line each, for people who wait. */
typedef void (*fix_say)(const char *line, void *userdata);

/* Tries the drop-ins and commands of the cause, the best first, until one works, and marks it
 * ("verified": true in cause->fixes). Commands are those of a list, run without a shell.
 * Returns how many are verified (0 or 1); -EOPNOTSUPP with *ret_why, a new string, where nothing
 * could be tried; or another negative errno. The cause's other fixes stay as they are. */
int fix_try(const struct facts *facts, struct finding *cause, bool user, fix_say say,
            void *userdata, char **ret_why);

/* The verified fix among those of the cause; NULL: there is none. */
json_t *fix_verified(const struct finding *cause);
