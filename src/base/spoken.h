/* base/spoken.h -- times as people write them, in words that systemd.time(7) does not have, made
 * such as it has. */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "base/time.h"

#define SPOKEN_TEXT_MAX 80

/* Whether the text is a time before now: "1h", "an hour ago", "last week", "the past 2 days". */
bool spoken_distance(const char *s, usec_t *ret);

/* Rewrites a day, a time of day or both: "9:30pm", "noon", "monday", "last mon at 9am", "22 Nov",
 * "2026/11/22 21:30:15,5". `now` says which day it is where the time is meant. A day of the week is
 * the latest such day, today included, but for "last monday", which today is not. Whether what
 * comes out is a time is for the caller to find out. Returns 0, -EINVAL, -ENOMEM. */
int spoken_rewrite(const char *s, const struct tm *now, char ret[static SPOKEN_TEXT_MAX]);

/* "Sunday" ..., "January" ... */
extern const char weekday_names[7][10], month_names[12][10];
