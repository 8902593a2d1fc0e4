/* base/timestamp.h -- points in time as text (systemd.time(7), PARSING TIMESTAMPS). */
#pragma once

#include <stdbool.h>

#include "base/time.h"

/* Parses every form of systemd.time(7): "2012-11-23 11:12:13.5 Europe/Berlin", "Fri 2012-11-23",
 * "11:12", "2012-11-23T11:12Z", "@1395716396", "now", "today UTC", "+3h", "5min ago", "2h left".
 * Where no zone is given it is the local one. *ret is CLOCK_REALTIME microseconds.
 * Returns 0, -EINVAL (times past the year 9999, too), or -ERANGE for times before 1970. */
int timestamp_parse(const char *s, usec_t *ret);

/* The same relative to `now`. */
int timestamp_parse_at(const char *s, usec_t now, usec_t *ret);

/* Also the forms that people write and systemd refuses (base/spoken.h), with or without a zone:
 * "monday", "yesterday 9am", "an hour ago", "1h", "Nov 22", what date(1) prints. What systemd takes
 * means the same. */
int timestamp_parse_spoken(const char *s, usec_t *ret);
int timestamp_parse_spoken_at(const char *s, usec_t now, usec_t *ret);

enum timestamp_style {
    TIMESTAMP_PRETTY, /* Fri 2012-11-23 23:02:15 CET */
    TIMESTAMP_US,     /* Fri 2012-11-23 23:02:15.123456 CET */
    TIMESTAMP_UTC,    /* Fri 2012-11-23 22:02:15 UTC */
    TIMESTAMP_US_UTC, /* Fri 2012-11-23 22:02:15.123456 UTC */
    TIMESTAMP_UNIX,   /* @1353711735 */
    TIMESTAMP_DATE,   /* Fri 2012-11-23 */
    TIMESTAMP_STYLE_MAX,
};

#define TIMESTAMP_TEXT_MAX 64

/* Writes the point in time into the buffer and returns it; NULL for 0 and USEC_INFINITY, which mean
 * that there is no such time ("n/a" or "" to the caller's liking). Names of days are English. */
char *timestamp_format(char text[static TIMESTAMP_TEXT_MAX], usec_t t, enum timestamp_style style);

/* From and to the names that --timestamp= takes: pretty, us, µs, utc, us+utc, unix. -EINVAL. */
int timestamp_style_from_name(const char *name, enum timestamp_style *ret);

/* "2 months 5 days ago", "3h left", "now": the distance of t from now. NULL as above. */
char *timestamp_format_relative(char text[static TIMESTAMP_TEXT_MAX], usec_t t, usec_t now);
