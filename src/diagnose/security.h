/* diagnose/security.h -- what a service may do that it need not, weighed as systemd-analyze(1)
 * does. Pure: what the unit's settings say counts, nothing is looked at. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct unit_config;

#define SECURITY_UNKNOWN UINT64_MAX

struct security_row {
    const char *name, *json; /* of the setting; `json` is systemd-analyze's name for it */
    const char *phrase;      /* "load kernel modules": what the service may or cannot do */
    const char *call_group;  /* or: the group of system calls; NULL */
    const char *text;        /* what the policy says in place of both; NULL. Lives as long as it */
    uint64_t badness;        /* 0: safe; SECURITY_UNKNOWN: the setting does not matter here */
    unsigned weight, range;  /* of the badness */
    unsigned exposure;       /* the part of it in the whole, in tenths */
    bool excluded;           /* by the policy */
};

struct security {
    struct security_row *rows; /* security_done() frees them */
    unsigned n;
    unsigned exposure; /* in tenths: 0 to 100 */
};

/* `offline`: as systemd-analyze judges files, which takes an unset PrivateMounts= for yes.
 * `policy` (NULL: none) has other weights, ranges and words for rows, by their `json` names; a
 * weight of 0 excludes a row. -ENOMEM; -ERANGE where the policy has a range that the badness of
 * *ret_wrong exceeds (NULL without a policy). */
int security_assess(const struct unit_config *c, bool offline, const json_t *policy,
                    struct security *ret, struct security_row *ret_wrong);
void security_done(struct security *s);

/* "UNSAFE" and its face. */
const char *security_level(unsigned exposure, bool emoji, const char **ret_face);
