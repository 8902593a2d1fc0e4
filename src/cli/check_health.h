/* cli/check_health.h -- what `reeve check` knows of probes and preflight checks in units: the
 * unit's language does not, their values are for the kinds of health/check-kinds.def. */
#pragma once

struct unit_config;

/* Adds messages (code "bad-health") for probes of [X-Reeve] that cannot be made, and for commands
 * `reeve guard` and `reeve preflight` that would end with their usage error. */
void check_health(struct unit_config *c);
