/* unit/derive.h -- what follows from several settings together, once all files of a unit are read.
 *
 * Called by unit_config_finish() of unit/load.h. */
#pragma once

struct unit_config;

/* Fills in what depends on other settings (systemd.service(5): Type= without ExecStart=,
 * TimeoutStartSec= of a oneshot ...). -ENOMEM. */
int unit_derive(struct unit_config *c);

/* Judges the unit as a whole: sets LOAD_BAD_SETTING and load_error where systemd refuses it, and
 * records messages. -ENOMEM. */
int unit_verify(struct unit_config *c);
