/* cli/output_lines.h -- the last lines that a unit has written, for `status`. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "cli/systemctl.h"

/* Prints an empty line and the last n lines of the unit since a point in time (0: ever), from the
 * journal's files, or else what the collector keeps of its output; nothing at all if there are
 * none, or the caller may not read them. --output= is one of journalctl's. Lines are cut to
 * `width`. */
void output_lines_print(struct systemctl *c, const char *unit, usec_t since, unsigned n,
                        size_t width);

/* What the collector keeps, an array of objects (type Line of the interface); never NULL but where
 * memory is out. */
json_t *output_lines_fetch(struct systemctl *c, const char *unit, unsigned n);
