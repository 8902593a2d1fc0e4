/* diagnose/fix.h -- fixes that are tried, applied and taken back.
 *
 * A fix is tried in a copy of the machine (copy.h): there the unit is started as it is, and has to
 * fail as it did; then in a fresh copy with the fix, and has to work as long as it is watched. Only
 * both together make a fix verified. */
#pragma once

#include "diagnose/cause.h"

/* Where the drop-in of a fix goes, a new string: behind all others of the unit, which is that of
 * the facts, or one it depends on. */
char *fix_dropin_path(const struct facts *facts, json_t *fix);

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

/* Applies it to the machine itself: writes the drop-in, or runs the commands, having written down
 * what takes it back, and lets the manager read its files. -EEXIST where one is applied already;
 * -EOPNOTSUPP for a command whose inverse is not known. After a failure nothing is changed. */
int fix_apply(const struct facts *facts, json_t *fix);
/* Takes back what was applied to the unit. -ENOENT: nothing is. */
int fix_undo(const struct facts *facts);

/* The words of a fix's command line, and of these the next command ("&&" is between them) with what
 * follows it. A shell has no part in it. Return 0 or a negative errno. */
int fix_split(const char *line, char ***ret_words);
int fix_next_command(char **words, char ***ret_argv, char ***ret_next);
