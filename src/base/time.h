/* base/time.h -- points in time and spans in microseconds. */
#pragma once

#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;
typedef uint64_t nsec_t;

#define USEC_INFINITY ((usec_t) UINT64_MAX)
#define NSEC_PER_USEC ((nsec_t) 1000)
#define NSEC_PER_SEC ((nsec_t) 1000000000)
#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_PER_SEC ((usec_t) 1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_PER_WEEK (7 * USEC_PER_DAY)
/* systemd.time(7): a month is 30.44 days, a year 365.25. */
#define USEC_PER_MONTH (2629800 * USEC_PER_SEC)
#define USEC_PER_YEAR (31557600 * USEC_PER_SEC)

static inline usec_t timespec_usec(const struct timespec *ts)
{
    return (usec_t) ts->tv_sec * USEC_PER_SEC + (usec_t) ts->tv_nsec / NSEC_PER_USEC;
}

static inline usec_t now_usec(clockid_t clock)
{
    struct timespec ts = { 0 };

    clock_gettime(clock, &ts);
    return timespec_usec(&ts);
}

static inline usec_t usec_add(usec_t a, usec_t b)
{
    return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

static inline usec_t usec_sub(usec_t a, usec_t b)
{
    if (a == USEC_INFINITY)
        return a;
    return a > b ? a - b : 0;
}

/* One event on both clocks; {0, 0} is "never". */
struct dual_time {
    usec_t realtime, monotonic;
};

static inline struct dual_time dual_now(void)
{
    return (struct dual_time){ now_usec(CLOCK_REALTIME), now_usec(CLOCK_MONOTONIC) };
}
