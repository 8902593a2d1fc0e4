#include "manager/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "journal/client.h"
#include "launch/track.h"
#include "manager/children.h"
#include "manager/collector.h"
#include "manager/mount.h"
#include "manager/private.h"
#include "manager/state_private.h"
#include "unit/config.h"
#include "unit/directive.h"
#include "unit/load.h"

#define STATE_FD_VARIABLE "REEVE_STATE_FD"

/* ---- saving ---- */

static int keep_as_is(int fd, void *userdata)
{
    return fd;
}

static const char *const time_keys[] = {
    [TIME_GENERATORS_START] = "time-generators", [TIME_GENERATORS_FINISH] = "time-generators-done",
    [TIME_UNITS_LOAD_START] = "time-units-load", [TIME_UNITS_LOAD_FINISH] = "time-units-load-done",
    [TIME_UNITS_LOAD] = "time-reload",
};
static_assert(ELEMENTSOF(time_keys) == MANAGER_TIME_MAX, "a key for every time");

void manager_save_head(struct manager *m, struct state_writer *w)
{
    struct id128 boot;

    state_write_u64(w, "reeve-state", STATE_VERSION);
    if (id128_boot(&boot) >= 0)
        state_write_id(w, "boot", boot);
    state_write_time(w, "start", m->start);
    state_write_time(w, "finish", m->userspace_done);
    state_write_bool(w, "startup-finished", m->startup_finished);
    state_write_bool(w, "boot-due", m->startup);
    state_write_u64(w, "next-job-id", m->next_job_id);
    state_write_u64(w, "failed-jobs", m->n_failed_jobs);
    state_write_u64(w, "installed-jobs", m->n_installed_jobs);
    state_write_u64(w, "reloads", m->n_reloads);
    for (int i = 0; i < MANAGER_TIME_MAX; i++)
        state_write_time(w, time_keys[i], m->times[i]);
    if (log_priority_is_asked_for())
        state_write_i64_always(w, "log-level", log_max_priority());
    state_write_bool(w, "exit-code-set", m->exit_code_set);
    state_write_i64(w, "exit-code", m->exit_code);
    STRV_FOREACH (assignment, m->environment)
        state_write(w, "environment", *assignment);
    if (m->collector) {
        auto_free char *text = collector_client_save(m->collector, keep_as_is, NULL);

        state_write(w, "collector", text);
        state_write_i64(w, "collector-pid", m->collector_pid);
    }
    strbuf_add_char(&w->text, '\n');
}

static void save_job(const struct unit *u, struct state_writer *w)
{
    const struct job *j = u->job;

    if (!j)
        return;
    state_writef(w, "job", "%u %s %s %d %d", j->id, job_type_name(j->type),
                 job_state_name(j->state), j->irreversible, j->ignore_order);
    state_write_time(w, "job-begin", j->begin);
    state_write_time(w, "job-begin-running", j->begin_running);
}

static void save_records(const struct unit *u, struct state_writer *w)
{
    for (const struct invocation_record *r = u->records; r; r = r->next) {
        char id[ID128_TEXT_MAX];

        state_writef(
            w, "record",
            "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %d %d %u %d %d %d %d %d",
            id128_format(r->id, id), r->started.realtime, r->started.monotonic, r->ended.realtime,
            r->ended.monotonic, r->main_pid, r->exit_code, r->exit_status, r->command_index,
            r->exec_status, r->error, r->notify_errno, r->failed, r->first_failure);
        state_write(w, "record-result", r->result);
        state_write(w, "record-command", r->command);
        if (!r->texts)
            continue;
        state_write(w, "record-object", r->texts->object);
        state_write(w, "record-directive", r->texts->directive);
        state_write(w, "record-status-text", r->texts->status_text);
    }
}

static bool job_waits(const struct unit *u)
{
    return u->job && u->job->state == JOB_WAITING;
}

void manager_save_unit(struct unit *u, struct state_writer *w)
{
    state_write(w, "unit", u->id);
    state_write_time(w, "inactive-exit", u->inactive_exit);
    state_write_time(w, "active-enter", u->active_enter);
    state_write_time(w, "active-exit", u->active_exit);
    state_write_time(w, "inactive-enter", u->inactive_enter);
    state_write_time(w, "state-change", u->state_change);
    state_write_time(w, "condition-time", u->condition_time);
    state_write_time(w, "assert-time", u->assert_time);
    state_write_u64(w, "condition-result", u->condition_result);
    state_write_u64(w, "assert-result", u->assert_result);
    STRV_FOREACH (assignment, u->rare ? u->rare->activation : NULL)
        state_write(w, "activation", *assignment);
    state_write(w, "condition-failed", u->condition_failed);
    state_write(w, "assert-failed", u->assert_failed);
    state_write_id(w, "invocation", u->invocation);
    state_write_u64(w, "start-limit-begin", u->start_limit_begin);
    state_write_u64(w, "start-limit-n", u->start_limit_n);
    state_write_bool(w, "start-limit-hit", u->start_limit_hit);
    state_write_u64(w, "freezer", u->freezer);
    state_write_fd(w, "stream-fd", u->stream_fd);
    if (u->stream)
        state_write_u64(w, "stream", collector_stream_id(u->stream));
    for (int i = 0; u->stdio && i < 3; i++)
        state_write_fd(w, "stdio", u->stdio[i]);
    if (u->cpu_usage != UINT64_MAX)
        state_write_u64(w, "cpu-usage", u->cpu_usage);
    if (u->memory_peak != UINT64_MAX)
        state_write_u64(w, "memory-peak", u->memory_peak);
    for (int i = 0; u->rare && i < TRAFFIC_MAX; i++)
        if (u->rare->traffic[i].packets != UINT64_MAX)
            state_writef(w, "traffic", "%d %" PRIu64 " %" PRIu64, i, u->rare->traffic[i].packets,
                         u->rare->traffic[i].bytes);
    if (u->rare && u->rare->uid != (uid_t) -1)
        state_writef(w, "identity", "%u %u", u->rare->uid, u->rare->gid);
    STRV_FOREACH (line, u->rare ? u->rare->degraded : NULL)
        state_write(w, "degraded", *line);
    if (u->tracker) {
        char text[STATE_FD_TEXT_MAX];
        pid_t holder;
        int fd;

        /* The path, since the slice can have changed. */
        state_write(w, "tracked", *tracker_cgroup(u->tracker) ? tracker_cgroup(u->tracker) : "yes");
        for (size_t i = 0; tracker_holder(u->tracker, i, &holder, &fd) >= 0; i++)
            state_writef(w, "holder", "%d %s", holder, state_fd_text(fd, text));
    }
    save_job(u, w);
    save_records(u, w);
    /* One that waits for its first start has nothing more: short, since there are many at a boot.
     */
    if (u->ops->save && (u->state_change.realtime || u->tracker || !job_waits(u)))
        (void) u->ops->save(u, w);
    strbuf_add_char(&w->text, '\n');
}

bool manager_unit_is_worth_saving(const struct unit *u)
{
    return u->load_state != LOAD_STUB && u->load_state != LOAD_MERGED &&
           (!inactive_or_failed(unit_active_state(u)) || u->state_change.realtime || u->job ||
            u->records);
}

int manager_save(struct manager *m, int *ret_fd)
{
    struct state_writer w = { 0 };
    struct unit *u;

    manager_save_head(m, &w);
    MANAGER_FOREACH_UNIT(u, m)
    if (manager_unit_is_worth_saving(u))
        manager_save_unit(u, &w);
    auto_close int fd = memfd_create("reeve-state", MFD_CLOEXEC);
    int r = fd < 0 ? -errno : w.text.failed ? -ENOMEM : 0;
    if (r >= 0)
        r = fd_write_all(fd, strbuf_text(&w.text), w.text.length);
    strbuf_done(&w.text);
    if (r >= 0)
        *ret_fd = take_fd(&fd);
    return r;
}

/* ---- restoring ---- */

static int restore_job(struct unit *u, const char *value)
{
    char type[32], state[16];
    unsigned id;
    int irreversible, ignore_order;

    if (sscanf(value, "%u %31s %15s %d %d", &id, type, state, &irreversible, &ignore_order) != 5)
        return -EINVAL;
    int t = job_type_from_name(type);
    if (t < 0 || t >= JOB_NOP || u->job)
        return -EINVAL;
    /* The id is what clients wait for: job_new() gives the one after this. */
    uint32_t next = u->manager->next_job_id;
    u->manager->next_job_id = id - 1;
    struct job *j = job_new(u, (enum job_type) t);
    u->manager->next_job_id = MAX(next, id);
    if (!j)
        return -ENOMEM;
    j->irreversible = irreversible;
    j->ignore_order = ignore_order;
    j = job_install(j);
    if (streq(state, "running")) {
        j->state = JOB_RUNNING;
        u->manager->n_running_jobs++;
    }
    return 0;
}

static const char *known_text(const char *value)
{
    /* Results and the names of commands are static strings elsewhere: a small pool stands in. */
    static char *pool[64];

    for (size_t i = 0; i < ELEMENTSOF(pool); i++) {
        if (!pool[i])
            pool[i] = strdup(value);
        if (pool[i] && streq(pool[i], value))
            return pool[i];
    }
    return "";
}

static int restore_record(struct unit *u, const char *key, const char *value)
{
    struct invocation_record *last = u->records;

    while (last && last->next)
        last = last->next;
    if (streq(key, "record")) {
        struct invocation_record *r = invocation_record_new();
        char id[ID128_TEXT_MAX];
        int exit_code, exit_status, exec_status, error, failed, first;
        unsigned command_index;

        if (!r)
            return -ENOMEM;
        if (sscanf(value,
                   "%32s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %d %d %d %u %d %d %d %d %d",
                   id, &r->started.realtime, &r->started.monotonic, &r->ended.realtime,
                   &r->ended.monotonic, &r->main_pid, &exit_code, &exit_status, &command_index,
                   &exec_status, &error, &r->notify_errno, &failed, &first) != 14 ||
            id128_parse(id, &r->id) < 0) {
            invocation_record_free(r);
            return -EINVAL;
        }
        r->exit_code = (unsigned) exit_code & 15;
        r->exit_status = (uint8_t) exit_status;
        r->command_index = (uint16_t) command_index;
        r->exec_status = (uint8_t) exec_status;
        r->error = (int16_t) error;
        r->failed = failed;
        r->first_failure = first;
        if (last)
            last->next = r;
        else
            u->records = r;
        return 0;
    }
    if (!last)
        return -EINVAL;
    if (streq(key, "record-result"))
        last->result = known_text(value);
    else if (streq(key, "record-command"))
        last->command = known_text(value);
    else {
        struct record_texts *texts = invocation_record_texts(last);

        if (!texts)
            return -ENOMEM;
        if (streq(key, "record-object"))
            return str_replace(&texts->object, value);
        if (streq(key, "record-directive"))
            return str_replace(&texts->directive, value);
        if (streq(key, "record-status-text"))
            return str_replace(&texts->status_text, value);
    }
    return 0;
}

static int restore_holder(struct unit *u, struct state_reader *reader, const char *value)
{
    struct tracker *t;
    int pid, fd, end = 0;

    if (sscanf(value, "%d %n", &pid, &end) != 1 || end == 0)
        return -EINVAL;
    int r = state_take_fd(reader, value + end, &fd);
    if (r < 0)
        return r;
    r = unit_tracker(u, &t);
    if (r < 0) {
        close(fd);
        return r;
    }
    return tracker_adopt(t, pid, fd);
}

static int restore_u8(const char *value, uint8_t max, uint8_t *ret)
{
    uint64_t n;

    if (state_read_u64(value, &n) < 0 || n > max)
        return -EINVAL;
    *ret = (uint8_t) n;
    return 0;
}

static int restore_traffic(struct unit *u, const char *value)
{
    struct ip_traffic t;
    unsigned i;

    if (sscanf(value, "%u %" SCNu64 " %" SCNu64, &i, &t.packets, &t.bytes) != 3 || i >= TRAFFIC_MAX)
        return -EINVAL;
    return unit_set_traffic(u, (enum traffic) i, t);
}

static int restore_line(struct unit *u, size_t list, const char *value)
{
    struct unit_rare *rare = unit_rare(u);

    return rare ? strv_add((char ***) ((char *) rare + list), value) : -ENOMEM;
}

static int restore_identity(struct unit *u, const char *value)
{
    uid_t uid;
    gid_t gid;

    if (sscanf(value, "%u %u", &uid, &gid) != 2)
        return -EINVAL;
    return unit_set_identity(u, uid, gid);
}

/* One of the three, in order. */
static int restore_stdio(struct unit *u, struct state_reader *reader, const char *value)
{
    if (!u->stdio) {
        u->stdio = new0(int, 3);
        if (!u->stdio)
            return -ENOMEM;
        u->stdio[0] = u->stdio[1] = u->stdio[2] = -1;
    }
    for (int i = 0; i < 3; i++)
        if (u->stdio[i] < 0)
            return state_take_fd(reader, value, &u->stdio[i]);
    return -EINVAL;
}

static int restore_row(struct unit *u, const char *key, const char *value,
                       struct state_reader *reader)
{
    struct manager *m = u->manager;
    struct tracker *t;
    uint64_t n;
    bool b;
    int r;

    const struct {
        const char *key;
        struct dual_time *time;
    } times[] = {
        { "inactive-exit", &u->inactive_exit }, { "active-enter", &u->active_enter },
        { "active-exit", &u->active_exit },     { "inactive-enter", &u->inactive_enter },
        { "state-change", &u->state_change },   { "condition-time", &u->condition_time },
        { "assert-time", &u->assert_time },
    };
    for (size_t i = 0; i < ELEMENTSOF(times); i++)
        if (streq(key, times[i].key))
            return state_read_time(value, times[i].time);
    if (startswith(key, "record"))
        return restore_record(u, key, value);
    if (streq(key, "condition-result"))
        return restore_u8(value, TRIED_TRUE, &u->condition_result);
    if (streq(key, "assert-result"))
        return restore_u8(value, TRIED_TRUE, &u->assert_result);
    if (streq(key, "activation"))
        return restore_line(u, offsetof(struct unit_rare, activation), value);
    if (streq(key, "condition-failed"))
        return str_replace(&u->condition_failed, value);
    if (streq(key, "assert-failed"))
        return str_replace(&u->assert_failed, value);
    if (streq(key, "freezer"))
        return restore_u8(value, FREEZER_STATE_MAX - 1, &u->freezer);
    if (streq(key, "invocation")) {
        r = state_read_id(value, &u->invocation);
        return r < 0 ? r : map_put_u64(&m->invocations, invocation_key(u->invocation), u);
    }
    if (streq(key, "start-limit-begin"))
        return state_read_u64(value, &u->start_limit_begin);
    if (streq(key, "start-limit-n")) {
        r = state_read_u64(value, &n);
        u->start_limit_n = r < 0 ? 0 : (unsigned) n;
        return r;
    }
    if (streq(key, "start-limit-hit")) {
        r = state_read_bool(value, &b);
        u->start_limit_hit = r >= 0 && b;
        return r;
    }
    /* Without its descriptors a stream, and the way to a holder, is found anew. */
    if (m->lost && (streq(key, "stream-fd") || streq(key, "stream") || streq(key, "holder")))
        return 0;
    if (streq(key, "stream-fd"))
        return state_take_fd(reader, value, &u->stream_fd);
    if (streq(key, "stream")) {
        r = state_read_u64(value, &n);
        u->stream = r < 0 || !m->collector ? NULL : collector_stream_find(m->collector, n);
        if (u->stream)
            unit_adopt_stream(u);
        return r;
    }
    if (streq(key, "cpu-usage"))
        return state_read_u64(value, &u->cpu_usage);
    if (streq(key, "memory-peak"))
        return state_read_u64(value, &u->memory_peak);
    if (streq(key, "traffic"))
        return restore_traffic(u, value);
    if (streq(key, "identity"))
        return restore_identity(u, value);
    if (streq(key, "degraded"))
        return restore_line(u, offsetof(struct unit_rare, degraded), value);
    if (streq(key, "stdio"))
        return restore_stdio(u, reader, value);
    if (streq(key, "tracked"))
        return unit_tracker_at(u, *value == '/' ? value : NULL, &t);
    if (streq(key, "holder"))
        return restore_holder(u, reader, value);
    if (streq(key, "job"))
        return restore_job(u, value);
    if (streq(key, "job-begin") && u->job)
        return state_read_time(value, &u->job->begin);
    if (streq(key, "job-begin-running") && u->job)
        return state_read_time(value, &u->job->begin_running);
    return u->ops->restore ? u->ops->restore(u, key, value, reader) : 0;
}

static int restore_manager_row(struct manager *m, const char *key, const char *value)
{
    uint64_t n;
    int r = 0;

    if (streq(key, "start"))
        return state_read_time(value, &m->start);
    if (streq(key, "finish"))
        return state_read_time(value, &m->userspace_done);
    for (int i = 0; i < MANAGER_TIME_MAX; i++)
        if (streq(key, time_keys[i]))
            return state_read_time(value, &m->times[i]);
    if (streq(key, "startup-finished"))
        return state_read_bool(value, &m->startup_finished);
    if (streq(key, "boot-due"))
        return state_read_bool(value, &m->boot_due);
    if (streq(key, "exit-code-set"))
        return state_read_bool(value, &m->exit_code_set);
    if (streq(key, "environment"))
        return strv_env_set(&m->environment, value);
    if (streq(key, "boot") || (m->lost && startswith(key, "collector")))
        return 0;
    if (streq(key, "collector"))
        return collector_client_restore(m->loop, value, &m->collector);
    r = state_read_u64(value, &n);
    if (r < 0)
        return r;
    if (streq(key, "next-job-id"))
        m->next_job_id = (uint32_t) n;
    else if (streq(key, "failed-jobs"))
        m->n_failed_jobs = (uint32_t) n;
    else if (streq(key, "log-level"))
        log_set_max_priority(LOG_PRI((int) n));
    else if (streq(key, "installed-jobs"))
        m->n_installed_jobs = (uint32_t) n;
    else if (streq(key, "reloads"))
        m->n_reloads = (unsigned) n;
    else if (streq(key, "exit-code"))
        m->exit_code = (int) n;
    else if (streq(key, "collector-pid"))
        m->collector_pid = (pid_t) n;
    return 0;
}

/* The unit that a block is about, as it is known to the files now. */
static struct unit *begin_unit(struct manager *m, const char *name)
{
    struct unit *u;

    if (manager_load_unit(m, name, &u, NULL) < 0) {
        log_error("The state of %s is lost: it cannot be loaded", name);
        return NULL;
    }
    return u;
}

/* Which unit the block that begins at p is about: a new string, "" for the manager's own. */
static char *block_name(const char *p)
{
    const char *name = startswith(p, "unit=");

    if (!name)
        name = startswith(p, "gone=");
    return name ? memdup0(name, strcspn(name, "\n")) : strdup("");
}

struct block {
    char *begin;
    char name[];
};

static void forget_blocks(struct map *last)
{
    struct block *b;

    MAP_FOREACH (b, last)
        free(b);
    map_done(last);
}

/* A state that was written bit by bit has several blocks of a unit: the last one counts. */
static int find_last_blocks(char *text, struct map *last)
{
    for (char *p = text; p && *p; p = strstr(p, "\n\n")) {
        p += p == text ? 0 : 2;
        if (!*p)
            break;
        auto_free char *name = block_name(p);
        struct block *b = name ? map_get(last, name) : NULL;

        if (!name)
            return -ENOMEM;
        if (!b) {
            b = malloc(sizeof *b + strlen(name) + 1);
            if (!b)
                return -ENOMEM;
            strcpy(b->name, name);
            if (map_put(last, b->name, b) < 0) {
                free(b);
                return -ENOMEM;
            }
        }
        b->begin = p;
    }
    return 0;
}

static bool is_last_block(const struct map *last, const char *name, const char *line)
{
    const struct block *b = map_get(last, name);

    return b && b->begin == line;
}

static bool is_of_this_boot(const char *text)
{
    char boot[ID128_TEXT_MAX];
    struct id128 id;

    if (id128_boot(&id) < 0)
        return false;
    const char *row = strstr(text, "boot=");
    return row && startswith(row + strlen("boot="), id128_format(id, boot));
}

/* A unit that could not be read for want of memory is read again, since its rows are for naught
 * without its settings. */
static int restore_one(struct manager *m, bool in_manager, const char *key, const char *value,
                       struct state_reader *reader, struct unit **u)
{
    if (in_manager)
        return restore_manager_row(m, key, value);
    if (!streq(key, "unit"))
        return *u ? restore_row(*u, key, value, reader) : 0;
    *u = begin_unit(m, value);
    return !*u || (*u)->no_memory ? -ENOMEM : 0;
}

static void restore_rows(struct manager *m, struct state_reader *reader)
{
    struct map last = { 0 };
    struct unit *u = NULL;
    char *key, *value;
    bool begin = true, skip = false, in_manager = false;
    unsigned patience = ALLOC_PATIENCE;
    int r;

    while (find_last_blocks(reader->text, &last) < 0) {
        forget_blocks(&last);
        if (!alloc_wait(&patience)) {
            log_error("Out of memory: the state of the earlier manager is lost");
            return;
        }
    }
    while (true) {
        char *line = reader->at ? reader->at : reader->text;
        auto_free char *name = NULL;

        while (begin && !(name = block_name(line)) && alloc_wait(&patience))
            ;
        r = state_next(reader, &key, &value);
        if (r == -ENODATA)
            break;
        if (r == 0) {
            begin = true;
            continue;
        }
        if (begin) {
            begin = false;
            u = NULL;
            in_manager = name && !*name;
            skip = !name || !is_last_block(&last, name, line) || streq(key, "gone");
        }
        if (r < 0 || skip)
            continue;
        do
            r = restore_one(m, in_manager, key, value, reader, &u);
        while (r == -ENOMEM && alloc_wait(&patience));
        if (r < 0 && !(m->lost && r == -EBADF))
            log_error("%s: the state \"%s\" of the earlier manager cannot be taken up: %s",
                      u ? u->id : "manager", key, strerror(-r));
    }
    forget_blocks(&last);
}

static void resume_all(struct manager *m)
{
    struct unit *u;

    m->deserializing = false;
    MANAGER_FOREACH_UNIT(u, m)
    {
        u->coldplugged = true;
        if (u->ops->coldplug)
            (void) u->ops->coldplug(u);
        /* The last process that outlived it has ended in between. */
        if (u->ops->has_processes && inactive_or_failed(unit_active_state(u)))
            unit_drop_cgroup(u);
        /* Counts failed units, which unit_notify_state() did not see. */
        unit_count_state(u);
        unit_queue_add(u, QUEUE_GC);
        /* What the earlier manager was about to do for the sake of others. */
        unit_queue_checks(u);
        if (u->job) {
            usec_t begin = u->job->begin.monotonic;

            u->job->begin.monotonic = 0;
            job_start_timer(u->job, false);
            if (begin)
                u->job->begin.monotonic = begin;
            if (u->job->state == JOB_WAITING)
                job_add_to_run_queue(u->job);
        }
    }
}

static struct tracker *on_holder_found(const char *unit, pid_t holder, void *userdata)
{
    struct manager *m = userdata;
    struct tracker *t;
    struct unit *u;

    if (manager_load_unit(m, unit, &u, NULL) < 0 || unit_tracker(u, &t) < 0)
        return NULL;
    return t;
}

/* A supervisor that was killed has left its state in a file, and its processes in their cgroups or
 * with their holders; descriptors are gone with it. */
static int take_over_lost(struct manager *m)
{
    struct state_reader reader;
    auto_close int fd = manager_open_state_file(m, false);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    int r = state_reader_init(&reader, fd);
    /* Given back by itself: a process that is forked now keeps the descriptor until it executes. */
    (void) flock(fd, LOCK_UN);
    if (r < 0)
        return r;
    memset(reader.open, 0, sizeof reader.open);
    if (!is_of_this_boot(reader.text)) {
        state_reader_done(&reader);
        return 0;
    }
    m->deserializing = m->lost = true;
    manager_read_mounts(m);
    manager_dispatch_load_queue(m);
    restore_rows(m, &reader);
    state_reader_done(&reader);
    if (m->tracking.kind == TRACK_HOLDER)
        (void) track_host_find(&m->tracking, on_holder_found, m);
    m->startup = m->lost = false;
    resume_all(m);
    manager_watch_aliens(m);
    collector_start(m);
    log_notice("The manager before this one was killed; took over %u units.", m->n_units);
    return 1;
}

/* What nobody has taken is closed when the loop begins to turn: the control socket has been bound
 * anew by then, so that who waits on the old one, as daemon-reexec does, finds the new one. */
static void close_inherited(struct event_source *s, void *userdata)
{
    struct state_reader *reader = userdata;

    state_reader_close_rest(reader);
    state_reader_done(reader);
    free(reader);
    event_source_free(s);
}

static void close_inherited_later(struct manager *m, struct state_reader *reader)
{
    struct event_source *source;

    /* A unit may be started before: its processes would keep the connection that is waited on.
     * Pinned by test_start_that_comes_with_a_reexec_keeps_no_connection. */
    state_reader_own_rest(reader);
    struct state_reader *kept = memdup0(reader, sizeof *reader);
    if (kept && event_add_post(m->loop, close_inherited, kept, &source) >= 0)
        return;
    free(kept);
    state_reader_close_rest(reader);
    state_reader_done(reader);
}

/* They were killed just now; how long that takes is not ours to say. */
static void wait_until_empty(const struct tracker *t)
{
    const struct timespec step = { .tv_nsec = 1000000 };

    for (int i = 0; i < 100 && !tracker_is_empty(t); i++)
        (void) nanosleep(&step, NULL);
}

/* A cgroup that the state does not know is of a start that was not written down before the crash.
 * Where its job was, the start is done again, without the processes of the first; else these are
 * known as left over. An empty one is removed. */
static void on_cgroup_found(const char *path, const char *unit, void *userdata)
{
    struct manager *m = userdata;
    struct tracker *t;
    struct unit *u;

    if (manager_load_unit(m, unit, &u, NULL) < 0 || !u->ops->has_processes || u->tracker ||
        unit_tracker_at(u, path, &t) < 0)
        return;
    bool again = u->job && (u->job->type == JOB_START || u->job->type == JOB_RESTART);
    if (again && !tracker_is_empty(t)) {
        unit_log_text(u, LOG_NOTICE, "The start that was interrupted by a crash is done again.");
        (void) tracker_kill(t, SIGKILL, NULL, 0);
        wait_until_empty(t);
    } else if (!tracker_is_empty(t))
        unit_log_text(u, LOG_WARNING,
                      "Processes of a start that was lost in a crash are left over.");
    else if (inactive_or_failed(unit_active_state(u)))
        unit_drop_cgroup(u);
    unit_queue_add(u, QUEUE_GC);
}

int manager_take_over(struct manager *m)
{
    const char *number = getenv(STATE_FD_VARIABLE);
    struct state_reader reader;
    uint64_t fd;

    if (m->test)
        return 0;
    if (!number && (m->role == MANAGER_SUPERVISOR || m->role == MANAGER_USER))
        return take_over_lost(m);
    if (!number || parse_u64_base(number, 10, &fd) < 0 || fd > STATE_FD_MAX)
        return 0;
    unsetenv(STATE_FD_VARIABLE);
    unsigned patience = ALLOC_PATIENCE;
    int r;
    do
        r = state_reader_init(&reader, (int) fd);
    while (r == -ENOMEM && alloc_wait(&patience));
    if (r < 0)
        return r;
    m->deserializing = true;
    /* First what is there without us: the units of mounts. */
    manager_read_mounts(m);
    manager_dispatch_load_queue(m);
    restore_rows(m, &reader);
    close_inherited_later(m, &reader);
    close((int) fd);
    m->startup = false;
    resume_all(m);
    if (m->tracking.kind == TRACK_CGROUP)
        cgroup_each_service(&m->tracking.cgroup, on_cgroup_found, m);
    manager_reap(m);
    collector_resume(m);
    log_info("Took over %u units from the manager before this one.", m->n_units);
    return 1;
}

/* Reads every row, and takes none: what a program of another version would stumble over shows. */
int manager_check_state(int fd)
{
    struct state_reader reader;
    char *key, *value;
    uint64_t version = 0;
    int k, r = state_reader_init(&reader, fd);

    if (r < 0)
        return r;
    while ((k = state_next(&reader, &key, &value)) != -ENODATA)
        if (k > 0 && streq(key, "reeve-state"))
            r = state_read_u64(value, &version);
        else if (k < 0)
            r = k;
    state_reader_done(&reader);
    if (version != STATE_VERSION)
        return -EPROTO;
    return r;
}
