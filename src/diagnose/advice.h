/* diagnose/advice.h -- hardening that costs a service nothing, as far as its unit and its program
 * show. */
#pragma once

#include <stdbool.h>

struct unit_config;

struct advice {
    const char *directive, *value, *why;
};

/* Walks the settings that the unit does not have and that nothing speaks against; start with
 * *position = 0; false at the end. `program` is what the service runs (a file that may be looked
 * at), NULL where it is not known. */
bool advice_next(const struct unit_config *c, const char *program, unsigned *position,
                 struct advice *ret);
