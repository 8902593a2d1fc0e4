/* launch/environment.c -- the environment of a process, and its arguments expanded from it.
 *
 * systemd.exec(5), "Environment Variables in Spawned Processes". Later sources override earlier
 * ones: the manager's block and what it adds to it, what is set here, ExecSearchPath=,
 * PassEnvironment=, Environment=, EnvironmentFile=; UnsetEnvironment= takes off what it names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/id128.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/child.h"
#include "launch/pressure.h"
#include "launch/terminal.h"
#include "unit/command.h"
#include "unit/env-file.h"

/* Assignments gathered, the first failure kept: checked once at the end. */
struct environment {
    char **v;
    int error;
};

static void env_set(struct environment *e, const char *name, const char *value)
{
    auto_free char *assignment = format("%s=%s", name, value);
    int r = assignment ? strv_env_set(&e->v, assignment) : -ENOMEM;

    if (r < 0)
        e->error = r;
}

_printf_(3, 4) static void env_setf(struct environment *e, const char *name, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *value = vformat(fmt, ap);
    va_end(ap);
    if (value)
        env_set(e, name, value);
    else
        e->error = -ENOMEM;
}

static void env_add_all(struct environment *e, char *const *assignments)
{
    STRV_FOREACH (a, assignments) {
        int r = strv_env_set(&e->v, *a);
        if (r < 0)
            e->error = r;
    }
}

static void add_descriptors(struct child *c, struct environment *e)
{
    auto_strbuf struct strbuf names = { 0 };

    if (c->n_fds == 0)
        return;
    for (size_t i = 0; i < c->n_fds; i++) {
        if (i > 0)
            strbuf_add_char(&names, ':');
        strbuf_add(&names, isempty(c->fd_names[i]) ? "unknown" : c->fd_names[i]);
    }
    env_setf(e, "LISTEN_PID", "%d", getpid());
    env_setf(e, "LISTEN_FDS", "%zu", c->n_fds);
    env_set(e, "LISTEN_FDNAMES", strbuf_text(&names));
    if (names.failed)
        e->error = -ENOMEM;
}

static void add_login(struct child *c, struct environment *e)
{
    bool login = c->exec->set_login_environment >= 0
                     ? c->exec->set_login_environment
                     : c->exec->user || c->sandbox->dynamic_user || c->sandbox->pam_name;

    if (c->user && !(c->manager->user && !c->exec->user))
        env_set(e, "USER", c->user);
    if (!login)
        return;
    if (c->user)
        env_set(e, "LOGNAME", c->user);
    if (c->home)
        env_set(e, "HOME", c->home);
    if (c->shell)
        env_set(e, "SHELL", c->shell);
}

static void add_journal_stream(struct child *c, struct environment *e)
{
    struct stat st;

    /* Standard error's, where both are streams of their own. */
    int fd = c->stderr_is_journal ? 2 : c->stdout_is_journal ? 1 : -1;
    if (fd >= 0 && fstat(fd, &st) == 0)
        env_setf(e, "JOURNAL_STREAM", "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
}

static void add_directories(struct child *c, struct environment *e)
{
    for (int k = 0; k < DIRECTORY_KIND_MAX; k++) {
        if (!c->directory_paths[k])
            continue;
        auto_free char *joined = strv_join(c->directory_paths[k], ":");
        if (joined)
            env_set(e, directory_variables[k], joined);
        else
            e->error = -ENOMEM;
    }
}

/* What systemd itself sets. */
static void add_own(struct child *c, struct environment *e)
{
    const struct spawn_request *q = c->request;
    char id[ID128_TEXT_MAX];

    add_descriptors(c, e);
    if (q->phase == SPAWN_START && q->watchdog > 0 && q->watchdog != USEC_INFINITY) {
        env_setf(e, "WATCHDOG_PID", "%d", getpid());
        env_setf(e, "WATCHDOG_USEC", "%ju", (uintmax_t) q->watchdog);
    }
    add_login(c, e);
    if (!id128_is_null(q->invocation))
        env_set(e, "INVOCATION_ID", id128_format(q->invocation, id));
    if (c->wants_term) {
        const char *tty = c->exec->tty_path ? c->exec->tty_path : "/dev/console";
        const char *own = streq(tty, "/dev/console") ? getenv("TERM") : NULL;

        env_set(e, "TERM", own ? own : terminal_type(tty));
    }
    add_journal_stream(c, e);
    if (c->exec->log_namespace)
        env_set(e, "LOG_NAMESPACE", c->exec->log_namespace);
    add_directories(c, e);
    if (c->credentials_path)
        env_set(e, "CREDENTIALS_DIRECTORY", c->credentials_path);
    /* As the manager knows it, also where the process is the first of a PID namespace. */
    auto_free char *pid = NULL;
    if (child_wants_pids(c) && readlink_alloc("/proc/self", &pid) >= 0)
        env_set(e, "SYSTEMD_EXEC_PID", pid);
    else
        env_setf(e, "SYSTEMD_EXEC_PID", "%d", getpid());

    auto_free char *watch = NULL, *threshold = NULL;
    if (pressure_variables(c, &watch, &threshold) > 0) {
        env_set(e, "MEMORY_PRESSURE_WATCH", watch);
        if (threshold)
            env_set(e, "MEMORY_PRESSURE_WRITE", threshold);
    }
}

static int read_one_file(struct child *c, const char *path, bool optional, struct environment *e)
{
    char **more = NULL;
    int r = env_file_read(NULL, path, &more, NULL, 0, NULL);

    if (r < 0) {
        strv_free(more);
        return optional ? 0 : child_fail(c, 0, r, "EnvironmentFile", path);
    }
    env_add_all(e, more);
    strv_free(more);
    return 0;
}

/* A pattern that matches nothing is a missing file. */
static int read_files(struct child *c, struct environment *e)
{
    for (const struct env_file *f = c->exec->environment_file; f; f = f->next) {
        auto_free char *path = format("%s%s", strempty(c->manager->root), f->path);
        auto_strv char **found = NULL;

        if (!path)
            return child_fail(c, EXEC_STATUS_MEMORY, -ENOMEM, NULL, NULL);
        if (!strpbrk(f->path, "*?[")) {
            int r = read_one_file(c, path, f->optional, e);
            if (r < 0)
                return r;
            continue;
        }
        int r = path_glob(path, &found);
        if (r < 0 || (r == 0 && !f->optional))
            return child_fail(c, 0, r < 0 ? r : -ENOENT, "EnvironmentFile", f->path);
        STRV_FOREACH (p, found) {
            r = read_one_file(c, *p, f->optional, e);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static void pass_on(struct child *c, struct environment *e)
{
    STRV_FOREACH (name, c->exec->pass_environment) {
        const char *value = getenv(*name);

        if (value)
            env_set(e, *name, value);
    }
}

/* "NAME" goes whatever its value, "NAME=VALUE" only with that value. */
static void unset_named(char **env, char *const *unset)
{
    STRV_FOREACH (u, unset) {
        if (strchr(*u, '='))
            strv_remove(env, *u);
        else
            strv_env_unset(env, *u);
    }
}

/* On machines that keep /sbin apart from /usr/bin, services find it as well (systemd.exec(5)). */
static const char *default_path(const struct spawn_manager *m)
{
    static const char *found; /* does not change while the machine runs */
    struct stat a, b;

    if (m->generated_path || found)
        return m->generated_path ? m->generated_path : found;
    found = COMMAND_PATH_DEFAULT;
    if (stat("/bin", &a) == 0 && stat("/usr/bin", &b) == 0 &&
        (a.st_dev != b.st_dev || a.st_ino != b.st_ino))
        found = COMMAND_PATH_WITH_SBIN;
    return found;
}

int child_build_environment(struct child *c)
{
    struct environment e = { 0 };

    if (!strv_env_get(c->manager->environment, "PATH") && !c->manager->user)
        env_set(&e, "PATH", default_path(c->manager));
    env_add_all(&e, c->manager->environment);
    env_add_all(&e, c->request->environment);
    add_own(c, &e);
    if (c->exec->exec_search_path) {
        auto_free char *joined = strv_join(c->exec->exec_search_path, ":");

        if (joined)
            env_set(&e, "PATH", joined);
    }
    pass_on(c, &e);
    env_add_all(&e, c->exec->environment);
    int r = read_files(c, &e);
    c->environment = e.v;
    if (r < 0)
        return r;
    if (e.error < 0)
        return child_fail(c, EXEC_STATUS_MEMORY, e.error, NULL, NULL);
    unset_named(e.v, c->exec->unset_environment);

    /* systemd.service(5): a bare name is looked up in ExecSearchPath=, else in the fixed path. */
    c->path_search = c->exec->exec_search_path;
    if (!c->environment)
        c->environment = new0(char *, 1);
    return c->environment ? 0 : child_fail(c, EXEC_STATUS_MEMORY, -ENOMEM, NULL, NULL);
}

int child_expand_command(struct child *c)
{
    int r = command_expand(c->request->command, c->environment, &c->argv, NULL, NULL);

    return r < 0 ? child_fail(c, EXEC_STATUS_MEMORY, r, NULL, NULL) : 0;
}
