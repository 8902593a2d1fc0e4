/* reeve explain -- what an exit status, signal, result, cause or belief means; and, for a unit,
 * what its Restart= makes of every end. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>

#include "base/names.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/table.h"
#include "cli/unit_files.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "diagnose/cause.h"
#include "launch/exec_status.h"
#include "manager/service_exit.h"
#include "unit/enums.h"
#include "unit/name.h"
#include "unit/value.h"

static const struct {
    const char *word, *text;
} meanings[] = {
#define MEANING(word, text) { word, text },
#include "cli/explain.def"
#undef MEANING
};

static const struct {
    const char *topic, *believed, *truth;
} beliefs[] = {
#define BELIEF(topic, believed, truth) { topic, believed, truth },
#include "cli/explain.def"
#undef BELIEF
};

static const char options_help[] =
    "  --unit=UNIT        what Restart= of the unit makes of every exit status and signal\n"
    "  --user             a unit of your own manager\n"
    "  --root=PATH        unit files below that folder\n"
    "  -o, --output=json  as JSON\n"
    "  -h, --help\n\n"
    "A CODE is an exit status (203, EXEC), a signal (KILL, 9), a result (exit-code), a step "
    "(CHDIR) or\n"
    "a cause (port-in-use). TOPICs: environment, journal, notify, ports, restart, watchdog.\n"
    "Without any: all topics. Exit status: 0, 1 unknown word, 2 usage, 4 no such unit.\n";

struct explain {
    struct systemctl ctl;
    const char *unit;
    json_t *found; /* of objects, with -o json */
    unsigned n;
};

static const char *meaning_of(const char *word)
{
    for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
        if (strcasecmp(meanings[i].word, word) == 0)
            return meanings[i].text;
    return NULL;
}

static void tell(struct explain *e, const char *kind, const char *name, const char *text)
{
    e->n++;
    if (e->found)
        json_array_append_new(
            e->found, json_pack("{s:s, s:s, s:s}", "kind", kind, "name", name, "text", text));
    else
        printf("%s%s %s%s: %s.\n", term_color(COLOR_BOLD), kind, name, term_reset(), text);
}

/* ---- words ---- */

static void tell_status(struct explain *e, int status)
{
    const char *name = exit_status_name(status), *step = exec_status_text(status);
    char number[8];

    snprintf(number, sizeof number, "%d", status);
    const char *text = meaning_of(number);
    auto_free char *title = name ? format("%d (%s)", status, name) : strdup(number);
    auto_free char *words = NULL;

    if (step)
        words = format("the program was not reached: %s failed (`reeve why` says on what)", step);
    else if (text)
        words = strdup(text);
    else if (status > 128 && status < 128 + 65)
        words = format("128+%d: from a shell, whose command was ended by SIG%s; for the manager an "
                       "exit status, and a failure",
                       status - 128, signal_name(status - 128));
    else
        words = strdup("what the program means by it: its documentation tells");
    if (title && words)
        tell(e, "exit status", title, words);
}

static void tell_signal(struct explain *e, int signo)
{
    const char *name = signal_name(signo), *text = meaning_of(name);
    auto_free char *title = format("%d (SIG%s)", signo, name);

    if (title)
        tell(e, "signal", title, text ?: "not clean: the service counts as failed");
}

static bool tell_cause(struct explain *e, const char *word)
{
    for (const struct cause *c = causes; c->id; c++)
        if (streq(c->id, word)) {
            tell(e, "cause", c->id, c->title);
            return true;
        }
    return false;
}

static bool tell_topic(struct explain *e, const char *topic)
{
    bool any = false;

    for (size_t i = 0; i < ELEMENTSOF(beliefs); i++) {
        if (topic && !streq(beliefs[i].topic, topic))
            continue;
        any = true;
        e->n++;
        if (e->found)
            json_array_append_new(e->found,
                                  json_pack("{s:s, s:s, s:s, s:s}", "kind", "belief", "name",
                                            beliefs[i].topic, "believed", beliefs[i].believed,
                                            "text", beliefs[i].truth));
        else
            printf("%s%s%s: %s\n    no: %s.\n", term_color(COLOR_BOLD), beliefs[i].topic,
                   term_reset(), beliefs[i].believed, beliefs[i].truth);
    }
    return any;
}

/* A word may be several things: 9 is an exit status and a signal. */
static int explain_word(struct explain *e, const char *word)
{
    unsigned before = e->n, number;
    bool numeric = parse_unsigned(word, &number) >= 0;
    const char *slash = strchr(word, '/');
    int status = numeric ? -1 : exit_status_from_name(word), signo = signal_from_name(word);
    const char *text = meaning_of(word);

    /* "203/EXEC", "9/KILL": as status shows them. */
    if (slash && slash > word) {
        auto_free char *first = memdup0(word, (size_t) (slash - word));

        numeric = first && parse_unsigned(first, &number) >= 0;
        signo = signal_from_name(slash + 1);
        if (numeric && signo == (int) number)
            numeric = false;
    }
    if (numeric && number <= 255)
        tell_status(e, (int) number);
    else if (status >= 0)
        tell_status(e, status);
    if (signo > 0)
        tell_signal(e, signo);
    else if (text && !numeric && status < 0)
        tell(e, *word >= '0' && *word <= '9' ? "exit status" : "result", word, text);
    (void) tell_cause(e, word);
    (void) tell_topic(e, word);
    if (e->n > before)
        return 0;
    fprintf(stderr,
            "reeve explain: \"%s\" is no exit status, signal, result, step, cause or topic; "
            "`reeve explain --help` lists the topics\n",
            word);
    return EXIT_FAILURE;
}

/* ---- a unit ---- */

struct outcome {
    enum service_result result;
    bool restarts;
    const char *why;
};

static const char *reason(const struct service_config *s, const struct service_view *v, int code,
                          int status)
{
    bool daemon = s->type != SERVICE_TYPE_ONESHOT;
    bool plain = service_exit_result(code, status, daemon, NULL) == RESULT_SUCCESS;

    if (v->restart_prevented)
        return "RestartPreventExitStatus=";
    if (v->restart_forced)
        return "RestartForceExitStatus=";
    if (v->result == RESULT_SUCCESS && !plain)
        return "SuccessExitStatus=";
    if (code == CLD_EXITED)
        return status == 0 ? "success" : "a failure";
    return plain ? "a clean signal" : "a signal that is not clean";
}

static struct outcome judge(const struct service_config *s, int code, int status)
{
    struct service_view v = {
        .restart = s->restart,
        .result = service_exit_result(code, status, s->type != SERVICE_TYPE_ONESHOT,
                                      s->success_exit_status),
        .restart_prevented = service_exit_matches(code, status, s->restart_prevent_exit_status),
        .restart_forced = service_exit_matches(code, status, s->restart_force_exit_status),
    };

    return (struct outcome){ v.result, service_wants_restart(&v), reason(s, &v, code, status) };
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->result == b->result && a->restarts == b->restarts && streq(a->why, b->why);
}

static void add_row(struct table *t, const char *end, const struct outcome *o)
{
    table_add(t, end);
    table_add(t, service_result_name(o->result));
    table_add_json(t, o->restarts ? "yes" : "no", json_boolean(o->restarts));
    table_add(t, o->why);
}

static void add_statuses(struct table *t, const struct service_config *s)
{
    for (int first = 0, last; first <= 255; first = last + 1) {
        struct outcome o = judge(s, CLD_EXITED, first), next;
        const char *name = exit_status_name(first);
        auto_free char *end = NULL;

        for (last = first; last < 255; last++) {
            next = judge(s, CLD_EXITED, last + 1);
            if (!same(&o, &next))
                break;
        }
        if (last > first)
            end = format("exit %d..%d", first, last);
        else
            end = name ? format("exit %d (%s)", first, name) : format("exit %d", first);
        add_row(t, end, &o);
    }
}

/* Signals with the same outcome in one row. */
static void add_signals(struct table *t, const struct service_config *s)
{
    bool done[NSIG] = {};

    for (int n = 1; n < 32; n++) {
        auto_strbuf struct strbuf names = {};
        struct outcome o = judge(s, CLD_KILLED, n);

        if (done[n])
            continue;
        for (int k = n; k < 32; k++) {
            struct outcome other = judge(s, CLD_KILLED, k);
            /* These do not end a process. */
            bool harmless = k == SIGCHLD || k == SIGCONT || k == SIGURG || k == SIGWINCH ||
                            k == SIGSTOP || k == SIGTSTP || k == SIGTTIN || k == SIGTTOU;

            if (harmless || !same(&o, &other))
                continue;
            done[k] = true;
            strbuf_addf(&names, "%s%s", names.length > 0 ? " " : "SIG: ", signal_name(k));
        }
        if (done[n])
            add_row(t, strbuf_text(&names), &o);
    }
    struct service_view dump = { .restart = s->restart, .result = RESULT_CORE_DUMP };
    struct service_view watchdog = { .restart = s->restart, .result = RESULT_WATCHDOG };
    struct service_view timeout = { .restart = s->restart, .result = RESULT_TIMEOUT };
    const struct {
        const struct service_view *view;
        const char *end;
    } others[] = { { &dump, "with a core dump" },
                   { &timeout, "start or stop takes too long" },
                   { &watchdog, "no WATCHDOG=1 in time" } };

    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        add_row(t, others[i].end,
                &(struct outcome){ others[i].view->result, service_wants_restart(others[i].view),
                                   "never clean" });
}

static int explain_unit(struct explain *e)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    struct unit_config *c = NULL;
    auto_free char *name = NULL;
    int r = unit_files_open(&e->ctl, &loader);

    if (r >= 0)
        r = unit_name_mangle(e->unit, false, ".service", &name);
    if (r >= 0)
        r = unit_load(loader, name, &c);
    if (r < 0) {
        fprintf(stderr, "reeve explain: %s: %s\n", e->unit, strerror(-r));
        return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
    }
    if (c->load_state != LOAD_LOADED || c->type != UNIT_SERVICE) {
        fprintf(stderr, "reeve explain: %s %s\n", c->name,
                c->type != UNIT_SERVICE           ? "is no service"
                : c->load_state == LOAD_NOT_FOUND ? "does not exist"
                                                  : "cannot be used: `reeve check` says why");
        r = c->type != UNIT_SERVICE ? EXIT_USAGE : 4;
        unit_config_free(c);
        return r;
    }
    struct table_column columns[] = {
        { "END", "end" }, { "RESULT", "result" }, { "RESTARTS", "restarts" }, { "SINCE", "since" }
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    if (e->ctl.output == OUTPUT_TEXT)
        printf("%s has Restart=%s: what each end of its main process leads to.\n", c->name,
               service_restart_to_string(c->service->restart));
    add_statuses(&t, c->service);
    add_signals(&t, c->service);
    unit_config_free(c);
    return table_print(&e->ctl, &t) < 0 ? EXIT_FAILURE : 0;
}

int verb_explain(int argc, char **argv)
{
    static const struct option options[] = {
        { "unit", required_argument, NULL, 'U' }, { "user", no_argument, NULL, 'u' },
        { "root", required_argument, NULL, 'R' }, { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },       { 0 },
    };
    struct explain e = { .ctl = { .program = "reeve" } };
    int status = 0;

    optind = 0;
    for (int c; (c = verb_getopt(argc, argv, "o:h", options, NULL)) >= 0;)
        switch (c) {
        case 'U':
            e.unit = optarg;
            break;
        case 'u':
            e.ctl.scope = SCOPE_USER;
            break;
        case 'R':
            e.ctl.root = optarg;
            break;
        case 'o':
            if (!streq(optarg, "json")) {
                return usage_error("explain", "--output= takes json, not %s", optarg);
            }
            e.ctl.output = OUTPUT_JSON_PRETTY;
            break;
        case 'h':
            return verb_print_help("explain", options_help);
        default:
            return EXIT_USAGE;
        }
    if (e.unit && optind < argc) {
        return usage_error("explain", "give words or --unit=, not both");
    }
    if (e.unit)
        return explain_unit(&e);
    if (e.ctl.output != OUTPUT_TEXT)
        e.found = json_array();
    if (optind == argc)
        (void) tell_topic(&e, NULL);
    for (int i = optind; i < argc; i++) {
        int s = explain_word(&e, argv[i]);

        status = status ? status : s;
    }
    if (e.found)
        json_print_reply(&e.ctl, e.found);
    return status;
}
