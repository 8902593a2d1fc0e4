/* reeve run (systemd-run): a command as a service of its own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/users.h"
#include "cli/run.h"
#include "cli/run_pty.h"
#include "cli/status.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "unit/command.h"
#include "unit/directive.h"
#include "unit/value.h"

/* The exit status for a command that a signal ended. */
#define EXIT_EXCEPTION 255
#define RECONNECT_TRIES 300
#define RECONNECT_USEC (100 * USEC_PER_MSEC)

/* ---- the settings ---- */

/* What is wrong, and what would be right, in the words of unit files. */
static void explain(const struct run_options *o, struct unit_config *c, const struct directive *d,
                    const char *assignment, const char *value)
{
    (void) directive_assign(c, d, value, NULL, PROVENANCE_REQUEST, 0);
    for (unsigned i = 0; i < c->n_messages; i++)
        fprintf(stderr, "%s: %s: %s%s%s%s\n", o->label, assignment, c->messages[i].text,
                c->messages[i].remedy ? " (" : "", strempty(c->messages[i].remedy),
                c->messages[i].remedy ? ")" : "");
}

static int unknown_property(const struct run_options *o, enum unit_type type,
                            const char *assignment, const char *name)
{
    const struct directive *near[1];

    if (o->c.compat || directive_nearest(type, NULL, name, near, 1) == 0)
        fprintf(stderr, "Unknown assignment: %s\n", assignment);
    else
        fprintf(stderr, "%s: there is no setting %s=; did you mean %s=?\n", o->label, name,
                near[0]->name);
    return -EINVAL;
}

static int check_property(const struct run_options *o, enum unit_type type, const char *assignment)
{
    size_t n = strcspn(assignment, "=");
    auto_free char *name = memdup0(assignment, n);
    struct unit_config *c;

    if (!name)
        return -ENOMEM;
    if (!assignment[n]) {
        fprintf(stderr, "Not an assignment: %s\n", assignment);
        return -EINVAL;
    }
    const struct directive *d = directive_find_property(type, name);
    if (!d)
        return unknown_property(o, type, assignment, name);
    auto_free char *unit = format("run.%s", unit_type_to_string(type));
    int r = unit ? unit_config_new(unit, NULL, &c) : -ENOMEM;
    if (r < 0)
        return r;
    const char *value = assignment + n + 1;
    r = directive_set(c, d, value);
    if (r < 0 && o->c.compat && d->type->words)
        fprintf(stderr, "Failed to start transient service unit: Invalid %s setting: %s\n", name,
                value);
    else if (r < 0 && o->c.compat)
        fprintf(stderr, "Failed to parse %s: %s\n", assignment, strerror(-r));
    else if (r < 0 || d->standing == STANDING_NOT_YET || d->standing == STANDING_REFUSED)
        explain(o, c, d, assignment, value);
    unit_config_free(c);
    return r;
}

static void add_quoted(struct strbuf *b, const char *word)
{
    auto_free char *text = c_escape(word, strlen(word), true);

    strbuf_addf(b, "%s\"%s\"",
                b->length > 0 && b->text[b->length - 1] != ':' && b->text[b->length - 1] != '-' &&
                        b->text[b->length - 1] != '='
                    ? " "
                    : "",
                strempty(text));
}

/* NAME="word" "word"... */
static int add_words(char ***to, const char *begin, char *const *words)
{
    auto_strbuf struct strbuf b = { 0 };

    strbuf_add(&b, begin);
    STRV_FOREACH (word, words)
        add_quoted(&b, *word);
    return b.failed ? -ENOMEM : strv_add(to, strbuf_text(&b));
}

static int add_setting(char ***to, const char *name, const char *value)
{
    return isempty(value) ? 0 : strv_addf(to, "%s=%s", name, value);
}

static int add_description(const struct run_options *o, char ***to)
{
    auto_free char *line = quote_command_line(o->command);

    if (o->description || !o->command)
        return add_setting(to, "Description", o->description);
    return line ? strv_addf(to, "Description=[%s] %s", o->label, line) : -ENOMEM;
}

/* What the service and its trigger begin with. */
static int add_common(const struct run_options *o, char *const *properties, char ***to)
{
    int r = add_description(o, to);

    if (r >= 0 && o->collect)
        r = strv_add(to, "CollectMode=inactive-or-failed");
    return r >= 0 ? strv_extend(to, properties, false) : r;
}

/* Everything in systemd-run's order, in which it counts and `cat` shows it. */
static int make_settings(const struct run_options *o, const struct run_pty *pty, const char *slice,
                         char ***to)
{
    static const struct {
        const char *setting;
        size_t offset;
    } flags[] = {
        { "SendSIGHUP=yes", offsetof(struct run_options, send_sighup) },
        { "RemainAfterExit=yes", offsetof(struct run_options, remain) },
    };
    const char *term = getenv("TERM");
    int r = add_common(o, o->properties, to);

    for (size_t i = 0; i < ELEMENTSOF(flags) && r >= 0; i++) {
        if (*(const bool *) ((const char *) o + flags[i].offset))
            r = strv_add(to, flags[i].setting);
        if (r >= 0 && i == 0)
            r = add_setting(to, "Slice", slice);
    }
    const struct {
        const char *name, *value;
    } rows[] = {
        { "Type", o->service_type },
        { "User", o->uid },
        { "Group", o->gid },
        { "Nice", o->nice },
        { "WorkingDirectory", o->directory },
        { "TTYPath", pty->path },
    };
    for (size_t i = 0; i < ELEMENTSOF(rows) && r >= 0; i++)
        r = add_setting(to, rows[i].name, rows[i].value);
    if (r >= 0 && *pty->path && term)
        r = strv_addf(to, "Environment=\"TERM=%s\"", term);
    if (r >= 0 && o->environment)
        r = add_words(to, "Environment=", o->environment);
    if (r >= 0)
        r = add_words(to,
                      o->ignore_failure ? o->no_expand ? "ExecStart=-:" : "ExecStart=-"
                      : o->no_expand    ? "ExecStart=:"
                                        : "ExecStart=",
                      o->command);
    return r;
}

/* ---- what is run ---- */

static char *find_shell(void)
{
    struct users_lookup lookup = { 0 };
    struct user u = { 0 };
    const char *shell = getenv("SHELL");
    char *found = NULL;

    if (isempty(shell) && user_find_uid(&lookup, getuid(), &u) >= 0 && !isempty(u.shell))
        found = strdup(u.shell);
    user_done(&u);
    return found ? found : strdup(isempty(shell) ? "/bin/sh" : shell);
}

/* The program is looked for here, as systemd-run does; in the context of another unit it may be
 * elsewhere. */
static int find_program(struct run_options *o)
{
    const char *path = getenv("PATH");
    auto_strv char **folders = path ? strv_split(path, ":") : NULL;
    char *found = NULL;
    int r;

    o->owned = o->command ? strv_copy(o->command) : strv_new("", NULL);
    if (!o->owned)
        return -ENOMEM;
    if (!o->command) {
        found = find_shell();
        r = found ? 0 : -ENOMEM;
    } else if (o->like && path_is_absolute(o->command[0])) {
        return 0;
    } else if (strchr(o->command[0], '/')) {
        /* Whether it can be executed is seen as the user that it is for. */
        found = run_absolute_path(o->command[0]);
        r = !found ? -errno : access(found, F_OK) < 0 ? -errno : 0;
    } else
        r = command_find(o->command[0], folders, NULL, &found);
    if (r < 0) {
        fprintf(stderr, "Failed to find executable %s: %s\n", o->owned[0], strerror(-r));
        free(found);
        return r;
    }
    free(o->owned[0]);
    o->owned[0] = found;
    o->command = o->owned;
    return 0;
}

/* "run-p4711-i812345.service": a number that no other process has had. */
static char *make_name(void)
{
    auto_close int fd = (int) syscall(SYS_pidfd_open, getpid(), 0);
    struct stat st = { 0 };

    if (fd >= 0)
        (void) fstat(fd, &st);
    return format("run-p%d-i%ju.service", (int) getpid(), (uintmax_t) st.st_ino);
}

static int mangle(struct run_options *o, const char *text, const char *suffix, char **ret)
{
    auto_strv char **names = NULL;
    char *args[] = { (char *) text, NULL };
    int r = systemctl_unit_names(&o->c, args, suffix, NULL, &names);

    if (r < 0)
        return r;
    *ret = strdup(names && *names ? *names : text);
    return *ret ? 0 : -ENOMEM;
}

/* The slice that we are in ourselves, and in it the one that was named. */
static int inherit_slice(struct run_options *o, char **slice)
{
    static const char *const wanted[] = { "Slice", NULL };
    json_t *reply, *properties;
    int r = systemctl_call(&o->c, "FindUnit", json_pack("{s:i}", "pid", 0), &reply,
                           "get PID slice");

    if (r < 0)
        return r;
    properties = systemctl_properties(&o->c, json_string_value(json_object_get(reply, "unit")),
                                      wanted, NULL);
    const char *ours = property_text(properties, "Slice");
    auto_free char *named = take_ptr(*slice);
    const char *end = endswith(ours, ".slice");
    if (isempty(ours) || streq(ours, "-.slice"))
        *slice = take_ptr(named);
    else if (!named)
        *slice = strdup(ours);
    else
        *slice = format("%.*s-%s", (int) (end ? end - ours : 0), ours, named);
    json_decref(properties);
    json_decref(reply);
    return 0;
}

/* ---- the end ---- */

static void tell_end(const struct run_options *o, const json_t *p)
{
    int code = (int) property_number(p, "ExecMainCode");
    int status = (int) property_number(p, "ExecMainStatus");
    usec_t begin = property_number(p, "InactiveExitTimestampMonotonic");
    usec_t end = property_number(p, "InactiveEnterTimestampMonotonic");
    uint64_t cpu = property_number(p, "CPUUsageNSec"), peak = property_number(p, "MemoryPeak");
    char span[TIMESPAN_TEXT_MAX], bytes[SIZE_TEXT_MAX];

    systemctl_say(&o->c, "Finished with result: %s", property_text(p, "Result"));
    if (code == CLD_EXITED) {
        const char *name = exit_status_name(status);

        systemctl_say(&o->c, "Main processes terminated with: code=exited, status=%d%s%s", status,
                      name ? "/" : "", strempty(name));
    } else if (code > 0)
        systemctl_say(&o->c, "Main processes terminated with: code=%s, status=%d/%s",
                      code == CLD_DUMPED ? "dumped" : "killed", status, signal_name(status));
    if (begin > 0 && end > begin)
        systemctl_say(&o->c, "Service runtime: %s",
                      timespan_format(span, end - begin, USEC_PER_MSEC));
    if (cpu != UINT64_MAX && cpu > 0)
        systemctl_say(&o->c, "CPU time consumed: %s",
                      timespan_format(span, cpu / NSEC_PER_USEC, USEC_PER_MSEC));
    if (peak != UINT64_MAX && peak > 0)
        systemctl_say(&o->c, "Memory peak: %s", size_format(bytes, peak));
}

static int exit_status_of(const json_t *p)
{
    const char *result = property_text(p, "Result");

    if (streq(result, "success"))
        return EXIT_SUCCESS;
    if (streq(result, "signal") || streq(result, "core-dump"))
        return EXIT_EXCEPTION;
    return streq(result, "exit-code") && property_number(p, "ExecMainCode") == CLD_EXITED
               ? (int) property_number(p, "ExecMainStatus")
               : EXIT_FAILURE;
}

/* ---- the call ---- */

/* What is to be made. */
struct run_unit {
    char *service, *trigger; /* trigger: NULL if it is started at once */
    char **settings, **trigger_settings;
    char *like;
};

/* How far the manager's answers have come. */
struct progress {
    const struct run_unit *unit;
    bool told; /* that it runs */
    int status;
};

static void tell_running(const struct run_options *o, struct progress *x, const json_t *reply)
{
    const json_t *p = json_object_get(reply, "properties");
    const char *invocation = property_text(p, "InvocationID");

    if (x->told || (!json_object_get(reply, "ended") && !*invocation))
        return;
    x->told = true;
    if (x->unit->trigger) {
        systemctl_say(&o->c, "Running %s as unit: %s", o->trigger_type, x->unit->trigger);
        if (o->command)
            systemctl_say(&o->c, "Will run service as unit: %s", x->unit->service);
        return;
    }
    if (o->c.output != OUTPUT_TEXT) {
        json_t *line = json_pack("{s:s}", "unit", x->unit->service);

        if (*invocation)
            json_object_set_new(line, "invocation_id", json_string(invocation));
        json_print_reply(&o->c, line);
        fflush(stdout);
    } else
        systemctl_say(&o->c, "Running as unit: %s%s%s", x->unit->service,
                      *invocation ? "; invocation ID: " : "", invocation);
    if (o->stdio == RUN_STDIO_PTY && isatty(STDIN_FILENO))
        systemctl_say(&o->c, "Press ^] three times within 1s to disconnect TTY.");
}

static void take_answer(struct run_options *o, struct progress *x, const json_t *reply, bool last)
{
    const json_t *ended = json_object_get(reply, "ended");
    const json_t *p = json_object_get(reply, "properties");
    struct systemctl asker = o->c;

    if (ended && !o->c.wait) {
        asker.client = NULL; /* the connection is in the middle of a stream */
        if (!systemctl_report_result(&asker, x->unit->trigger ? x->unit->trigger : x->unit->service,
                                     json_string_value(json_object_get(ended, "result")))) {
            x->status = EXIT_FAILURE;
            x->told = true;
        }
        control_client_free(asker.client);
    }
    tell_running(o, x, reply);
    if (last && o->c.wait && p)
        x->status = exit_status_of(p);
}

static int tell_refused(const struct run_options *o, int r, const struct control_error *e)
{
    fprintf(stderr, "Failed to start transient %s unit: %s\n",
            o->trigger_type ? o->trigger_type : "service", systemctl_error_text(r, e));
    return EXIT_FAILURE;
}

static json_t *wanted_properties(void)
{
    static const char *const names[] = { "InvocationID",
                                         "Result",
                                         "ExecMainCode",
                                         "ExecMainStatus",
                                         "CPUUsageNSec",
                                         "MemoryPeak",
                                         "InactiveExitTimestampMonotonic",
                                         "InactiveEnterTimestampMonotonic",
                                         NULL };

    return json_texts((char *const *) names);
}

/* The manager was executed anew (daemon-reexec), which ends all connections: it is asked again. */
static int wait_anew(struct run_options *o, const struct progress *x)
{
    struct control_client *fresh;
    int r = -ECONNREFUSED;

    for (int tries = 0; r < 0 && tries < RECONNECT_TRIES; tries++) {
        r = systemctl_connect_again(&o->c, &fresh);
        if (r < 0)
            usleep(RECONNECT_USEC);
    }
    if (r < 0)
        return r;
    control_client_free(o->c.client);
    o->c.client = fresh;
    return control_call_more(
        fresh, "WaitUnit",
        json_pack("{s:s, s:o}", "unit", x->unit->service, "properties", wanted_properties()));
}

static int follow(struct run_options *o, struct run_pty *pty, struct progress *x)
{
    auto_control_error struct control_error e = { 0 };
    json_t *reply;
    int r;

    if (pty->master >= 0)
        run_pty_begin(pty);
    do {
        if (pty->master >= 0 && !control_client_has_answer(o->c.client) &&
            run_pty_copy_until(pty, control_client_fd(o->c.client)) == -ECANCELED) {
            run_pty_end(pty);
            return EXIT_SUCCESS;
        }
        r = control_next(o->c.client, USEC_INFINITY, &reply, &e);
        if (r == -ECONNRESET && o->c.wait && x->told && wait_anew(o, x) >= 0) {
            r = 1;
            continue;
        }
        if (r < 0) {
            run_pty_end(pty);
            return tell_refused(o, r, &e);
        }
        if (r == 0)
            run_pty_end(pty);
        take_answer(o, x, reply, r == 0);
        if (r == 0 && o->tell_end && json_object_get(reply, "properties"))
            tell_end(o, json_object_get(reply, "properties"));
        json_decref(reply);
    } while (r > 0);
    return x->status;
}

static json_t *make_request(const struct run_options *o, const struct run_unit *u)
{
    json_t *in = json_pack("{s:s, s:o, s:o, s:b}", "unit", u->trigger ? u->trigger : u->service,
                           "assignments",
                           json_texts(u->trigger ? u->trigger_settings : u->settings), "properties",
                           wanted_properties(), "wait", o->c.wait);

    if (o->like)
        json_object_set_new(in, "like", json_string(o->like));
    if (u->trigger && o->command)
        json_object_set_new(
            in, "also",
            json_pack("[{s:s, s:o}]", "unit", u->service, "assignments", json_texts(u->settings)));
    return in;
}

static int start_and_leave(struct run_options *o, json_t *in, struct progress *x)
{
    static const char *const wanted[] = { "InvocationID", NULL };
    auto_control_error struct control_error e = { 0 };
    json_t *reply;
    int r = control_call(o->c.client, "StartTransient", in, &reply, &e);

    if (r < 0)
        return tell_refused(o, r, &e);
    json_decref(reply);
    reply = json_pack("{s:b, s:o*}", "ended", 1, "properties",
                      systemctl_properties(&o->c, x->unit->service, wanted, NULL));
    tell_running(o, x, reply);
    json_decref(reply);
    return EXIT_SUCCESS;
}

static int start(struct run_options *o, const struct run_unit *u, struct run_pty *pty, int slave)
{
    json_t *in = make_request(o, u);
    struct progress x = { .unit = u };
    const int pipes[3] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
    const int terminal[3] = { slave, slave, slave };
    int r;

    if (o->c.no_block)
        return start_and_leave(o, in, &x);
    r = o->stdio == RUN_STDIO_NONE
            ? control_call_more(o->c.client, "StartTransient", in)
            : control_call_more_fds(o->c.client, "StartTransient", in,
                                    o->stdio == RUN_STDIO_PTY ? terminal : pipes);
    close_fd(slave);
    return r < 0 ? tell_refused(o, r, NULL) : follow(o, pty, &x);
}

static int check_all(const struct run_options *o)
{
    int r = 0;

    STRV_FOREACH (p, o->properties)
        if (r >= 0)
            r = check_property(o, UNIT_SERVICE, *p);
    STRV_FOREACH (p, o->trigger)
        if (r >= 0)
            r = check_property(o, unit_type_from_string(o->trigger_type), *p);
    if (r >= 0 && o->service_type) {
        auto_free char *type = format("Type=%s", o->service_type);

        r = type ? check_property(o, UNIT_SERVICE, type) : -ENOMEM;
    }
    return r;
}

/* The names of the service and of what starts it: the same but for the suffix. */
static int name_units(struct run_options *o, struct run_unit *u)
{
    auto_free char *suffix = o->trigger_type ? format(".%s", o->trigger_type) : strdup(".service");
    auto_free char *given = o->unit ? strdup(o->unit) : make_name();

    if (!given || !suffix)
        return -ENOMEM;
    char *end = (char *) endswith(given, o->trigger_type ? suffix : "");
    if (!o->trigger_type)
        return mangle(o, given, ".service", &u->service);
    end = end ? end : (char *) endswith(given, ".service");
    if (end)
        *end = '\0';
    int r = mangle(o, given, ".service", &u->service);
    return r < 0 ? r : mangle(o, given, suffix, &u->trigger);
}

static int set_up(struct run_options *o, struct run_unit *u, struct run_pty *pty, int *slave)
{
    auto_free char *slice = NULL;
    int r = name_units(o, u);

    if (r >= 0 && o->slice)
        r = mangle(o, o->slice, ".slice", &slice);
    if (r >= 0 && o->slice_inherit)
        r = inherit_slice(o, &slice);
    if (r >= 0 && o->like) {
        r = mangle(o, o->like, ".service", &u->like);
        o->like = u->like;
    }
    if (r >= 0 && o->stdio == RUN_STDIO_PTY) {
        r = *slave = run_pty_open(pty);
        if (r < 0)
            fprintf(stderr, "Cannot make a terminal: %s\n", strerror(-r));
    }
    if (r >= 0 && o->command)
        r = make_settings(o, pty, slice, &u->settings);
    if (r >= 0 && u->trigger)
        r = add_common(o, o->trigger, &u->trigger_settings);
    if (r >= 0 && u->trigger && streq(o->trigger_type, "timer"))
        r = strv_add(&u->trigger_settings, "RemainAfterElapse=no");
    return r;
}

static int run(struct run_options *o)
{
    struct run_pty pty = { .master = -1 };
    struct run_unit u = { 0 };
    int slave = -1, status = EXIT_FAILURE;

    if ((o->trigger_type && !o->command ? 0 : find_program(o)) < 0 || check_all(o) < 0)
        return EXIT_FAILURE;
    if (systemctl_connect(&o->c) < 0)
        return systemctl_exit_unreachable(&o->c);
    if (set_up(o, &u, &pty, &slave) >= 0)
        status = start(o, &u, &pty, slave);
    free(u.service);
    free(u.trigger);
    free(u.like);
    strv_free(u.settings);
    strv_free(u.trigger_settings);
    return status;
}

int verb_run(int argc, char **argv)
{
    bool compat = streq(argv[0], "systemd-run");
    struct run_options o = {
        .label = compat ? "systemd-run" : "reeve run",
        .c = { .program = compat ? "systemctl" : "reeve", .compat = compat },
    };
    int status = run_parse_options(&o, argc, argv);

    o.c.verb = verb_find("run");
    if (status < 0) {
        o.tell_end = o.c.wait;
        o.c.wait |= o.stdio != RUN_STDIO_NONE;
        status = run(&o);
    }
    control_client_free(o.c.client);
    free(o.c.client_path);
    strv_free(o.properties);
    strv_free(o.trigger);
    strv_free(o.environment);
    strv_free(o.owned);
    free(o.nice);
    free(o.directory);
    return status;
}
