/* journal/rate.h -- how many entries a unit may write (journald.conf(5) RateLimitIntervalSec=,
 * RateLimitBurst=; systemd.exec(5) LogRateLimit*). */
#pragma once

#include <stdint.h>

#include "base/time.h"

/* For rates_test(), interval or burst 0 is no limit; as what a unit asks for, 0 is what the
 * collector has. */
struct rate_settings {
    usec_t interval;
    unsigned burst;
};

/* The burst where so many bytes are free for the journal: journald.conf(5) says that there is such
 * a factor; it is a quarter more for each doubling past a MiB. */
unsigned rate_burst(unsigned burst, uint64_t available);

struct rates;

struct rates *rates_new(void); /* NULL where memory is out */
void rates_free(struct rates *r);

/* Counts one entry of `who` (a unit). Priorities are counted apart in groups (0-2, 3, 4, 5-6, 7),
 * so that chatter does not silence errors. Returns 0 where it is past the limit, else 1 plus the
 * number of entries that were refused in the interval that has just ended. */
unsigned rates_test(struct rates *r, const char *who, int priority, struct rate_settings settings,
                    usec_t now);
