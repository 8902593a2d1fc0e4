#include "cli/run_pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"

#define ESCAPE 0x1d /* ^] */

static void copy_size(const struct run_pty *p)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0)
        (void) ioctl(p->master, TIOCSWINSZ, &size);
}

int run_pty_open(struct run_pty *p)
{
    auto_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -errno;
    int r = ptsname_r(master, p->path, sizeof p->path);
    if (r != 0)
        return -r;
    int slave = open(p->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    p->master = take_fd(&master);
    copy_size(p);
    return slave;
}

/* Only interrupts the wait: the size is looked at then. */
static void size_changed(int signo)
{
    (void) signo;
}

void run_pty_begin(struct run_pty *p)
{
    struct termios raw;
    struct sigaction action = { .sa_handler = size_changed };

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &p->saved) < 0)
        return;
    raw = p->saved;
    cfmakeraw(&raw);
    raw.c_oflag = p->saved.c_oflag; /* our own words have plain ends of lines */
    p->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) >= 0;
    sigaction(SIGWINCH, &action, NULL);
}

/* Whether to let go: three escapes within a second. */
static bool count_escapes(struct run_pty *p, const char *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        long long now = (long long) now_usec(CLOCK_MONOTONIC);

        if (data[i] != ESCAPE) {
            p->escapes = 0;
            continue;
        }
        if (p->escapes == 0 || now - p->escape_begin > (long long) USEC_PER_SEC) {
            p->escapes = 0;
            p->escape_begin = now;
        }
        if (++p->escapes == 3)
            return true;
    }
    return false;
}

static int copy_input(struct run_pty *p)
{
    char buffer[4096];
    ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        /* The end of a file is a key on a terminal. */
        p->input_ended = true;
        (void) fd_write_all(p->master, "\004", 1);
        return 0;
    }
    if (p->raw && count_escapes(p, buffer, (size_t) n))
        return -ECANCELED;
    (void) fd_write_all(p->master, buffer, (size_t) n);
    return 0;
}

/* Whether there was something. */
static bool copy_output(struct run_pty *p)
{
    char buffer[4096];
    ssize_t n = read(p->master, buffer, sizeof buffer);

    if (n <= 0)
        return false;
    (void) fd_write_all(STDOUT_FILENO, buffer, (size_t) n);
    return true;
}

int run_pty_copy_until(struct run_pty *p, int fd)
{
    for (;;) {
        struct pollfd fds[] = {
            { fd, POLLIN, 0 },
            { p->master, POLLIN, 0 },
            { p->input_ended ? -1 : STDIN_FILENO, POLLIN, 0 },
        };

        if (poll(fds, 3, -1) < 0) {
            if (errno != EINTR)
                return -errno;
            copy_size(p);
            continue;
        }
        if (fds[1].revents & POLLIN)
            copy_output(p);
        else if (fds[1].revents) {
            /* Nobody has the other end open (any more): only the manager has something to say. */
            struct pollfd only = { fd, POLLIN, 0 };

            (void) poll(&only, 1, 50);
            if (only.revents)
                return 0;
        }
        if (fds[2].revents && copy_input(p) < 0)
            return -ECANCELED;
        if (fds[0].revents)
            return 0;
    }
}

void run_pty_end(struct run_pty *p)
{
    struct pollfd left = { p->master, POLLIN, 0 };

    if (p->master < 0)
        return;
    while (poll(&left, 1, 0) > 0 && left.revents & POLLIN && copy_output(p))
        ;
    if (p->raw)
        (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &p->saved);
    p->raw = false;
    p->master = close_fd(p->master);
}
