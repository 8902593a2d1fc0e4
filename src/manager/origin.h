/* manager/origin.h -- where in the unit files a dependency comes from. */
#pragma once

struct unit;

/* Why `u` is ordered before `after`: "/etc/systemd/system/a.service:4 Before=b.service", or, for an
 * implied dependency, what implies it ("implied by Requires= of x.target"). *ret is a new string.
 * Returns 0, -ENOENT (no such order) or -ENOMEM. Reads the files that are named. */
int order_origin(const struct unit *u, const struct unit *after, char **ret);
