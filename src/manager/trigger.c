#include "manager/trigger.h"

#include <errno.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/private.h"
#include "unit/config.h"
#include "unit/name.h"

int trigger_add_unit(struct unit *u, const char *named)
{
    auto_free char *implied = NULL;

    if (isempty(named)) {
        int r = unit_name_change_suffix(u->id, ".service", &implied);
        if (r < 0)
            return r;
        named = implied;
    }
    return unit_add_dependency_name(u, DEP_BEFORE, DEP_TRIGGERS, named);
}

int trigger_add_default_dependencies(struct unit *u, const char *target)
{
    if (!u->config->unit->default_dependencies)
        return 0;
    int r = unit_add_dependency_name(u, DEP_BEFORE, DEPENDENCY_KIND_MAX, target);
    if (r >= 0 && !u->manager->user)
        r = unit_add_dependency_name(u, DEP_REQUIRES, DEP_AFTER, "sysinit.target");
    if (r >= 0)
        r = unit_add_shutdown_dependencies(u);
    return r < 0 ? r : 0;
}

struct unit *trigger_unit(const struct unit *u)
{
    uint32_t position = 0;

    return dependency_next(u, DEP_BIT(DEP_TRIGGERS), &position);
}

int trigger_get_unit(const struct unit *u, struct property_value *v)
{
    const struct unit *other = trigger_unit(u);

    *v = (struct property_value){ .kind = VALUE_STRING, .text = other ? other->id : "" };
    return 0;
}

int trigger_check_unit(struct unit *u)
{
    struct unit *other = trigger_unit(u);

    if (other && other->load_state == LOAD_LOADED)
        return 0;
    unit_log_text(u, LOG_ERR, "Unit to trigger not loaded.");
    return -ENOENT;
}

int trigger_fire(struct unit *u, char *const *environment)
{
    auto_op_error struct op_error e = { 0 };
    auto_strv char **activation = NULL;
    struct unit *other = trigger_unit(u);

    if (!other) {
        unit_log_text(u, LOG_ERR, "Unit to trigger vanished.");
        return -ENOENT;
    }
    int r = environment ? strv_addf(&activation, "TRIGGER_UNIT=%s", u->id) : 0;
    if (r >= 0)
        r = strv_extend(&activation, environment, false);
    if (r >= 0)
        r = manager_add_job(u->manager, JOB_START, other, JOB_MODE_REPLACE, NULL, &e);
    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Failed to queue unit startup job: %s",
                      e.message ? e.message : strerror(-r));
        return r;
    }
    if (inactive_or_failed(unit_active_state(other))) {
        struct unit_rare *rare = unit_rare(other);
        if (!rare)
            return -ENOMEM;
        strv_free(rare->activation);
        rare->activation = take_ptr(activation);
    }
    return 0;
}

void trigger_save(struct state_writer *w, const struct trigger_state *state, uint8_t result)
{
    state_write(w, "state", state->name);
    state_write_u64(w, "result", result);
}

int trigger_restore(const char *key, const char *value, const struct trigger_state *states,
                    size_t n_states, size_t n_results, uint8_t *state, uint8_t *result)
{
    uint64_t n;

    if (streq(key, "result")) {
        if (state_read_u64(value, &n) < 0 || n >= n_results)
            return -EINVAL;
        *result = (uint8_t) n;
        return 1;
    }
    if (!streq(key, "state"))
        return 0;
    for (n = 0; n < n_states; n++)
        if (streq(states[n].name, value)) {
            *state = (uint8_t) n;
            return 1;
        }
    return -EINVAL;
}
