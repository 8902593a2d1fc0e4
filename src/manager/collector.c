#include "manager/collector.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "journal/client.h"
#include "manager/checkpoint.h"
#include "manager/helper.h"
#include "manager/private.h"
#include "unit/virt.h"

/* A collector that ends at once is not started faster than this, growing up to the second. */
#define RESTART_DELAY_MIN (10 * USEC_PER_MSEC)
#define RESTART_DELAY_MAX (10 * USEC_PER_SEC)

#define JOURNALD_SOCKET "/run/systemd/journal/socket"

/* Beside another init: whether its journald keeps the journal of this machine. Another reeve's
 * collector looks like one; who has made the socket tells: systemd, or journald itself. */
static bool machine_has_journald(const struct manager *m)
{
    const struct sockaddr_un addr = { .sun_family = AF_UNIX,
                                      .sun_path = "/run/systemd/journal/stdout" };
    struct ucred maker;
    socklen_t size = sizeof maker;
    char path[40];
    auto_free char *comm = NULL;

    if (m->role == MANAGER_PID1 || m->options.own_journal)
        return false;
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *) &addr, sizeof addr) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &maker, &size) < 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/comm", maker.pid);
    return maker.pid == 1 ||
           (file_read_line(path, &comm) >= 0 && startswith(comm, "systemd-journal"));
}

/* The arguments, made before the fork: nothing is allocated in the child. */
static int make_arguments(struct manager *m, int fd, char ***ret)
{
    auto_strv char **argv = strv_new("reeve", "journald", NULL);

    if (!argv)
        return -ENOMEM;
    if (strv_addf(&argv, "--control-fd=%d", fd) < 0 ||
        strv_addf(&argv, "--console=%s", m->console ? m->console : "none") < 0)
        return -ENOMEM;
    bool color = m->role == MANAGER_EPHEMERAL && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    if (color && strv_add(&argv, "--console-color") < 0)
        return -ENOMEM;
    if (m->journal_dir && strv_addf(&argv, "--socket-dir=%s", m->journal_dir) < 0)
        return -ENOMEM;
    /* Beside another init its files are not ours to write; log_places of cli/log_files.c reads
     * these. */
    if ((m->role == MANAGER_SUPERVISOR || m->role == MANAGER_USER) && m->journal_dir &&
        (strv_addf(&argv, "--volatile-dir=%s", m->journal_dir) < 0 ||
         strv_addf(&argv, "--persistent-dir=%s",
                   m->role == MANAGER_USER ? "none" : "/var/log/reeve/journal") < 0))
        return -ENOMEM;
    bool relayed = machine_has_journald(m);
    if (relayed && strv_add(&argv, "--machine-journal=" JOURNALD_SOCKET) < 0)
        return -ENOMEM;
    /* The kernel's messages are of the host. */
    if (m->role == MANAGER_PID1 && !virt_container() &&
        strv_add(&argv, "--kernel-log=/dev/kmsg") < 0)
        return -ENOMEM;
    if ((m->role == MANAGER_USER || (relayed && m->user)) && strv_add(&argv, "--user") < 0)
        return -ENOMEM;
    if (m->role == MANAGER_EPHEMERAL &&
        (strv_add(&argv, "--socket-dir=none") < 0 || strv_add(&argv, "--volatile-dir=none") < 0 ||
         strv_add(&argv, "--persistent-dir=none") < 0))
        return -ENOMEM;
    *ret = take_ptr(argv);
    return 0;
}

static int spawn_collector(struct manager *m)
{
    auto_strv char **argv = NULL;
    /* A number that is not the client's: its own descriptors stay close-on-exec. */
    auto_close int fd = dup(collector_client_child_fd(m->collector));

    if (fd < 0)
        return -errno;
    int r = make_arguments(m, fd, &argv);
    if (r < 0)
        return r;
    /* Nobody else forks between this and the exec, and the child drops the flag itself. */
    (void) fd_cloexec(fd, true);
    pid_t pid = manager_start_helper(argv, NULL, fd);
    if (pid < 0)
        return (int) pid;
    m->collector_pid = pid;
    m->collector_started = now_usec(CLOCK_MONOTONIC);
    collector_client_started(m->collector);
    checkpoint_head(m);
    return 0;
}

static void on_restart(struct event_source *s, usec_t due, void *userdata)
{
    collector_start(userdata);
}

static void schedule_restart(struct manager *m)
{
    usec_t delay = RESTART_DELAY_MIN;

    for (unsigned i = 0; i < m->collector_restarts && delay < RESTART_DELAY_MAX; i++)
        delay *= 2;
    m->collector_restarts++;
    if (m->collector_timer)
        event_source_set_time_relative(m->collector_timer, delay);
    else
        (void) event_add_time(m->loop, CLOCK_MONOTONIC, usec_add(now_usec(CLOCK_MONOTONIC), delay),
                              on_restart, m, &m->collector_timer);
}

static void try_spawn(struct manager *m)
{
    int r = spawn_collector(m);

    if (r >= 0)
        return;
    log_error("Cannot start the journal's collector: %s; trying again", strerror(-r));
    schedule_restart(m);
}

void collector_start(struct manager *m)
{
    if (m->test)
        return;
    if (!m->collector) {
        int r = collector_client_new(m->loop, &m->collector);

        if (r < 0) {
            log_error("No output of units is kept: %s; trying again", strerror(-r));
            schedule_restart(m);
            return;
        }
    }
    try_spawn(m);
}

void collector_resume(struct manager *m)
{
    struct process_stat stat;
    pid_t pid = m->collector_pid;

    /* It may have ended before the hand-over, with its restart still to come. */
    if (pid > 0 && (process_stat(pid, &stat) < 0 || stat.ppid != getpid())) {
        m->collector_pid = 0;
        if (m->collector)
            collector_client_lost(m->collector);
    }
    if (m->collector_pid <= 0 && !m->collector_timer)
        collector_start(m);
}

bool collector_exited(struct manager *m, pid_t pid, int code, int status)
{
    if (pid != m->collector_pid || pid == 0)
        return false;
    m->collector_pid = 0;
    if (m->collector)
        collector_client_lost(m->collector);
    if (m->collector_stopping)
        return true;
    log_warning("The journal's collector ended (%s %d); starting it again",
                code == CLD_EXITED ? "status" : "signal", status);
    if (now_usec(CLOCK_MONOTONIC) - m->collector_started > 10 * USEC_PER_SEC)
        m->collector_restarts = 0;
    schedule_restart(m);
    return true;
}

void collector_stop(struct manager *m)
{
    m->collector_stopping = true;
    if (m->collector_pid == 0)
        return;
    /* It ends by itself when the channel is closed and everything was read. */
    pid_t pid = m->collector_pid;
    struct unit *u;
    MANAGER_FOREACH_UNIT(u, m)
    unit_close_stream(u);
    collector_client_free(m->collector);
    m->collector = NULL;
    m->collector_pid = 0;
    kill(pid, SIGTERM);
    for (usec_t end = now_usec(CLOCK_MONOTONIC) + USEC_PER_SEC; now_usec(CLOCK_MONOTONIC) < end;) {
        siginfo_t si = { 0 };

        if (waitid(P_PID, (id_t) pid, &si, WEXITED | WNOHANG) < 0 || si.si_pid == pid)
            return;
        struct timespec wait = { .tv_nsec = 2 * 1000 * 1000 };
        nanosleep(&wait, NULL);
    }
    kill(pid, SIGKILL);
}
