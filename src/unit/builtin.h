/* unit/builtin.h -- the standard targets and slices (systemd.special(7)) that the program brings
 * itself, so that units which hang from them run in a root without the systemd package. A file of
 * the same name anywhere in the search path replaces its unit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct builtin_unit {
    unsigned managers; /* who has it: BUILTIN_... */
    const char *name;
    const char *text;     /* as a unit file has it; NULL for an alias */
    const char *alias_of; /* NULL, or the name that this one stands for */
};

extern const struct builtin_unit builtin_units[];
extern const size_t n_builtin_units;

#define BUILTIN_SYSTEM 1u
#define BUILTIN_USER 2u

/* NULL if a manager of that kind has none of that name. */
const struct builtin_unit *builtin_unit_find(const char *name, bool user);
