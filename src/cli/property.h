/* cli/property.h -- properties as `systemctl show` prints them.
 *
 * The manager gives them as JSON (ShowUnit); how a number is to be read is in the property's name,
 * as it is for systemctl: ...Timestamp, ...USec, and the names of amounts for which "infinity",
 * "[not set]" or "[no data]" stands. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/timestamp.h"

/* The text behind "NAME=", a new string; it has lines where systemctl prints the name several
 * times. NULL where memory is out. */
char *property_format(const char *name, const json_t *value, enum timestamp_style style);

/* Whether `show` leaves it out unless asked for: empty texts and times that never were. */
bool property_is_empty(const char *name, const json_t *value);

/* The names of an object's members in systemctl's order; unknown ones last. Ends with NULL; the
 * array is the caller's, its strings are the object's. NULL where memory is out. */
const char **property_order(const json_t *properties, bool manager);
