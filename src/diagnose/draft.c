#include "diagnose/draft.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"
#include "diagnose/advice.h"
#include "diagnose/probe.h"
#include "diagnose/program.h"
#include "unit/load.h"

/* What a directory of the unit is for, by where it is. */
static const struct {
    const char *below, *directive;
} places[] = {
    { "/var/lib/", "StateDirectory" },
    { "/var/cache/", "CacheDirectory" },
    { "/var/log/", "LogsDirectory" },
    { "/run/", "RuntimeDirectory" },
};

struct writer {
    const struct draft *d;
    struct strbuf text;
    struct program program;
    char *user; /* NULL: DynamicUser= or root */
    bool root, notifies, watchdog;
};

/* A setting, with the reason above it. */
static void setting(struct writer *w, const char *name, const char *value, const char *why)
{
    if (why)
        strbuf_addf(&w->text, "# %s\n", why);
    strbuf_addf(&w->text, "%s=%s\n", name, value);
}

/* Whether the program asks for the watchdog. */
static bool knows_watchdog(const char *path)
{
    static const char word[] = "WATCHDOG_USEC";
    auto_free char *text = NULL;
    size_t size;

    return file_read(path, (size_t) 256 << 20, &text, &size) >= 0 &&
           memmem(text, size, word, strlen(word));
}

static bool runs_on(const struct writer *w, const char *runtime)
{
    const char *name = path_basename(w->d->argv[0]);
    const char *interpreter = path_basename(strempty(w->program.interpreter));

    if (streq(interpreter, "env"))
        interpreter = strempty(w->program.argument);
    return startswith(name, runtime) || startswith(interpreter, runtime);
}

int draft_user(const struct draft *d, char **ret)
{
    const char *const names[] = { d->user, d->name, path_basename(d->argv[0]) };
    struct users_lookup lookup = { .files_only = true };
    struct stat st;

    *ret = NULL;
    for (size_t i = 0; i < ELEMENTSOF(names) && !*ret; i++) {
        struct user u = {};

        /* "redis-server" is run by redis. */
        auto_free char *first = names[i] ? strndup(names[i], strcspn(names[i], "-_@")) : NULL;
        if (!first || (user_find(&lookup, names[i], &u) < 0 &&
                       (names[i] == d->user || user_find(&lookup, first, &u) < 0)))
            continue;
        if (u.uid != 0 || names[i] == d->user)
            *ret = strdup(u.name);
        user_done(&u);
    }
    if (!*ret && startswith(d->argv[0], "/home/") && stat(d->argv[0], &st) >= 0) {
        struct user u = {};

        if (user_find_uid(&lookup, st.st_uid, &u) >= 0) {
            *ret = strdup(u.name);
            user_done(&u);
        }
    }
    return 0;
}

static void write_type(struct writer *w)
{
    const struct observation *o = w->d->seen;

    if (w->notifies && (!o || o->ready)) {
        setting(w, "Type", "notify",
                o ? "It said READY=1 when it was run: the start is over when it says so."
                  : "It knows sd_notify: the start is over when it says READY=1.");
        if (runs_on(w, "sh") || runs_on(w, "bash") || runs_on(w, "dash"))
            setting(w, "NotifyAccess", "all", "systemd-notify is a process of its own.");
    } else if (o && o->daemon) {
        setting(w, "Type", "forking",
                "It put itself into the background: the process that was "
                "started ended, others went on.");
        if (o->pid_file)
            setting(w, "PIDFile", o->pid_file, "Which of them is the main process is in here.");
    } else if (o && o->exited && o->code == CLD_EXITED && o->status == 0)
        setting(w, "Type", "oneshot", "It ended by itself, and left nothing running.");
    else
        setting(w, "Type", "exec",
                "It does not notify: the start is over, or has failed, once it is executed.");
}

static void write_user(struct writer *w)
{
    if (w->user)
        setting(w, "User", w->user, "A user of its own, that this machine has.");
    else if (w->root)
        strbuf_add(&w->text, "# Without User=: its main process needs root, and gives up rights "
                             "for its workers by itself.\n");
    else
        setting(w, "DynamicUser", "yes", "A user that exists only while it runs.");
}

/* The directory of the unit that a file is in, as a value: "webapp" for /var/lib/webapp/db. */
static char *place_of(const char *path, size_t *ret_place)
{
    for (size_t i = 0; i < ELEMENTSOF(places); i++) {
        const char *rest = startswith(path, places[i].below);

        if (rest && strchr(rest, '/')) {
            *ret_place = i;
            return strndup(rest, strcspn(rest, "/"));
        }
    }
    return NULL;
}

static void write_directories(struct writer *w)
{
    auto_strv char **done = NULL, **others = NULL;
    const char *pid_file = w->d->seen ? w->d->seen->pid_file : NULL;

    STRV_FOREACH (path, w->d->seen ? w->d->seen->writes : NULL) {
        size_t place = 0;
        auto_free char *name = place_of(*path, &place);
        auto_free char *line = name ? format("%s=%s", places[place].directive, name) : NULL;
        auto_free char *folder = strndup(*path, (size_t) (path_basename(*path) - *path));

        if (line && !strv_contains(done, line)) {
            (void) strv_add(&done, line);
            auto_free char *why = format("It wrote to %s.", *path);
            /* A process that needs root keeps what the package has made. */
            if (w->root)
                continue;
            setting(w, places[place].directive, name, why);
        } else if (!name && folder && !startswith(*path, "/tmp/") && !startswith(*path, "/dev/") &&
                   !startswith(*path, "/run/") && !startswith(*path, "/proc/"))
            (void) strv_add(&others, folder);
    }
    if (pid_file && !w->root) {
        size_t place;
        auto_free char *name = place_of(pid_file, &place);
        auto_free char *line = name ? format("RuntimeDirectory=%s", name) : NULL;

        if (line && !strv_contains(done, line))
            setting(w, "RuntimeDirectory", name, "For its PID file.");
    }
    strv_unique(others);
    STRV_FOREACH (folder, others)
        strbuf_addf(&w->text, "# It wrote to %s as well: its user has to be allowed to.\n",
                    *folder);
    if (!done && !w->root && !w->d->seen)
        strbuf_addf(&w->text,
                    "# Folders that are made for it, if it keeps something: StateDirectory=%s,\n"
                    "# CacheDirectory=%s, LogsDirectory=%s.\n",
                    w->d->name, w->d->name, w->d->name);
}

static void write_environment(struct writer *w)
{
    auto_free char *file = format("-/etc/default/%s", w->d->name);

    if (file)
        setting(w, "EnvironmentFile", file, "Settings for this machine; the file may be missing.");
    if (runs_on(w, "python"))
        setting(w, "Environment", "PYTHONUNBUFFERED=1",
                "Else what it prints comes late, and the last lines never.");
    if (runs_on(w, "node"))
        setting(w, "Environment", "NODE_ENV=production", NULL);
}

static void write_commands(struct writer *w)
{
    const struct observation *o = w->d->seen;
    auto_free char *command = quote_command_line(w->d->argv);
    auto_strbuf struct strbuf escaped = {};

    for (unsigned *p = o ? o->ports : NULL; p && *p && w->d->reeve; p++) {
        auto_free char *line = format("+%s preflight --port %u", w->d->reeve, *p);

        if (line)
            setting(w, "ExecStartPre", line,
                    "A port that is taken is a better message here than the program's own.");
    }
    for (const char *c = strempty(command); *c; c++) {
        if (*c == '%' || *c == '$')
            strbuf_add_char(&escaped, *c);
        strbuf_add_char(&escaped, *c);
    }
    setting(w, "ExecStart", strbuf_text(&escaped), NULL);
    if (runs_on(w, "java"))
        setting(w, "SuccessExitStatus", "143", "Java exits with 143 when it is stopped.");
    if (o && o->exited && !o->daemon && o->code == CLD_EXITED && o->status == 0)
        return;
    setting(w, "Restart", "on-failure", "After a crash, a signal that is not clean, a failure.");
    setting(w, "RestartSec", "1",
            "Not so fast that the start limit is hit by a fault that passes.");
    if (w->notifies && w->watchdog && (!o || o->ready))
        setting(w, "WatchdogSec", "30", "It sends WATCHDOG=1 if it is asked to.");
    else if (o && o->ports)
        strbuf_addf(&w->text,
                    "# A health check that restarts it when it hangs: `reeve guard --tcp "
                    "127.0.0.1:%u -- ...` with Type=notify and WatchdogSec=30.\n",
                    o->ports[0]);
}

/* What the text so far means decides which hardening costs nothing. */
static int write_hardening(struct writer *w)
{
    struct unit_paths paths = {};
    struct unit_loader *loader = NULL;
    struct unit_config *c = NULL;
    auto_free char *name = format("%s.service", w->d->name);
    unsigned position = 0;
    struct advice a;
    int r = name ? unit_paths_new(&(struct unit_paths_options){}, &paths) : -ENOMEM;

    if (r >= 0)
        r = unit_loader_new(&(struct unit_loader_options){}, &paths, &loader);
    if (r >= 0)
        r = unit_load_text(loader, name, "draft", strbuf_text(&w->text), &c);
    if (r >= 0) {
        strbuf_add(&w->text,
                   "\n# Hardening that costs nothing, as far as can be seen from here.\n");
        while (advice_next(c,
                           w->program.interpreter && *w->program.interpreter
                               ? w->program.interpreter
                               : w->d->argv[0],
                           &position, &a))
            setting(w, a.directive, a.value, a.why);
    }
    unit_config_free(c);
    unit_loader_free(loader);
    return r;
}

static bool low_port(const struct observation *o)
{
    for (unsigned *p = o ? o->ports : NULL; p && *p; p++)
        if (*p < 1024)
            return true;
    return false;
}

static int write_all(struct writer *w)
{
    const struct draft *d = w->d;
    const struct observation *o = d->seen;

    strbuf_addf(&w->text,
                "# Drafted by reeve draft%s: read it, then install it as\n"
                "# /etc/systemd/system/%s.service.\n\n[Unit]\nDescription=%s\n",
                o ? ", after a look at the running program" : "", d->name, d->name);
    if (o && o->ports)
        setting(w, "After", "network.target", "It listens on the network.");
    strbuf_add(&w->text, "\n[Service]\n");
    write_type(w);
    write_user(w);
    if (low_port(o) && !w->root)
        setting(w, "AmbientCapabilities", "CAP_NET_BIND_SERVICE",
                "A port below 1024 needs this, and not root.");
    if (d->directory && !streq(d->directory, "/"))
        setting(w, "WorkingDirectory", d->directory, "Where it was run, for relative paths.");
    write_directories(w);
    write_environment(w);
    write_commands(w);
    int r = write_hardening(w);
    strbuf_add(&w->text, "\n[Install]\nWantedBy=multi-user.target\n");
    return w->text.failed ? -ENOMEM : r;
}

char *draft_write(const struct draft *d)
{
    struct writer w = { .d = d };
    struct facts f = {};
    json_t *notifies;
    char *text = NULL;

    if (program_read(NULL, d->argv[0], &w.program) < 0)
        w.program = (struct program){};
    notifies = probe_notifies(&f, d->argv[0]);
    w.notifies = probe_true(notifies, "notifies") || (d->seen && d->seen->ready);
    json_decref(notifies);
    w.watchdog = w.notifies && knows_watchdog(d->argv[0]);
    w.root = d->seen && d->seen->other_users;
    if ((w.root || draft_user(d, &w.user) >= 0) && write_all(&w) >= 0)
        text = strbuf_take(&w.text);
    strbuf_done(&w.text);
    program_done(&w.program);
    free(w.user);
    return text;
}
