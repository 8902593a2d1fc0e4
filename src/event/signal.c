#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "event/internal.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define SIGNALS_PER_TURN 32

/* ---- signals ---- */

static void children_without_pidfd(struct event_loop *l)
{
    /* A callback may free any source, so that the walk starts anew after each call; a source that
     * was called is off. */
    for (struct event_source *s = l->sources; s;) {
        unsigned called = l->n_called;

        if (s->kind == SOURCE_CHILD && s->fd < 0 && s->enabled)
            child_dispatch(s);
        s = l->n_called == called ? s->next : l->sources;
    }
}

static void signals_dispatch(struct event_loop *l)
{
    struct signalfd_siginfo si;

    for (int i = 0; i < SIGNALS_PER_TURN && !l->exiting; i++) {
        if (read(l->signal_watch.fd, &si, sizeof si) != (ssize_t) sizeof si)
            return;
        struct event_source *s = si.ssi_signo < _NSIG ? l->signals[si.ssi_signo] : NULL;
        if (s && s->enabled) {
            l->n_called++;
            s->fn.signal(s, &si, s->userdata);
        }
        if (si.ssi_signo == SIGCHLD && l->n_without_pidfd > 0)
            children_without_pidfd(l);
    }
}

/* Makes the signalfd take those signals that somebody waits for. The others stay pending. */
int signals_update(struct event_loop *l)
{
    sigset_t mask;

    sigemptyset(&mask);
    for (int i = 1; i < _NSIG; i++)
        if (l->signals[i] && l->signals[i]->enabled)
            sigaddset(&mask, i);
    if (l->n_without_pidfd > 0)
        sigaddset(&mask, SIGCHLD);

    if (l->signal_watch.fd >= 0)
        return signalfd(l->signal_watch.fd, &mask, 0) < 0 ? -errno : 0;

    int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    l->signal_watch.fn.internal = signals_dispatch;
    int r = watch_fd(l, &l->signal_watch, fd, EPOLLIN);
    if (r < 0)
        close(fd);
    return r;
}

static int signal_block(int signo)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, signo);
    return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

int event_add_signal(struct event_loop *l, int signo, event_signal_fn fn, void *userdata,
                     struct event_source **ret)
{
    struct event_source *s;

    if (signo <= 0 || signo >= _NSIG)
        return -EINVAL;
    if (l->signals[signo])
        return -EBUSY;
    int r = source_new(l, SOURCE_SIGNAL, userdata, &s);
    if (r < 0)
        return r;
    s->fn.signal = fn;
    s->signo = signo;
    s->enabled = true;
    l->signals[signo] = s;
    r = signal_block(signo);
    if (r >= 0)
        r = signals_update(l);
    if (r < 0) {
        event_source_free(s);
        return r;
    }
    source_hand_over(s, ret);
    return 0;
}

/* ---- children ---- */

static int child_wait(const struct event_source *s, siginfo_t *si, int flags)
{
    *si = (siginfo_t){};
    if (s->fd >= 0) {
        if (waitid(P_PIDFD, (id_t) s->fd, si, WEXITED | WNOHANG | flags) >= 0)
            return 0;
        if (errno != EINVAL) /* Linux 5.3 has pidfds, and does not wait for them */
            return -errno;
    }
    return waitid(P_PID, (id_t) s->pid, si, WEXITED | WNOHANG | flags) < 0 ? -errno : 0;
}

void child_dispatch(struct event_source *s)
{
    struct event_loop *l = s->loop;
    siginfo_t si;
    int r = child_wait(s, &si, WNOWAIT);

    if (r >= 0 && si.si_pid == 0)
        return; /* still running */
    if (r < 0)
        si = (siginfo_t){ .si_pid = s->pid };
    event_source_disable(s);
    l->n_called++;
    s->fn.child(s, &si, s->userdata);
    /* Reaped even if the callback freed the source: its pidfd is open until this turn ends. */
    if (r >= 0)
        (void) child_wait(s, &si, 0);
}

void child_forget(struct event_source *s)
{
    if (s->fd >= 0 || s->pid == 0)
        return;
    s->loop->n_without_pidfd--;
    (void) signals_update(s->loop);
}

/* Waits by SIGCHLD. */
static int child_watch_signal(struct event_loop *l, struct event_source *s)
{
    siginfo_t si;
    int r = child_wait(s, &si, WNOWAIT);

    if (r < 0)
        return r == -ECHILD ? -ESRCH : r;
    bool exited = si.si_pid != 0;
    r = signal_block(SIGCHLD);
    if (r < 0)
        return r;
    l->n_without_pidfd++;
    r = signals_update(l);
    if (r < 0) {
        l->n_without_pidfd--;
        return r;
    }
    s->enabled = true;
    /* Its SIGCHLD may be gone already: another one makes the loop look. */
    return !exited || kill(getpid(), SIGCHLD) >= 0 ? 0 : -errno;
}

int event_add_child(struct event_loop *l, pid_t pid, event_child_fn fn, void *userdata,
                    struct event_source **ret)
{
    struct event_source *s;
    int r = source_new(l, SOURCE_CHILD, userdata, &s);

    if (r < 0)
        return r;
    s->fn.child = fn;
    int fd = pidfd_from_pid(pid);
    if (fd >= 0) {
        r = watch_fd(l, s, fd, EPOLLIN);
        if (r < 0)
            close_fd(fd);
        else
            s->pid = pid;
    } else if (fd != -ESRCH && fd != -EINVAL) { /* no such call, forbidden, or no descriptor left */
        s->pid = pid;
        r = child_watch_signal(l, s);
        if (r < 0)
            s->pid = 0;
    } else
        r = fd;
    if (r < 0) {
        event_source_free(s);
        return r;
    }
    source_hand_over(s, ret);
    return 0;
}

pid_t event_source_child_pid(const struct event_source *s)
{
    return s->pid;
}

int event_source_child_pidfd(const struct event_source *s)
{
    return s->fd;
}
