/* diagnose/cause.h -- root causes: a row and a function each.
 *
 * A judge looks at the facts and says how sure it is that its cause is the root of the failure. It
 * never claims a cause on a program's words alone where a probe or a trace can confirm or refute
 * them. Several judges may hold: the surest is the cause, the rest go to `also`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "diagnose/facts.h"

enum evidence_source {
    EVIDENCE_LAUNCH,  /* the launch report */
    EVIDENCE_EXIT,    /* how a process ended */
    EVIDENCE_TRACE,   /* a traced call */
    EVIDENCE_PROBE,   /* a look at the live machine */
    EVIDENCE_UNIT,    /* the unit's files */
    EVIDENCE_JOURNAL, /* a line of the journal */
    EVIDENCE_NOTIFY,  /* a notification */
    EVIDENCE_MANAGER, /* the manager's state: jobs, results, limits */
    EVIDENCE_SOURCE_MAX,
};

enum fix_kind {
    FIX_COMMAND, /* `command` does it */
    FIX_DROPIN,  /* `dropin` is the text of a drop-in */
    FIX_TEXT,    /* a change outside, in words */
    FIX_NOT,     /* what people do and what does not help */
    FIX_KIND_MAX,
};

/* How sure a judge is. Decisive: the kernel or the manager said so (errno of the very step).
 * Proven: a probe or a trace confirms it. Likely: it fits, nothing refutes it. Possible: worth a
 * line in `also`. */
#define SURE_DECISIVE 0.99
#define SURE_PROVEN 0.95
#define SURE_LIKELY 0.75
#define SURE_POSSIBLE 0.4
/* Below this a finding is not the cause: the answer is then `unknown`. */
#define SURE_ENOUGH 0.6

struct finding {
    const struct cause *cause;
    double confidence; /* 0: does not hold */
    char *summary;
    json_t *facts;    /* object */
    json_t *evidence; /* array, the decisive one first */
    json_t *fixes;    /* array, the best one first */
    char *prevent;    /* a line: "ExecStartPre=reeve preflight --port=8080"; NULL */
};
void finding_done(struct finding *f);

/* What a judge calls. Texts are formatted; failing allocations make the finding lack the piece. */
void find(struct finding *f, double confidence, const char *summary, ...)
    __attribute__((format(printf, 3, 4)));
void find_fact(struct finding *f, const char *name, const char *value);
void find_fact_number(struct finding *f, const char *name, long long value);
void find_evidence(struct finding *f, enum evidence_source source, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A journal line, with its cursor. */
void find_line(struct finding *f, const struct facts_line *line);
/* A traced call: "bind(3, 0.0.0.0:8080) = EADDRINUSE". */
void find_call(struct finding *f, const struct trace_event *e);
/* The line of the unit's files that sets the directive, quoted with its place. */
void find_setting(struct finding *f, const struct facts *facts, const char *section,
                  const char *directive);
void find_fix_command(struct finding *f, const char *text, const char *command, ...)
    __attribute__((format(printf, 3, 4)));
void find_fix_dropin(struct finding *f, const char *text, const char *dropin, ...)
    __attribute__((format(printf, 3, 4)));
void find_fix(struct finding *f, const char *text, ...) __attribute__((format(printf, 2, 3)));
/* What does not help. */
void find_not(struct finding *f, const char *text, ...) __attribute__((format(printf, 2, 3)));
void find_prevent(struct finding *f, const char *line, ...) __attribute__((format(printf, 2, 3)));

/* When a cause can be: judges are asked only for what went that way. */
enum cause_phase {
    PHASE_LOAD,  /* the unit's files */
    PHASE_JOB,   /* dependencies, conditions, limits */
    PHASE_SETUP, /* before the program ran: 200..245 */
    PHASE_START, /* the program ran and failed, or did not become ready */
    PHASE_RUN,   /* it had been up */
    PHASE_STOP,
    PHASE_ACTIVE, /* it runs, but wrong */
    PHASE_ANY,
    PHASE_MAX,
};

struct cause {
    const char *id;    /* "port-in-use" */
    const char *title; /* one line for `explain` */
    enum cause_phase phase;
    void (*judge)(struct facts *facts, struct finding *f);
};

/* The judges. */
#define CAUSE(function, id, phase, title) \
    void judge_##function(struct facts *facts, struct finding *f);
#include "diagnose/causes.def"
#undef CAUSE

/* All causes (causes.def); ends with a row whose id is NULL. */
extern const struct cause causes[];
const struct cause *cause_find(const char *id);

struct verdict {
    struct finding *findings; /* surest first; those below SURE_ENOUGH at the end */
    size_t n;
    bool failed; /* something failed, or runs wrong: else there is nothing to explain */
};
void verdict_done(struct verdict *v);
/* Asks all judges. The cause is findings[0] if its confidence is enough. Returns 0 or -ENOMEM. */
int verdict_reach(struct facts *facts, struct verdict *ret);
/* Whether a traced run of the unit would tell more: what is known does not prove the cause, and its
 * program had a part in the failure. */
bool verdict_wants_trace(const struct verdict *v, const struct facts *facts);
/* The cause, or NULL: nothing failed, or it is unknown (v->failed tells). */
const struct finding *verdict_cause(const struct verdict *v);
