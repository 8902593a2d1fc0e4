/* diagnose/facts-journal.h -- the journal of a unit, read from its files: those of systemd and of
 * reeve are of one format. */
#pragma once

#include "diagnose/facts.h"

/* Adds the last lines about the unit to f->lines, oldest first: what it wrote, and what the manager
 * and the journal say of it. *ret_why is set where nothing could be read: why. Returns 0 or
 * -ENOMEM. */
int facts_read_journal(struct facts *f, bool user, const char **ret_why);
