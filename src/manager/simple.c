#include "manager/simple.h"

#include <errno.h>

#include "base/str.h"
#include "manager/state.h"

enum active_state simple_active_state(const struct unit *u)
{
    return simple_unit(u)->active ? ACTIVE_ACTIVE : ACTIVE_INACTIVE;
}

void simple_set(struct unit *u, bool active)
{
    struct simple_unit *s = simple_unit(u);
    enum active_state old = simple_active_state(u);

    if (active && !s->active)
        unit_new_invocation(u);
    s->active = active;
    unit_notify_state(u, old, simple_active_state(u), false);
}

int simple_start(struct unit *u)
{
    simple_set(u, true);
    return 1;
}

int simple_stop(struct unit *u)
{
    simple_set(u, false);
    return 1;
}

int simple_save(const struct unit *u, struct state_writer *w)
{
    state_write_bool(w, "active", simple_unit(u)->active);
    return 0;
}

int simple_restore(struct unit *u, const char *key, const char *value, struct state_reader *r)
{
    return streq(key, "active") ? state_read_bool(value, &simple_unit(u)->active) : 0;
}
