/* journal/wall.h -- messages to all who are logged in on a terminal. */
#pragma once

#include "journal/entry.h"

/* Writes what the entry says to the terminals of /run/utmp, without waiting for any: one that is
 * not read at this moment goes without. */
void wall(const struct entry *e);
