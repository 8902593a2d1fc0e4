/* manager/implicit.h -- dependencies that no file names: slices, mounts, shutdown, sysinit.
 *
 * Sources: systemd.unit(5), systemd.exec(5), systemd.service(5), systemd.slice(5),
 * systemd.target(5), IMPLICIT DEPENDENCIES and DEFAULT DEPENDENCIES. The functions for unit types
 * are in unit.h. */
#pragma once

struct unit;

/* Requires= and After= on the unit's slice. Sets u->slice. */
int unit_add_slice_dependencies(struct unit *u);
