/* manager/config.h -- system.conf and user.conf (systemd-system.conf(5)). */
#pragma once

struct manager;

/* Reads them: the presets of units, and what concerns the manager itself. 0 or -ENOMEM. */
int manager_read_config(struct manager *m);
/* CapabilityBoundingSet= and NoNewPrivileges=: what nothing below the manager ever has. Once, when
 * it begins; they cannot be taken back. */
void manager_confine(const struct manager *m);
void manager_config_done(struct manager *m);
