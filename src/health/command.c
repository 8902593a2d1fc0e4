#include "health/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"

_noreturn_ static void execute(char *const *argv, int out, int errors, int failure)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* systemctl and the like report their own failures to it. */
    unsetenv("NOTIFY_SOCKET");
    (void) dup2(null, STDIN_FILENO);
    (void) dup2(out >= 0 ? out : null, STDOUT_FILENO);
    (void) dup2(errors >= 0 ? errors : null, STDERR_FILENO);
    execvp(argv[0], argv);
    int error = errno;
    (void) fd_write_all(failure, &error, sizeof error);
    _exit(127);
}

/* The ends of one pipe. */
struct pipe {
    int read, write;
};

static void pipe_done(struct pipe *p)
{
    p->read = close_fd(p->read);
    p->write = close_fd(p->write);
}

static int pipe_open(struct pipe *p)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *p = (struct pipe){ fds[0], fds[1] };
    return 0;
}

static void read_both(struct pollfd polls[static 2], struct strbuf *const to[static 2], size_t max)
{
    char buffer[1024];

    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR)
            return;
        for (size_t i = 0; i < 2; i++) {
            if (polls[i].fd < 0 || !polls[i].revents)
                continue;
            ssize_t n = read(polls[i].fd, buffer, sizeof buffer);

            if (n > 0 && to[i]->length < max)
                strbuf_add_n(to[i], buffer, MIN((size_t) n, max - to[i]->length));
            else if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
                polls[i].fd = -1;
        }
    }
}

int command_run(char *const *argv, struct strbuf *out, struct strbuf *errors, size_t max)
{
    _cleanup_(pipe_done) struct pipe out_pipe = { -1, -1 }, error_pipe = { -1, -1 },
                                     failure = { -1, -1 };
    int status, error = 0, r = pipe_open(&failure);
    bool same = errors == out;

    if (r >= 0 && out)
        r = pipe_open(&out_pipe);
    if (r >= 0 && errors && !same)
        r = pipe_open(&error_pipe);
    if (r < 0)
        return r;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        execute(argv, out_pipe.write, same ? out_pipe.write : error_pipe.write, failure.write);
    out_pipe.write = close_fd(out_pipe.write);
    error_pipe.write = close_fd(error_pipe.write);
    failure.write = close_fd(failure.write);

    struct pollfd polls[2] = { { out_pipe.read, POLLIN, 0 }, { error_pipe.read, POLLIN, 0 } };
    struct strbuf *const to[2] = { out, errors };
    read_both(polls, to, max);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (read(failure.read, &error, sizeof error) == sizeof error)
        return -error;
    return status;
}

int command_ask_manager(const char *const *words, char **ret)
{
    static const char socket[] = "/run/reeve/io.reeve.Manager";
    auto_strbuf struct strbuf out = {};
    auto_strv char **argv = NULL;
    bool ours = access(socket, F_OK) == 0;
    int r = strv_add(&argv, ours ? "/proc/self/exe" : "systemctl");

    for (; r >= 0 && *words; words++)
        r = strv_add(&argv, *words);
    if (r < 0)
        return r;
    int status = command_run(argv, &out, NULL, 4096);
    if (status < 0)
        return status;
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 127)
        return -ENOTCONN;
    char *line = strbuf_take(&out);
    if (!line)
        return -ENOMEM;
    line[strcspn(line, "\n")] = 0;
    *ret = line;
    return WEXITSTATUS(status);
}
