/* diagnose/draft.h -- the unit for a program, with the reason for every choice. */
#pragma once

#include <jansson.h>

#include "diagnose/observe.h"

struct draft {
    const char *name;               /* of the unit, without ".service" */
    char *const *argv;              /* argv[0] an absolute path */
    const char *user;               /* asked for; NULL: to be chosen */
    const char *directory;          /* that it was run in, or is to be; NULL: / */
    const struct observation *seen; /* NULL: it was not run */
    const char *reeve;              /* the path of reeve, for the preflight line; NULL: none */
};

/* The user that fits: `user`, or one of the unit's or program's name if there is one on this
 * machine, else the owner of a program below a home folder; NULL in *ret: none (DynamicUser= or
 * root). A new string. */
int draft_user(const struct draft *d, char **ret);

/* Writes the unit's text. A new string, or NULL where memory is out. */
char *draft_write(const struct draft *d);
