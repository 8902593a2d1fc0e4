/* health/kinds.h -- the functions behind the rows of check-kinds.def. */
#pragma once

#include "health/check.h"

#define KIND(option, function, class, uses, argument, help) \
    void check_##function(const char *argument_, const struct check_context *context, \
                          usec_t deadline, struct check_outcome *o); \
    const char *refuse_##function(const char *argument_);
#include "health/check-kinds.def"
#undef KIND
