#include "diagnose/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

_noreturn_ static void child(const char *const *argv, int out)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (null >= 0) {
        (void) dup2(null, STDIN_FILENO);
        (void) dup2(null, STDERR_FILENO);
    }
    (void) dup2(out, STDOUT_FILENO);
    execvp(argv[0], (char **) argv);
    _exit(errno == ENOENT ? 127 : 126);
}

int drain_until(int fd, size_t max, usec_t timeout, struct strbuf *b)
{
    usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
    char buffer[16384];

    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        usec_t left = usec_sub(deadline, now_usec(CLOCK_MONOTONIC));

        if (left == 0)
            return -ETIMEDOUT;
        int ready = poll(&p, 1, (int) MIN(left / USEC_PER_MSEC + 1, (usec_t) 60000));
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready <= 0)
            continue;
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0 || b->length >= max)
            return 0;
        if (n > 0)
            strbuf_add_n(b, buffer, (size_t) n);
    }
}

int run_program(const char *const *argv, size_t max, usec_t timeout, char **ret_output,
                size_t *ret_size)
{
    auto_strbuf struct strbuf b = {};
    int fds[2], status;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    auto_close int in = fds[0];
    pid_t pid = fork();
    if (pid == 0)
        child(argv, fds[1]);
    close_fd(fds[1]);
    if (pid < 0)
        return -errno;
    int r = drain_until(in, max, timeout, &b);
    if (r < 0 || b.length >= max)
        (void) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (r < 0)
        return r;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && b.length == 0)
        return -ENOENT;
    size_t size = b.length;
    char *text = strbuf_take(&b);
    if (!text)
        return -ENOMEM;
    *ret_output = text;
    if (ret_size)
        *ret_size = size;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
