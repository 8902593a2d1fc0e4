/* base/zone.h -- time zones other than the local one (tzset(3)). Not thread-safe: switching zones
 * sets TZ for the whole process. */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "base/macro.h"

/* Whether the name is one of the installed time zone database ("Europe/Berlin"; case matters). */
bool zone_is_valid(const char *name);

/* A zone in force, and what to put back. */
struct zone_switch {
    char *saved; /* TZ before, NULL if it was unset */
    bool switched;
};
#define auto_zone_switch _cleanup_(zone_leave)

/* Makes `name` the local zone until zone_leave(); NULL keeps the one that is. 0 or -ENOMEM. */
int zone_enter(struct zone_switch *z, const char *name);
void zone_leave(struct zone_switch *z);

/* Broken-down time in UTC or in the local zone, and back. zone_time() normalises *tm and returns -1
 * for what is before 1970. */
void zone_fields(time_t t, bool utc, struct tm *ret);
time_t zone_time(struct tm *tm, bool utc);
