/* unit/condition.h -- Condition*= and Assert*= (systemd.unit(5), CONDITIONS AND ASSERTIONS). */
#pragma once

#include <stdbool.h>

#include "unit/types.h"

void conditions_free(struct condition *list);
int conditions_copy(const struct condition *list, struct condition **ret);

/* What they are judged by. Zero: this machine and process. */
struct condition_context {
    const char *root;        /* folder that stands for /, NULL for / */
    char *const *environ;    /* the manager's environment, NULL for none */
    const char *credentials; /* the manager's credentials folder, NULL for $CREDENTIALS_DIRECTORY */
    const char *cgroup;      /* the manager's own cgroup folder, for PSI of user managers; NULL */
    bool user;               /* the manager is a user's */
    bool first_boot;         /* ConditionFirstBoot= */
};

/* Evaluates the conditions (asserts false) or the assertions (true) of the list, stores each one's
 * `result`, and returns 1 if they hold, else 0: all that are not triggering, and at least one of
 * the triggering ones, if there are any. An empty list holds. *ret_failed, if not NULL, is one that
 * decided against. May read files below /proc, /sys and the paths named. */
int conditions_evaluate(struct condition *list, bool asserts, const struct condition_context *ctx,
                        const struct condition **ret_failed);

/* One alone: 1, 0, or a negative errno where it cannot be told, which counts as not held.
 * "!" is taken into account. */
int condition_evaluate(struct condition *c, const struct condition_context *ctx);

/* "ConditionPathExists=|!/x" as files have it; a new string, NULL where memory is out. */
char *condition_format(const struct condition *c);

/* The order of two versions (uapi-group.org/specifications, version format): "~" before the end,
 * the end before "-", "^" and ".", numbers by value. */
int version_order(const char *a, const char *b);
