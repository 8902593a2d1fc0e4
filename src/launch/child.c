/* launch/child.c -- the child's way from fork to execve(), in systemd's order. */
#include "launch/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/close_range.h>

#include "base/macro.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/capability.h"
#include "launch/credentials.h"

#define IDLE_TIMEOUT_MS 5000

/* ---- failures ---- */

static int record(struct child *c, enum exec_status step, int error, const char *directive,
                  const char *object)
{
    struct failure *f = &c->failure;

    if (f->error < 0)
        return error;
    f->step = step;
    f->error = error;
    f->directive = directive;
    snprintf(f->object, sizeof f->object, "%s", strempty(object));
    return error;
}

int child_fail(struct child *c, enum exec_status step, int error, const char *directive,
               const char *object)
{
    return record(c, step, error, directive, object);
}

int child_fail_detail(struct child *c, enum exec_status step, int error, const char *directive,
                      const char *object, const char *detail_fmt, ...)
{
    va_list ap;

    if (c->failure.error == 0) {
        va_start(ap, detail_fmt);
        (void) vsnprintf(c->failure.detail, sizeof c->failure.detail, detail_fmt, ap);
        va_end(ap);
    }
    return record(c, step, error, directive, object);
}

/* The kernel, a container's runtime or a lack of privilege says no. What the unit got wrong (a path
 * that does not exist) is its failure everywhere. */
static bool refused_here(int error)
{
    return error == -EPERM || error == -EACCES || error == -ENOSYS || error == -EOPNOTSUPP ||
           error == -EROFS || error == -ENOSPC || error == -EUSERS || error == -EINVAL ||
           error == -ENODEV;
}

int child_degrade(struct child *c, enum exec_status step, int error, unsigned char class,
                  bool only_best_effort, const char *directive, const char *object)
{
    bool allowed = false;

    switch (c->manager->policy) {
    case SANDBOX_HOST:
    case SANDBOX_BEST_EFFORT:
        allowed = class == CLASS_HARDENING;
        break;
    case SANDBOX_CONTAINER:
        allowed = class == CLASS_HARDENING && !only_best_effort;
        break;
    case SANDBOX_STRICT:
    case SANDBOX_POLICY_MAX:
        break;
    }
    if (!allowed || !refused_here(error))
        return child_fail(c, step, error, directive, object);
    report_degraded(c->report_fd, directive, error, object);
    return 0;
}

void child_step(struct child *c, enum exec_status step)
{
    report_step(c->report_fd, step);
}

/* ---- steps that have no file of their own ---- */

static int reset_signals(struct child *c)
{
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        if (s != SIGKILL && s != SIGSTOP)
            (void) sigaction(s, &action, NULL);
    if (c->exec->ignore_sigpipe) {
        action.sa_handler = SIG_IGN;
        (void) sigaction(SIGPIPE, &action, NULL);
    }
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        return child_fail(c, EXEC_STATUS_SIGNAL_MASK, -errno, NULL, NULL);
    return 0;
}

/* The manager's descriptors are close-on-exec from birth; what others opened in it may not be. */
static int close_inherited(struct child *c)
{
    (void) c;
    (void) close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    return 0;
}

static int wait_for_idle(struct child *c)
{
    struct pollfd p = { .fd = c->request->idle_fd, .events = 0 };

    if (p.fd >= 0)
        (void) poll(&p, 1, IDLE_TIMEOUT_MS);
    return 0;
}

static int start_session(struct child *c)
{
    if (setsid() < 0 && errno != EPERM)
        return child_fail(c, EXEC_STATUS_SETSID, -errno, NULL, NULL);
    return 0;
}

/* The name in the process list until execve(), as systemd has it: "(nginx)". */
static int set_name(struct child *c)
{
    char name[16];

    snprintf(name, sizeof name, "(%.13s)", path_basename(c->request->command->path));
    (void) prctl(PR_SET_NAME, name);
    return 0;
}

static int work_out_settings(struct child *c)
{
    effective_settings(c->config, capability_effective(CAP_SYS_ADMIN), &c->effective);
    return 0;
}

static int set_umask(struct child *c)
{
    umask(c->exec->umask);
    return 0;
}

static int tell_identity(struct child *c)
{
    if (c->has_user || c->has_group)
        report_identity(c->report_fd, c->apply_identity && c->has_user ? c->uid : getuid(),
                        c->apply_identity && c->has_group ? c->gid : getgid());
    return 0;
}

/* systemd.exec(5) promises the order in part (credentials before the working folder), and users
 * know the rest by what is reported first. */
static int (*const steps[])(struct child *) = {
    set_name,
    reset_signals,
    close_inherited,
    wait_for_idle,
    start_session,
    work_out_settings,
    child_open_files,
    child_find_identity,
    child_setup_stdio,
    child_chown_terminal,
    child_apply_scheduling,
    child_delegate_cgroup,
    child_tell_missing,
    child_make_directories,
    child_make_credentials,
    child_build_environment,
    set_umask,
    child_join_keyring,
    child_apply_limits,
    child_open_pam_session,
    child_check_pids,
    child_enter_user_namespace,
    child_enter_network,
    child_enter_ipc,
    child_enter_mounts,
    child_enter_uts,
    child_drop_groups,
    child_private_users,
    child_locate,
    child_expand_command,
    child_pass_fds,
    child_set_smack,
    child_set_bounding,
    child_plan_seccomp,
    child_change_root,
    child_set_user,
    child_change_directory,
    child_set_labels,
    child_set_securebits,
    tell_identity,
    child_limit_files,
    child_load_seccomp,
    child_execute,
};

void child_done(struct child *c)
{
    strv_free(c->environment);
    strv_free(c->argv);
    free(c->program);
    free(c->user);
    free(c->groups);
    free(c->fds);
    free(c->fd_names);
}

int child_run(struct child *c)
{
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(steps) && r >= 0; i++)
        r = steps[i](c);
    report_failed(c->report_fd, &c->failure);
    return c->failure.step > 0 ? (int) c->failure.step : EXIT_FAILURE;
}
