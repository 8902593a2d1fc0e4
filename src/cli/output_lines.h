/* cli/output_lines.h -- the last lines that a unit has written, for `status`. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "cli/systemctl.h"

/* Prints an empty line and at most n lines of what is kept, as journalctl -o short does ("Nov 22
 * 21:29:15 host sh[142]: hello"), cut to `width` cells; nothing at all if there are none, or if the
 * caller may not read them. */
void output_lines_print(struct systemctl *c, const char *unit, unsigned n, size_t width);

/* The same as an array of objects (type Line of the interface), never NULL but where memory is out.
 */
json_t *output_lines_fetch(struct systemctl *c, const char *unit, unsigned n);
