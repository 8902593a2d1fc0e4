#include <math.h>

#include "manager/service_state.h"

#define ON(result) (1u << RESULT_##result)
#define ON_ABNORMAL \
    (ON(RESOURCES) | ON(PROTOCOL) | ON(TIMEOUT) | ON(SIGNAL) | ON(CORE_DUMP) | ON(WATCHDOG) | \
     ON(START_LIMIT_HIT) | ON(OOM_KILL))

/* Restart=: after which results. */
static const unsigned restart_table[] = {
    [RESTART_NO] = 0,
    [RESTART_ON_SUCCESS] = ON(SUCCESS),
    [RESTART_ON_FAILURE] = ON_ABNORMAL | ON(EXIT_CODE),
    [RESTART_ON_ABNORMAL] = ON_ABNORMAL,
    [RESTART_ON_WATCHDOG] = ON(WATCHDOG),
    [RESTART_ON_ABORT] = ON(SIGNAL) | ON(CORE_DUMP),
    [RESTART_ALWAYS] = ON(SUCCESS) | ON_ABNORMAL | ON(EXIT_CODE),
};
static_assert(ELEMENTSOF(restart_table) == RESTART_MAX, "a row for every Restart= word");

bool service_wants_restart(const struct service_view *v)
{
    if (v->restart_forbidden || v->restart_prevented)
        return false;
    return v->restart_forced || (restart_table[v->restart] & (1u << v->result));
}

usec_t service_restart_delay(unsigned n, usec_t base, unsigned steps, usec_t max)
{
    if (n <= 1 || steps == 0 || base == 0 || max == USEC_INFINITY || base >= max)
        return base;
    if (n > steps)
        return max;
    return (usec_t) ((double) base * pow((double) max / (double) base, (double) (n - 1) / steps));
}
