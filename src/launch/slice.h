/* launch/slice.h -- how soon the manager has its turn on a busy processor. */
#pragma once

/* Asks the scheduler for short turns for this process: woken, it goes before those that run with
 * ordinary ones, and has less at a time in return, so that its share stays the same. It matters
 * most where many services start at once: the manager waits for a child until the child executes
 * its program, and had to wait on until that program sleeps.
 *
 * What it forks has the ordinary scheduling again. Does nothing where that would not be what it had
 * before (another policy than SCHED_OTHER, a negative nice level), and where the kernel cannot: its
 * fair scheduler knows of turns of a process since 6.12. Rule: sched_setattr(2), sched(7). */
void slice_shorten(void);
