/* cli/dependencies.h -- what units depend on, as list-dependencies and --with-dependencies have it.
 */
#pragma once

#include "cli/systemctl.h"

/* The units that `unit` has a dependency on, in the direction that the options ask for: names,
 * sorted as systemctl lists them. *ret is a new strv (NULL if there are none). Returns 0 or a
 * negative errno, which was told. */
int dependencies_of(struct systemctl *c, const char *unit, char ***ret);

/* Adds to a list of names all that they depend on, and so on down. */
int dependencies_add(struct systemctl *c, char ***names);
