/* base/timespan.h -- spans of time as text (systemd.time(7), PARSING TIME SPANS). */
#pragma once

#include "base/time.h"

/* Parses a sum of numbers with units: "1min 30s", "1.5h", "55s500ms", "infinity". A number without
 * a unit is in seconds; timespan_parse_unit() takes another default, in microseconds. The last
 * reads nanoseconds ("ns", "nsec" then are units as well), its default unit in nanoseconds.
 * Returns 0; -EINVAL, -ERANGE (negative, or too large). */
int timespan_parse(const char *s, usec_t *ret);
int timespan_parse_unit(const char *s, usec_t default_unit, usec_t *ret);
int timespan_parse_nsec(const char *s, nsec_t default_unit, nsec_t *ret);

/* As timespan_parse(), but an empty string and 0 mean USEC_INFINITY, as for timeouts such as
 * TimeoutStartSec= and JobTimeoutSec=. */
int timespan_parse_timeout(const char *s, usec_t *ret);

#define TIMESPAN_TEXT_MAX 64

/* Writes "1min 30.500s" into the buffer and returns it. Parts below `accuracy` (in microseconds; 1
 * shows all) are left out, but never the last of a span that is not zero. "infinity" for
 * USEC_INFINITY. systemctl shows properties with accuracy 1. */
char *timespan_format(char text[static TIMESPAN_TEXT_MAX], usec_t span, usec_t accuracy);
