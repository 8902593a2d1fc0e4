/* reeve try --shell and --compare-shell: the context of a unit's program just before it runs.
 *
 * The context is the manager's own work: a transient unit that has all of the unit's files, but
 * another program. It is removed whatever happens. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/run_pty.h"
#include "cli/try.h"
#include "diagnose/again.h"
#include "diagnose/report.h"
#include "unit/load.h"

#define RUNTIME_FOLDER "/run/systemd/system"
#define FILE_LIMIT ((size_t) 1 << 20)

/* Behind the unit's own files: nothing of it runs, and nothing follows its end. */
static const char overrides[] =
    "\n[Unit]\nConditionPathExists=\nAssertPathExists=\nOnFailure=\nOnSuccess=\n"
    "FailureAction=none\nSuccessAction=none\nStartLimitAction=none\nRefuseManualStart=no\n"
    "[Service]\nExecCondition=\nExecStartPre=\nExecStart=\nExecStartPost=\nExecReload=\n"
    "ExecStop=\nExecStopPost=\nType=exec\nRemainAfterExit=no\nRestart=no\nPIDFile=\n"
    "WatchdogSec=0\nRuntimeMaxSec=infinity\nKillMode=control-group\nTimeoutStopSec=5\n"
    "SendSIGHUP=yes\n";

struct context {
    struct facts unit;
    struct facts transient; /* only its name and manager */
    char *path;
    bool user;
};

static void context_done(struct context *c)
{
    if (c->path && unlink(c->path) == 0) {
        (void) facts_tell_manager(&c->transient, c->user, "stop");
        (void) facts_tell_manager(&c->transient, c->user, "reset-failed");
    }
    free(c->path);
    facts_done(&c->unit);
    facts_done(&c->transient);
}

static int add_file(struct strbuf *b, const char *path)
{
    auto_free char *text = NULL;
    int r = file_read(path, FILE_LIMIT, &text, NULL);

    strbuf_add(b, strempty(text));
    strbuf_add_char(b, '\n');
    return r;
}

/* Starts the transient unit; `settings` end its [Service] section. */
static int context_start(struct context *c, const char *settings)
{
    const struct unit_config *config = c->unit.config;
    const char *at = strchr(c->unit.unit, '@'), *instance = at ? at : ".service";
    auto_strbuf struct strbuf b = {};
    int r = 0;

    c->transient.source = c->unit.source;
    c->transient.unit = format("reeve-shell-%d%s", getpid(), instance);
    c->path = path_join(RUNTIME_FOLDER, strempty(c->transient.unit), NULL);
    if (config->fragment_path)
        r = add_file(&b, config->fragment_path);
    STRV_FOREACH (path, config->dropin_paths)
        r = r < 0 ? r : add_file(&b, *path);
    strbuf_add(&b, overrides);
    strbuf_add(&b, settings);
    if (r < 0)
        return r;
    if (!c->path || b.failed)
        return -ENOMEM;
    r = mkdir_all(RUNTIME_FOLDER, 0755);
    if (r >= 0)
        r = file_replace(c->path, b.text, b.length, 0644);
    return r < 0 ? r : facts_tell_manager(&c->transient, c->user, "start");
}

/* The unit and what there is to say against it; the exit status, or 0. */
static int context_open(struct context *c, const struct try_options *o, const char *unit)
{
    int r = geteuid() != 0 || o->user ? -EPERM : facts_collect(unit, o->user, &c->unit);

    if (r >= 0 && c->unit.source == FACTS_FILE)
        r = -EHOSTDOWN;
    if (r >= 0)
        return 0;
    fprintf(stderr, "reeve try: %s: %s\n", unit,
            r == -EPERM       ? "only root can do this, for units of the system"
            : r == -ENOENT    ? "there is no such unit"
            : r == -EHOSTDOWN ? "no service manager runs here"
                              : strerror(-r));
    return r == -ENOENT ? 4 : EXIT_FAILURE;
}

/* The context could not be had: the reason is a cause like any other. */
static int say_why(const struct context *c)
{
    _cleanup_(facts_done) struct facts facts = {};
    _cleanup_(verdict_done) struct verdict v = {};
    auto_free char *line = NULL;

    if (facts_collect(c->transient.unit, c->user, &facts) >= 0 && verdict_reach(&facts, &v) >= 0)
        line = report_line(&v);
    fprintf(stderr, "reeve try: the context of %s cannot be set up%s%s\n", c->unit.unit,
            line ? ": " : "", strempty(line));
    return EXIT_FAILURE;
}

static pid_t context_pid(const struct context *c)
{
    json_t *show = facts_show(c->unit.source, c->user, c->transient.unit);
    pid_t pid = atoi(strempty(json_string_value(json_object_get(show, "MainPID"))));

    json_decref(show);
    return pid;
}

/* ---- --shell
 * ------------------------------------------------------------------------------------------ */

/* The shell ends with us, and then everything is removed as ever. */
static volatile pid_t shell_pid;

static void end_shell(int signo)
{
    (void) signo;
    (void) kill(shell_pid, SIGKILL);
}

int try_shell(const struct try_options *o, const char *unit)
{
    _cleanup_(context_done) struct context c = { .user = o->user };
    struct run_pty pty = { .master = -1 };
    int r = context_open(&c, o, unit);

    if (r != 0)
        return r;
    auto_close int slave = run_pty_open(&pty);
    if (slave < 0) {
        fprintf(stderr, "reeve try: no terminal for the shell: %s\n", strerror(-slave));
        return EXIT_FAILURE;
    }
    auto_free char *settings = format("StandardInput=tty\nStandardOutput=tty\nStandardError=tty\n"
                                      "TTYPath=%s\nExecStart=/bin/sh -i\n",
                                      pty.path);
    pid_t pid = settings && context_start(&c, settings) == 0 ? context_pid(&c) : 0;
    auto_close int over = pid > 0 ? pidfd_from_pid(pid) : -1;
    if (over < 0)
        return say_why(&c);
    fprintf(stderr,
            "A shell in the context of %s, whose program would be executed now; leave it with "
            "exit.\n",
            c.unit.unit);
    const struct sigaction end = { .sa_handler = end_shell };
    shell_pid = pid;
    (void) sigaction(SIGTERM, &end, NULL);
    (void) sigaction(SIGHUP, &end, NULL);
    slave = close_fd(slave);
    run_pty_begin(&pty);
    (void) run_pty_copy_until(&pty, over);
    run_pty_end(&pty);
    return EXIT_SUCCESS;
}

/* ---- --compare-shell
 * ---------------------------------------------------------------------------------- */

struct comparison {
    pid_t unit; /* the process of the unit; ours is the other */
    json_t *differences;
};

static char *proc_text(pid_t pid, const char *file)
{
    auto_free char *path = pid ? format("/proc/%d/%s", pid, file) : format("/proc/self/%s", file);
    char *text = NULL;

    return path && file_read(path, FILE_LIMIT, &text, NULL) >= 0 ? text : NULL;
}

static void compare(struct comparison *c, const char *what, const char *shell, const char *unit)
{
    if (streq_ptr(shell, unit))
        return;
    json_t *s = shell ? json_string(shell) : NULL, *u = unit ? json_string(unit) : NULL;
    (void) json_array_append_new(c->differences,
                                 json_pack("{s:s, s:o, s:o}", "what", what, "shell",
                                           s ? s : json_null(), "unit", u ? u : json_null()));
}

/* The value behind "Name:" at the beginning of a line, its words one space apart. */
static char *field(const char *text, const char *name)
{
    auto_strv char **lines = strv_split(strempty(text), "\n");

    STRV_FOREACH (line, lines) {
        char *value = (char *) startswith(*line, name);

        if (value && (*value == ':' || *value == ' ')) {
            auto_strv char **words = strv_split(value + 1, WHITESPACE);

            return strv_join(words, " ");
        }
    }
    return NULL;
}

static void compare_status(struct comparison *c)
{
    static const char *const names[] = { "Uid",        "Gid",     "Groups", "Umask",
                                         "NoNewPrivs", "Seccomp", "CapEff", "CapBnd" };
    auto_free char *ours = proc_text(0, "status"), *theirs = proc_text(c->unit, "status");

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        auto_free char *a = field(ours, names[i]), *b = field(theirs, names[i]);

        compare(c, names[i], a, b);
    }
}

static void compare_limits(struct comparison *c)
{
    static const char *const names[] = {
        "Max cpu time",       "Max file size",        "Max data size",       "Max stack size",
        "Max core file size", "Max processes",        "Max open files",      "Max locked memory",
        "Max address space",  "Max file locks",       "Max pending signals", "Max msgqueue size",
        "Max nice priority",  "Max realtime priority"
    };
    auto_free char *ours = proc_text(0, "limits"), *theirs = proc_text(c->unit, "limits");

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        auto_free char *a = field(ours, names[i]), *b = field(theirs, names[i]);

        compare(c, names[i], a, b);
    }
}

static void compare_environment(struct comparison *c)
{
    static const char *const of_shells[] = { "_", "SHLVL", "OLDPWD", "PWD", "PS1", NULL };
    char *texts[2] = { NULL }, **lists[2] = { NULL };

    for (size_t side = 0; side < 2; side++) {
        auto_free char *path = side ? format("/proc/%d/environ", c->unit) : NULL;
        size_t size = 0;

        (void) file_read(side ? strempty(path) : "/proc/self/environ", FILE_LIMIT, &texts[side],
                         &size);
        for (size_t at = 0; texts[side] && at < size; at += strlen(texts[side] + at) + 1)
            (void) strv_add(&lists[side], texts[side] + at);
    }
    for (size_t side = 0; side < 2; side++)
        STRV_FOREACH (variable, lists[side]) {
            auto_free char *name = strndup(*variable, strcspn(*variable, "="));
            const char *a = name ? strv_env_get(lists[0], name) : NULL;
            const char *b = name ? strv_env_get(lists[1], name) : NULL;
            auto_free char *what = format("$%s", strempty(name));

            if (!name || !what || (side == 1 && a) ||
                strv_contains((char *const *) of_shells, name))
                continue;
            compare(c, what, a, b);
        }
    for (size_t side = 0; side < 2; side++) {
        strv_free(lists[side]);
        free(texts[side]);
    }
}

static void compare_places(struct comparison *c)
{
    static const struct {
        const char *what, *file;
    } rows[] = { { "cwd", "cwd" },
                 { "root", "root" },
                 { "mount namespace", "ns/mnt" },
                 { "network namespace", "ns/net" },
                 { "pid namespace", "ns/pid" },
                 { "ipc namespace", "ns/ipc" },
                 { "uts namespace", "ns/uts" },
                 { "user namespace", "ns/user" } };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        auto_free char *a = NULL, *b = NULL;

        (void) process_link(getpid(), rows[i].file, &a);
        (void) process_link(c->unit, rows[i].file, &b);
        compare(c, rows[i].what, a, b);
    }
}

static void print_differences(const char *unit, json_t *differences)
{
    json_t *item;
    size_t i;

    printf("%zu differences between this shell (or what runs reeve) and %s:\n\n",
           json_array_size(differences), unit);
    json_array_foreach(differences, i, item)
    {
        const char *shell = json_string_value(json_object_get(item, "shell"));
        const char *other = json_string_value(json_object_get(item, "unit"));

        printf("  %-22s here      %s\n  %-22s the unit  %s\n",
               json_string_value(json_object_get(item, "what")), shell ? shell : "(none)", "",
               other ? other : "(none)");
    }
}

int try_compare_shell(const struct try_options *o, const char *unit)
{
    _cleanup_(context_done) struct context c = { .user = o->user };
    struct comparison n = { .differences = json_array() };
    int r = context_open(&c, o, unit);

    if (r != 0)
        return r;
    /* What runs already is the real thing. */
    n.unit = (pid_t) facts_property_number(&c.unit, "MainPID", 0);
    if (n.unit <= 0) {
        if (context_start(&c, "StandardInput=null\nExecStart=/bin/sleep infinity\n") != 0)
            return say_why(&c);
        n.unit = context_pid(&c);
    }
    if (n.unit <= 0)
        return say_why(&c);
    compare_environment(&n);
    compare_places(&n);
    compare_status(&n);
    compare_limits(&n);
    if (o->json) {
        json_t *answer = json_pack("{s:s, s:o}", "unit", c.unit.unit, "differences", n.differences);

        (void) json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(answer);
        return EXIT_SUCCESS;
    }
    print_differences(c.unit.unit, n.differences);
    json_decref(n.differences);
    return EXIT_SUCCESS;
}
