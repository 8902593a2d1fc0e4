/* start, stop, restart, reload ... -- verbs that queue jobs and wait for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "cli/property.h"
#include "cli/systemctl.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "cli/verdict_line.h"

/* Exit statuses of service scripts (LSB 3.0, Init Script Actions), which systemctl keeps to. */
#define EXIT_LSB_NOT_IMPLEMENTED 3
#define EXIT_LSB_NO_PERMISSION 4
#define EXIT_LSB_NOT_INSTALLED 5
#define EXIT_LSB_NOT_CONFIGURED 6

/* What a verb asks of the manager, and how messages call it. */
static const struct job_verb {
    const char *verb, *type, *name;
} job_verbs[] = {
    { "start", "start", "start" },
    { "stop", "stop", "stop" },
    { "condstop", "stop", "stop" },
    { "reload", "reload", "reload" },
    { "restart", "restart", "restart" },
    { "try-restart", "try-restart", "try-restart" },
    { "condrestart", "try-restart", "try-restart" },
    { "reload-or-restart", "reload-or-restart", "reload-or-restart" },
    { "try-reload-or-restart", "reload-or-try-restart", "try-reload-or-restart" },
    { "reload-or-try-restart", "reload-or-try-restart", "try-reload-or-restart" },
    { "condreload", "reload-or-try-restart", "try-reload-or-restart" },
    { "force-reload", "reload-or-try-restart", "try-reload-or-restart" },
    { "isolate", "start", "start" },
};

/* What the manager said about one run of a verb. */
struct job_run {
    struct systemctl *c;
    const struct job_verb *verb;
    char **pending;                 /* units whose jobs are not over */
    struct control_client *watcher; /* for --wait and -T; NULL */
    usec_t begin;
    int status;    /* exit status for what was refused */
    bool failed;   /* a job failed */
    char **names;  /* what was asked for */
    bool progress; /* a progress line is on the terminal */
};

/* ---- errors ---- */

static int refusal_status(const char *error)
{
    static const struct {
        const char *error;
        int status;
    } map[] = {
        { "NoSuchUnit", EXIT_LSB_NOT_INSTALLED },
        { "AccessDenied", EXIT_LSB_NO_PERMISSION },
        { "OnlyByDependency", EXIT_LSB_NO_PERMISSION },
        { "NoIsolation", EXIT_LSB_NO_PERMISSION },
        { "TransactionIsDestructive", EXIT_LSB_NO_PERMISSION },
        { "JobTypeNotApplicable", EXIT_LSB_NOT_IMPLEMENTED },
        { "NotSupported", EXIT_LSB_NOT_IMPLEMENTED },
        { "LoadFailed", EXIT_LSB_NOT_CONFIGURED },
    };

    for (size_t i = 0; i < ELEMENTSOF(map); i++)
        if (streq(map[i].error, error))
            return map[i].status;
    return EXIT_FAILURE;
}

static const char *scope_word(const struct systemctl *c)
{
    return c->scope == SCOPE_USER ? " --user" : "";
}

static void print_refusal(struct job_run *run, const json_t *refusal)
{
    const char *unit = json_string_value(json_object_get(refusal, "unit"));
    const char *error = json_string_value(json_object_get(refusal, "error"));
    const char *message = json_string_value(json_object_get(refusal, "message"));

    fprintf(stderr, "Failed to %s %s: %s\n", run->verb->name, unit, message);
    if (!streq(error, "NoSuchUnit") && !streq(error, "UnitMasked") &&
        !streq(error, "JobTypeNotApplicable"))
        fprintf(stderr, "See system logs and '%s%s status %s' for details.\n", run->c->program,
                scope_word(run->c), unit);
    if (run->status == EXIT_SUCCESS)
        run->status = refusal_status(error);
}

static void print_details_hint(const struct systemctl *c, const char *unit)
{
    const char *scope = scope_word(c);
    auto_free char *line = c->compat ? NULL : verdict_line(unit, c->scope == SCOPE_USER);

    if (line) {
        fprintf(stderr, "cause: %s\n", line);
        return;
    }
    if (c->compat)
        fprintf(stderr,
                "See \"systemctl%s status %s\" and \"journalctl%s -xe%s %s\" for details.\n", scope,
                unit, scope, *scope ? "u --user-unit" : "u", unit);
    if (verb_find("why"))
        fprintf(stderr, "%s \"reeve why%s %s\" for the cause.\n", c->compat ? "Or" : "See", scope,
                unit);
    else if (!c->compat)
        fprintf(stderr, "See \"reeve status%s %s\" for details.\n", scope, unit);
}

/* Why a job of a service failed, by its Result=. */
static const char *explain_result(const char *result)
{
    static const struct {
        const char *result, *text;
    } map[] = {
        { "resources", "of unavailable resources or another system error" },
        { "protocol", "the service did not take the steps required by its unit configuration" },
        { "timeout", "a timeout was exceeded" },
        { "exit-code", "the control process exited with error code" },
        { "signal", "a fatal signal was delivered to the control process" },
        { "core-dump", "a fatal signal was delivered causing the control process to dump core" },
        { "watchdog", "the service failed to send watchdog ping" },
        { "start-limit-hit", "start of the service was attempted too often" },
        /* The misspelling is systemd's, and scripts match it. */
        { "oom-kill", "of an out-of-memory (OOM) siutation" },
    };

    for (size_t i = 0; i < ELEMENTSOF(map); i++)
        if (streq(map[i].result, result))
            return map[i].text;
    return NULL;
}

static void print_failed(struct systemctl *c, const char *unit)
{
    static const char *const names[] = { "Result", NULL };
    json_t *properties;
    const char *why, *result;

    if (!endswith(unit, ".service")) {
        fprintf(stderr,
                c->compat ? "Job failed. See \"journalctl -xe\" for details.\n"
                          : "Job for %s failed.\n",
                unit);
        return;
    }
    properties = systemctl_properties(c, unit, names, NULL);
    result = property_text(properties, "Result");
    why = explain_result(result);
    if (why)
        fprintf(stderr, "Job for %s failed because %s.\n", unit, why);
    else
        fprintf(stderr, "Job for %s failed.\n", unit);
    print_details_hint(c, unit);
    if (streq(result, "start-limit-hit"))
        fprintf(stderr,
                "To force a start use \"%s%s reset-failed %s\"\n"
                "followed by \"%s%s start %s\" again.\n",
                c->program, scope_word(c), unit, c->program, scope_word(c), unit);
    json_decref(properties);
}

/* Says how a job ended, unless it went well. Returns whether it did. */
bool systemctl_report_result(struct systemctl *c, const char *unit, const char *result)
{
    static const struct {
        const char *result, *text;
    } map[] = {
        { "canceled", "Job for %s canceled.\n" },
        { "timeout", "Job for %s timed out.\n" },
        { "dependency", "A dependency job for %s failed. See 'journalctl -xe' for details.\n" },
        { "invalid", "%s is not active, cannot reload.\n" },
        { "assert", "Assertion failed on job for %s.\n" },
        { "unsupported", "Operation on or unit type of %s not supported on this system.\n" },
        { "collected", "Queued job for %s was garbage collected.\n" },
        { "once", "Unit %s was started already once and can't be started again.\n" },
        { "frozen", "Cannot perform operation on frozen unit %s.\n" },
        { "concurrency",
          "Concurrency limit of a slice unit %s is contained in has been reached.\n" },
    };

    if (streq(result, "done") || streq(result, "skipped"))
        return true;
    if (c->quiet)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(map); i++)
        if (streq(map[i].result, result)) {
            /* Each of these texts has one %s. */
            auto_free char *before = memdup0(map[i].text,
                                             (size_t) (strstr(map[i].text, "%s") - map[i].text));

            fprintf(stderr, "%s%s%s", strempty(before), unit, strstr(map[i].text, "%s") + 2);
            return false;
        }
    print_failed(c, unit);
    return false;
}

/* ---- progress ---- */

static void clear_progress(struct job_run *run)
{
    if (run->progress)
        fprintf(stderr, "\r\033[K");
    run->progress = false;
}

/* One line that is written over: what the first pending unit is doing, and for how long. */
static void show_progress(struct job_run *run)
{
    static const char *const names[] = { "ActiveState",      "SubState",        "StatusText",
                                         "TimeoutStartUSec", "TimeoutStopUSec", NULL };
    usec_t elapsed = now_usec(CLOCK_MONOTONIC) - run->begin, limit;
    char took[TIMESPAN_TEXT_MAX], until[TIMESPAN_TEXT_MAX];
    auto_strbuf struct strbuf line = { 0 };
    json_t *properties;
    const char *text;

    if (!run->pending || !*run->pending)
        return;
    if (!run->watcher && systemctl_connect_again(run->c, &run->watcher) < 0)
        return;

    /* The main connection is waiting for the jobs: ask on the other one. */
    struct systemctl asker = *run->c;
    asker.client = run->watcher;
    properties = systemctl_properties(&asker, *run->pending, names, NULL);
    if (!properties)
        return;
    limit = property_number(properties,
                            streq(property_text(properties, "ActiveState"), "deactivating")
                                ? "TimeoutStopUSec"
                                : "TimeoutStartUSec");
    strbuf_addf(&line, "%s: %s", *run->pending, property_text(properties, "SubState"));
    text = property_text(properties, "StatusText");
    if (*text)
        strbuf_addf(&line, ", \"%s\"", text);
    strbuf_addf(&line, " (%s / %s)", timespan_format(took, elapsed, USEC_PER_SEC),
                limit == 0 || limit == USEC_INFINITY ? "no limit"
                                                     : timespan_format(until, limit, USEC_PER_SEC));
    if (strv_length(run->pending) > 1)
        strbuf_addf(&line, ", and %zu more", strv_length(run->pending) - 1);
    fprintf(stderr, "\r\033[K%.*s", (int) term_width() - 1, strbuf_text(&line));
    run->progress = true;
    json_decref(properties);
}

/* ---- the run ---- */

static void take_first_answer(struct job_run *run, const json_t *reply)
{
    const json_t *jobs = json_object_get(reply, "jobs"), *element;
    const json_t *refused = json_object_get(reply, "refused");
    const json_t *stale = json_object_get(reply, "need_reload");
    size_t i;

    json_array_foreach(refused, i, element)
    {
        print_refusal(run, element);
    }
    json_array_foreach(stale, i, element)
    {
        if (!run->c->no_warn)
            systemctl_say(run->c,
                          "Warning: The unit file, source configuration file or drop-ins of %s "
                          "changed on disk. Run '%s%s daemon-reload' to reload units.",
                          json_string_value(element), run->c->program, scope_word(run->c));
    }
    json_array_foreach(jobs, i, element)
    {
        strv_add(&run->pending, json_string_value(json_object_get(element, "unit")));
    }
}

static void take_end(struct job_run *run, const json_t *ended)
{
    const char *unit = json_string_value(json_object_get(ended, "unit"));
    const char *result = json_string_value(json_object_get(ended, "result"));

    clear_progress(run);
    strv_remove(run->pending, unit);
    /* The connection is in the middle of a stream: reports ask on their own. */
    struct systemctl asker = *run->c;
    asker.client = NULL;
    if (!systemctl_report_result(&asker, unit, result))
        run->failed = true;
    else if (run->c->show_transaction)
        systemctl_say(run->c, "Job for %s finished.", unit);
    control_client_free(asker.client);
}

/* Jobs that the transaction queued, as the watcher was told (-T). */
static void print_transaction(struct job_run *run)
{
    auto_control_error struct control_error e = { 0 };
    json_t *reply;

    while (run->watcher && control_next(run->watcher, 0, &reply, &e) > 0) {
        const json_t *job = json_object_get(reply, "job");

        if (streq(json_string_value(json_object_get(reply, "event")), "job-new")) {
            const char *unit = json_string_value(json_object_get(job, "unit"));

            systemctl_say(run->c, "Enqueued %s job %lld %s/%s.",
                          strv_contains(run->pending, unit) ? "anchor" : "auxiliary",
                          json_integer_value(json_object_get(job, "id")), unit,
                          json_string_value(json_object_get(job, "type")));
        }
        json_decref(reply);
    }
}

static json_t *strv_to_json(char *const *v)
{
    json_t *array = json_array();

    STRV_FOREACH (s, v)
        json_array_append_new(array, json_string(*s));
    return array;
}

static int start_watching(struct job_run *run, char *const *names)
{
    auto_control_error struct control_error e = { 0 };
    json_t *in = json_object(), *reply;
    int r = systemctl_connect_again(run->c, &run->watcher);

    if (names)
        json_object_set_new(in, "units", strv_to_json(names));
    if (r < 0) {
        json_decref(in);
        return r;
    }
    r = control_call_more(run->watcher, "Watch", in);
    if (r >= 0)
        r = control_next(run->watcher, USEC_INFINITY, &reply, &e);
    if (r > 0)
        json_decref(reply);
    return r;
}

/* Whether the unit is not active and nothing is about to start it. */
static bool has_ended(struct job_run *run, const char *name)
{
    static const char *const wanted[] = { "ActiveState", "Job", NULL };
    json_t *properties = systemctl_properties(run->c, name, wanted, NULL);
    const char *state = property_text(properties, "ActiveState");
    bool failed = streq(state, "failed");
    bool ended = !properties || ((failed || streq(state, "inactive")) &&
                                 property_is_empty("Job", json_object_get(properties, "Job")));

    run->failed |= ended && failed;
    json_decref(properties);
    return ended;
}

/* --wait: until all of the units have ended. What the watcher tells may be old by now (it has
 * watched since before the jobs were queued): it only says when to look. */
static void wait_for_end(struct job_run *run, char **names)
{
    auto_control_error struct control_error e = { 0 };
    json_t *reply;

    for (;;) {
        for (size_t i = 0; names[i];) {
            auto_free char *name = strdup(names[i]);

            if (name && has_ended(run, name))
                strv_remove(names, name);
            else
                i++;
        }
        if (!*names || control_next(run->watcher, USEC_INFINITY, &reply, &e) <= 0)
            return;
        json_decref(reply);
    }
}

/* The call itself failed: so did each unit's. */
static int report_call_failure(struct job_run *run, int r, const struct control_error *e)
{
    STRV_FOREACH (name, run->names)
        fprintf(stderr, "Failed to %s %s: %s\nSee system logs and '%s%s status %s' for details.\n",
                run->verb->name, *name, systemctl_error_text(r, e), run->c->program,
                scope_word(run->c), *name);
    return control_error_is(e, "PermissionDenied") ? EXIT_LSB_NO_PERMISSION : EXIT_FAILURE;
}

static int follow_jobs(struct job_run *run)
{
    bool terminal = isatty(STDERR_FILENO) && !run->c->quiet;
    auto_control_error struct control_error e = { 0 };
    usec_t timeout = terminal ? USEC_PER_SEC : USEC_INFINITY;
    bool first = true;
    json_t *reply;
    int r;

    for (;;) {
        r = control_next(run->c->client, timeout, &reply, &e);
        if (r == -ETIMEDOUT) {
            show_progress(run);
            continue;
        }
        if (r < 0) {
            clear_progress(run);
            return report_call_failure(run, r, &e);
        }
        if (first)
            take_first_answer(run, reply);
        if (first && run->c->show_transaction)
            print_transaction(run);
        first = false;
        if (json_object_get(reply, "ended"))
            take_end(run, json_object_get(reply, "ended"));
        json_decref(reply);
        if (r == 0)
            return EXIT_SUCCESS;
    }
}

/* Warns of what will start a unit again that was just stopped. */
static void warn_of_triggers(struct systemctl *c, char *const *names)
{
    static const char *const wanted[] = { "TriggeredBy", NULL };
    static const char *const state[] = { "ActiveState", NULL };

    STRV_FOREACH (name, names) {
        json_t *properties = systemctl_properties(c, *name, wanted, NULL), *trigger;
        bool said = false;
        size_t i;

        json_array_foreach(json_object_get(properties, "TriggeredBy"), i, trigger)
        {
            json_t *of_trigger = systemctl_properties(c, json_string_value(trigger), state, NULL);

            if (streq(property_text(of_trigger, "ActiveState"), "active")) {
                if (!said)
                    systemctl_say(
                        c, "Stopping '%s', but its triggering units are still active:", *name);
                said = true;
                systemctl_say(c, "%s", json_string_value(trigger));
            }
            json_decref(of_trigger);
        }
        json_decref(properties);
    }
}

static int run_jobs(struct systemctl *c, const struct job_verb *verb, char **names,
                    const char *mode)
{
    struct job_run run = {
        .c = c, .verb = verb, .names = names, .begin = now_usec(CLOCK_MONOTONIC)
    };
    json_t *in;
    int r = systemctl_connect(c), status;

    if (r < 0)
        return systemctl_exit_unreachable(c);
    if (c->dry_run)
        return EXIT_SUCCESS;
    if (c->wait || c->show_transaction)
        start_watching(&run, c->show_transaction ? NULL : names);
    in = json_pack("{s:s, s:o}", "type", verb->type, "units", strv_to_json(names));
    if (mode)
        json_object_set_new(in, "mode", json_string(mode));
    if (c->no_block) {
        auto_control_error struct control_error e = { 0 };
        json_t *reply;

        r = control_call(c->client, "EnqueueJobs", in, &reply, &e);
        if (r >= 0) {
            take_first_answer(&run, reply);
            if (c->show_transaction)
                print_transaction(&run);
            json_decref(reply);
        } else {
            run.status = report_call_failure(&run, r, &e);
        }
        status = run.status;
    } else {
        r = control_call_more(c->client, "EnqueueJobs", in);
        status = r < 0 ? EXIT_FAILURE : follow_jobs(&run);
        if (status == EXIT_SUCCESS && c->wait && run.watcher && !run.failed)
            wait_for_end(&run, names);
        if (status == EXIT_SUCCESS)
            status = run.failed ? EXIT_FAILURE : run.status;
        if (streq(verb->type, "stop") && !c->quiet && !c->no_warn)
            warn_of_triggers(c, names);
    }
    control_client_free(run.watcher);
    strv_free(run.pending);
    return status;
}

static const struct job_verb *find_job_verb(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(job_verbs); i++)
        if (streq(job_verbs[i].verb, name))
            return &job_verbs[i];
    assert_unreachable();
}

int ctl_start(struct systemctl *c, char **args)
{
    const struct job_verb *verb = find_job_verb(c->verb->name);
    bool isolate = streq(c->verb->name, "isolate");
    auto_strv char **names = NULL;
    const char *suffix = isolate ? ".target" : ".service";
    int r;

    if (c->marked) {
        fprintf(stderr, "Not supported: --marked.\n");
        return EXIT_FAILURE;
    }
    r = systemctl_unit_names(c, args, suffix, streq(verb->type, "start") ? verb->name : NULL,
                             &names);
    if (r == -EHOSTDOWN)
        return systemctl_exit_unreachable(c);
    if (r < 0)
        return EXIT_FAILURE;
    if (!names)
        return EXIT_SUCCESS;
    return run_jobs(c, verb, names, isolate ? "isolate" : c->job_mode);
}

int systemctl_run_jobs(struct systemctl *c, const char *verb, char **names, const char *mode)
{
    return run_jobs(c, find_job_verb(verb), names, mode);
}
