#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

static const char *const sequences[COLOR_MAX] = {
    [COLOR_NONE] = "",
    [COLOR_BOLD] = "\033[0;1;39m",
    [COLOR_DIM] = "\033[0;38;5;245m",
    [COLOR_RED] = "\033[0;1;31m",
    [COLOR_GREEN] = "\033[0;1;32m",
    [COLOR_YELLOW] = "\033[0;1;33m",
    [COLOR_BLUE] = "\033[0;1;34m",
    [COLOR_UNDERLINE] = "\033[0;4m",
};

static struct {
    pid_t pid; /* 0: none */
    int terminal;
} pager;

bool term_is_terminal(void)
{
    return pager.pid == 0 && isatty(STDOUT_FILENO);
}

bool term_has_color(void)
{
    static int cached = -1;
    const char *decided = getenv("SYSTEMD_COLORS");
    const char *kind = getenv("TERM");

    if (cached >= 0)
        return cached;
    if (decided && parse_boolean(decided) >= 0)
        cached = parse_boolean(decided);
    else if (!isempty(getenv("NO_COLOR")) || (kind && streq(kind, "dumb")))
        cached = false;
    else
        cached = pager.pid > 0 || isatty(STDOUT_FILENO);
    return cached;
}

const char *term_color(enum color c)
{
    return term_has_color() ? sequences[c] : "";
}

const char *term_reset(void)
{
    return term_has_color() ? "\033[0m" : "";
}

size_t term_width(void)
{
    const char *columns = getenv("COLUMNS");
    int fd = pager.pid > 0 ? pager.terminal : STDOUT_FILENO;
    struct winsize size = { 0 };
    unsigned n;

    if (columns && parse_unsigned(columns, &n) >= 0 && n > 0 && n < 1u << 16)
        return n;
    if (ioctl(fd, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

bool term_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    const char *decided = getenv("SYSTEMD_UTF8");

    if (decided && parse_boolean(decided) >= 0)
        return parse_boolean(decided);
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        const char *value = getenv(names[i]);

        if (!isempty(value))
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return true;
}

/* ---- the pager ---- */

/* The command to try, or NULL for none at all; an empty variable, or "cat", is none. */
static const char *wanted_pager(bool *ret_given)
{
    const char *command = getenv("SYSTEMD_PAGER");

    if (!command)
        command = getenv("PAGER");
    *ret_given = command;
    if (command && (isempty(command) || streq(command, "cat")))
        return NULL;
    return command ? command : "less";
}

static _noreturn_ void run_pager(const char *command, bool given)
{
    auto_strv char **words = strv_split(command, " \t");

    /* systemctl's options for less: quit if it fits, colours through, no clearing of the screen. */
    setenv("LESS", getenv("SYSTEMD_LESS") ? getenv("SYSTEMD_LESS") : "FRSXMK", 1);
    setenv("LESSCHARSET", "utf-8", 0);
    setenv("LESSSECURE", "1", 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (words && words[0])
        execvp(words[0], words);
    if (!given) {
        execlp("pager", "pager", NULL);
        execlp("more", "more", NULL);
    }
    execlp("cat", "cat", NULL);
    _exit(127);
}

void term_pager_open(void)
{
    bool given;
    const char *command = wanted_pager(&given);
    int pipe_fds[2];

    if (pager.pid > 0 || !command || !isatty(STDOUT_FILENO) || !getenv("TERM") ||
        streq(getenv("TERM"), "dumb"))
        return;
    (void) term_has_color();
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return;
    fflush(stdout);
    pager.terminal = dup(STDOUT_FILENO);
    fd_cloexec(pager.terminal, true);
    pager.pid = fork();
    if (pager.pid == 0) {
        dup2(pipe_fds[0], STDIN_FILENO);
        run_pager(command, given);
    }
    close_fd(pipe_fds[0]);
    if (pager.pid > 0) {
        dup2(pipe_fds[1], STDOUT_FILENO);
        /* The pager decides when to end; a write after that is the end of the output. */
        signal(SIGPIPE, SIG_DFL);
        atexit(term_pager_close);
    } else {
        pager.pid = 0;
        pager.terminal = close_fd(pager.terminal);
    }
    close_fd(pipe_fds[1]);
}

void term_pager_close(void)
{
    if (pager.pid <= 0)
        return;
    fflush(stdout);
    dup2(pager.terminal, STDOUT_FILENO);
    pager.terminal = close_fd(pager.terminal);
    while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
        ;
    pager.pid = 0;
}
