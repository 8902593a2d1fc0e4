/* From a unit's name to a unit that is read and tied to the others. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/implicit.h"
#include "manager/private.h"
#include "manager/provided.h"
#include "unit/config.h"
#include "unit/load.h"
#include "unit/name.h"

/* ---- the queue ---- */

int manager_stub(struct manager *m, const char *name, struct unit **ret)
{
    struct unit *u = map_get(&m->units, name);

    if (!u) {
        int r = unit_new(m, name, &u);
        if (r < 0)
            return r;
        unit_queue_add(u, QUEUE_LOAD);
        unit_queue_add(u, QUEUE_GC);
    }
    *ret = u;
    return 0;
}

void manager_dispatch_load_queue(struct manager *m)
{
    struct unit *u, *target;

    /* Loading a unit queues those that it names. */
    while ((u = unit_queue_take(m, QUEUE_LOAD)))
        if (u->load_state == LOAD_STUB)
            (void) unit_read(u);
    /* Only once all are loaded it is known which of them want to be ordered. */
    while ((u = unit_queue_take(m, QUEUE_TARGET_ORDER)))
        UNIT_FOREACH_ATOM(target, u, ATOM_ORDERED_BY_TARGET)
    (void) unit_add_default_target_order(u, target);
}

int manager_load_unit(struct manager *m, const char *name, struct unit **ret, struct op_error *e)
{
    struct unit *u;

    if (!unit_name_is_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE)) {
        if (unit_name_is_valid(name, UNIT_NAME_TEMPLATE))
            return op_error_set(e, -EINVAL, "InvalidName",
                                "Unit name %s is missing the instance name.", name);
        return op_error_set(e, -EINVAL, "InvalidName", "Unit name %s is not valid.", name);
    }
    /* A file may have come since the folders were read. */
    u = manager_unit(m, name);
    bool refreshed = (!u || u->load_state == LOAD_NOT_FOUND) && !m->startup &&
                     unit_loader_refresh(m->loader) > 0;
    int r = manager_stub(m, name, &u);
    if (r < 0)
        return op_error_set(e, r, "NoMemory", "Out of memory.");
    u = unit_follow_merge(u);
    if ((u->no_memory || (refreshed && u->load_state == LOAD_NOT_FOUND)) && !u->job)
        (void) unit_reread(u);
    manager_dispatch_load_queue(m);
    *ret = unit_follow_merge(u);
    return 0;
}

/* ---- reading ---- */

/* Takes the names of the config: the unit is renamed to the real one, or becomes part of the unit
 * that has it. */
static int adopt_names(struct unit *u, const struct unit_config *c)
{
    struct manager *m = u->manager;

    if (!streq(c->name, u->id)) {
        struct unit *real = map_get(&m->units, c->name);

        if (real && real != u)
            return unit_merge(real, u) < 0 ? -EEXIST : 1;
        if (!real) {
            int r = unit_add_name(u, c->name);
            if (r < 0)
                return r;
        }
        /* The alias that is the real name changes place with the id. */
        for (char **alias = u->aliases; *alias; alias++)
            if (streq(*alias, c->name)) {
                char *id = *alias;

                *alias = u->id;
                u->id = id;
                break;
            }
        strv_sort(u->aliases);
    }
    STRV_FOREACH (name, c->names) {
        int r = unit_add_name(u, *name);

        if (r == -ENOMEM)
            return r;
        if (r < 0)
            unit_log_text(u, LOG_WARNING, "Cannot take the alias %s: another unit has that name.",
                          *name);
    }
    return 0;
}

static void set_load_error(struct unit *u, const char *text)
{
    (void) str_replace(&u->load_error, text);
    switch ((enum load_state) u->load_state) {
    case LOAD_NOT_FOUND:
        u->load_error_name = "NoSuchUnit";
        break;
    case LOAD_BAD_SETTING:
        u->load_error_name = "BadUnitSetting";
        break;
    case LOAD_ERROR:
        u->load_error_name = "LoadFailed";
        break;
    case LOAD_MASKED:
        u->load_error_name = "UnitMasked";
        break;
    case LOAD_STUB:
    case LOAD_LOADED:
    case LOAD_MERGED:
    case LOAD_STATE_MAX:
        u->load_error_name = NULL;
        break;
    }
}

int unit_load_fault(struct unit *u, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    unit_log_text(u, LOG_ERR, "%s Refusing.", text ? text : "Bad unit file setting.");
    free(u->load_error);
    u->load_error = take_ptr(text);
    return -ENOEXEC;
}

/* `reeve up` is about the units of the folders it was given; the machine's own are only there to be
 * referred to. */
static bool is_bystander(const struct unit *u)
{
    char **folders = u->manager->unit_dirs;

    STRV_FOREACH (folder, folders)
        if (u->config->fragment_path && path_startswith(u->config->fragment_path, *folder))
            return false;
    return folders != NULL;
}

/* What is not run, or is done by reeve itself, has one message: at its start. */
static bool tells_messages(const struct unit *u)
{
    return u->config && !u->not_yet_run && u->ops != &provided_ops && !is_bystander(u);
}

/* "/etc/systemd/system/x.service:3: RootImage=: directive not supported ..." */
static char *message_text(const struct unit_message *msg)
{
    auto_strbuf struct strbuf b = { 0 };

    if (msg->file)
        strbuf_addf(&b, "%s:", msg->file);
    if (msg->file && msg->line)
        strbuf_addf(&b, "%u:", msg->line);
    if (b.length)
        strbuf_add_char(&b, ' ');
    if (msg->directive)
        strbuf_addf(&b, "%s=: ", msg->directive);
    strbuf_add(&b, msg->text);
    if (msg->remedy)
        strbuf_addf(&b, " (%s)", msg->remedy);
    return strbuf_take(&b);
}

static void log_messages(struct unit *u)
{
    const struct unit_config *c = u->config;

    for (unsigned i = 0; tells_messages(u) && i < c->n_messages; i++) {
        if (c->messages[i].level > LOG_NOTICE)
            continue;
        auto_free char *text = message_text(&c->messages[i]);
        unit_log_text(u, c->messages[i].level, "%s", strempty(text));
    }
}

int unit_load_messages(const struct unit *u, char ***ret)
{
    const struct unit_config *c = u->config;
    auto_strv char **list = NULL;

    for (unsigned i = 0; tells_messages(u) && i < c->n_messages; i++) {
        if (c->messages[i].level > LOG_WARNING)
            continue;
        auto_free char *text = message_text(&c->messages[i]);
        if (!text || strv_add(&list, text) < 0)
            return -ENOMEM;
    }
    *ret = take_ptr(list);
    return 0;
}

/* Mounts and devices are there whether or not a file speaks of them, once they are. */
static bool exists_without_file(const struct unit *u)
{
    return u->type == UNIT_DEVICE || active_or_reloading(unit_active_state(u));
}

int unit_read(struct unit *u)
{
    struct manager *m = u->manager;
    struct unit_config *c = NULL;
    int r;

    r = unit_load(m->loader, u->id, &c);
    u->no_memory = r == -ENOMEM;
    if (r < 0) {
        u->load_state = LOAD_ERROR;
        set_load_error(u, r == -ENOMEM ? "Out of memory" : "Not a unit name");
        return r;
    }
    r = adopt_names(u, c);
    if (r != 0) {
        unit_config_free(c);
        if (r > 0)
            return 0; /* u is merged into another unit now */
        u->load_state = LOAD_ERROR;
        u->no_memory = r == -ENOMEM;
        set_load_error(u, r == -ENOMEM ? "Out of memory"
                                       : "The unit's names clash with another loaded unit");
        return r;
    }
    unit_config_free(u->config);
    u->old_config = unit_config_free(u->old_config);
    u->config = c;
    u->transient = c->transient;
    u->load_state = c->load_state;
    /* What reeve is itself needs no file. */
    if (u->ops == &provided_ops ||
        (u->load_state == LOAD_NOT_FOUND &&
         (u->perpetual || u->type == UNIT_SLICE ||
          ((u->type == UNIT_MOUNT || u->type == UNIT_DEVICE) && exists_without_file(u)))))
        u->load_state = LOAD_LOADED;
    set_load_error(u, c->load_error);
    log_messages(u);
    return unit_build(u);
}

int unit_reread(struct unit *u)
{
    u->load_state = LOAD_STUB;
    unit_queue_add(u, QUEUE_LOAD);
    return 0;
}

/* ---- dependencies of the config ---- */

int unit_add_dependency(struct unit *u, enum dependency_kind kind, struct unit *other)
{
    u = unit_follow_merge(u);
    other = unit_follow_merge(other);
    int r = dependency_add(u, kind, other);
    if (r >= 0 && u != other && dependency_add(u, DEP_REFERENCES, other) < 0)
        return -ENOMEM;
    if (r <= 0)
        return r;
    if (dependency_infos[kind].atoms & ATOM_TARGET_ORDERS)
        unit_queue_add(other, QUEUE_TARGET_ORDER);
    if (dependency_infos[kind].atoms & ATOM_ORDERED_BY_TARGET)
        unit_queue_add(u, QUEUE_TARGET_ORDER);
    return r;
}

int unit_add_dependency_name(struct unit *u, enum dependency_kind kind, enum dependency_kind also,
                             const char *name)
{
    struct unit *other;
    int r = manager_stub(u->manager, name, &other);

    if (r < 0)
        return r;
    r = unit_add_dependency(u, kind, other);
    if (r >= 0 && also != DEPENDENCY_KIND_MAX)
        r = unit_add_dependency(u, also, other);
    return r;
}

static const struct {
    enum dependency_kind kind;
    size_t offset;
} config_rows[] = {
    { DEP_REQUIRES, offsetof(struct unit_section, requires) },
    { DEP_REQUISITE, offsetof(struct unit_section, requisite) },
    { DEP_WANTS, offsetof(struct unit_section, wants) },
    { DEP_BINDS_TO, offsetof(struct unit_section, binds_to) },
    { DEP_PART_OF, offsetof(struct unit_section, part_of) },
    { DEP_UPHOLDS, offsetof(struct unit_section, upholds) },
    { DEP_CONFLICTS, offsetof(struct unit_section, conflicts) },
    { DEP_BEFORE, offsetof(struct unit_section, before) },
    { DEP_AFTER, offsetof(struct unit_section, after) },
    { DEP_ON_SUCCESS, offsetof(struct unit_section, on_success) },
    { DEP_ON_FAILURE, offsetof(struct unit_section, on_failure) },
    { DEP_PROPAGATES_RELOAD_TO, offsetof(struct unit_section, propagates_reload_to) },
    { DEP_RELOAD_PROPAGATED_FROM, offsetof(struct unit_section, reload_propagated_from) },
    { DEP_PROPAGATES_STOP_TO, offsetof(struct unit_section, propagates_stop_to) },
    { DEP_STOP_PROPAGATED_FROM, offsetof(struct unit_section, stop_propagated_from) },
    { DEP_JOINS_NAMESPACE_OF, offsetof(struct unit_section, joins_namespace_of) },
};

static int add_config_dependencies(struct unit *u)
{
    for (size_t i = 0; i < ELEMENTSOF(config_rows); i++) {
        char **names = *(char ***) ((char *) u->config->unit + config_rows[i].offset);

        STRV_FOREACH (name, names) {
            int r = unit_add_dependency_name(u, config_rows[i].kind, DEPENDENCY_KIND_MAX, *name);

            if (r == -ENOMEM)
                return r;
            if (r < 0)
                unit_log_text(u, LOG_WARNING, "%s=%s: not the name of a unit, ignoring.",
                              dependency_infos[config_rows[i].kind].name, *name);
        }
    }
    STRV_FOREACH (path, u->config->unit->requires_mounts_for) {
        int r = unit_add_mounts_for(u, *path, false);
        if (r < 0)
            return r;
    }
    STRV_FOREACH (path, u->config->unit->wants_mounts_for) {
        int r = unit_add_mounts_for(u, *path, true);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A target is ordered after what it pulls in, unless one of the two does without default
 * dependencies, or is ordered the other way round (systemd.target(5), DEFAULT DEPENDENCIES). */
int unit_add_default_target_order(struct unit *u, struct unit *target)
{
    if (target->type != UNIT_TARGET || u->load_state != LOAD_LOADED ||
        target->load_state != LOAD_LOADED)
        return 0;
    if ((u->config && !u->config->unit->default_dependencies) ||
        (target->config && !target->config->unit->default_dependencies))
        return 0;
    if (dependency_has(target, DEP_BIT(DEP_BEFORE), u))
        return 0;
    return dependency_add(target, DEP_AFTER, u);
}

void unit_forget_mounts_for(struct unit *u)
{
    if (!u->rare)
        return;
    strv_free(take_ptr(u->rare->requires_mounts_for));
    strv_free(take_ptr(u->rare->wants_mounts_for));
}

int unit_build(struct unit *u)
{
    int r = 0;

    unit_forget_mounts_for(u);
    if (u->load_state == LOAD_LOADED) {
        r = add_config_dependencies(u);
        if (r >= 0)
            r = unit_add_slice_dependencies(u);
        if (r >= 0 && u->ops->load)
            r = u->ops->load(u);
        if (r >= 0 && u->config)
            unit_config_share(u->config);
    }
    if (r < 0) {
        u->load_state = r == -ENOEXEC ? LOAD_BAD_SETTING : LOAD_ERROR;
        if (!u->load_error)
            set_load_error(u, r == -ENOMEM ? "Out of memory" : "Loading failed");
        else
            u->load_error_name = r == -ENOEXEC ? "BadUnitSetting" : "LoadFailed";
        u->no_memory = r == -ENOMEM;
    }
    unit_queue_add(u, QUEUE_TARGET_ORDER);
    unit_queue_add(u, QUEUE_GC);
    if (!u->coldplugged && !u->manager->deserializing) {
        u->coldplugged = true;
        if (u->ops->coldplug)
            (void) u->ops->coldplug(u);
    }
    unit_changed(u);
    return r;
}

int unit_check_load_state(const struct unit *u, struct op_error *e)
{
    switch ((enum load_state) u->load_state) {
    case LOAD_LOADED:
        return 0;
    case LOAD_NOT_FOUND:
        return op_error_set(e, -ENOENT, "NoSuchUnit", "Unit %s not found.", u->id);
    case LOAD_BAD_SETTING:
        return op_error_set(e, -ENOEXEC, "BadUnitSetting", "Unit %s has a bad unit file setting.",
                            u->id);
    case LOAD_ERROR:
        return op_error_set(e, -EIO, "LoadFailed",
                            "Unit %s failed to load properly, please adjust/correct and reload "
                            "service manager: %s",
                            u->id, u->load_error ? u->load_error : "unknown error");
    case LOAD_MASKED:
        return op_error_set(e, -ERFKILL, "UnitMasked", "Unit %s is masked.", u->id);
    case LOAD_STUB:
    case LOAD_MERGED:
    case LOAD_STATE_MAX:
        break;
    }
    return op_error_set(e, -EIO, "LoadFailed", "Unit %s is not loaded properly.", u->id);
}
