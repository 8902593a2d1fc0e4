/* journal/rate.h -- how many entries a unit may write (journald.conf(5) RateLimitIntervalSec=,
 * RateLimitBurst=; systemd.exec(5) LogRateLimit*). */
#pragma once

#include "base/time.h"

/* For rates_test(), interval or burst 0 is no limit; as what a unit asks for, 0 is what the
 * collector has. */
struct rate_settings {
    usec_t interval;
    unsigned burst;
};

struct rates;

struct rates *rates_new(void); /* NULL where memory is out */
void rates_free(struct rates *r);

/* Counts one entry of `who` (a unit). Priorities are counted apart in groups (0-2, 3, 4, 5-6, 7),
 * so that chatter does not silence errors. Returns 0 where it is past the limit, else 1 plus the
 * number of entries that were refused in the interval that has just ended. */
unsigned rates_test(struct rates *r, const char *who, int priority, struct rate_settings settings,
                    usec_t now);
