/* cli/analyze.h -- the commands of `reeve analyze`. Each takes its NULL-terminated arguments, at
 * least as many as its row in analyze.c says, and returns 0 or a negative errno, having said what
 * is wrong. */
#pragma once

#include "base/time.h"

struct analyze_options {
    unsigned iterations;
    usec_t base_time; /* USEC_INFINITY: now */
};

int analyze_calendar(const struct analyze_options *o, char *const *args);
int analyze_timespan(const struct analyze_options *o, char *const *args);
int analyze_timestamp(const struct analyze_options *o, char *const *args);
int analyze_exit_status(const struct analyze_options *o, char *const *args);
