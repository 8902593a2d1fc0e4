/* base/rate_limit.h -- at most `burst` events within `interval`. */
#pragma once

#include <stdbool.h>

#include "base/time.h"

/* Set interval and burst; zero the rest. An interval or burst of 0 allows everything. */
struct rate_limit {
    usec_t interval;
    unsigned burst;
    usec_t begin; /* when the current interval began; 0 before the first event */
    unsigned n;   /* events in it, refused ones included */
};

/* Counts one event at the time `now`; whether it is within the limit. As systemd counts
 * (StartLimitIntervalSec=): an interval begins with the first event after the last one ended. */
static inline bool rate_limit_below(struct rate_limit *r, usec_t now)
{
    if (r->interval == 0 || r->burst == 0)
        return true;
    if (r->begin == 0 || usec_add(r->begin, r->interval) < now) {
        r->begin = now;
        r->n = 0;
    }
    if (r->n < r->burst + 1)
        r->n++;
    return r->n <= r->burst;
}
