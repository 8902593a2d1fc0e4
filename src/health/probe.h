/* health/probe.h -- a check that is made again and again while a service runs, and what its answers
 * add up to. Pure: nothing here waits or sends. */
#pragma once

#include "health/check.h"

/* What a probe is asked for. */
enum probe_role {
    PROBE_START = 1, /* the others wait until it has passed; never made again */
    PROBE_READY = 2, /* the service is ready once all of these pass */
    PROBE_LIVE = 4,  /* the service is alive while none of these has failed for good */
};

/* What a probe has that does not say otherwise. */
struct probe_defaults {
    usec_t interval, timeout;
    unsigned failures, successes;
};
#define PROBE_DEFAULTS ((struct probe_defaults){ 10 * USEC_PER_SEC, CHECK_TIMEOUT_DEFAULT, 3, 1 })

struct probe {
    struct check check;
    unsigned roles; /* PROBE_* */
    usec_t interval;
    unsigned failures, successes; /* in a row, until it counts */

    enum { PROBE_UNKNOWN, PROBE_GOOD, PROBE_BAD } verdict;
    bool answered;           /* the outcome of `check` is there */
    bool held;               /* the last failure did not count */
    unsigned failed, passed; /* in a row */
    usec_t pause;            /* until it is made again */
};

/* Fills a probe from
 * "VALUE[,for=ROLE+...][,interval=TIME][,failures=N][,successes=N][,timeout=TIME]". Without for= it
 * is asked for readiness and life. What the value does not name stays 0, for probe_complete().
 * Returns 0, -ENOMEM or -EINVAL with *ret_error, a static text. */
int probe_parse(const struct check_kind *kind, const char *value, struct probe *ret,
                const char **ret_error);
/* Puts the defaults in what is 0. */
void probe_complete(struct probe *p, const struct probe_defaults *d);
void probe_done(struct probe *p);

/* Takes in the outcome that `check` has now. `excused`: a failure is not the service's fault, and
 * does not count. Sets the pause until the next time: the interval; before the first success, and
 * once it has failed for good, a pause that grows. Returns whether the verdict has changed. */
bool probe_answer(struct probe *p, bool excused);

/* The state of the service, from all probes. */
enum health {
    HEALTH_STARTING, /* a start-up probe has not passed yet, or nothing is known */
    HEALTH_UNREADY,  /* alive, not ready */
    HEALTH_HEALTHY,
    HEALTH_DEAD, /* a probe of life has failed for good */
    HEALTH_MAX,
};
const char *health_name(enum health h);

/* `was_ready`: it has been ready before; life is judged from then on, if readiness is asked for. */
enum health health_judge(const struct probe *probes, size_t n, bool was_ready);
/* Whether the probe is to be made now that the service is in this state. */
bool probe_is_wanted(const struct probe *probes, size_t n, const struct probe *p, bool was_ready);
/* The roles that there are. */
unsigned probe_roles(const struct probe *probes, size_t n);

/* "http http://127.0.0.1/: status 200 (1.2 ms)", or "... not asked yet". */
void probe_describe(const struct probe *p, struct strbuf *out);
/* The line for people: the state, then the probe that decides it, or all of them. */
void health_describe(enum health h, const struct probe *probes, size_t n, struct strbuf *out);
