#include "manager/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/handover.h"
#include "manager/private.h"
#include "manager/state_private.h"

#define COMPACT_MIN (256u << 10)
#define PENDING_KEPT (64u << 10) /* of the buffer, between two turns */
#define CRASHES_MAX 3            /* within a minute, where the options do not say */
#define STATE_FD_VARIABLE "REEVE_STATE_FD"
#define CRASHES_VARIABLE "REEVE_CRASHES"

struct checkpoint {
    int fd;
    size_t size, size_when_compact;
    struct state_writer pending;
    bool head_changed, streams_changed;
    usec_t head_written;
    bool broken; /* a write failed: written anew at the next flush */
};

/* ---- the handler's own things: static, since nothing can be passed to it ---- */

static struct {
    char **argv, **environment;
    char program[4096]; /* its path when we began: after an upgrade the new program is there */
    char state[64], crashes[64];
    unsigned n, max; /* crashes within a minute; after that children are reaped and no more */
    time_t since;
    volatile sig_atomic_t armed;
} crash;

_noreturn_ static void reap_only(void)
{
    static const char text[] = "reeve: crashed too often; only reaping children from now on\n";

    (void) !write(STDERR_FILENO, text, sizeof text - 1);
    for (;;)
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
            pause();
}

/* Writes a decimal number, and returns where it ends. */
static char *put_number(char *p, unsigned long n)
{
    char digits[24];
    size_t k = 0;

    do
        digits[k++] = (char) ('0' + n % 10);
    while (n /= 10);
    while (k)
        *p++ = digits[--k];
    *p = '\0';
    return p;
}

static void on_crash(int signo)
{
    static const char text[] = "reeve: crashed; executing itself again with its state\n";
    struct timespec now;

    /* A crash in here, or of a forked child before it has executed its program, is an end. */
    signal(signo, SIG_DFL);
    if (!crash.armed || getpid() != crash.armed)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - crash.since > 60) {
        crash.n = 0;
        crash.since = now.tv_sec;
    }
    if (++crash.n > crash.max)
        reap_only();
    (void) !write(STDERR_FILENO, text, sizeof text - 1);

    char *p = put_number(crash.crashes + sizeof CRASHES_VARIABLE, crash.n);
    *p++ = ' ';
    put_number(p, (unsigned long) crash.since);
    /* The state names descriptors: all go over, and the next process closes what it does not know.
     */
    for (int fd = 3; fd < STATE_FD_MAX; fd++)
        (void) fcntl(fd, F_SETFD, 0);
    execve(crash.program, crash.argv, crash.environment);
    execve("/proc/self/exe", crash.argv, crash.environment);
    if (getpid() == 1)
        reap_only();
}

static int install_handler(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGSYS };
    static char stack[64 << 10];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER };

    if (sigaltstack(&alternate, NULL) < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(signals); i++)
        if (sigaction(signals[i], &sa, NULL) < 0)
            return -errno;
    return 0;
}

static int prepare_environment(int state_fd)
{
    extern char **environ;
    const char *before = getenv(CRASHES_VARIABLE);
    size_t n = strv_length(environ), k = 0;
    unsigned long since;

    if (before && sscanf(before, "%u %lu", &crash.n, &since) == 2)
        crash.since = (time_t) since;
    snprintf(crash.state, sizeof crash.state, STATE_FD_VARIABLE "=%d", state_fd);
    snprintf(crash.crashes, sizeof crash.crashes, CRASHES_VARIABLE "=%u %lu", crash.n,
             (unsigned long) crash.since);
    crash.environment = new0(char *, n + 3);
    if (!crash.environment)
        return -ENOMEM;
    STRV_FOREACH (s, environ)
        if (!startswith(*s, STATE_FD_VARIABLE "=") && !startswith(*s, CRASHES_VARIABLE "="))
            crash.environment[k++] = *s;
    crash.environment[k++] = crash.state;
    crash.environment[k] = crash.crashes;
    return 0;
}

/* "reeve" in front of what the verb was given. */
static int prepare_arguments(char **argv)
{
    size_t n = strv_length(argv);

    crash.argv = new0(char *, n + 2);
    if (!crash.argv)
        return -ENOMEM;
    ssize_t k = readlink("/proc/self/exe", crash.program, sizeof crash.program - 1);
    if (k > 0)
        crash.program[k] = '\0';
    crash.argv[0] = (char *) "reeve";
    memcpy(crash.argv + 1, argv, n * sizeof *argv);
    return 0;
}

/* ---- the file ---- */

static int write_anew(struct manager *m, struct checkpoint *c)
{
    struct state_writer w = { 0 };
    struct unit *u;

    manager_save_head(m, &w);
    MANAGER_FOREACH_UNIT(u, m)
    if (manager_unit_is_worth_saving(u))
        manager_save_unit(u, &w);
    int r = w.text.failed ? -ENOMEM : 0;
    if (r >= 0 && (ftruncate(c->fd, 0) < 0 || lseek(c->fd, 0, SEEK_SET) < 0))
        r = -errno;
    if (r >= 0)
        r = fd_write_all(c->fd, strbuf_text(&w.text), w.text.length);
    c->size = c->size_when_compact = w.text.length;
    strbuf_done(&w.text);
    c->broken = r < 0;
    return r;
}

/* PID 1 takes everything with it; `reeve up` as well. */
static bool has_state_file(const struct manager *m)
{
    return m->role == MANAGER_SUPERVISOR || m->role == MANAGER_USER;
}

int manager_open_state_file(struct manager *m, bool create)
{
    auto_free char *path = path_join(m->socket_dir, "state", NULL);
    if (!path)
        return -ENOMEM;
    auto_close int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return take_fd(&fd);
}

int checkpoint_begin(struct manager *m, char **argv)
{
    struct checkpoint *c = new0(struct checkpoint, 1);

    if (!c)
        return -ENOMEM;
    c->fd = has_state_file(m) ? manager_open_state_file(m, true)
                              : memfd_create("reeve-checkpoint", MFD_CLOEXEC);
    int r = c->fd >= 0 ? 0 : has_state_file(m) ? c->fd : -errno;
    if (r >= 0)
        r = write_anew(m, c);
    if (r >= 0)
        r = prepare_environment(c->fd);
    if (r >= 0)
        r = prepare_arguments(argv);
    if (r >= 0)
        r = install_handler();
    if (r < 0) {
        close_fd(c->fd);
        free(c);
        return r;
    }
    m->checkpoint = c;
    crash.max = m->options.crashes_max ? m->options.crashes_max : CRASHES_MAX;
    crash.armed = getpid();
    return 0;
}

void checkpoint_unit(struct manager *m, struct unit *u, bool gone)
{
    if (!m->checkpoint)
        return;
    if (gone) {
        state_write(&m->checkpoint->pending, "gone", u->id);
        strbuf_add_char(&m->checkpoint->pending.text, '\n');
    } else if (manager_unit_is_worth_saving(u))
        manager_save_unit(u, &m->checkpoint->pending);
}

void checkpoint_head(struct manager *m)
{
    if (!m->checkpoint)
        return;
    m->checkpoint->head_changed = true;
    manager_work_pending(m);
}

void checkpoint_streams(struct manager *m)
{
    if (m->checkpoint)
        m->checkpoint->streams_changed = true;
}

/* The head lists the output streams of all units, so it is not written for each new one. A stream
 * that is missing goes on: the collector, which lives on, has it. */
static void flush_head(struct manager *m)
{
    struct checkpoint *c = m->checkpoint;
    usec_t now = now_usec(CLOCK_MONOTONIC);

    if (!c->head_changed && (!c->streams_changed || now - c->head_written < USEC_PER_SEC))
        return;
    manager_save_head(m, &c->pending);
    c->head_changed = c->streams_changed = false;
    c->head_written = now;
}

void checkpoint_flush(struct manager *m)
{
    struct checkpoint *c = m->checkpoint;

    if (c)
        flush_head(m);
    if (!c || (c->pending.text.length == 0 && !c->pending.text.failed && !c->broken))
        return;
    if (c->broken || c->pending.text.failed ||
        c->size + c->pending.text.length > 2 * c->size_when_compact + COMPACT_MIN) {
        strbuf_done(&c->pending.text);
        if (write_anew(m, c) < 0)
            log_error("Out of memory: a crash would lose state");
        return;
    }
    /* A write that is cut short ends in a block without an end, which is read as far as it goes. */
    if (fd_write_all(c->fd, strbuf_text(&c->pending.text), c->pending.text.length) < 0)
        c->broken = true;
    c->size += c->pending.text.length;
    if (c->pending.text.allocated > PENDING_KEPT)
        strbuf_done(&c->pending.text);
    else
        strbuf_clear(&c->pending.text);
}

void checkpoint_end(struct manager *m)
{
    struct checkpoint *c = m->checkpoint;

    if (!c)
        return;
    crash.armed = 0;
    if (has_state_file(m)) {
        /* An end in order leaves nothing to take over. */
        auto_free char *path = path_join(m->socket_dir, "state", NULL);

        if (path)
            (void) unlink(path);
    }
    m->checkpoint = NULL;
    close_fd(c->fd);
    strbuf_done(&c->pending.text);
    free(c);
    free(crash.environment);
    free(crash.argv);
    crash.environment = crash.argv = NULL;
}

/* ---- executing this program again on purpose ---- */

const char *manager_program(void)
{
    return *crash.program ? crash.program : "/proc/self/exe";
}

int manager_exec_again(struct manager *m)
{
    extern char **environ;
    auto_free char *number = NULL;
    auto_close int fd = -1;
    int r = manager_save(m, &fd);

    if (r < 0)
        return r;
    number = format(STATE_FD_VARIABLE "=%d", fd);
    auto_strv char **env = strv_copy(environ);
    if (!number || !env || strv_env_set(&env, number) < 0)
        return -ENOMEM;
    for (int k = 3; k < STATE_FD_MAX; k++)
        (void) fcntl(k, F_SETFD, 0);
    execve(crash.program, crash.argv, env);
    execve("/proc/self/exe", crash.argv, env);
    r = -errno;
    for (int k = 3; k < STATE_FD_MAX; k++)
        (void) fcntl(k, F_SETFD, FD_CLOEXEC);
    return r;
}
