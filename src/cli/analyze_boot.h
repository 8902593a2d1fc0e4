/* cli/analyze_boot.h -- when the manager and its units did what at the start.
 *
 * Whichever manager runs here is asked through `show`: reeve's own, else systemd's. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/time.h"
#include "cli/analyze.h"

/* Points on the monotonic clock, 0 for never. In a container, and for a user's manager, those of
 * units and of the manager are counted from its start, as systemd-analyze does. */
struct boot {
    usec_t firmware, loader, kernel_done, initrd, userspace, finish;
    usec_t security_start, security_finish, generators_start, generators_finish;
    usec_t load_start, load_finish;
    bool counted_from_start; /* no times of firmware and kernel */
    json_t *units;           /* of objects: property -> text, with Id */
};

struct unit_times {
    json_t *unit;
    const char *id;
    usec_t activating, activated, deactivating, deactivated;
    usec_t time;                  /* that the start took */
    usec_t executed, handed_over; /* main process: forked, program executed */
};

/* Asks for the manager's times, and for `properties` (comma-separated, NULL: none) of all units.
 * With `finished` a start that goes on is an error. What goes wrong is told. */
int boot_read(const struct analyze_options *o, const char *properties, bool finished,
              struct boot *ret);
void boot_done(struct boot *b);
#define auto_boot _cleanup_(boot_done)

/* The properties that boot_times() needs. */
#define BOOT_TIMES \
    "Id,ActiveState,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic," \
    "ActiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic," \
    "ExecMainStartTimestampMonotonic,ExecMainHandoffTimestampMonotonic"

/* The units that were ever started, in the order in which they were; the array is the caller's. */
int boot_times(const struct boot *b, struct unit_times **ret, size_t *ret_n);

/* A property of a unit as text, "" if it is not there. */
const char *boot_text(json_t *unit, const char *name);
usec_t boot_number(json_t *object, const char *name);

/* "Startup finished in ..."; a new string. */
char *boot_summary(const struct analyze_options *o, const struct boot *b);
