/* cli/status.h -- the parts of `status` that are in files of their own. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "cli/systemctl.h"

/* Labels are aligned to the right at this column, and what follows begins at STATUS_INDENT. */
#define STATUS_LABEL_WIDTH 11
#define STATUS_INDENT (STATUS_LABEL_WIDTH + 2)

/* "     Loaded: " */
void status_print_label(const char *label);

/* How many cells a line may have: those of the terminal, unless --full or there is none. */
size_t status_line_width(const struct systemctl *c);

/* The lines Tasks, Memory and CPU of a unit with these properties. */
void status_print_resources(const json_t *properties);

/* `status` without a unit: the manager, and the tree of all processes. Returns the exit status. */
int status_show_system(struct systemctl *c);
