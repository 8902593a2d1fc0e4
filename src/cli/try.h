/* cli/try.h -- the parts of `reeve try`. */
#pragma once

#include <stdbool.h>

#include "base/time.h"

struct try_options {
    bool user, json, keep, copy, force;
    usec_t stay; /* how long it has to stay up */
};

/* A shell in the context that the unit's program would be executed in; and what differs between
 * that and our own process. Both return the exit status of the verb. */
int try_shell(const struct try_options *o, const char *unit);
int try_compare_shell(const struct try_options *o, const char *unit);
