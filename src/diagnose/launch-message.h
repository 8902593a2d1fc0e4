/* diagnose/launch-message.h -- the launch report, read back from systemd's words about it. */
#pragma once

#include "diagnose/facts.h"

/* Adds to *launch what a line of the journal says of a set-up step that failed ("Failed at step
 * CHDIR spawning /x: No such file or directory", "Failed to locate executable /x: ..."), the object
 * and directive taken from the unit's config where the message does not name them. Lines that say
 * nothing of it change nothing. Returns 0 or -ENOMEM. */
int launch_from_message(const struct facts_line *line, const struct unit_config *config,
                        struct facts_launch *launch);

/* Where the journal lost the words of a child that died at once, its status says the step, and the
 * unit's settings what it is about: fills object and directive as far as nothing else did. */
int launch_complete(const struct unit_config *config, struct facts_launch *launch);
