#include "diagnose/report.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "diagnose/judge.h"
#include "launch/exec_status.h"

static json_t *text_or_null(const char *s)
{
    return s ? json_string(s) : json_null();
}

/* ---- JSON
 * --------------------------------------------------------------------------------------------- */

static json_t *exit_json(const struct facts *facts)
{
    long code = facts_property_number(facts, "ExecMainCode", 0);
    long status = facts_property_number(facts, "ExecMainStatus", 0);
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));

    if (e) {
        code = e->code;
        status = e->status;
    }
    if (code == 0)
        return json_null();
    bool exited = code == CLD_EXITED;
    auto_free char *signal = exited ? NULL : format("SIG%s", signal_name((int) status));
    return json_pack("{s:s, s:o, s:o, s:b}", "code",
                     exited               ? "exited"
                     : code == CLD_DUMPED ? "dumped"
                                          : "killed",
                     "status", exited ? json_integer(status) : json_null(), "signal",
                     text_or_null(signal), "core", code == CLD_DUMPED);
}

static json_t *finding_json(const struct finding *f)
{
    json_t *j = json_pack("{s:s, s:s, s:f, s:o, s:o, s:o}", "id", f->cause->id, "summary",
                          strempty(f->summary), "confidence", MIN(f->confidence, 0.99), "facts",
                          f->facts ? json_incref(f->facts) : json_object(), "evidence",
                          f->evidence ? json_incref(f->evidence) : json_array(), "fixes",
                          f->fixes ? json_incref(f->fixes) : json_array());

    if (j && f->prevent)
        (void) json_object_set_new(j, "prevent", json_string(f->prevent));
    return j;
}

static json_t *timeline_json(const struct facts *facts)
{
    const struct facts_invocation *i = facts_explained(facts);
    json_t *list = json_array();

    if (!i || !list)
        return list;
    if (i->launch.status)
        (void) json_array_append_new(
            list, json_pack("{s:I, s:s, s:s, s:I}", "at_usec", (json_int_t) 0, "step",
                            strempty(i->launch.step), "outcome",
                            strempty(errno_name(i->launch.error)), "took_usec", (json_int_t) 0));
    for (size_t k = 0; k < i->n_exits; k++) {
        const struct facts_exit *e = &i->exits[k];
        auto_free char *step = e->index || !streq_ptr(e->command, "ExecStart")
                                   ? format("%s[%u]", strempty(e->command), e->index)
                                   : strdup("ExecStart");
        auto_free char *outcome = e->code == CLD_EXITED
                                      ? format(e->status ? "exit %d" : "ok", e->status)
                                      : format("signal %s", signal_name(e->status));
        usec_t begin = e->started ? e->started : i->started;

        (void) json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:I}", "at_usec",
                                                     (json_int_t) usec_sub(begin, i->started),
                                                     "step", strempty(step), "outcome",
                                                     strempty(outcome), "took_usec",
                                                     (json_int_t) usec_sub(e->ended, begin)));
    }
    return list;
}

/* Something failed and no cause holds: an honest unknown, with what is known. */
static json_t *unknown_json(const struct facts *facts)
{
    struct finding f = { .cause = &(const struct cause){ .id = "unknown" } };
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));
    const char *result = facts_property(facts, "Result");

    find(&f, 0.0, "the cause is not known");
    if (e && e->code == CLD_EXITED)
        find_evidence(&f, EVIDENCE_EXIT, "%s ended with status %d", strempty(e->command),
                      e->status);
    else if (e)
        find_evidence(&f, EVIDENCE_EXIT, "%s ended by SIG%s", strempty(e->command),
                      signal_name(e->status));
    if (result)
        find_evidence(&f, EVIDENCE_MANAGER, "Result=%s", result);
    judge_last_words(facts, &f, 5);
    for (size_t i = 0; i < facts->n_trace; i++)
        if (trace_event_is_telling(&facts->trace[i]) && json_array_size(f.evidence) < 12)
            find_call(&f, &facts->trace[i]);
    json_t *j = finding_json(&f);
    finding_done(&f);
    return j;
}

json_t *report_json(const struct facts *facts, const struct verdict *v)
{
    const struct finding *cause = verdict_cause(v);
    json_t *also = json_array(), *blind = json_array();

    for (size_t i = cause ? 1 : 0; also && i < v->n; i++)
        if (v->failed || v->findings[i].confidence >= SURE_ENOUGH)
            (void) json_array_append_new(also, finding_json(&v->findings[i]));
    STRV_FOREACH (b, facts->blind)
        (void) json_array_append_new(blind, json_string(*b));

    json_t *state = json_pack(
        "{s:o, s:o, s:o, s:o, s:I}", "active", text_or_null(facts_property(facts, "ActiveState")),
        "sub", text_or_null(facts_property(facts, "SubState")), "result",
        text_or_null(facts_property(facts, "Result")), "exit", exit_json(facts), "restarts",
        (json_int_t) facts_property_number(facts, "NRestarts", 0));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "unit", facts->unit, "state", state, "cause",
                     cause       ? finding_json(cause)
                     : v->failed ? unknown_json(facts)
                                 : json_null(),
                     "also", also, "timeline", timeline_json(facts), "blind", blind);
}

/* ---- for people
 * --------------------------------------------------------------------------------------- */

struct printer {
    FILE *to;
    const struct report_style *style;
    const char *label; /* of the next line; then "" */
};

static void paint(const struct printer *p, const char *code)
{
    if (p->style->colour)
        fputs(code, p->to);
}

/* "  label    text": the label once, lines behind it indented. Text over the width goes on below.
 */
static void line(struct printer *p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (!text)
        return;
    if (p->style->markdown) {
        fprintf(p->to, "- **%s** %s\n", p->label, text);
        return;
    }
    paint(p, "\033[1m");
    fprintf(p->to, "  %-8s ", p->label);
    paint(p, "\033[0m");
    p->label = "";
    size_t room = p->style->width > 40 ? p->style->width - 11 : 1000;
    for (const char *s = text;;) {
        size_t n = strcspn(s, "\n");
        size_t cut = n;

        if (cut > room) {
            for (cut = room; cut > room / 2 && s[cut] != ' ';)
                cut--;
            if (s[cut] != ' ')
                cut = room;
        }
        fprintf(p->to, "%.*s\n", (int) cut, s);
        s += cut + (s[cut] == ' ' && cut < n);
        if (cut == n) {
            if (!*s)
                return;
            s++;
            if (!*s)
                return;
        }
        fputs("           ", p->to);
    }
}

static void headline(FILE *to, const struct facts *facts, const struct verdict *v)
{
    const char *state = facts_property(facts, "ActiveState"),
               *result = facts_property(facts, "Result");
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));
    long restarts = facts_property_number(facts, "NRestarts", 0);

    fprintf(to, "%s is %s", facts->unit,
            facts->unanswered ? "not known to be well"
            : isempty(state)  ? "not loaded by a manager"
                              : state);
    if (!v->failed) {
        fputs(": nothing failed\n", to);
        return;
    }
    if (e && e->code == CLD_EXITED)
        fprintf(to, ": %s exited with status %d", strempty(e->command), e->status);
    else if (e)
        fprintf(to, ": %s was ended by SIG%s", strempty(e->command), signal_name(e->status));
    else if (result && !streq(result, "success"))
        fprintf(to, ": %s", result);
    if (restarts > 0)
        fprintf(to, " (after %ld restarts; this is about the first failure)", restarts);
    fputc('\n', to);
}

static void print_array(struct printer *p, const char *label, json_t *list, size_t most)
{
    json_t *item;
    size_t i;

    p->label = label;
    json_array_foreach(list, i, item) if (i < most)
        line(p, "%s", strempty(json_string_value(json_object_get(item, "text"))));
}

static void print_fixes(struct printer *p, json_t *fixes)
{
    json_t *fix;
    size_t i;

    p->label = "fix";
    json_array_foreach(fixes, i, fix)
    {
        const char *kind = strempty(json_string_value(json_object_get(fix, "kind")));
        const char *text = strempty(json_string_value(json_object_get(fix, "text")));
        const char *command = json_string_value(json_object_get(fix, "command"));
        const char *dropin = json_string_value(json_object_get(fix, "dropin"));
        const char *other = json_string_value(json_object_get(fix, "unit"));
        const char *verified = json_is_true(json_object_get(fix, "verified")) ? " (tried: it works)"
                                                                              : "";

        if (streq(kind, "not"))
            continue;
        if (command)
            line(p, "%s: %s%s", text, command, verified);
        else if (dropin)
            line(p, p->style->markdown ? "%s%s%s%s:\n\n```ini\n%s```\n" : "%s%s%s%s:\n%s", text,
                 other ? ", a drop-in of " : "", strempty(other), verified, dropin);
        else
            line(p, "%s", text);
    }
    p->label = "not";
    json_array_foreach(
        fixes, i, fix) if (streq(strempty(json_string_value(json_object_get(fix, "kind"))), "not"))
        line(p, "%s", strempty(json_string_value(json_object_get(fix, "text"))));
}

static void print_timeline(struct printer *p, const struct facts *facts)
{
    json_t *timeline = timeline_json(facts), *step;
    size_t i;

    p->label = "start";
    json_array_foreach(timeline, i, step)
    {
        const char *outcome = strempty(json_string_value(json_object_get(step, "outcome")));
        char span[TIMESPAN_TEXT_MAX];
        usec_t took = (usec_t) json_integer_value(json_object_get(step, "took_usec"));

        line(p, "%-4s  %-18s %s%s%s", streq(outcome, "ok") ? "ok" : "FAIL",
             strempty(json_string_value(json_object_get(step, "step"))),
             took ? timespan_format(span, took, took > 10000 ? 1000 : 1) : "",
             took && !streq(outcome, "ok") ? "  " : "", streq(outcome, "ok") ? "" : outcome);
    }
    json_decref(timeline);
}

void report_print(FILE *to, const struct facts *facts, const struct verdict *v,
                  const struct report_style *style)
{
    struct printer p = { .to = to, .style = style };
    const struct finding *cause = verdict_cause(v);
    json_t *unknown = !cause && v->failed ? unknown_json(facts) : NULL;

    if (style->markdown)
        fputs("### ", to);
    headline(to, facts, v);
    fputc('\n', to);
    if (cause) {
        p.label = "cause";
        line(&p, "%s: %s", cause->cause->id, strempty(cause->summary));
        print_array(&p, "proof", cause->evidence, 6);
        print_fixes(&p, cause->fixes);
        p.label = "prevent";
        if (cause->prevent)
            line(&p, "%s", cause->prevent);
    } else if (unknown) {
        p.label = "cause";
        line(&p, "unknown: nothing that was looked at explains it");
        print_array(&p, "known", json_object_get(unknown, "evidence"), 8);
        p.label = "next";
        if (!facts->traced && !facts->unanswered)
            line(&p, "%sreeve why --again %s runs it once more and watches its system calls",
                 geteuid() == 0 ? "" : "as root: ", facts->unit);
    }
    json_decref(unknown);
    p.label = "also";
    for (size_t i = cause ? 1 : 0; v->failed && i < v->n && i < 4; i++)
        line(&p, "%s: %s", v->findings[i].cause->id, strempty(v->findings[i].summary));
    if (v->failed) {
        fputc('\n', to);
        print_timeline(&p, facts);
    }
    p.label = "blind";
    STRV_FOREACH (b, facts->blind)
        line(&p, "%s", *b);
}

char *report_line(const struct verdict *v)
{
    const struct finding *cause = verdict_cause(v);

    return cause ? format("%s: %s", cause->cause->id, strempty(cause->summary)) : NULL;
}
