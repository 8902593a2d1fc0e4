#include "manager/last_words.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "event/event.h"
#include "manager/private.h"
#include "manager/shutdown.h"

#define TERMINATION_LOG "/dev/termination-log"
#define LOG_MAX 4096
#define DEADLINE (5 * USEC_PER_SEC)

struct last_words {
    pid_t pid;
    int alive_fd; /* at its end when the process is gone */
    struct event_source *alive, *timer;
};

static void go_on(struct manager *m)
{
    last_words_drop(m);
    if (!m->shutting_down)
        (void) manager_start_end(m, OBJECTIVE_EXIT);
}

static void on_gone(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    go_on(userdata);
}

static void on_deadline(struct event_source *s, usec_t due, void *userdata)
{
    struct manager *m = userdata;

    (void) kill(m->last_words->pid, SIGKILL);
    go_on(m);
}

_noreturn_ static void write_verdict(const struct unit *u, int log_fd, int alive_fd)
{
    const char *const argv[] = { "reeve", "why", "--again=no", "--", u->id, NULL };
    const struct rlimit most = { LOG_MAX, LOG_MAX };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void) signal(SIGXFSZ, SIG_IGN); /* what is longer is cut */
    (void) setrlimit(RLIMIT_FSIZE, &most);
    (void) dup2(null, STDIN_FILENO);
    (void) dup2(log_fd, STDOUT_FILENO);
    (void) dup2(null, STDERR_FILENO);
    (void) fd_cloexec(alive_fd, false);
    execv("/proc/self/exe", (char **) argv);
    _exit(EXIT_FAILURE);
}

static int watch(struct manager *m, struct last_words *w)
{
    int r = event_add_io(m->loop, w->alive_fd, EPOLLIN, on_gone, m, &w->alive);

    return r < 0 ? r
                 : event_add_time(m->loop, CLOCK_MONOTONIC,
                                  usec_add(now_usec(CLOCK_MONOTONIC), DEADLINE), on_deadline, m,
                                  &w->timer);
}

int last_words_begin(struct manager *m, const struct unit *u)
{
    auto_close int log_fd = m->role == MANAGER_PID1
                                ? open(TERMINATION_LOG, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
                                : -1;
    int fds[2];

    if (log_fd < 0 || m->last_words)
        return 0;
    m->last_words = new0(struct last_words, 1);
    if (!m->last_words)
        return -ENOMEM;
    m->last_words->alive_fd = -1;
    int r = pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;
    if (r >= 0) {
        auto_close int alive_fd = fds[1];

        m->last_words->alive_fd = fds[0];
        r = watch(m, m->last_words);
        m->last_words->pid = r < 0 ? -1 : fork();
        if (m->last_words->pid == 0)
            write_verdict(u, log_fd, alive_fd);
        if (r >= 0 && m->last_words->pid < 0)
            r = -errno;
    }
    if (r < 0) {
        last_words_drop(m);
        return r;
    }
    return 1;
}

void last_words_drop(struct manager *m)
{
    struct last_words *w = take_ptr(m->last_words);

    if (!w)
        return;
    event_source_free(w->alive);
    event_source_free(w->timer);
    close_fd(w->alive_fd);
    free(w);
}
