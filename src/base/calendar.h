/* base/calendar.h -- calendar events, as OnCalendar= takes them (systemd.time(7)). */
#pragma once

#include "base/time.h"

struct calendar;

/* Parses an expression ("Mon..Fri *-*-* 9:00 Europe/Berlin", "*-02~03", "hourly", "05:40:23.42/3").
 * *ret is the caller's, to be freed with calendar_free(). Returns 0, -EINVAL, -ERANGE (a number too
 * large or a repetition of 0) or -ENOMEM. */
int calendar_parse(const char *s, struct calendar **ret);
void calendar_free(struct calendar *c);

/* The normalised expression, a new string; NULL where memory is out. */
char *calendar_format(const struct calendar *c);

/* The zone that the expression names, "UTC" for UTC, or NULL for the local one. */
const char *calendar_zone(const struct calendar *c);

/* The first point in time (CLOCK_REALTIME) after `after` that matches. Returns 0, or -ENOENT where
 * none follows (no year past 2199 is looked at), or -ENOMEM. */
int calendar_next(const struct calendar *c, usec_t after, usec_t *ret);
