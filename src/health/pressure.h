/* health/pressure.h -- whether the machine itself is too busy for an answer to be expected
 * (pressure stall information, the kernel's Documentation/accounting/psi.rst). */
#pragma once

#include <stdbool.h>

#define PRESSURE_TEXT_MAX 48

/* Whether tasks lose most of their time waiting for processors, memory or disks: the average over
 * ten seconds in the files below `folder` (NULL: /proc/pressure). Then *text is what is lacking:
 * "cpu pressure 94%". False where the kernel does not tell. */
bool machine_is_starved(const char *folder, char text[static PRESSURE_TEXT_MAX]);
