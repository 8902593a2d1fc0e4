/* launch/pressure.h -- telling a service of memory pressure (systemd.resource-control(5),
 * MemoryPressureWatch=). */
#pragma once

struct child;

/* $MEMORY_PRESSURE_WATCH and $MEMORY_PRESSURE_WRITE (Base64; NULL for "off"), new strings. Returns
 * 1, or 0 where neither is to be set, or a negative errno. Also gives the file to the user. */
int pressure_variables(struct child *c, char **ret_watch, char **ret_write);
