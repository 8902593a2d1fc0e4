/* reeve try -- the whole start of a unit, once, in the foreground: each step as it happens, then
 * the verdict. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "cli/term.h"
#include "cli/try.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "control/client.h"
#include "diagnose/again.h"
#include "diagnose/copy.h"
#include "diagnose/report.h"
#include "unit/directive.h"
#include "unit/load.h"
#include "unit/name.h"

/* Exit statuses: 0 it works, 1 it fails, 4 no such unit. */
enum { EXIT_FAILS = 1, EXIT_NO_UNIT = 4 };

#define START_LIMIT (10 * USEC_PER_MINUTE)
#define RUNTIME_FOLDER "/run/systemd/system"

static const char options_help[] =
    "  --for=TIME         how long it has to stay up after its start (2s)\n"
    "  --keep             let it run on afterwards\n"
    "  --copy             in a copy of this machine that is thrown away (as root)\n"
    "  --force            also a unit that is active (it is stopped), or whose failure ends more\n"
    "  --shell            a shell in its context just before its program would run\n"
    "  --compare-shell    what differs between this shell and its context\n"
    "  --user             units of your own manager\n"
    "  -o, --output=json  the steps and the report as JSON\n"
    "  -h, --help\n\n"
    "A FILE is one that is not installed; it is a unit of the manager as long as this runs.\n"
    "Exit status: 0 it works, 1 it fails, 2 usage, 4 no such unit.\n";

/* ---- steps
 * -------------------------------------------------------------------------------------------- */

/* A command of the unit's files, in the order in which the manager runs them. */
struct command {
    char *label; /* "ExecStartPre[1]" */
    char *program;
    bool ignored; /* its failure: the prefix "-" */
};

struct trial {
    struct try_options o;
    const char *unit;
    const char *file; /* that is to be a unit; NULL: the unit is installed */
    struct facts facts;
    struct command *commands;
    size_t n_commands, allocated, next;
    size_t told;                  /* processes whose beginning was shown */
    uint64_t ended;               /* bit n: that the end of process n was shown */
    const struct command *of[64]; /* of the processes */
    json_t *steps;
    int follow_fd; /* the service's output, as it comes; -1 */
    pid_t follower;
    struct strbuf line;
};

static const char *const exec_directives[] = { "ExecCondition", "ExecStartPre", "ExecStart",
                                               "ExecStartPost", "ExecStop",     "ExecStopPost" };

static int add_commands(struct trial *t, const char *name)
{
    const struct directive *d = directive_find(t->facts.config->type, "Service", name, NULL);
    auto_strbuf struct strbuf b = {};
    unsigned n = 0;

    if (!d || !directive_is_set(t->facts.config, d))
        return 0;
    directive_format_file(t->facts.config, d, &b);
    auto_strv char **lines = strv_split(strbuf_text(&b), "\n");
    STRV_FOREACH (line, lines) {
        const char *value = strchr(*line, '=');

        if (!value || !grow(&t->commands, &t->allocated, t->n_commands + 1))
            continue;
        size_t prefixes = strspn(value + 1, "-@:+!|");
        bool ignored = memchr(value + 1, '-', prefixes) != NULL;
        value += 1 + prefixes;
        t->commands[t->n_commands++] = (struct command){
            .label = format("%s[%u]", name, n++),
            .program = format("%.*s", (int) strcspn(value, WHITESPACE), value),
            .ignored = ignored,
        };
    }
    if (n == 1 && streq(name, "ExecStart"))
        t->commands[t->n_commands - 1].label[strlen(name)] = 0;
    return 0;
}

/* Which of the unit's commands the next process is: they come in order, some are left out. */
static const struct command *command_of(struct trial *t, const struct trace_process *p)
{
    static char label[] = "process";
    static const struct command other = { .label = label };

    for (size_t i = t->next; p->command && i < t->n_commands; i++)
        if (strstr(p->command, path_basename(strempty(t->commands[i].program)))) {
            t->next = i + 1;
            return &t->commands[i];
        }
    return &other;
}

static const char *mark(const char *outcome)
{
    return streq(outcome, "ok")   ? term_color(COLOR_GREEN)
           : streq(outcome, "..") ? term_color(COLOR_DIM)
                                  : term_color(COLOR_RED);
}

_printf_(5, 6) static void show_step(struct trial *t, const char *outcome, const char *label,
                                     usec_t took, const char *fmt, ...)
{
    char span[TIMESPAN_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (!streq(outcome, ".."))
        (void) json_array_append_new(t->steps, json_pack("{s:s, s:s, s:s, s:I}", "step", label,
                                                         "outcome", outcome, "text", strempty(text),
                                                         "took_usec", (json_int_t) took));
    if (t->o.json)
        return;
    printf("  %s%-4s%s  %-16s %s%s%s\n", mark(outcome), outcome, term_reset(), label,
           strempty(text), took > 0 ? "  " : "",
           took > 0 ? timespan_format(span, took, took > 10000 ? 1000 : 1) : "");
    (void) fflush(stdout);
}

static void show_end(struct trial *t, size_t n, const struct trace_process *p)
{
    int status = p->status;
    auto_free char *how = WIFSIGNALED(status)       ? format("SIG%s", signal_name(WTERMSIG(status)))
                          : WEXITSTATUS(status) > 0 ? format("exit %d", WEXITSTATUS(status))
                                                    : strdup("");
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0, ignored = t->of[n]->ignored;

    show_step(t, fine || ignored ? "ok" : "FAIL", strempty(t->of[n]->label),
              usec_sub(p->ended, p->executed), "%s%s%s%s", strempty(p->command),
              isempty(how) ? "" : "  ", strempty(how), ignored && !fine ? " (ignored: -)" : "");
}

static void show_output(struct trial *t)
{
    char buffer[4096];
    ssize_t n;

    while (t->follow_fd >= 0 && (n = read(t->follow_fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (buffer[i] != '\n') {
                strbuf_add_char(&t->line, buffer[i]);
                continue;
            }
            printf("        %s|%s %s\n", term_color(COLOR_DIM), term_reset(),
                   strbuf_text(&t->line));
            strbuf_clear(&t->line);
        }
}

/* Ctrl-C: the start is over, and what was done for it is undone. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
    (void) signo;
    interrupted = 1;
}

/* What has happened since the last look. */
static bool on_step(const struct tracer *tracer, void *userdata)
{
    struct trial *t = userdata;
    size_t n = 0;
    const struct trace_process *all = tracer ? tracer_processes(tracer, &n) : NULL;

    for (size_t i = t->told; i < n && i < ELEMENTSOF(t->of); i++, t->told++) {
        t->of[i] = command_of(t, &all[i]);
        if (i == 0) {
            auto_free char *user = facts_setting(&t->facts, "Service", "User");
            auto_free char *cwd = facts_setting(&t->facts, "Service", "WorkingDirectory");

            show_step(t, "ok", "set-up", usec_sub(all[i].executed, all[i].forked),
                      "user %s, cwd %s", user ? user : "root", cwd ? cwd : "/");
        }
        if (!all[i].over)
            show_step(t, "..", strempty(t->of[i]->label), 0, "%s", strempty(all[i].command));
    }
    show_output(t);
    for (size_t i = 0; i < t->told; i++)
        if (all[i].over && !(t->ended & UINT64_C(1) << i)) {
            t->ended |= UINT64_C(1) << i;
            show_end(t, i, &all[i]);
        }
    return interrupted;
}

/* The service's words as they come; the manager's own are what we say ourselves. */
static void follow(struct trial *t)
{
    auto_free char *match = format("%s=%s", t->o.user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT",
                                   t->unit);
    const char *reeve[] = { "/proc/self/exe", "log", "-f", "-n", "0", "-o", "cat", match, NULL };
    const char *theirs[] = { "journalctl", "-q", "-f", "-n", "0", "-o", "cat", match, NULL };
    const char **argv = t->facts.source == FACTS_REEVE ? reeve : theirs;
    int fds[2];

    if (t->o.json || !match || pipe2(fds, O_CLOEXEC) < 0)
        return;
    t->follower = fork();
    if (t->follower == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) dup2(fds[1], STDOUT_FILENO);
        execvp(argv[0], (char **) argv);
        _exit(127);
    }
    close_fd(fds[1]);
    (void) fd_nonblock(fds[0], true);
    t->follow_fd = fds[0];
}

static void follow_end(struct trial *t)
{
    show_output(t);
    if (t->follower > 0 && kill(t->follower, SIGKILL) >= 0)
        (void) waitpid(t->follower, NULL, 0);
    t->follow_fd = close_fd(t->follow_fd);
    t->follower = 0;
}

/* ---- what it will do
 * ------------------------------------------------------------------------------------- */

/* The units of a property that are in that state now. */
static char *units_that_are(const struct facts *f, bool user, const char *property,
                            const char *state)
{
    auto_strv char **names = strv_split(strempty(facts_property(f, property)), " ");
    auto_strbuf struct strbuf b = {};

    STRV_FOREACH (name, names) {
        if (endswith(*name, ".target") || endswith(*name, ".slice"))
            continue;
        json_t *show = facts_show(f->source, user, *name);
        if (streq(strempty(json_string_value(json_object_get(show, "ActiveState"))), state))
            strbuf_addf(&b, " %s", *name);
        json_decref(show);
    }
    return b.length > 0 ? strbuf_take(&b) : NULL;
}

/* Says what else will happen; returns what should not happen unasked, or NULL. */
static const char *foresee(const struct trial *t)
{
    static const struct {
        const char *property, *state, *what;
    } rows[] = {
        { "Requires", "inactive", "is required and will be started, and is not stopped again" },
        { "Wants", "inactive", "is wanted and will be started, and is not stopped again" },
        { "Conflicts", "active", "conflicts and will be stopped" },
        { "PropagatesStopTo", "active", "is stopped with it afterwards" },
    };
    static const char *const actions[] = { "FailureAction", "SuccessAction", "StartLimitAction" };
    static const char *const folders[] = { "StateDirectory", "CacheDirectory", "LogsDirectory",
                                           "ConfigurationDirectory" };
    const struct facts *f = &t->facts;

    for (size_t i = 0; i < ELEMENTSOF(rows) && !t->o.json; i++) {
        auto_free char *units = units_that_are(f, t->o.user, rows[i].property, rows[i].state);

        if (units)
            printf("  will  %s:%s\n", rows[i].what, units);
    }
    for (size_t i = 0; i < ELEMENTSOF(folders) && !t->o.json; i++) {
        auto_free char *value = facts_setting(f, "Service", folders[i]);

        if (value)
            printf("  will  make or take over %s=%s\n", folders[i], value);
    }
    if (!isempty(facts_property(f, "OnFailure")) && !t->o.json)
        printf("  will  start, if it fails: %s\n", facts_property(f, "OnFailure"));
    for (size_t i = 0; i < ELEMENTSOF(actions); i++) {
        const char *value = facts_property(f, actions[i]);

        if (!isempty(value) && !streq(value, "none"))
            return "its end would end more than itself (FailureAction=, SuccessAction= or "
                   "StartLimitAction= is set); --force tries it all the same";
    }
    return NULL;
}

/* ---- a file
 * ------------------------------------------------------------------------------------------- */

/* Makes the file a unit of the manager, if it is none yet; *ret_installed is what has to be removed
 * again, else NULL. */
static int install(const struct trial *t, char **ret_installed)
{
    _cleanup_(facts_done) struct facts facts = {};
    auto_free char *text = NULL, *to = path_join(RUNTIME_FOLDER, t->unit, NULL);
    int r = facts_collect(t->unit, t->o.user, &facts);

    if (r >= 0)
        return facts.config && streq_ptr(facts.config->fragment_path, t->file) ? 0 : -EEXIST;
    if (r != -ENOENT)
        return r;
    r = to ? file_read(t->file, (size_t) 1 << 20, &text, NULL) : -ENOMEM;
    if (r >= 0)
        r = mkdir_all(RUNTIME_FOLDER, 0755);
    if (r >= 0)
        r = file_replace(to, text, strlen(text), 0644);
    if (r >= 0)
        *ret_installed = take_ptr(to);
    return r;
}

/* ---- one trial
 * ----------------------------------------------------------------------------------------- */

static void show_set_up_failure(struct trial *t, const struct facts *after)
{
    const struct facts_invocation *i = facts_explained(after);
    const char *error = i ? errno_name(i->launch.error) : NULL;

    if (i && i->launch.status)
        show_step(t, "FAIL", "set-up", 0, "%s %s%s%s", strempty(i->launch.step),
                  strempty(i->launch.object), error ? ": " : "", strempty(error));
}

static void show_readiness(struct trial *t, const struct facts *after, bool traced)
{
    usec_t begin = (usec_t) facts_property_number(after, "InactiveExitTimestampMonotonic", 0);
    usec_t ready = (usec_t) facts_property_number(after, "ActiveEnterTimestampMonotonic", 0);
    const char *type = strempty(facts_property(after, "Type"));
    const char *result = strempty(facts_property(after, "Result"));

    if (facts_property_is(after, "ConditionResult", "no"))
        show_step(t, "FAIL", "conditions", 0, "a condition of its [Unit] section is not met");
    else if (ready >= begin && ready > 0)
        show_step(t, "ok", "ready", ready - begin, "Type=%s", type);
    else if (!streq(result, "success"))
        show_step(t, "FAIL", "ready", 0, "Type=%s: never (%s)", type, result);
    if (!traced)
        show_step(t, "ok", "untraced", 0, "the manager may not be traced here: no single steps");
}

static json_t *run_steps(struct trial *t)
{
    const struct rerun how = { .user = t->o.user,
                               .limit = START_LIMIT,
                               .stay = t->o.stay,
                               .force = t->o.force,
                               .keep = true,
                               .step = on_step,
                               .userdata = t };
    _cleanup_(facts_done) struct facts after = {};
    _cleanup_(verdict_done) struct verdict v = {};
    int r = facts_collect(t->unit, t->o.user, &t->facts);

    if (r == -ENOENT)
        return json_pack("{s:i}", "error", EXIT_NO_UNIT);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(exec_directives); i++)
        r = t->facts.config ? add_commands(t, exec_directives[i]) : 0;
    const char *refusal = r < 0 ? strerror(-r) : foresee(t);
    const char *state = facts_property(&t->facts, "ActiveState");
    if (!refusal && state && (streq(state, "active") || streq(state, "reloading")))
        refusal = "it is active; --force stops it first";
    if (!refusal && state && streq(state, "deactivating"))
        refusal = "it is being stopped; wait until it is";
    if (t->facts.unanswered) {
        refusal = "the manager gives no answer";
        r = -EHOSTDOWN;
    }
    if (refusal && (r < 0 || !t->o.force))
        return json_pack("{s:s}", "refusal", refusal);

    bool was_active = state && streq(state, "active");
    follow(t);
    r = facts_run_again(&t->facts, &how);
    bool traced = r > 0;
    if (r == 0)
        r = facts_run_untraced(&t->facts, &how);
    if (r >= 0)
        r = facts_collect(t->unit, t->o.user, &after);
    follow_end(t);
    if (r < 0)
        return json_pack("{s:s}", "refusal", strerror(-r));
    after.tracer = take_ptr(t->facts.tracer);
    after.trace = t->facts.trace;
    after.n_trace = t->facts.n_trace;
    after.traced = traced;
    after.works_now = t->facts.works_now;
    if (strv_extend(&after.blind, t->facts.blind, true) < 0)
        return json_pack("{s:s}", "refusal", strerror(ENOMEM));
    show_set_up_failure(t, &after);
    show_readiness(t, &after, traced);
    r = verdict_reach(&after, &v);
    if (!t->o.json && r >= 0) {
        const struct report_style style = { .colour = term_has_color(),
                                            .width = (unsigned) term_width() };

        putchar('\n');
        report_print(stdout, &after, &v, &style);
        (void) fflush(stdout);
    }
    if (!t->o.keep && !was_active)
        (void) facts_tell_manager(&after, t->o.user, "stop");
    return json_pack("{s:b, s:O, s:o}", "failed", r < 0 || v.failed, "steps", t->steps, "report",
                     report_json(&after, &v));
}

static json_t *run_trial(void *userdata)
{
    struct trial *t = userdata;
    auto_free char *installed = NULL;
    int r = t->file ? install(t, &installed) : 0;

    if (r < 0)
        return json_pack("{s:s}", "refusal",
                         r == -EEXIST ? "another unit of that name is installed" : strerror(-r));
    json_t *answer = run_steps(t);
    if (installed && unlink(installed) == 0) /* the manager forgets it then */
        (void) facts_tell_manager(&t->facts, t->o.user, "reset-failed");
    return answer;
}

static bool has_manager(bool user)
{
    auto_control_client struct control_client *c = NULL;

    return control_connect(user ? CONTROL_USER : CONTROL_SYSTEM, &c, NULL) >= 0 ||
           access("/run/systemd/system", F_OK) == 0;
}

static void trial_done(struct trial *t)
{
    facts_done(&t->facts);
    for (size_t i = 0; i < t->n_commands; i++) {
        free(t->commands[i].label);
        free(t->commands[i].program);
    }
    free(t->commands);
    json_decref(t->steps);
    strbuf_done(&t->line);
}

static int try_in_copy(struct trial *t, json_t **ret)
{
    struct copy *c = NULL;
    auto_strv char **notes = NULL;
    auto_free char *why = NULL;
    int r = copy_new(&c, &notes, &why);

    if (r < 0) {
        fprintf(stderr, "reeve try: no copy of this machine: %s\n", why ? why : strerror(-r));
        return r;
    }
    STRV_FOREACH (note, notes)
        fprintf(stderr, "reeve try: %s\n", *note);
    r = copy_ask(c, run_trial, t, START_LIMIT, ret);
    copy_free(c);
    return r;
}

static int try_unit(const struct try_options *o, const char *unit, const char *file)
{
    struct trial t = {
        .o = *o, .unit = unit, .file = file, .follow_fd = -1, .steps = json_array()
    };
    const struct sigaction interrupt = { .sa_handler = on_interrupt };
    json_t *answer = NULL;
    int r = 0;

    (void) sigaction(SIGINT, &interrupt, NULL);
    (void) sigaction(SIGTERM, &interrupt, NULL);
    (void) sigaction(SIGHUP, &interrupt, NULL);
    if (o->copy || !has_manager(o->user))
        r = try_in_copy(&t, &answer);
    else
        answer = run_trial(&t);
    const char *refusal = json_string_value(json_object_get(answer, "refusal"));
    int status = r < 0 || !answer                                    ? EXIT_FAILS
                 : refusal                                           ? EXIT_FAILS
                 : json_is_integer(json_object_get(answer, "error")) ? EXIT_NO_UNIT
                 : json_is_true(json_object_get(answer, "failed"))   ? EXIT_FAILS
                                                                     : 0;
    if (refusal)
        fprintf(stderr, "reeve try: %s: %s\n", unit, refusal);
    else if (status == EXIT_NO_UNIT)
        fprintf(stderr, "reeve try: there is no unit %s\n", unit);
    else if (o->json && answer) {
        (void) json_object_del(answer, "failed");
        (void) json_object_set_new(answer, "unit", json_string(unit));
        (void) json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(3));
        putchar('\n');
    }
    json_decref(answer);
    trial_done(&t);
    return status;
}

int verb_try(int argc, char **argv)
{
    static const struct option options[] = {
        { "for", required_argument, NULL, 'F' }, { "keep", no_argument, NULL, 'k' },
        { "copy", no_argument, NULL, 'c' },      { "force", no_argument, NULL, 'f' },
        { "shell", no_argument, NULL, 'S' },     { "compare-shell", no_argument, NULL, 'C' },
        { "user", no_argument, NULL, 'u' },      { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },      {},
    };
    struct try_options o = { .stay = 2 * USEC_PER_SEC };
    enum { TRY, SHELL, COMPARE } what = TRY;
    auto_free char *unit = NULL, *file = NULL;
    int c;

    optind = 0;
    while ((c = verb_getopt(argc, argv, "o:h", options, NULL)) >= 0) {
        switch (c) {
        case 'F':
            if (timespan_parse(optarg, &o.stay) < 0 || o.stay == 0)
                return usage_error("try", "--for= takes a time span, not %s", optarg);
            break;
        case 'k':
            o.keep = true;
            break;
        case 'c':
            o.copy = true;
            break;
        case 'f':
            o.force = true;
            break;
        case 'S':
            what = SHELL;
            break;
        case 'C':
            what = COMPARE;
            break;
        case 'u':
            o.user = true;
            break;
        case 'o':
            if (!streq(optarg, "json"))
                return usage_error("try", "--output= takes json, not %s", optarg);
            o.json = true;
            break;
        case 'h':
            return verb_print_help("try", options_help);
        default:
            return usage_status("try");
        }
    }
    if (argc - optind != 1)
        return usage_error("try", "one unit or unit file has to be named");
    if (strchr(argv[optind], '/')) {
        file = realpath(argv[optind], NULL);
        if (!file) {
            fprintf(stderr, "reeve try: %s: %s\n", argv[optind], strerror(errno));
            return EXIT_FAILS;
        }
        unit = strdup(path_basename(argv[optind]));
        if (unit && !unit_name_is_valid(unit, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
            return usage_error("try", "that is not the name of a unit (NAME.service): %s", unit);
    } else {
        unit = strchr(argv[optind], '.') ? strdup(argv[optind])
                                         : format("%s.service", argv[optind]);
    }
    if (!unit)
        return EXIT_FAILS;
    return what == SHELL     ? try_shell(&o, unit)
           : what == COMPARE ? try_compare_shell(&o, unit)
                             : try_unit(&o, unit, file);
}
