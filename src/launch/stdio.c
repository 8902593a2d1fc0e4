/* launch/stdio.c -- descriptors 0, 1 and 2, and those passed from 3 on.
 *
 * systemd.exec(5), "Logging and Standard Input/Output": what inherits from what, what a setting
 * falls back to where there is no socket, no terminal or no stream. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/child.h"
#include "launch/terminal.h"

static const enum exec_status stdio_steps[] = { EXEC_STATUS_STDIN, EXEC_STATUS_STDOUT,
                                                EXEC_STATUS_STDERR };
static const char *const stdio_directives[] = { "StandardInput", "StandardOutput",
                                                "StandardError" };

static bool is_terminal_input(int kind)
{
    return kind == EXEC_INPUT_TTY || kind == EXEC_INPUT_TTY_FORCE || kind == EXEC_INPUT_TTY_FAIL;
}

/* What the settings come to here. */
static int effective_input(const struct child *c)
{
    int kind = c->exec->standard_input.kind;

    if (is_terminal_input(kind) && !c->apply_tty)
        return EXEC_INPUT_NULL;
    if (kind == EXEC_INPUT_SOCKET && c->request->socket_fd < 0)
        return EXEC_INPUT_NULL;
    if (kind == EXEC_INPUT_DATA && !c->exec->standard_input_data)
        return EXEC_INPUT_NULL;
    return kind;
}

static int effective_output(const struct child *c, int kind)
{
    return kind == EXEC_OUTPUT_SOCKET && c->request->socket_fd < 0 ? EXEC_OUTPUT_INHERIT : kind;
}

static const char *terminal_path(const struct child *c)
{
    return c->exec->tty_path ? c->exec->tty_path : "/dev/console";
}

static void reset_terminal(const struct exec_config *e, const char *path)
{
    if (e->tty_reset || e->tty_vhangup || e->tty_vt_disallocate)
        terminal_reset(path, e->tty_reset, e->tty_vhangup, e->tty_vt_disallocate);
}

const char *terminal_touched(const struct exec_config *e)
{
    if (e->tty_path)
        return e->tty_path;
    return is_terminal_input(e->standard_input.kind) ||
                   e->standard_output.kind == EXEC_OUTPUT_TTY ||
                   e->standard_error.kind == EXEC_OUTPUT_TTY
               ? "/dev/console"
               : NULL;
}

void terminal_release(const struct exec_config *e)
{
    const char *path = terminal_touched(e);

    if (!path)
        return;
    reset_terminal(e, path);
    terminal_give_back(path);
}

static int fail(struct child *c, int fd, int error, const char *object)
{
    return child_fail(c, stdio_steps[fd], error, stdio_directives[fd], object);
}

/* Makes `target` a copy of fd that is not close-on-exec, and closes fd unless it is the target. */
static int move_to(struct child *c, int fd, int target, const char *object)
{
    if (fd == target)
        return fd_cloexec(fd, false);
    if (dup2(fd, target) < 0)
        return fail(c, target, -errno, object);
    close(fd);
    return 0;
}

static int copy_to(struct child *c, int fd, int target, const char *object)
{
    if (fd == target)
        return fd_cloexec(fd, false);
    return dup2(fd, target) < 0 ? fail(c, target, -errno, object) : 0;
}

static int open_null(struct child *c, int target, int flags)
{
    int fd = open("/dev/null", flags | O_NOCTTY | O_CLOEXEC);

    return fd < 0 ? fail(c, target, -errno, "/dev/null") : move_to(c, fd, target, "/dev/null");
}

/* A named descriptor of the sockets passed (`fd:NAME`); systemd's default name is that of the
 * standard stream. */
static int open_named(struct child *c, int target, const char *name)
{
    static const char *const presets[] = { "stdin", "stdout", "stderr" };

    if (isempty(name))
        name = presets[target];
    for (size_t i = 0; i < c->request->n_socket_fds; i++)
        if (streq(c->request->fd_names[i], name)) {
            (void) fd_nonblock(c->request->fds[i], false);
            return copy_to(c, c->request->fds[i], target, name);
        }
    /* systemd refuses this before it forks. */
    return child_fail_detail(c, 0, -ENOENT, stdio_directives[target], name,
                             "no socket of this FileDescriptorName= is passed to the service");
}

/* The manager's own is nonblocking; programs expect otherwise unless NonBlocking= says so. */
static int copy_socket(struct child *c, int target)
{
    (void) fd_nonblock(c->request->socket_fd, c->service->non_blocking);
    return copy_to(c, c->request->socket_fd, target, "socket");
}

static int connect_socket(const char *path, int flags)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof a.sun_path)
        return -ENAMETOOLONG;
    strcpy(a.sun_path, path);
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *) &a, sizeof a) < 0)
        return -errno;
    int mode = flags & O_ACCMODE;
    if (mode != O_RDWR && shutdown(fd, mode == O_RDONLY ? SHUT_WR : SHUT_RD) < 0)
        return -errno;
    return take_fd(&fd);
}

static int open_path(struct child *c, int target, const char *path, int flags)
{
    if ((flags & O_ACCMODE) != O_RDONLY)
        flags |= O_CREAT;
    int fd = open(path, flags | O_NOCTTY | O_CLOEXEC, 0666 & ~c->exec->umask);
    /* A socket: connected to, as systemd does. */
    int r = fd >= 0 ? fd : errno == ENXIO ? connect_socket(path, flags) : -errno;
    return r < 0 ? fail(c, target, r, path) : move_to(c, r, target, path);
}

static int open_data(struct child *c)
{
    const struct byte_string *data = c->exec->standard_input_data;
    int fd = memfd_create("standard-input-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return fail(c, 0, -errno, "data");
    int r = fd_write_all(fd, data->bytes, data->length);
    if (r < 0)
        return fail(c, 0, r, "data");
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0)
        return fail(c, 0, -errno, "data");
    return move_to(c, fd, 0, "data");
}

static int open_terminal(struct child *c, int target, int flags)
{
    int fd = terminal_open(terminal_path(c), flags);

    return fd < 0 ? fail(c, target, fd, terminal_path(c))
                  : move_to(c, fd, target, terminal_path(c));
}

static int acquire_terminal(struct child *c, int kind)
{
    child_step(c, EXEC_STATUS_STDIN); /* it may have to wait for the terminal's owner to go */
    enum terminal_mode mode = kind == EXEC_INPUT_TTY_FAIL    ? TERMINAL_FAIL
                              : kind == EXEC_INPUT_TTY_FORCE ? TERMINAL_FORCE
                                                             : TERMINAL_WAIT;
    int fd = terminal_acquire(terminal_path(c), mode);
    if (fd < 0)
        return fail(c, 0, fd, terminal_path(c));
    terminal_resize(fd, c->exec->tty_rows, c->exec->tty_columns);
    return move_to(c, fd, 0, terminal_path(c));
}

/* Whether file: is written and read: then it is opened once for both. */
static bool same_file(const struct exec_stdio *in, const struct exec_stdio *out)
{
    return in->kind == EXEC_INPUT_FILE && out->kind == EXEC_OUTPUT_FILE &&
           streq_ptr(in->target, out->target);
}

static int setup_input(struct child *c)
{
    const struct exec_config *e = c->exec;
    int kind = effective_input(c);

    switch ((enum exec_input) kind) {
    case EXEC_INPUT_NULL:
        return open_null(c, 0, O_RDONLY);
    case EXEC_INPUT_TTY:
    case EXEC_INPUT_TTY_FORCE:
    case EXEC_INPUT_TTY_FAIL:
        return acquire_terminal(c, kind);
    case EXEC_INPUT_SOCKET:
        return copy_socket(c, 0);
    case EXEC_INPUT_FD:
        return open_named(c, 0, e->standard_input.target);
    case EXEC_INPUT_DATA:
        return open_data(c);
    case EXEC_INPUT_FILE:
        return open_path(c, 0, e->standard_input.target,
                         same_file(&e->standard_input, &e->standard_output) ||
                                 same_file(&e->standard_input, &e->standard_error)
                             ? O_RDWR
                             : O_RDONLY);
    case EXEC_INPUT_MAX:
        break;
    }
    assert_unreachable();
}

static bool stderr_as_stdout(const struct child *c, int out, int err)
{
    if (err == EXEC_OUTPUT_INHERIT)
        return true;
    if (err != out)
        return false;
    if (err == EXEC_OUTPUT_FD || err == EXEC_OUTPUT_FILE || err == EXEC_OUTPUT_APPEND ||
        err == EXEC_OUTPUT_TRUNCATE)
        return streq_ptr(c->exec->standard_output.target, c->exec->standard_error.target);
    return !(err == EXEC_OUTPUT_JOURNAL || err == EXEC_OUTPUT_JOURNAL_CONSOLE) ||
           c->request->stderr_stream_fd < 0;
}

static int open_stream(struct child *c, int target)
{
    int fd = target == 2 && c->request->stderr_stream_fd >= 0 ? c->request->stderr_stream_fd
                                                              : c->request->stream_fd;

    /* Without a collector output is lost, and the service runs: as under systemd. */
    if (fd < 0)
        return open_null(c, target, O_WRONLY);
    if (target == 1)
        c->stdout_is_journal = true;
    else
        c->stderr_is_journal = true;
    return copy_to(c, fd, target, "journal");
}

static int open_output(struct child *c, int target, int kind, const struct exec_stdio *s)
{
    switch ((enum exec_output) kind) {
    case EXEC_OUTPUT_NULL:
        return open_null(c, target, O_WRONLY);
    case EXEC_OUTPUT_TTY:
        return is_terminal_input(effective_input(c)) ? copy_to(c, 0, target, terminal_path(c))
                                                     : open_terminal(c, target, O_WRONLY);
    case EXEC_OUTPUT_KMSG:
    case EXEC_OUTPUT_KMSG_CONSOLE:
    case EXEC_OUTPUT_JOURNAL:
    case EXEC_OUTPUT_JOURNAL_CONSOLE:
        return open_stream(c, target);
    case EXEC_OUTPUT_SOCKET:
        return copy_socket(c, target);
    case EXEC_OUTPUT_FD:
        return open_named(c, target, s->target);
    case EXEC_OUTPUT_FILE:
        return same_file(&c->exec->standard_input, s) ? copy_to(c, 0, target, s->target)
                                                      : open_path(c, target, s->target, O_WRONLY);
    case EXEC_OUTPUT_APPEND:
        return open_path(c, target, s->target, O_WRONLY | O_APPEND);
    case EXEC_OUTPUT_TRUNCATE:
        return open_path(c, target, s->target, O_WRONLY | O_TRUNC);
    case EXEC_OUTPUT_INHERIT:
    case EXEC_OUTPUT_MAX:
        break;
    }
    assert_unreachable();
}

static int setup_stdout(struct child *c)
{
    const struct exec_stdio *s = &c->exec->standard_output;
    int kind = effective_output(c, s->kind), in = effective_input(c);

    if (kind != EXEC_OUTPUT_INHERIT)
        return open_output(c, 1, kind, s);
    /* Input that was taken away from a control command leaves the terminal for the output. */
    if (in == EXEC_INPUT_NULL && is_terminal_input(c->exec->standard_input.kind))
        return open_terminal(c, 1, O_WRONLY);
    if (in != EXEC_INPUT_NULL && in != EXEC_INPUT_DATA)
        return copy_to(c, 0, 1, "standard input");
    /* A user's manager hands its own output on, the system's none. */
    if (c->manager->user)
        return fd_cloexec(1, false) < 0 ? open_null(c, 1, O_WRONLY) : 0;
    return open_null(c, 1, O_WRONLY);
}

static int setup_stderr(struct child *c)
{
    const struct exec_stdio *s = &c->exec->standard_error;
    int out = effective_output(c, c->exec->standard_output.kind),
        err = effective_output(c, s->kind);

    if (err == EXEC_OUTPUT_INHERIT && out == EXEC_OUTPUT_INHERIT &&
        effective_input(c) == EXEC_INPUT_NULL && !is_terminal_input(c->exec->standard_input.kind) &&
        c->manager->user)
        return fd_cloexec(2, false) < 0 ? open_null(c, 2, O_WRONLY) : 0;
    if (stderr_as_stdout(c, out, err)) {
        c->stderr_is_journal = c->stdout_is_journal;
        return copy_to(c, 1, 2, "standard output");
    }
    return open_output(c, 2, err, s);
}

/* Descriptors that whoever asked for the unit has passed. A terminal becomes the controlling one,
 * as that of StandardInput=tty. */
static int setup_given(struct child *c)
{
    for (int target = 0; target < 3; target++) {
        int r = copy_to(c, c->request->stdio[target], target, "passed descriptor");

        if (r < 0)
            return r;
    }
    if (isatty(0)) {
        (void) ioctl(0, TIOCSCTTY, 0);
        terminal_resize(0, c->exec->tty_rows, c->exec->tty_columns);
    }
    c->wants_term = isatty(0) || c->exec->tty_path;
    return 0;
}

int child_setup_stdio(struct child *c)
{
    if (c->request->stdio)
        return setup_given(c);
    /* The stream and the others must not be where 0 to 2 are about to go: the manager keeps those
     * numbers occupied. */
    const struct exec_config *e = c->exec;

    reset_terminal(e, terminal_path(c));
    int r = setup_input(c);
    if (r >= 0)
        r = setup_stdout(c);
    if (r >= 0)
        r = setup_stderr(c);
    c->wants_term = is_terminal_input(effective_input(c)) ||
                    c->exec->standard_output.kind == EXEC_OUTPUT_TTY ||
                    c->exec->standard_error.kind == EXEC_OUTPUT_TTY || c->exec->tty_path;
    return r;
}

int child_chown_terminal(struct child *c)
{
    if (!c->has_user || !isatty(0) ||
        (!c->request->stdio && !is_terminal_input(effective_input(c))))
        return 0;
    /* May be refused: in containers the terminal belongs to somebody else, as systemd has it. */
    (void) fchown(0, c->uid, (gid_t) -1);
    return 0;
}

/* ---- passed descriptors ---- */

/* systemd.service(5), OpenFile=: sockets are connected to; "graceful" leaves out what fails. */
static int open_one(struct child *c, const struct open_file *f)
{
    int flags = f->read_only ? O_RDONLY : O_RDWR;
    struct stat st;
    auto_close int path_fd = open(f->path, O_PATH | O_CLOEXEC);
    int r = path_fd < 0 ? -errno : 0;

    if (r >= 0 && fstat(path_fd, &st) < 0)
        r = -errno;
    if (r >= 0 && S_ISSOCK(st.st_mode)) {
        r = connect_socket(f->path, O_RDWR);
    } else if (r >= 0) {
        r = open(f->path, flags | O_NOCTTY | O_CLOEXEC | (f->append ? O_APPEND : 0) |
                              (f->truncate ? O_TRUNC : 0));
        if (r < 0)
            r = -errno;
    }
    (void) c;
    return r;
}

int child_open_files(struct child *c)
{
    const struct spawn_request *q = c->request;
    size_t more = 0, n = 0;

    for (const struct open_file *f = c->service->open_file; f; f = f->next)
        more++;
    bool files = c->request->phase == SPAWN_START && more > 0;
    c->fds = new0(int, q->n_fds + more + 1);
    c->fd_names = new0(char *, q->n_fds + more + 1);
    if (!c->fds || !c->fd_names)
        return child_fail(c, EXEC_STATUS_MEMORY, -ENOMEM, NULL, NULL);
    for (; n < q->n_fds; n++) {
        c->fds[n] = q->fds[n];
        c->fd_names[n] = q->fd_names ? q->fd_names[n] : NULL;
    }
    for (const struct open_file *f = c->service->open_file; files && f; f = f->next) {
        int fd = open_one(c, f);

        if (fd < 0 && f->graceful)
            continue;
        /* Before the fork, in systemd. */
        if (fd < 0)
            return child_fail(c, 0, fd, "OpenFile", f->path);
        c->fds[n] = fd;
        c->fd_names[n++] = f->name ? f->name : (char *) path_basename(f->path);
    }
    c->n_fds = n;
    return 0;
}

/* Moves our own descriptors out of the way of 3 to 3 + n. */
static int move_away(int *fd, int first_free)
{
    if (*fd < 0 || *fd >= first_free)
        return 0;
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, first_free);
    if (moved < 0)
        return -errno;
    close(*fd);
    *fd = moved;
    return 0;
}

int child_pass_fds(struct child *c)
{
    int first_free = 3 + (int) c->n_fds;
    int r = move_away(&c->report_fd, first_free);

    if (r >= 0)
        r = move_away(&c->program_fd, first_free);
    for (size_t i = 0; i < c->n_fds && r >= 0; i++) {
        int copy = fcntl(c->fds[i], F_DUPFD_CLOEXEC, first_free);

        r = copy < 0 ? -errno : 0;
        c->fds[i] = copy;
    }
    for (size_t i = 0; i < c->n_fds && r >= 0; i++) {
        bool is_socket = i < c->request->n_socket_fds;

        if (dup2(c->fds[i], 3 + (int) i) < 0)
            r = -errno;
        else if (is_socket)
            r = fd_nonblock(3 + (int) i, c->service->non_blocking);
    }
    return r < 0 ? child_fail(c, EXEC_STATUS_FDS, r, NULL, NULL) : 0;
}
