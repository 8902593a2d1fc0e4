/* Timers (systemd.timer(5)): when each of their times comes next, and what follows when it has
 * come.
 *
 * A timer waits on two clocks at once: calendar events on the wall clock, all others on the
 * monotonic one. Whatever may move a time (the unit that is set off changes state, the clock is
 * set, files are read anew) leads to enter_waiting(), which works all of them out again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "event/event.h"
#include "manager/private.h"
#include "manager/state.h"
#include "manager/trigger.h"
#include "unit/config.h"
#include "unit/virt.h"

enum timer_state {
    TIMER_DEAD,
    TIMER_WAITING,
    TIMER_RUNNING,
    TIMER_ELAPSED,
    TIMER_FAILED,
    TIMER_STATE_MAX,
};

static const struct trigger_state states[TIMER_STATE_MAX] = {
    [TIMER_DEAD] = { "dead", ACTIVE_INACTIVE },     [TIMER_WAITING] = { "waiting", ACTIVE_ACTIVE },
    [TIMER_RUNNING] = { "running", ACTIVE_ACTIVE }, [TIMER_ELAPSED] = { "elapsed", ACTIVE_ACTIVE },
    [TIMER_FAILED] = { "failed", ACTIVE_FAILED },
};

enum timer_result {
    TIMER_SUCCESS,
    TIMER_FAILURE_RESOURCES,
    TIMER_FAILURE_START_LIMIT,
    TIMER_RESULT_MAX,
};

static const char *const results[TIMER_RESULT_MAX] = {
    [TIMER_SUCCESS] = "success",
    [TIMER_FAILURE_RESOURCES] = "resources",
    [TIMER_FAILURE_START_LIMIT] = "start-limit-hit",
};

/* What is known of one time of the unit's file, in their order. */
struct timer_time {
    usec_t next;   /* on its clock; 0: not known, USEC_INFINITY: never again */
    bool disabled; /* came once, and does not come again */
};

struct timer {
    struct unit unit;
    uint8_t state;  /* enum timer_state: assigned by set_state() alone */
    uint8_t result; /* enum timer_result */
    uint8_t restored;
    struct timer_time *times;
    size_t n_times;
    struct dual_time last_trigger;
    usec_t next_realtime, next_monotonic;
    struct event_source *realtime, *monotonic, *clock_change;
    struct event_source *alarm; /* WakeSystem=; NULL */
    int alarm_fd;
    char *stamp; /* Persistent=: the file whose time is that of the last trigger; NULL */
};

static struct timer *TIMER(const struct unit *u)
{
    return (struct timer *) u;
}

static const struct timer_config *timer_config(const struct timer *t)
{
    return t->unit.config->timer;
}

/* ---- state ---- */

static enum active_state timer_active_state(const struct unit *u)
{
    return states[TIMER(u)->state].active;
}

/* Where the machine cannot be woken (no clock that could, no privilege) the timer waits as others
 * do. */
static void give_up_alarm(struct timer *t, int error)
{
    t->alarm = event_source_free(t->alarm);
    t->alarm_fd = close_fd(t->alarm_fd);
    unit_note_degraded(&t->unit, "WakeSystem", NULL, error);
}

/* WakeSystem=: the one clock that wakes a machine which sleeps, and counts meanwhile. Set to when
 * the first of the two others would come. */
static void set_alarm(struct timer *t)
{
    usec_t span = MIN(usec_sub(t->next_monotonic, now_usec(CLOCK_MONOTONIC)),
                      usec_sub(t->next_realtime, now_usec(CLOCK_REALTIME)));
    struct itimerspec at = { 0 };

    if (!t->alarm)
        return;
    if (MIN(t->next_monotonic, t->next_realtime) != USEC_INFINITY) {
        span = MAX(span, 1u);
        at.it_value.tv_sec = (time_t) (span / USEC_PER_SEC);
        at.it_value.tv_nsec = (long) (span % USEC_PER_SEC) * 1000;
    }
    if (timerfd_settime(t->alarm_fd, 0, &at, NULL) < 0)
        give_up_alarm(t, -errno);
}

static void set_state(struct timer *t, enum timer_state state)
{
    enum timer_state old = t->state;

    if (state != TIMER_WAITING) {
        if (t->realtime)
            event_source_disable(t->realtime);
        if (t->monotonic)
            event_source_disable(t->monotonic);
        t->next_realtime = t->next_monotonic = USEC_INFINITY;
        set_alarm(t);
    }
    t->state = (uint8_t) state;
    unit_notify_state(&t->unit, states[old].active, states[state].active, false);
}

static void enter_dead(struct timer *t, enum timer_result result)
{
    if (t->result == TIMER_SUCCESS)
        t->result = (uint8_t) result;
    if (t->result == TIMER_SUCCESS)
        unit_message_success(&t->unit);
    else
        unit_log(&t->unit, MSG_UNIT_FAILED, 0, "UNIT_RESULT", results[t->result], NULL);
    set_state(t, t->result == TIMER_SUCCESS ? TIMER_DEAD : TIMER_FAILED);
}

/* ---- Persistent= ---- */

static int stamp_path(struct unit *u, char **ret)
{
    const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");

    if (!u->manager->user)
        *ret = format("/var/lib/systemd/timers/stamp-%s", u->id);
    else if (data && path_is_absolute(data))
        *ret = format("%s/systemd/timers/stamp-%s", data, u->id);
    else if (home)
        *ret = format("%s/.local/share/systemd/timers/stamp-%s", home, u->id);
    else
        return -ENXIO;
    return *ret ? 0 : -ENOMEM;
}

/* Gives the file the time of the last trigger, so that it outlives the machine. */
static void touch_stamp(struct timer *t)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
    usec_t at = t->last_trigger.realtime;

    if (!t->stamp)
        return;
    if (at > 0)
        times[1] = (struct timespec){ (time_t) (at / USEC_PER_SEC),
                                      (long) (at % USEC_PER_SEC) * 1000 };
    times[0] = times[1];
    auto_free char *folder = strdup(t->stamp);
    if (folder) {
        *strrchr(folder, '/') = '\0';
        (void) mkdir_all(folder, 0755);
    }
    auto_close int fd = open(t->stamp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW,
                             0644);
    if (fd < 0 || futimens(fd, times) < 0)
        unit_log_text(&t->unit, LOG_WARNING, "Failed to update the time of %s: %s", t->stamp,
                      strerror(errno));
}

static void read_stamp(struct timer *t)
{
    struct stat st;

    if (!t->stamp)
        return;
    if (stat(t->stamp, &st) < 0) {
        touch_stamp(t);
        return;
    }
    usec_t at = (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t) st.st_mtim.tv_nsec / 1000;
    t->last_trigger.realtime = MIN(at, now_usec(CLOCK_REALTIME));
    if (at > t->last_trigger.realtime)
        unit_log_text(&t->unit, LOG_WARNING, "The time of %s is in the future: now is taken.",
                      t->stamp);
}

/* ---- when ---- */

static void enter_running(struct timer *t);

static void time_has_come(struct event_source *source, usec_t due, void *userdata)
{
    struct timer *t = userdata;

    if (t->state != TIMER_WAITING)
        return;
    unit_log_text(&t->unit, LOG_DEBUG, "Timer elapsed.");
    enter_running(t);
}

static usec_t random_delay(const struct timer *t)
{
    usec_t max = timer_config(t)->randomized_delay_sec;
    uint64_t random = 0;

    if (max == 0 || max == USEC_INFINITY)
        return 0;
    if (timer_config(t)->fixed_random_delay) {
        struct id128 machine = { 0 };

        (void) id128_machine(t->unit.manager->root, &machine);
        return siphash24(t->unit.id, strlen(t->unit.id), machine.bytes) % max;
    }
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
        random = now_usec(CLOCK_MONOTONIC);
    return random % max;
}

/* The point that a monotonic time counts from; 0 where there is none yet. */
static usec_t base_of(const struct timer *t, enum timer_kind kind, const struct unit *other,
                      usec_t now)
{
    switch (kind) {
    case TIMER_ACTIVE:
        return states[t->state].active == ACTIVE_ACTIVE ? t->unit.inactive_exit.monotonic : now;
    case TIMER_BOOT:
        /* In a container the machine's boot is not ours. */
        if (virt_container())
            return t->unit.manager->start.monotonic;
        return 1; /* CLOCK_MONOTONIC counts from there */
    case TIMER_STARTUP:
        return t->unit.manager->start.monotonic;
    case TIMER_UNIT_ACTIVE:
        return MAX(other->inactive_exit.monotonic, t->last_trigger.monotonic);
    case TIMER_UNIT_INACTIVE:
        return MAX(other->inactive_enter.monotonic, t->last_trigger.monotonic);
    case TIMER_CALENDAR:
    case TIMER_KIND_MAX:
        break;
    }
    assert_unreachable();
}

/* The point after which a calendar event is looked for: what was missed since the last time comes
 * at once. */
static usec_t calendar_base(const struct timer *t, const struct unit *other, usec_t now)
{
    usec_t base = now;

    if (t->last_trigger.realtime > 0)
        base = t->last_trigger.realtime;
    else if (states[t->state].active == ACTIVE_ACTIVE && t->unit.inactive_exit.realtime > 0)
        base = t->unit.inactive_exit.realtime;
    if (timer_config(t)->defer_reactivation)
        base = MAX(base, other->inactive_enter.realtime);
    return MIN(base, now); /* the clock was set back */
}

static void next_of_calendar(const struct timer *t, const struct timer_spec *spec,
                             struct timer_time *time, usec_t base)
{
    struct calendar *c = NULL;

    time->next = USEC_INFINITY;
    if (calendar_parse(spec->calendar, &c) < 0)
        return; /* it was valid when the file was read: memory is out, the next change tries again
                 */
    (void) calendar_next(c, base, &time->next);
    calendar_free(c);
}

static int set_source(struct timer *t, clockid_t clock, usec_t at, struct event_source **source)
{
    if (at == USEC_INFINITY) {
        if (*source)
            event_source_disable(*source);
        return 0;
    }
    if (*source) {
        event_source_set_time(*source, at);
        return 0;
    }
    return event_add_time(manager_loop(t->unit.manager), clock, at, time_has_come, t, source);
}

static void on_alarm(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    uint64_t n;

    if (read(fd, &n, sizeof n) > 0)
        time_has_come(source, 0, userdata);
}

static void open_alarm(struct timer *t)
{
    if (t->alarm || !timer_config(t)->wake_system)
        return;
    /* The kernel has the timer without a clock that wakes, too, but not the clock. */
    bool wakes = clock_getres(CLOCK_BOOTTIME_ALARM, NULL) == 0;
    t->alarm_fd = wakes ? timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC | TFD_NONBLOCK) : -1;
    int r = !wakes            ? -EOPNOTSUPP
            : t->alarm_fd < 0 ? -errno
                              : event_add_io(manager_loop(t->unit.manager), t->alarm_fd, EPOLLIN,
                                             on_alarm, t, &t->alarm);
    if (r < 0)
        give_up_alarm(t, r);
}

/* `initial`: the timer is being started. A time that has passed by then comes at once, if it counts
 * from the boot or the start; later on it has been. */
static void enter_waiting(struct timer *t, bool initial, bool clock_was_set)
{
    const struct unit *other = trigger_unit(&t->unit);
    usec_t now = now_usec(CLOCK_MONOTONIC), realtime_now = now_usec(CLOCK_REALTIME);
    usec_t realtime = USEC_INFINITY, monotonic = USEC_INFINITY;
    bool follows_unit = false;
    size_t i = 0;

    if (!other) {
        unit_log_text(&t->unit, LOG_ERR, "Unit to trigger vanished.");
        enter_dead(t, TIMER_FAILURE_RESOURCES);
        return;
    }
    open_alarm(t);
    for (const struct timer_spec *spec = timer_config(t)->timers; spec && i < t->n_times;
         spec = spec->next, i++) {
        struct timer_time *time = &t->times[i];

        if (time->disabled)
            continue;
        if (spec->kind == TIMER_CALENDAR) {
            next_of_calendar(t, spec, time, calendar_base(t, other, realtime_now));
            realtime = MIN(realtime, time->next);
            continue;
        }
        bool of_unit = spec->kind == TIMER_UNIT_ACTIVE || spec->kind == TIMER_UNIT_INACTIVE;
        follows_unit = follows_unit || of_unit;
        usec_t base = base_of(t, spec->kind, other, now);
        if (base == 0)
            continue;
        time->next = usec_add(base, spec->value);
        if (!initial && !clock_was_set && !of_unit && time->next < now) {
            time->disabled = true;
            continue;
        }
        monotonic = MIN(monotonic, time->next);
    }

    if (realtime == USEC_INFINITY && monotonic == USEC_INFINITY &&
        !timer_config(t)->on_clock_change && !timer_config(t)->on_timezone_change) {
        /* One that follows its unit has times again when that changes. */
        set_state(t, timer_config(t)->remain_after_elapse || follows_unit ? TIMER_ELAPSED
                                                                          : TIMER_DEAD);
        return;
    }
    t->next_realtime = usec_add(realtime, random_delay(t));
    t->next_monotonic = usec_add(monotonic, random_delay(t));
    if (set_source(t, CLOCK_REALTIME, t->next_realtime, &t->realtime) < 0 ||
        set_source(t, CLOCK_MONOTONIC, t->next_monotonic, &t->monotonic) < 0) {
        unit_log_text(&t->unit, LOG_ERR, "Out of memory: the timer cannot wait.");
        enter_dead(t, TIMER_FAILURE_RESOURCES);
        return;
    }
    set_alarm(t);
    set_state(t, TIMER_WAITING);
}

static void enter_running(struct timer *t)
{
    auto_strv char **environment = NULL;

    if (unit_stop_pending(&t->unit))
        return;
    t->last_trigger = dual_now();
    if (strv_addf(&environment, "TRIGGER_TIMER_REALTIME_USEC=%ju",
                  (uintmax_t) t->last_trigger.realtime) < 0 ||
        strv_addf(&environment, "TRIGGER_TIMER_MONOTONIC_USEC=%ju",
                  (uintmax_t) t->last_trigger.monotonic) < 0 ||
        trigger_fire(&t->unit, environment) < 0) {
        enter_dead(t, TIMER_FAILURE_RESOURCES);
        return;
    }
    touch_stamp(t);
    set_state(t, TIMER_RUNNING);
}

static void time_is_another(struct timer *t, bool sets_off)
{
    if (t->state != TIMER_WAITING)
        return;
    if (sets_off) {
        enter_running(t);
        return;
    }
    unit_log_text(&t->unit, LOG_DEBUG, "Time change, recalculating next elapse.");
    enter_waiting(t, false, true);
}

static void clock_was_set(struct event_source *source, void *userdata)
{
    struct timer *t = userdata;

    time_is_another(t, timer_config(t)->on_clock_change);
}

static void timer_timezone_changed(struct unit *u)
{
    if (u->config)
        time_is_another(TIMER(u), timer_config(TIMER(u))->on_timezone_change);
}

static void timer_triggered_changed(struct unit *u, struct unit *other)
{
    struct timer *t = TIMER(u);
    size_t i = 0;

    if (other->load_state != LOAD_LOADED || !u->config)
        return;
    for (const struct timer_spec *spec = timer_config(t)->timers; spec && i < t->n_times;
         spec = spec->next, i++)
        if (spec->kind == TIMER_UNIT_ACTIVE || spec->kind == TIMER_UNIT_INACTIVE)
            t->times[i].disabled = false;
    switch ((enum timer_state) t->state) {
    case TIMER_WAITING:
    case TIMER_ELAPSED:
        enter_waiting(t, false, false);
        break;
    case TIMER_RUNNING:
        if (inactive_or_failed(unit_active_state(other)) && !unit_will_restart(other))
            enter_waiting(t, false, false);
        break;
    case TIMER_DEAD:
    case TIMER_FAILED:
    case TIMER_STATE_MAX:
        break;
    }
}

/* ---- what the manager asks ---- */

static int watch_clock(struct timer *t)
{
    int r = manager_watch_timezone(t->unit.manager);

    if (r < 0)
        unit_log_text(&t->unit, LOG_WARNING, "Changes of the time zone cannot be watched: %s",
                      strerror(-r));
    return t->clock_change ? 0
                           : event_add_clock_change(manager_loop(t->unit.manager), clock_was_set, t,
                                                    &t->clock_change);
}

static int timer_load(struct unit *u)
{
    struct timer *t = TIMER(u);
    const struct timer_config *c = u->config->timer;
    bool calendar = false;
    size_t n = 0;
    int r;

    for (const struct timer_spec *spec = c->timers; spec; spec = spec->next, n++)
        calendar = calendar || spec->kind == TIMER_CALENDAR;
    if (n == 0 && !c->on_clock_change && !c->on_timezone_change)
        return unit_load_fault(u, "Timer unit lacks value setting.");
    struct timer_time *times = new0(struct timer_time, n + 1);
    if (!times)
        return -ENOMEM;
    free(t->times);
    t->times = times;
    t->n_times = n;

    r = trigger_add_unit(u, c->unit);
    if (r >= 0)
        r = trigger_add_default_dependencies(u, "timers.target");
    for (size_t i = 0; r >= 0 && calendar && u->config->unit->default_dependencies && i < 2; i++)
        r = unit_add_dependency_name(u, DEP_AFTER, DEPENDENCY_KIND_MAX,
                                     i == 0 ? "time-sync.target" : "time-set.target");
    free(t->stamp);
    t->stamp = NULL;
    if (r >= 0 && c->persistent) {
        r = stamp_path(u, &t->stamp);
        if (r >= 0)
            r = unit_add_mounts_for(u, t->stamp, false);
    }
    return r < 0 ? r : 0;
}

static void timer_init(struct unit *u)
{
    struct timer *t = TIMER(u);

    t->next_realtime = t->next_monotonic = USEC_INFINITY;
    t->alarm_fd = -1;
}

static void timer_done(struct unit *u)
{
    struct timer *t = TIMER(u);

    t->realtime = event_source_free(t->realtime);
    t->monotonic = event_source_free(t->monotonic);
    t->clock_change = event_source_free(t->clock_change);
    t->alarm = event_source_free(t->alarm);
    close_fd(t->alarm_fd);
    free(t->times);
    free(t->stamp);
}

static int timer_can_start(struct unit *u)
{
    int r = unit_check_start_limit(u);

    if (r < 0)
        enter_dead(TIMER(u), TIMER_FAILURE_START_LIMIT);
    return r < 0 ? r : 1;
}

static int timer_start(struct unit *u)
{
    struct timer *t = TIMER(u);
    int r = trigger_check_unit(u);

    if (r >= 0)
        r = watch_clock(t);
    if (r < 0)
        return r;
    t->last_trigger = (struct dual_time){ 0 };
    const struct timer_spec *spec = timer_config(t)->timers;
    for (size_t i = 0; spec && i < t->n_times; spec = spec->next, i++)
        if (spec->kind == TIMER_ACTIVE)
            t->times[i].disabled = false;
    read_stamp(t);
    unit_new_invocation(u);
    t->result = TIMER_SUCCESS;
    enter_waiting(t, true, false);
    return 1;
}

static int timer_stop(struct unit *u)
{
    enter_dead(TIMER(u), TIMER_SUCCESS);
    return 1;
}

/* daemon-reload: the times may be others now. */
static void timer_reloaded(struct unit *u)
{
    struct timer *t = TIMER(u);

    if (t->state == TIMER_WAITING || t->state == TIMER_ELAPSED)
        enter_waiting(t, false, false);
}

static void timer_reset_failed(struct unit *u)
{
    struct timer *t = TIMER(u);

    if (t->state == TIMER_FAILED)
        set_state(t, TIMER_DEAD);
    t->result = TIMER_SUCCESS;
}

static const char *timer_sub_state(const struct unit *u)
{
    return states[TIMER(u)->state].name;
}

static const char *timer_result(const struct unit *u)
{
    return results[TIMER(u)->result];
}

/* ---- hand-over ---- */

static int timer_save(const struct unit *u, struct state_writer *w)
{
    const struct timer *t = TIMER(u);

    trigger_save(w, &states[t->state], t->result);
    state_write_time(w, "last-trigger", t->last_trigger);
    return 0;
}

static int timer_restore(struct unit *u, const char *key, const char *value, struct state_reader *r)
{
    struct timer *t = TIMER(u);

    (void) r;
    if (streq(key, "last-trigger"))
        return state_read_time(value, &t->last_trigger);
    return MIN(0, trigger_restore(key, value, states, TIMER_STATE_MAX, TIMER_RESULT_MAX,
                                  &t->restored, &t->result));
}

static int timer_coldplug(struct unit *u)
{
    struct timer *t = TIMER(u);
    enum timer_state state = t->restored;

    if (state == TIMER_DEAD || !u->config)
        return 0;
    t->restored = TIMER_DEAD;
    if (watch_clock(t) < 0)
        unit_log_text(u, LOG_WARNING, "Out of memory: changes of the clock are not noticed.");
    if (state == TIMER_WAITING)
        enter_waiting(t, false, false);
    else
        set_state(t, state);
    return 0;
}

/* ---- properties ---- */

static int put(struct property_value *v, enum value_kind kind, uint64_t number)
{
    *v = (struct property_value){ .kind = kind, .number = number };
    return 0;
}

static int get_next_realtime(const struct unit *u, struct property_value *v)
{
    usec_t next = TIMER(u)->next_realtime;

    return put(v, VALUE_TIME, next == USEC_INFINITY ? 0 : next);
}

static int get_next_monotonic(const struct unit *u, struct property_value *v)
{
    return put(v, VALUE_SPAN, TIMER(u)->next_monotonic);
}

static int get_last_trigger(const struct unit *u, struct property_value *v)
{
    return put(v, VALUE_TIME, TIMER(u)->last_trigger.realtime);
}

static int get_last_trigger_monotonic(const struct unit *u, struct property_value *v)
{
    return put(v, VALUE_SPAN, TIMER(u)->last_trigger.monotonic);
}

static int get_result(const struct unit *u, struct property_value *v)
{
    *v = (struct property_value){ .kind = VALUE_STRING, .text = timer_result(u) };
    return 0;
}

static char *describe(const struct timer_spec *spec, const struct timer_time *time)
{
    char next[TIMESTAMP_TEXT_MAX], value[TIMESPAN_TEXT_MAX];
    const char *name = timer_kind_to_string(spec->kind);

    if (spec->kind == TIMER_CALENDAR)
        return format("{ OnCalendar=%s ; next_elapse=%s }", spec->calendar,
                      time->next == 0 || time->next == USEC_INFINITY
                          ? "(null)"
                          : timestamp_format(next, time->next, TIMESTAMP_PRETTY));
    return format("{ %.*sUSec=%s ; next_elapse=%s }", (int) (strlen(name) - strlen("Sec")), name,
                  timespan_format(value, spec->value, 1), timespan_format(next, time->next, 1));
}

/* As org.freedesktop.systemd1(5) has them: the times of one clock, and when they come. The last one
 * of the file is the first here, as systemd has it. */
static int get_times(const struct unit *u, struct property_value *v, bool calendar)
{
    const struct timer *t = TIMER(u);
    auto_free char *text = strdup("");
    size_t i = 0;

    if (!u->config)
        return -ENODATA;
    for (const struct timer_spec *spec = timer_config(t)->timers; spec && i < t->n_times;
         spec = spec->next, i++) {
        if ((spec->kind == TIMER_CALENDAR) != calendar)
            continue;
        auto_free char *one = describe(spec, &t->times[i]), *before = text;
        text = one ? format("%s%s%s", one, isempty(before) ? "" : "\n", strempty(before)) : NULL;
    }
    if (!text)
        return -ENOMEM;
    if (isempty(text))
        return -ENODATA;
    v->kind = VALUE_STRING;
    v->owned = take_ptr(text);
    v->text = v->owned;
    return 0;
}

static int get_monotonic_times(const struct unit *u, struct property_value *v)
{
    return get_times(u, v, false);
}

static int get_calendar_times(const struct unit *u, struct property_value *v)
{
    return get_times(u, v, true);
}

static const struct property_row timer_properties[] = {
    { "TimersMonotonic", get_monotonic_times },
    { "TimersCalendar", get_calendar_times },
    { "NextElapseUSecRealtime", get_next_realtime },
    { "NextElapseUSecMonotonic", get_next_monotonic },
    { "LastTriggerUSec", get_last_trigger },
    { "LastTriggerUSecMonotonic", get_last_trigger_monotonic },
    { "Unit", trigger_get_unit },
    { "Result", get_result },
    { 0 },
};

const struct unit_ops timer_ops = {
    .object_size = sizeof(struct timer),
    .can_transient = true,
    .init = timer_init,
    .done = timer_done,
    .load = timer_load,
    .coldplug = timer_coldplug,
    .reloaded = timer_reloaded,
    .start = timer_start,
    .stop = timer_stop,
    .can_start = timer_can_start,
    .active_state = timer_active_state,
    .sub_state = timer_sub_state,
    .timezone_changed = timer_timezone_changed,
    .triggered_changed = timer_triggered_changed,
    .reset_failed = timer_reset_failed,
    .save = timer_save,
    .restore = timer_restore,
    .result = timer_result,
    .properties = timer_properties,
};
