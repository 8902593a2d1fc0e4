#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "diagnose/cause.h"

const struct cause causes[] = {
#define CAUSE(function, id, phase, title) { id, title, phase, judge_##function },
#include "diagnose/causes.def"
#undef CAUSE
    {},
};

const struct cause *cause_find(const char *id)
{
    for (const struct cause *c = causes; c->id; c++)
        if (streq(c->id, id))
            return c;
    return NULL;
}

void verdict_done(struct verdict *v)
{
    for (size_t i = 0; i < v->n; i++)
        finding_done(&v->findings[i]);
    free(v->findings);
    *v = (struct verdict){};
}

/* Whether there is anything to explain. */
static bool has_failed(const struct facts *f)
{
    const struct facts_invocation *i = facts_explained(f);
    const char *load = facts_property(f, "LoadState");

    /* Nobody knows: it is not said to be well. */
    if (facts_property_is(f, "ActiveState", "failed") || f->unanswered)
        return true;
    if (load && !streq(load, "loaded") && !streq(load, "merged") && !streq(load, "stub"))
        return true;
    unsigned own = f->config ? f->config->load_state : LOAD_LOADED;
    if (own == LOAD_BAD_SETTING || own == LOAD_ERROR || own == LOAD_MASKED)
        return true;
    /* Mounts, devices and slices need no file. */
    if (own == LOAD_NOT_FOUND && !streq_ptr(load, "loaded"))
        return true;
    const char *result = facts_property(f, "Result");
    if (result && !streq(result, "success"))
        return true;
    const char *reload = facts_property(f, "ReloadResult");
    if (reload && !streq(reload, "success"))
        return true;
    return i && i->launch.status != 0;
}

/* Surest first; of equal ones the earlier row, which is the more particular cause. */
static int compare(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    if (x->confidence != y->confidence)
        return x->confidence > y->confidence ? -1 : 1;
    return x->cause < y->cause ? -1 : x->cause > y->cause;
}

int verdict_reach(struct facts *facts, struct verdict *ret)
{
    struct verdict v = { .failed = has_failed(facts) };

    v.findings = new0(struct finding, ELEMENTSOF(causes));
    if (!v.findings)
        return -ENOMEM;
    for (const struct cause *c = causes; c->id; c++) {
        struct finding f = { .cause = c };

        /* Of a unit that is well only what can be wrong all the same is asked. */
        if (!v.failed && c->phase != PHASE_ACTIVE && c->phase != PHASE_ANY)
            continue;
        c->judge(facts, &f);
        if (f.confidence > 0)
            v.findings[v.n++] = f;
        else
            finding_done(&f);
    }
    qsort(v.findings, v.n, sizeof *v.findings, compare);
    if (v.n > 0 && v.findings[0].confidence >= SURE_ENOUGH)
        v.failed = true;
    *ret = v;
    return 0;
}

/* It ended well, at once, and nothing but a person or a boot starts it: as a program does that went
 * to the background. */
static bool ended_at_once(const struct facts *f)
{
    const struct facts_invocation *i = f->n_invocations > 0 ? &f->invocations[0] : NULL;

    return i && f->config && f->config->type == UNIT_SERVICE &&
           f->config->service->type <= SERVICE_TYPE_EXEC &&
           facts_property_is(f, "ActiveState", "inactive") &&
           facts_property_is(f, "Result", "success") && isempty(facts_property(f, "TriggeredBy")) &&
           i->ended - i->started < 3 * USEC_PER_SEC;
}

bool verdict_wants_trace(const struct verdict *v, const struct facts *f)
{
    const struct finding *cause = verdict_cause(v);

    if (cause && cause->confidence >= SURE_PROVEN)
        return false;
    if (!v->failed)
        return ended_at_once(f);
    /* Who says READY=1, and what pid file it writes, a trace shows too. */
    const struct service_config *s = f->config && f->config->type == UNIT_SERVICE
                                         ? f->config->service
                                         : NULL;
    bool waited = s && (s->type >= SERVICE_TYPE_NOTIFY ||
                        (s->type == SERVICE_TYPE_FORKING && s->pid_file));
    return waited || facts_failed_exit(facts_explained(f));
}

const struct finding *verdict_cause(const struct verdict *v)
{
    return v->failed && v->n > 0 && v->findings[0].confidence >= SURE_ENOUGH ? &v->findings[0]
                                                                             : NULL;
}
