/* cli/verdict_line.h -- the verdict of `reeve why` in one line, for other verbs. */
#pragma once

#include <stdbool.h>

/* "port-in-use: TCP 0.0.0.0:80 is held by ... (reeve why web.service)", a new string; NULL where no
 * cause is certain, or none is found quickly. Only looks: nothing is run again. */
char *verdict_line(const char *unit, bool user);
