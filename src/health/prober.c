#include "health/prober.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "health/pressure.h"

/* A datagram longer than this is refused by the manager. */
#define MESSAGE_MAX 4000
#define STATUS_MAX 1000
/* How often to look for the service where no pidfd can be had. */
#define LOOK_INTERVAL USEC_PER_SEC

/* A probe while it is made, or until then. */
struct turn {
    struct check_attempt attempt;
    usec_t due;
    usec_t held_since; /* 0: its failures count */
};

struct run {
    struct prober *p;
    struct turn *turns;
    struct pollfd *polls; /* one a probe, then the service's */
    enum health health;
    bool was_ready, told_ready;
    usec_t next_ping; /* USEC_INFINITY: none is due */
    char *last_status;
};

static void run_done(struct run *r)
{
    for (size_t i = 0; r->turns && i < r->p->n; i++) {
        struct check_attempt *a = &r->turns[i].attempt;

        if (a->pid > 0)
            check_attempt_end(a, &r->p->probes[i].check, true);
        strbuf_done(&a->answer);
    }
    free(r->turns);
    free(r->polls);
    free(r->last_status);
}

static void _printf_(3, 4) say(const struct run *r, int priority, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (text && r->p->say)
        r->p->say(priority, text);
}

/* ---- telling the manager ---- */

static void tell(struct run *r, const char *message)
{
    if (r->p->notify_fd >= 0 && send(r->p->notify_fd, message, strlen(message), MSG_NOSIGNAL) < 0 &&
        errno != EAGAIN)
        say(r, LOG_WARNING, "the service manager cannot be told: %s", strerror(errno));
}

/* Control characters would end the field. */
static void add_field(struct strbuf *b, const char *name, const char *text, size_t most)
{
    size_t begin = b->length;

    strbuf_addf(b, "%s=%.*s", name, (int) most, text);
    for (size_t i = begin; b->text && i < b->length; i++)
        if ((unsigned char) b->text[i] < ' ')
            b->text[i] = ' ';
    strbuf_add_char(b, '\n');
}

/* The fields that reeve's own manager understands besides: the state, and each probe's answer. */
static void add_details(const struct run *r, struct strbuf *b)
{
    static const char *const marks[] = { "?", "ok", "FAIL" };

    add_field(b, "X_REEVE_HEALTH", health_name(r->health), 32);
    for (size_t i = 0; i < r->p->n; i++) {
        const struct probe *probe = &r->p->probes[i];
        auto_strbuf struct strbuf line = {};

        strbuf_addf(&line, "%s ", marks[probe->verdict]);
        probe_describe(probe, &line);
        if (b->length + line.length + 32 < MESSAGE_MAX)
            add_field(b, "X_REEVE_PROBE", strbuf_text(&line), STATUS_MAX);
    }
}

static void publish(struct run *r)
{
    auto_strbuf struct strbuf status = {}, message = {};
    bool ready = r->was_ready && !r->told_ready;

    health_describe(r->health, r->p->probes, r->p->n, &status);
    if (!ready && streq_ptr(r->last_status, strbuf_text(&status)))
        return;
    if (ready)
        strbuf_add(&message, "READY=1\n");
    r->told_ready |= ready;
    add_field(&message, "STATUS", strbuf_text(&status), STATUS_MAX);
    add_details(r, &message);
    (void) str_replace(&r->last_status, strbuf_text(&status));
    if (!message.failed)
        tell(r, strbuf_text(&message));
}

/* ---- the state ---- */

static bool is_alive(const struct run *r)
{
    return r->health == HEALTH_HEALTHY || r->health == HEALTH_UNREADY;
}

/* WATCHDOG=1 comes at half of the watchdog's span, as sd_watchdog_enabled(3) advises. */
static void ping_if_due(struct run *r, usec_t now)
{
    const struct prober *p = r->p;

    if (p->watchdog == 0 || !(probe_roles(p->probes, p->n) & PROBE_LIVE) || !is_alive(r)) {
        r->next_ping = USEC_INFINITY;
        return;
    }
    if (r->next_ping != USEC_INFINITY && now < r->next_ping)
        return;
    tell(r, "WATCHDOG=1");
    r->next_ping = usec_add(now, p->watchdog / 2);
}

static void judge(struct run *r)
{
    const struct prober *p = r->p;
    enum health before = r->health;
    auto_strbuf struct strbuf text = {};

    r->health = health_judge(p->probes, p->n, r->was_ready);
    if (r->health == HEALTH_HEALTHY && probe_roles(p->probes, p->n) & PROBE_READY)
        r->was_ready = true;
    publish(r);
    if (r->health == before)
        return;
    health_describe(r->health, p->probes, p->n, &text);
    say(r, r->health == HEALTH_HEALTHY ? LOG_INFO : LOG_WARNING, "%s%s", strbuf_text(&text),
        r->health != HEALTH_DEAD ? ""
        : p->watchdog > 0        ? "; the watchdog is not fed any more"
                                 : "; WatchdogSec= is not set, so nothing follows from it");
}

/* A machine without time for anybody excuses what has not answered in time, for a while. */
static bool is_excused(struct run *r, size_t i, usec_t now)
{
    const struct probe *probe = &r->p->probes[i];
    struct turn *t = &r->turns[i];
    char lack[PRESSURE_TEXT_MAX];

    if (!probe->check.outcome.timed_out || r->p->hold == 0 || !machine_is_starved(NULL, lack)) {
        if (probe->check.outcome.class == CHECK_OK)
            t->held_since = 0;
        return false;
    }
    if (t->held_since == 0) {
        t->held_since = now;
        say(r, LOG_WARNING, "%s %s did not answer, but the machine is starved (%s): holding fire",
            probe->check.kind->option, probe->check.argument, lack);
    }
    if (usec_sub(now, t->held_since) >= r->p->hold)
        return false;
    auto_free char *found = format("no answer, holding fire: %s", lack);
    if (found)
        check_fail(&r->p->probes[i].check.outcome, probe->check.kind->class, true, NULL, "%s",
                   found);
    return true;
}

/* ---- probes ---- */

static void conclude(struct run *r, size_t i, bool timed_out)
{
    struct probe *probe = &r->p->probes[i];
    usec_t now;

    check_attempt_end(&r->turns[i].attempt, &probe->check, timed_out);
    now = now_usec(CLOCK_MONOTONIC);
    (void) probe_answer(probe, is_excused(r, i, now));
    r->turns[i].due = usec_add(now, probe->pause);
    judge(r);
}

/* Starts what is due, and returns when the next thing is. */
static usec_t start_due(struct run *r, usec_t now)
{
    struct prober *p = r->p;
    struct check_context context = { .service = p->service,
                                     .user = "the service",
                                     .enter = p->enter,
                                     .enter_userdata = p->enter_userdata };
    usec_t next = USEC_INFINITY;

    for (size_t i = 0; i < p->n; i++) {
        struct turn *t = &r->turns[i];

        if (t->attempt.pid == 0 && !probe_is_wanted(p->probes, p->n, &p->probes[i], r->was_ready))
            continue;
        if (t->attempt.pid == 0 && now >= t->due) {
            int e = check_attempt_start(&t->attempt, &p->probes[i].check, &context);

            if (e < 0) { /* no process can be made: that says nothing about the service */
                say(r, LOG_WARNING, "no process can be made for a probe: %s", strerror(-e));
                t->due = usec_add(now, p->probes[i].interval);
            }
        }
        next = MIN(next, t->attempt.pid ? t->attempt.deadline : t->due);
    }
    return next;
}

static void wait_for_something(struct run *r, usec_t next)
{
    const struct prober *p = r->p;
    usec_t now = now_usec(CLOCK_MONOTONIC);

    next = MIN(next, r->next_ping);
    if (p->service_fd < 0)
        next = MIN(next, now + LOOK_INTERVAL);
    for (size_t i = 0; i < p->n; i++)
        r->polls[i] = (struct pollfd){ .fd = r->turns[i].attempt.pid ? r->turns[i].attempt.fd : -1,
                                       .events = POLLIN };
    r->polls[p->n] = (struct pollfd){ .fd = p->service_fd, .events = POLLIN };
    usec_t wait = MIN(usec_sub(next, now) / USEC_PER_MSEC + 1, (usec_t) 60000);
    if (poll(r->polls, p->n + 1, (int) wait) < 0)
        for (size_t i = 0; i <= p->n; i++)
            r->polls[i].revents = 0;
}

static bool service_is_gone(const struct run *r)
{
    return r->p->service_fd >= 0 ? r->polls[r->p->n].revents != 0
                                 : !process_is_alive(r->p->service);
}

int prober_run(struct prober *p)
{
    _cleanup_(run_done) struct run r = {
        .p = p,
        .turns = new0(struct turn, p->n + 1),
        .polls = new0(struct pollfd, p->n + 1),
        .next_ping = USEC_INFINITY,
    };

    if (!r.turns || !r.polls)
        return -ENOMEM;
    for (size_t i = 0; i < p->n; i++)
        r.turns[i].attempt.fd = -1;
    publish(&r);
    do {
        usec_t next = start_due(&r, now_usec(CLOCK_MONOTONIC)), now;

        wait_for_something(&r, next);
        now = now_usec(CLOCK_MONOTONIC);
        for (size_t i = 0; i < p->n; i++) {
            struct check_attempt *a = &r.turns[i].attempt;

            if (a->pid == 0)
                continue;
            if (r.polls[i].revents && check_attempt_read(a))
                conclude(&r, i, false);
            else if (now >= a->deadline)
                conclude(&r, i, true);
        }
        ping_if_due(&r, now);
    } while (!service_is_gone(&r));
    return 0;
}
