/* manager/provided.h -- units whose work reeve does itself.
 *
 * Packages' units are ordered after, and require, parts of systemd that reeve is: the journal's
 * sockets, its daemon, the root slice ... Those count as active, and their files are not run. */
#pragma once

#include <stdbool.h>

struct unit_ops;

/* Whether the name is one of them. */
bool provided_find(const char *name);
/* What it is, for people; NULL if it is none of them. */
const char *provided_description(const char *name);

extern const struct unit_ops provided_ops;
