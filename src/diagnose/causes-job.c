/* Causes before anything ran: conditions, dependencies, ordering. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"
#include "unit/condition.h"
#include "unit/directive.h"
#include "unit/load.h"

static const struct facts_line *manager_line(const struct facts *facts, const char *text)
{
    const struct facts_line *found = NULL;
    size_t at = 0;

    for (const struct facts_line *l; (l = facts_next_line(facts, NULL, true, &at));)
        if (strstr(strempty(l->text), text))
            found = l;
    return found;
}

/* What the check is about, and what it needs. */
static void explain_condition(struct facts *facts, struct finding *f, const struct condition *c,
                              const char *check)
{
    const char *value = strchr(check, '=');
    const char *path = value ? value + 1 + strspn(value + 1, "!|") : "";
    const char *name = startswith(check, "Condition");

    find_fact(f, "condition", check);
    if (c)
        find_evidence(f, EVIDENCE_UNIT, "%s asks for %s", strempty(facts->config->fragment_path),
                      check);
    if (*path == '/') {
        json_t *p = facts_probe(facts, "root-path", "- %s", path);

        if (!isempty(probe_text(p, "verdict")))
            find_evidence(f, EVIDENCE_PROBE, "%s: %s now", path,
                          streq(probe_text(p, "verdict"), "ok") ? "it exists"
                                                                : probe_text(p, "verdict"));
        if (c && c->negate)
            find_fix(f, "remove %s, or take %s out", path, check);
        else if (strstr(check, "NotEmpty"))
            find_fix(f, "put something into %s, or take %s out", path, check);
        else
            find_fix(f, "create %s, or take %s out", path, check);
    } else {
        find_fix(f, "make %s true, or take it out", check);
    }
    find_fix_dropin(f, "or let it start whatever the checks say", "[Unit]\n%.*s=\n",
                    (int) (value ? value - check : 0), check);
    if (name)
        find_fix(f, "Assert%s in place of it makes the start fail loudly", name);
}

/* ExecCondition=: a command of the unit said no. */
static void judge_exec_condition(struct facts *facts, struct finding *f)
{
    auto_free char *command = facts_setting(facts, "Service", "ExecCondition");

    find(f, SURE_DECISIVE, "ExecCondition=%s said no, so nothing was started", strempty(command));
    find_fact(f, "directive", "ExecCondition");
    find_line(f, manager_line(facts, "exec-condition"));
    find_evidence(f, EVIDENCE_MANAGER, "Result=exec-condition");
    find_setting(f, facts, "Service", "ExecCondition");
    find_fix(f, "make the command of ExecCondition= succeed (status 0): %s", strempty(command));
    find_fix_dropin(f, "or start without it", "[Service]\nExecCondition=\n");
}

void judge_condition_unmet(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = manager_line(facts, "unmet condition check ");
    const struct facts_line *asserted = manager_line(facts, "ssertion failed");
    bool asserts = asserted || (facts_property_is(facts, "AssertResult", "no") &&
                                !isempty(facts_property(facts, "AssertTimestamp")));
    struct condition *list = facts->config ? facts->config->unit->conditions : NULL;
    auto_free char *check = NULL;
    const struct condition *failed = NULL;
    const struct condition_context here = { .user = facts->config && facts->config->user };

    if (facts_property_is(facts, "ActiveState", "active"))
        return;
    if (facts_property_is(facts, "Result", "exec-condition") ||
        manager_line(facts, "'exec-condition'")) {
        judge_exec_condition(facts, f);
        return;
    }
    if (!asserts && !facts_property_is(facts, "ConditionResult", "no") && !l)
        return;
    /* Never tried: "no" is also what a unit shows that nobody started. */
    if (isempty(facts_property(facts, "ConditionTimestamp")) && !l && !asserts)
        return;
    if (l && !asserts) {
        const char *begin = strstr(l->text, "condition check ") + strlen("condition check ");

        begin += *begin == '(';
        check = strndup(begin, strcspn(begin, ")"));
    }
    /* Which one it is: the one that the message names, or one that does not hold now. */
    for (struct condition *c = list; c; c = c->next) {
        auto_free char *text = condition_format(c);

        if (c->is_assert == asserts && text && !failed &&
            (!isempty(check) ? streq(check, text)
                             : !facts->recorded && condition_evaluate(c, &here) != 1)) {
            failed = c;
            if (isempty(check))
                (void) str_replace(&check, text);
        }
    }
    find(f, SURE_DECISIVE,
         isempty(check) ? "a condition was not met, so nothing was started"
         : asserts      ? "the assertion %s failed, so it was not started"
                        : "the condition %s was not met, so nothing was started",
         strempty(check));
    find_line(f, asserts ? asserted : l);
    find_evidence(f, EVIDENCE_MANAGER, "%sResult=no", asserts ? "Assert" : "Condition");
    if (!isempty(check))
        explain_condition(facts, f, failed, check);
}

/* ---- dependencies
 * ------------------------------------------------------------------------------------- */

/* Those that have to be there: their failure fails this unit's job. */
static char **required_units(const struct facts *facts, const char *unit)
{
    static const char *const names[] = { "Requires", "BindsTo", "Requisite" };
    json_t *properties = streq(unit, facts->unit) ? facts->properties : NULL;
    auto_strv char **all = new0(char *, 2);

    if (!properties)
        properties = facts_probe((struct facts *) facts, "unit", "%s", unit);
    for (size_t i = 0; all && i < ELEMENTSOF(names); i++) {
        const char *value = json_string_value(json_object_get(properties, names[i]));
        auto_strv char **words = value ? strv_split(value, " ") : NULL;

        (void) strv_extend(&all, words, true);
    }
    return take_ptr(all);
}

static bool unit_is_bad(json_t *u)
{
    const char *load = probe_text(u, "LoadState");

    return streq(probe_text(u, "ActiveState"), "failed") || streq(load, "not-found") ||
           streq(load, "masked") || streq(load, "bad-setting") || streq(load, "error");
}

/* The deepest failed unit below `unit`, a new string; NULL if none failed. */
static char *deepest_failed(struct facts *facts, const char *unit, unsigned depth)
{
    auto_strv char **units = depth < 16 ? required_units(facts, unit) : NULL;

    STRV_FOREACH (u, units) {
        json_t *p = facts_probe(facts, "unit", "%s", *u);
        bool not_started = streq(probe_text(p, "ActiveState"), "inactive") &&
                           endswith(*u, ".service");

        if (!unit_is_bad(p) && !not_started)
            continue;
        char *deeper = deepest_failed(facts, *u, depth + 1);
        if (deeper)
            return deeper;
        if (unit_is_bad(p))
            return strdup(*u);
    }
    return NULL;
}

/* The cause of the failed dependency itself goes into this report. */
static void explain_other(struct facts *facts, struct finding *f, const char *unit)
{
    _cleanup_(facts_done) struct facts other = {};
    _cleanup_(verdict_done) struct verdict v = {};

    if (facts->recorded || facts_collect(unit, facts->config && facts->config->user, &other) < 0)
        return;
    if (verdict_reach(&other, &v) < 0)
        return;
    const struct finding *cause = verdict_cause(&v);
    if (!cause)
        return;
    find_evidence(f, EVIDENCE_MANAGER, "%s: %s: %s", unit, cause->cause->id, cause->summary);
    find_fact(f, "root_cause", cause->cause->id);
    json_t *item;
    size_t i;
    if (!f->fixes)
        f->fixes = json_array();
    json_array_foreach(cause->evidence, i, item) if (f->evidence)(void)
        json_array_append(f->evidence, item);
    json_array_foreach(cause->fixes, i, item)
    {
        if (json_object_get(item, "dropin") && !json_object_get(item, "unit"))
            (void) json_object_set_new(item, "unit", json_string(unit));
        if (f->fixes)
            (void) json_array_append(f->fixes, item);
    }
}

/* A required unit that is simply not there: Requisite= does not start it, BindsTo= a device. */
static char *absent_unit(struct facts *facts)
{
    auto_strv char **units = required_units(facts, facts->unit);

    STRV_FOREACH (u, units)
        if (streq(probe_text(facts_probe(facts, "unit", "%s", *u), "ActiveState"), "inactive"))
            return strdup(*u);
    return NULL;
}

void judge_dependency_failed(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = manager_line(facts, "Dependency failed for");

    if (facts_property_is(facts, "ActiveState", "active") ||
        (!l && facts_explained(facts) && facts_failed_exit(facts_explained(facts))))
        return;
    auto_free char *unit = deepest_failed(facts, facts->unit, 0);
    if (!unit && l)
        unit = absent_unit(facts);
    if (!unit)
        return;
    json_t *p = facts_probe(facts, "unit", "%s", unit);
    const char *load = probe_text(p, "LoadState");
    bool found = streq(load, "loaded");

    bool inactive = found && streq(probe_text(p, "ActiveState"), "inactive") &&
                    streq(probe_text(p, "Result"), "success");
    find(f, SURE_PROVEN,
         inactive ? "it requires %s, which is not running"
         : found  ? "it requires %s, which failed (%s)"
                  : "it requires %s, which is %s",
         unit, found ? probe_text(p, "Result") : load);
    find_fact(f, "unit", unit);
    find_line(f, l);
    find_evidence(f, EVIDENCE_MANAGER, "%s: LoadState=%s ActiveState=%s Result=%s", unit, load,
                  probe_text(p, "ActiveState"), probe_text(p, "Result"));
    if (!found) {
        json_t *near = json_object_get(facts_probe(facts, "near-unit", "%s", unit), "candidates");
        const char *first = json_string_value(json_array_get(near, 0));

        if (first)
            find_fix(f, "the name may be %s", first);
        find_fix(f, "install it, or correct the name in Requires=");
    } else if (inactive) {
        find_setting(f, facts, "Unit", "Requisite");
        find_setting(f, facts, "Unit", "BindsTo");
        find_fix_command(f, "start it first", "systemctl start %s", unit);
        find_fix_dropin(f, "or let this unit start it", "[Unit]\nRequires=%s\nAfter=%s\n", unit,
                        unit);
    } else {
        find_fix_command(f, "see what is wrong with it", "reeve why %s", unit);
        explain_other(facts, f, unit);
    }
    find_fix(f, "Wants= in place of Requires=, if %s can do without it", facts->unit);
}

#define CYCLE_MAX 6

/* Looks on from path[n - 1] for a way back to path[0] by After= and Before=, whether or not the
 * units draw each other in. Returns the length of the circle, or 0. */
static size_t find_circle(struct facts *facts, struct unit_config **path, size_t n)
{
    const struct unit_config *first = path[0], *last = path[n - 1];
    size_t length = 0;

    if (n > 1 && (strv_contains(last->unit->after, first->name) ||
                  strv_contains(first->unit->before, last->name)))
        return n;
    STRV_FOREACH (u, last->unit->after) {
        struct unit_config *next = NULL;
        bool known = n == CYCLE_MAX || !endswith(*u, ".service");

        for (size_t i = 0; i < n; i++)
            known = known || streq(path[i]->name, *u);
        if (known || unit_load(facts->loader, *u, &next) < 0)
            continue;
        path[n] = next;
        length = next->load_state == LOAD_LOADED ? find_circle(facts, path, n + 1) : 0;
        if (length > 0)
            return length;
        unit_config_free(next);
    }
    return 0;
}

/* "a.service after b.service after a.service"; a new string, or NULL. */
static char *ordering_circle(struct facts *facts)
{
    struct unit_config *path[CYCLE_MAX + 1] = { facts->config };
    size_t n = facts->config && facts->loader ? find_circle(facts, path, 1) : 0;
    auto_strbuf struct strbuf b = {};

    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&b, "%s after ", path[i]->name);
        if (i > 0)
            unit_config_free(path[i]);
    }
    if (n > 0)
        strbuf_add(&b, facts->unit);
    return n > 0 ? strbuf_take(&b) : NULL;
}

void judge_ordering_cycle(struct facts *facts, struct finding *f)
{
    const struct facts_line *cycle = manager_line(facts, "Found ordering cycle");
    const struct facts_line *dropped = manager_line(facts, "deleted to break ordering cycle");
    const struct facts_invocation *last = facts_explained(facts);
    auto_free char *job = format("Job %s/", facts->unit);

    /* The words name all units of the cycle: the job of another one may have been dropped. */
    if (dropped && job && !strstr(dropped->text, job))
        dropped = NULL;
    if (facts_property_is(facts, "ActiveState", "active") ||
        (last && (!dropped || last->started > dropped->realtime)))
        return;
    auto_free char *circle = ordering_circle(facts);
    if (!dropped && !circle)
        return;
    find(f, SURE_PROVEN, "%s",
         dropped ? dropped->text
                 : "it is ordered before and behind the same units: a manager drops one of the "
                   "jobs of the cycle, this one");
    find_fact(f, "unit", facts->unit);
    find_line(f, cycle);
    find_line(f, dropped);
    if (circle)
        find_evidence(f, EVIDENCE_UNIT, "%s", circle);
    STRV_FOREACH (u, facts->config ? facts->config->unit->after : NULL)
        find_evidence(f, EVIDENCE_UNIT, "%s: After=%s", facts->unit, *u);
    STRV_FOREACH (u, facts->config ? facts->config->unit->before : NULL)
        find_evidence(f, EVIDENCE_UNIT, "%s: Before=%s", facts->unit, *u);
    find_fix(f, "take one After= or Before= of the cycle away");
}

/* ---- sockets
 * ------------------------------------------------------------------------------------------- */

static const struct facts_line *socket_words(const struct facts *facts)
{
    static const char *const words[] = { "not loaded, refusing", "Failed to queue service startup",
                                         "Expected exactly one socket",
                                         "Failed to set socket on service" };
    const struct facts_line *l = NULL;

    for (size_t i = 0; !l && i < ELEMENTSOF(words); i++)
        l = manager_line(facts, words[i]);
    return l;
}

void judge_socket_service_mismatch(struct facts *facts, struct finding *f)
{
    const struct socket_config *s = facts->config && facts->config->type == UNIT_SOCKET
                                        ? facts->config->socket
                                        : NULL;
    size_t at = 0;

    /* Nobody tried: it may be there for a service that is not installed. */
    if (!s || !facts_next_line(facts, NULL, true, &at))
        return;
    int stem = (int) (strlen(facts->unit) - strlen(".socket"));
    auto_free char *plain = format("%.*s.service", stem, facts->unit);
    auto_free char *template = format("%.*s@.service", stem, facts->unit);
    auto_free char *instance = format("%.*s@x.service", stem, facts->unit);
    const char *named = isempty(s->service) ? NULL : s->service;
    const char *wanted = named ? named : s->accept ? instance : plain;
    const char *other = s->accept ? plain : instance;

    if (!wanted || !other || !template ||
        !streq(probe_text(facts_probe(facts, "unit", "%s", wanted), "LoadState"), "not-found"))
        return;
    bool opposite = streq(probe_text(facts_probe(facts, "unit", "%s", other), "LoadState"),
                          "loaded");
    const char *shown = named ? named : s->accept ? template : plain;
    const char *there = s->accept ? plain : template;
    find(f, SURE_PROVEN,
         opposite ? "with Accept=%s it needs %s, which does not exist; there is %s"
                  : "with Accept=%s it needs %s, which does not exist",
         s->accept ? "yes" : "no", shown, there);
    find_fact(f, "service", shown);
    find_line(f, socket_words(facts));
    find_setting(f, facts, "Socket", "Accept");
    find_setting(f, facts, "Socket", "Service");
    find_evidence(f, EVIDENCE_PROBE, "%s: not found", shown);
    if (opposite) {
        find_evidence(f, EVIDENCE_PROBE, "%s is there", there);
        find_fix_dropin(f,
                        s->accept ? "give the service all connections"
                                  : "make an instance for each connection",
                        "[Socket]\nAccept=%s\n", s->accept ? "no" : "yes");
    }
    find_fix(f, "or name the service %s", shown);
    if (!s->accept)
        find_fix_dropin(f, "or say which service it is", "[Socket]\nService=NAME.service\n");
}
