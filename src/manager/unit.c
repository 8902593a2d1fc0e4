/* Units: made, named, merged, asked for their state. */
#include "manager/unit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "journal/client.h"
#include "launch/track.h"
#include "manager/checkpoint.h"
#include "manager/forgotten.h"
#include "manager/private.h"
#include "manager/provided.h"
#include "manager/transient.h"
#include "unit/config.h"
#include "unit/load.h"
#include "unit/manager-config.h"
#include "unit/name.h"

static const char *const active_state_names[ACTIVE_STATE_MAX] = {
    [ACTIVE_ACTIVE] = "active",           [ACTIVE_RELOADING] = "reloading",
    [ACTIVE_INACTIVE] = "inactive",       [ACTIVE_FAILED] = "failed",
    [ACTIVE_ACTIVATING] = "activating",   [ACTIVE_DEACTIVATING] = "deactivating",
    [ACTIVE_MAINTENANCE] = "maintenance", [ACTIVE_REFRESHING] = "refreshing",
};

const char *active_state_name(enum active_state s)
{
    return active_state_names[s];
}

/* ---- errors ---- */

void op_error_done(struct op_error *e)
{
    free(e->message);
    *e = (struct op_error){ 0 };
}

int op_error_set(struct op_error *e, int r, const char *name, const char *fmt, ...)
{
    va_list ap;

    if (!e || e->name)
        return r;
    va_start(ap, fmt);
    e->message = vformat(fmt, ap);
    va_end(ap);
    e->name = name;
    return r;
}

/* ---- life ---- */

int unit_new(struct manager *m, const char *name, struct unit **ret)
{
    int type = unit_name_type(name);

    if (type < 0 || !unit_name_is_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return -EINVAL;
    if (unit_queue_reserve(m) < 0)
        return -ENOMEM;

    const struct unit_ops *ops = provided_find(name) ? &provided_ops : unit_ops_table[type];
    struct unit *u = calloc(1, ops->object_size);
    if (!u)
        return -ENOMEM;
    u->manager = m;
    u->ops = ops;
    u->type = (uint8_t) type;
    u->load_state = LOAD_STUB;
    u->stream_fd = -1;
    u->cpu_usage = u->memory_peak = UINT64_MAX;
    u->id = strdup(name);
    if (!u->id || map_put(&m->units, u->id, u) < 0) {
        free(u->id);
        free(u);
        return -ENOMEM;
    }
    m->n_units++;
    if (ops->init)
        ops->init(u);
    u->records = forgotten_take(m, u->id);
    manager_tell(m, EVENT_UNIT_NEW, u, NULL);
    *ret = u;
    return 0;
}

static void drop_name(struct manager *m, const char *name, const struct unit *u)
{
    if (map_get(&m->units, name) == u)
        map_remove(&m->units, name);
}

static struct pool records = POOL_OF(struct invocation_record);

struct invocation_record *invocation_record_new(void)
{
    return pool_take(&records);
}

void invocation_record_free(struct invocation_record *r)
{
    if (r->texts) {
        free(r->texts->object);
        free(r->texts->directive);
        free(r->texts->status_text);
        strv_free(r->texts->notifications);
        free(r->texts);
    }
    pool_give(&records, r);
}

struct record_texts *invocation_record_texts(struct invocation_record *r)
{
    if (!r->texts)
        r->texts = new0(struct record_texts, 1);
    return r->texts;
}

struct unit_rare *unit_rare(struct unit *u)
{
    struct unit_rare *rare = u->rare;

    if (rare)
        return rare;
    rare = u->rare = new0(struct unit_rare, 1);
    if (!rare)
        return NULL;
    for (int i = 0; i < TRAFFIC_MAX; i++)
        rare->traffic[i] = NO_TRAFFIC;
    rare->uid = (uid_t) -1;
    rare->gid = (gid_t) -1;
    return rare;
}

static void rare_free(struct unit_rare *rare)
{
    if (!rare)
        return;
    strv_free(rare->requires_mounts_for);
    strv_free(rare->wants_mounts_for);
    strv_free(rare->activation);
    strv_free(rare->degraded);
    event_source_free(rare->automatic_again);
    free(rare);
}

void unit_free(struct unit *u)
{
    struct manager *m = u->manager;

    assert(!u->job && !u->nop_job);
    if (u->load_state != LOAD_MERGED && !m->freeing) {
        manager_tell(m, EVENT_UNIT_REMOVED, u, NULL);
        checkpoint_unit(m, u, true);
        if (u->records && forgotten_keep(m, u->id, u->records) == 0)
            u->records = NULL;
    }
    if (!m->freeing)
        transient_remove(u);
    unit_unwatch_all_pids(u);
    unit_close_stream(u);
    if (u->ops->done)
        u->ops->done(u);
    unit_queue_remove_all(u);
    dependency_drop_all(u);
    if (u->in_failed_set)
        m->n_failed--;
    map_remove_u64(&m->invocations, invocation_key(u->invocation));
    drop_name(m, u->id, u);
    STRV_FOREACH (alias, u->aliases)
        drop_name(m, *alias, u);
    if (u->tracker) {
        (void) tracker_remove(u->tracker);
        tracker_free(u->tracker);
    }
    while (u->records) {
        struct invocation_record *r = u->records;

        u->records = r->next;
        invocation_record_free(r);
    }
    unit_config_free(u->config);
    free(u->load_error);
    unit_forget_mounts_for(u);
    rare_free(u->rare);
    free(u->condition_failed);
    free(u->assert_failed);
    strv_free(u->aliases);
    free(u->id);
    free(u);
    m->n_units--;
}

/* ---- names ---- */

struct unit *unit_follow_merge(struct unit *u)
{
    while (u->merged_into)
        u = u->merged_into;
    return u;
}

int unit_add_name(struct unit *u, const char *name)
{
    struct manager *m = u->manager;
    struct unit *holder = map_get(&m->units, name);

    if (holder == u)
        return 0;
    if (holder)
        return unit_merge(u, holder);

    auto_free char *copy = strdup(name);
    if (!copy || map_put(&m->units, copy, u) < 0)
        return -ENOMEM;
    if (strv_push(&u->aliases, copy) < 0) {
        map_remove(&m->units, name);
        copy = NULL; /* freed by strv_push() */
        return -ENOMEM;
    }
    copy = NULL;
    strv_sort(u->aliases);
    return 0;
}

int unit_merge(struct unit *u, struct unit *other)
{
    struct manager *m = u->manager;

    if (u == other)
        return 0;
    if (u->type != other->type || other->job || other->nop_job ||
        !inactive_or_failed(unit_active_state(other)) ||
        (other->load_state != LOAD_STUB && other->load_state != LOAD_NOT_FOUND))
        return -EEXIST;

    int r = dependency_move(other, u);
    if (r < 0)
        return r;
    auto_free char *copy = strdup(other->id);
    if (!copy)
        return -ENOMEM;
    char *key = copy;
    r = strv_push(&u->aliases, take_ptr(copy));
    if (r < 0)
        return r;
    (void) map_put(&m->units, key, u); /* there is an entry: it only changes, which needs no room */
    STRV_FOREACH (alias, other->aliases)
        drop_name(m, *alias, other);
    u->ref_count += other->ref_count;
    other->merged_into = u;
    other->load_state = LOAD_MERGED;
    unit_queue_add(other, QUEUE_GC);
    return 0;
}

const char *unit_description(const struct unit *u)
{
    if (u->config && !isempty(u->config->unit->description))
        return u->config->unit->description;
    const char *text = provided_description(u->id);
    return text ? text : u->id;
}

const char *unit_status_string(const struct unit *u)
{
    static char text[512];
    const char *description = unit_description(u);
    /* The default of Debian's builds. */
    int format = u->manager->config ? u->manager->config->status_unit_format
                                    : STATUS_FORMAT_COMBINED;

    if (format == STATUS_FORMAT_NAME || streq(description, u->id))
        return u->id;
    if (format == STATUS_FORMAT_DESCRIPTION)
        return description;
    snprintf(text, sizeof text, "%s - %s", u->id, description);
    return text;
}

/* ---- look-up ---- */

struct unit *manager_unit(struct manager *m, const char *name)
{
    return map_get(&m->units, name);
}

struct unit *manager_next_unit(const struct manager *m, size_t *position)
{
    const char *key;
    struct unit *u;

    while ((u = map_next(&m->units, position, &key)))
        if (key == u->id)
            return u;
    return NULL;
}

const struct map *manager_units(const struct manager *m)
{
    return &m->units;
}

const struct map *manager_jobs(const struct manager *m)
{
    return &m->jobs;
}

size_t manager_failed_units(const struct manager *m)
{
    return m->n_failed;
}

struct unit *manager_unit_by_invocation(struct manager *m, struct id128 id)
{
    struct unit *u = map_get_u64(&m->invocations, invocation_key(id));

    return u && id128_equal(u->invocation, id) ? u : NULL;
}

/* ---- state ---- */

enum active_state unit_active_state(const struct unit *u)
{
    return u->ops->active_state(u);
}

const char *unit_sub_state(const struct unit *u)
{
    return u->ops->sub_state(u);
}

bool unit_will_restart(const struct unit *u)
{
    return u->ops->will_restart && u->ops->will_restart(u);
}

bool unit_stop_pending(const struct unit *u)
{
    return u->job && u->job->type == JOB_STOP;
}

bool unit_inactive_or_pending(const struct unit *u)
{
    if (u->job)
        return u->job->type == JOB_STOP || u->job->type == JOB_RESTART;
    return inactive_or_deactivating(unit_active_state(u));
}

bool unit_active_or_pending(const struct unit *u)
{
    if (u->job && (u->job->type == JOB_START || u->job->type == JOB_RESTART ||
                   u->job->type == JOB_RELOAD_OR_START))
        return true;
    return active_or_activating(unit_active_state(u));
}

bool unit_can_start(const struct unit *u)
{
    if (u->load_state != LOAD_LOADED)
        return false;
    return u->perpetual || u->ops->start != NULL;
}

bool unit_can_stop(const struct unit *u)
{
    return !u->perpetual && u->ops->stop != NULL;
}

bool unit_can_reload(const struct unit *u)
{
    struct unit *other;

    if (u->ops->can_reload)
        return u->ops->can_reload(u);
    /* A unit that hands reloads on can be reloaded. */
    UNIT_FOREACH_ATOM(other, u, ATOM_PROPAGATES_RELOAD_TO)
    return true;
    return u->ops->reload != NULL;
}

bool unit_can_isolate(const struct unit *u)
{
    return unit_can_start(u) && u->config && u->config->unit->allow_isolate;
}

bool unit_need_daemon_reload(struct unit *u)
{
    struct unit_loader *loader = u->manager->loader;

    if (!u->config || !loader)
        return false;
    /* Drop-ins that are new since the folders were read count. */
    (void) unit_loader_refresh(loader);
    return unit_needs_reload(loader, u->config);
}

void unit_ref(struct unit *u)
{
    u->ref_count++;
}

void unit_unref(struct unit *u)
{
    u = unit_follow_merge(u);
    assert(u->ref_count > 0);
    if (--u->ref_count == 0)
        unit_queue_add(u, QUEUE_GC);
}

void unit_changed(struct unit *u)
{
    if (u->load_state == LOAD_STUB)
        return;
    unit_queue_add(u, QUEUE_CHANGED);
    unit_queue_add(u, QUEUE_SAVE);
}

void unit_new_invocation(struct unit *u)
{
    struct manager *m = u->manager;

    map_remove_u64(&m->invocations, invocation_key(u->invocation));
    u->invocation = id128_random();
    if (u->rare)
        strv_free(take_ptr(u->rare->degraded));
    unit_note_missing_resources(u);
    /* Out of memory, only the look-up by id is lost. */
    (void) map_put_u64(&m->invocations, invocation_key(u->invocation), u);
    unit_changed(u);
}

/* ---- records of ended invocations ---- */

void unit_add_record(struct unit *u, struct invocation_record *r)
{
    struct invocation_record **p;
    unsigned n = 0;
    bool first_known = false;

    for (struct invocation_record *i = u->records; i; i = i->next)
        first_known |= i->first_failure;
    if (r->failed && !first_known)
        r->first_failure = true;
    r->next = u->records;
    u->records = r;

    for (p = &u->records; *p;) {
        struct invocation_record *i = *p;

        if (i->first_failure || ++n <= UNIT_RECORDS_MAX) {
            p = &i->next;
            continue;
        }
        *p = i->next;
        invocation_record_free(i);
    }
    if (u->manager->collector)
        collector_invocation_ended(u->manager->collector, u->id, r->id, r->failed);
}

void unit_end_series(struct unit *u)
{
    for (struct invocation_record *i = u->records; i; i = i->next)
        i->first_failure = false;
    if (u->manager->collector)
        collector_series_end(u->manager->collector, u->id);
}
