#include "health/probe.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/strv.h"
#include "base/timespan.h"

#define PAUSE_FIRST (100 * USEC_PER_MSEC)
#define PAUSE_MOST (30 * USEC_PER_SEC)
/* Less would be a burden for nothing. */
#define INTERVAL_LEAST (10 * USEC_PER_MSEC)

/* ---- the text of a probe ---- */

static int parse_roles(const char *text, unsigned *ret)
{
    static const struct {
        const char *name;
        unsigned role;
    } names[] = { { "start", PROBE_START }, { "ready", PROBE_READY }, { "live", PROBE_LIVE } };
    auto_strv char **words = strv_split(text, "+");
    unsigned roles = 0;

    STRV_FOREACH (w, words) {
        size_t i = 0;

        while (i < ELEMENTSOF(names) && !streq(*w, names[i].name))
            i++;
        if (i == ELEMENTSOF(names))
            return -EINVAL;
        roles |= names[i].role;
    }
    if (roles == 0 || (roles & PROBE_START && roles != PROBE_START))
        return -EINVAL;
    *ret = roles;
    return 0;
}

static int parse_interval(const char *text, struct probe *p)
{
    return timespan_parse(text, &p->interval) < 0 || p->interval < INTERVAL_LEAST ? -EINVAL : 0;
}

static int parse_for(const char *text, struct probe *p)
{
    return parse_roles(text, &p->roles);
}

static int parse_failures(const char *text, struct probe *p)
{
    return parse_unsigned(text, &p->failures) < 0 || p->failures == 0 ? -EINVAL : 0;
}

static int parse_successes(const char *text, struct probe *p)
{
    return parse_unsigned(text, &p->successes) < 0 || p->successes == 0 ? -EINVAL : 0;
}

static const struct {
    const char *name;
    int (*parse)(const char *text, struct probe *p);
    const char *error;
} options[] = {
    { "for", parse_for, "for= takes start, ready, live or ready+live" },
    { "interval", parse_interval, "interval= takes a time span of at least 10ms" },
    { "failures", parse_failures, "failures= takes a number greater than 0" },
    { "successes", parse_successes, "successes= takes a number greater than 0" },
};

int probe_parse(const struct check_kind *kind, const char *value, struct probe *ret,
                const char **ret_error)
{
    auto_free char *rest = strdup(value);
    struct probe p = { .roles = PROBE_READY | PROBE_LIVE };

    if (!rest)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(options); i++) {
        auto_free char *text = NULL;
        int r = check_cut_option(rest, options[i].name, &text);

        if (r < 0)
            return r;
        if (r > 0 && options[i].parse(text, &p) < 0) {
            *ret_error = options[i].error;
            return -EINVAL;
        }
    }
    int r = check_parse(kind, rest, &p.check, ret_error);
    if (r < 0)
        return r;
    *ret = p;
    return 0;
}

void probe_complete(struct probe *p, const struct probe_defaults *d)
{
    p->interval = p->interval ? p->interval : d->interval;
    p->failures = p->failures ? p->failures : d->failures;
    p->successes = p->successes ? p->successes : d->successes;
    if (p->check.timeout == CHECK_TIMEOUT_DEFAULT)
        p->check.timeout = d->timeout;
}

void probe_done(struct probe *p)
{
    check_done(&p->check);
}

/* ---- answers ---- */

static usec_t grown(usec_t pause, usec_t most)
{
    return MIN(pause ? pause * 2 : PAUSE_FIRST, most);
}

bool probe_answer(struct probe *p, bool excused)
{
    bool passed = p->check.outcome.class == CHECK_OK;
    int before = p->verdict;

    p->answered = true;
    p->held = !passed && excused;
    if (passed) {
        p->failed = 0;
        p->passed++;
        if (p->passed >= p->successes)
            p->verdict = PROBE_GOOD;
    } else if (!excused) {
        p->passed = 0;
        p->failed++;
        /* What makes the service ready has not begun to fail before it has passed. */
        if (p->failed >= p->failures && (p->verdict == PROBE_GOOD || p->roles == PROBE_LIVE))
            p->verdict = PROBE_BAD;
    }
    if (p->verdict == PROBE_BAD)
        p->pause = grown(MAX(p->pause, p->interval), MAX(p->interval, PAUSE_MOST));
    else if (p->verdict == PROBE_UNKNOWN && !passed)
        p->pause = grown(p->pause, p->interval);
    else
        p->pause = MIN(p->interval, p->verdict == PROBE_UNKNOWN ? PAUSE_FIRST : p->interval);
    return (int) p->verdict != before;
}

/* ---- the state ---- */

static const char *const health_names[] = {
    [HEALTH_STARTING] = "starting",
    [HEALTH_UNREADY] = "not ready",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_DEAD] = "not alive",
};
static_assert(ELEMENTSOF(health_names) == HEALTH_MAX, "a name for every state");

const char *health_name(enum health h)
{
    return health_names[h];
}

unsigned probe_roles(const struct probe *probes, size_t n)
{
    unsigned roles = 0;

    for (size_t i = 0; i < n; i++)
        roles |= probes[i].roles;
    return roles;
}

/* Whether all probes of the role have this verdict, or one of them. */
static bool all_are(const struct probe *probes, size_t n, unsigned role, int verdict)
{
    for (size_t i = 0; i < n; i++)
        if (probes[i].roles & role && (int) probes[i].verdict != verdict)
            return false;
    return true;
}

static bool one_is(const struct probe *probes, size_t n, unsigned role, int verdict)
{
    for (size_t i = 0; i < n; i++)
        if (probes[i].roles & role && (int) probes[i].verdict == verdict)
            return true;
    return false;
}

enum health health_judge(const struct probe *probes, size_t n, bool was_ready)
{
    bool ready = all_are(probes, n, PROBE_READY, PROBE_GOOD);

    if (!all_are(probes, n, PROBE_START, PROBE_GOOD) || (!ready && !was_ready))
        return HEALTH_STARTING;
    if (one_is(probes, n, PROBE_LIVE, PROBE_BAD))
        return HEALTH_DEAD;
    if (!(probe_roles(probes, n) & PROBE_READY) && one_is(probes, n, PROBE_LIVE, PROBE_UNKNOWN))
        return HEALTH_STARTING;
    return ready ? HEALTH_HEALTHY : HEALTH_UNREADY;
}

bool probe_is_wanted(const struct probe *probes, size_t n, const struct probe *p, bool was_ready)
{
    if (p->roles & PROBE_START)
        return p->verdict != PROBE_GOOD;
    if (!all_are(probes, n, PROBE_START, PROBE_GOOD))
        return false;
    return p->roles & PROBE_READY || was_ready || !(probe_roles(probes, n) & PROBE_READY);
}

/* ---- words ---- */

void probe_describe(const struct probe *p, struct strbuf *out)
{
    const struct check_outcome *o = &p->check.outcome;

    strbuf_addf(out, "%s %s: ", p->check.kind->option, p->check.argument);
    if (!p->answered) {
        strbuf_add(out, "not asked yet");
        return;
    }
    strbuf_add(out, strempty(o->found));
    if (!strstr(strempty(o->found), " ms)"))
        strbuf_addf(out, " (%.1f ms)", (double) o->took / 1000);
    if (p->failed > 1)
        strbuf_addf(out, ", %u times in a row", p->failed);
}

/* The probe that the state is due to; NULL if it is due to all. */
static const struct probe *decisive(enum health h, const struct probe *probes, size_t n)
{
    unsigned role = h == HEALTH_DEAD ? PROBE_LIVE : PROBE_START | PROBE_READY;

    for (size_t i = 0; i < n; i++)
        if (probes[i].roles & role && probes[i].answered &&
            (h == HEALTH_DEAD ? probes[i].verdict == PROBE_BAD
                              : probes[i].verdict != PROBE_GOOD || probes[i].failed > 0))
            return &probes[i];
    return NULL;
}

void health_describe(enum health h, const struct probe *probes, size_t n, struct strbuf *out)
{
    const struct probe *one = decisive(h, probes, n);
    bool first = true;

    strbuf_addf(out, "%s: ", health_name(h));
    for (size_t i = 0; i < n; i++) {
        if ((one && one != &probes[i]) || (!one && !probes[i].answered))
            continue;
        if (!first)
            strbuf_add(out, "; ");
        first = false;
        probe_describe(&probes[i], out);
    }
    if (first)
        strbuf_add(out, "nothing is known yet");
}
