/* launch/terminal.c -- opening, taking, resetting the terminal of a service. */
#include "launch/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <linux/kd.h>
#include <linux/vt.h>

#include "base/fd.h"
#include "base/str.h"

#define OPEN_TRIES 20
#define TTY_GID 5 /* "tty", everywhere */
#define TTY_MODE 0600

int terminal_open(const char *path, int flags)
{
    for (int i = 0;; i++) {
        int fd = open(path, flags | O_NOCTTY | O_CLOEXEC);

        if (fd >= 0) {
            if (isatty(fd))
                return fd;
            close(fd);
            return -ENOTTY;
        }
        /* EIO: another process is just hanging it up; there is no event for its end. */
        if (errno != EIO || i >= OPEN_TRIES)
            return -errno;
        (void) poll(NULL, 0, 50);
    }
}

/* SIGHUP is the kernel's word to the old owner's session, which may be us. */
static int take(int fd, bool force)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;

    (void) sigaction(SIGHUP, &ignore, &old);
    int r = ioctl(fd, TIOCSCTTY, force) < 0 ? -errno : 0;
    (void) sigaction(SIGHUP, &old, NULL);
    return r;
}

int terminal_acquire(const char *path, enum terminal_mode mode)
{
    auto_close int notify = -1;

    if (mode == TERMINAL_WAIT) {
        notify = inotify_init1(IN_CLOEXEC);
        if (notify < 0 || inotify_add_watch(notify, path, IN_CLOSE) < 0)
            return -errno;
    }
    for (;;) {
        auto_close int fd = terminal_open(path, O_RDWR);

        if (fd < 0)
            return fd;
        int r = take(fd, mode == TERMINAL_FORCE);
        if (r >= 0)
            return take_fd(&fd);
        if (r != -EPERM || mode != TERMINAL_WAIT)
            return r;
        /* Closing ours is an event of its own: it is read before the wait. */
        char buffer[4096];
        fd = close_fd(fd);
        if (read(notify, buffer, sizeof buffer) < 0 && errno != EINTR)
            return -errno;
        if (read(notify, buffer, sizeof buffer) < 0 && errno != EINTR)
            return -errno;
    }
}

void terminal_resize(int fd, unsigned rows, unsigned columns)
{
    struct winsize size;

    if ((rows == UINT_MAX && columns == UINT_MAX) || ioctl(fd, TIOCGWINSZ, &size) < 0)
        return;
    if (rows != UINT_MAX)
        size.ws_row = (unsigned short) rows;
    if (columns != UINT_MAX)
        size.ws_col = (unsigned short) columns;
    (void) ioctl(fd, TIOCSWINSZ, &size);
}

/* What a login expects to find: cooked, echoing, the usual control characters. */
static void make_sane(int fd)
{
    struct termios t;

    (void) ioctl(fd, TIOCNXCL);
    if (tcgetattr(fd, &t) < 0)
        return;
    t.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | ISTRIP | INLCR | IGNCR | IUCLC);
    t.c_iflag |= ICRNL | IMAXBEL | IUTF8;
    t.c_oflag |= ONLCR | OPOST;
    t.c_cflag |= CREAD;
    t.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
    t.c_cc[VINTR] = 03;
    t.c_cc[VQUIT] = 034;
    t.c_cc[VERASE] = 0177;
    t.c_cc[VKILL] = 025;
    t.c_cc[VEOF] = 04;
    t.c_cc[VSTART] = 021;
    t.c_cc[VSTOP] = 023;
    t.c_cc[VSUSP] = 032;
    t.c_cc[VLNEXT] = 026;
    t.c_cc[VWERASE] = 027;
    t.c_cc[VREPRINT] = 022;
    t.c_cc[VEOL] = t.c_cc[VEOL2] = 0;
    t.c_cc[VTIME] = 0;
    t.c_cc[VMIN] = 1;
    (void) tcsetattr(fd, TCSANOW, &t);
    (void) tcflush(fd, TCIOFLUSH);
}

static int vt_number(const char *path)
{
    const char *number = startswith(path, "/dev/tty");

    return number && *number >= '1' && *number <= '9' ? atoi(number) : -1;
}

/* A virtual console that nobody uses; false for anything else. */
static bool deallocate(const char *path)
{
    int number = vt_number(path);
    auto_close int console = number > 0
                                 ? open("/dev/tty0", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
                                 : -1;

    return console >= 0 && ioctl(console, VT_DISALLOCATE, number) >= 0;
}

void terminal_reset(const char *path, bool reset, bool hangup, bool disallocate)
{
    auto_close int fd = terminal_open(path, O_RDWR | O_NONBLOCK);

    if (fd < 0)
        return;
    if (hangup)
        (void) ioctl(fd, TIOCVHANGUP);
    if (reset) {
        if (hangup) {
            fd = close_fd(fd);
            fd = terminal_open(path, O_RDWR | O_NONBLOCK);
            if (fd < 0)
                return;
        }
        (void) ioctl(fd, KDSETMODE, KD_TEXT);
        make_sane(fd);
    }
    if (disallocate && !deallocate(path))
        /* In use, or none of the virtual ones: margins, screen, what was scrolled out, all else. */
        (void) !write(fd, "\033[r\033[H\033[3J\033c", 12);
}

void terminal_give_back(const char *path)
{
    auto_close int fd = terminal_open(path, O_RDWR | O_NONBLOCK);

    if (fd < 0)
        return;
    (void) fchown(fd, 0, TTY_GID);
    (void) fchmod(fd, TTY_MODE);
}

const char *terminal_type(const char *path)
{
    const char *name = startswith(path, "/dev/");

    if (name && (vt_number(path) > 0 || streq(name, "tty0") || streq(name, "tty")))
        return "linux";
    if (name && streq(name, "console"))
        return "linux";
    return "vt220";
}
