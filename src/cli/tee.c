/* reeve tee (systemd-cat): connects a program, or what is piped in, to the journal.
 * Source: systemd-cat(1); the header of a stream: sd_journal_stream_fd(3). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/verbs.h"

static const char *const socket_paths[] = { "/run/systemd/journal/stdout",
                                            "/run/reeve/journal/stdout" };

struct tee_options {
    const char *program, *identifier;
    int priority, stderr_priority; /* -1: as priority */
    int level_prefix;
};

static int parse_level(const char *text)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    unsigned number;

    for (int i = 0; i < 8; i++) {
        if (streq(names[i], text))
            return i;
    }
    return parse_unsigned(text, &number) >= 0 && number < 8 ? (int) number : -EINVAL;
}

static int connect_stream(const struct tee_options *o, int priority)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    const char *own = getenv("REEVE_JOURNAL_DIR");
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char header[512];
    int r = -ENOENT;

    if (fd < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(socket_paths) + 1 && r < 0; i++) {
        if (i == 0 && !own)
            continue;
        if (i == 0)
            snprintf(addr.sun_path, sizeof addr.sun_path, "%s/stdout", own);
        else
            strcpy(addr.sun_path, socket_paths[i - 1]);
        r = connect(fd, (struct sockaddr *) &addr, sizeof addr) < 0 ? -errno : 0;
    }
    if (r < 0)
        return r;
    (void) shutdown(fd, SHUT_RD);
    int n = snprintf(header, sizeof header, "%s\n\n%d\n%d\n0\n0\n0\n", strempty(o->identifier),
                     priority, o->level_prefix);
    if (n < 0 || (size_t) n >= sizeof header)
        return -ENAMETOOLONG;
    r = fd_write_all(fd, header, (size_t) n);
    return r < 0 ? r : take_fd(&fd);
}

/* The program in our place. */
static int run_program(const struct tee_options *o, char **command)
{
    struct stat st;
    char stream[64];
    auto_close int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    auto_close int out = connect_stream(o, o->priority);
    auto_close int err = o->stderr_priority >= 0 && o->stderr_priority != o->priority && out >= 0
                             ? connect_stream(o, o->stderr_priority)
                             : -1;

    if (out < 0) {
        fprintf(stderr, "%s: the journal cannot be reached: %s\n", o->program, strerror(-out));
        return 1;
    }
    int use = err >= 0 ? err : out;
    if (fstat(use, &st) >= 0) {
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
    }
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(use, STDERR_FILENO) < 0)
        return 1;
    execvp(command[0], command);
    /* Whoever called us is to see why, not the journal. */
    dprintf(saved, "%s: %s cannot be run: %s\n", o->program, command[0], strerror(errno));
    return 1;
}

static int copy_input(const struct tee_options *o)
{
    static char buffer[65536];
    auto_close int out = connect_stream(o, o->priority);

    if (out < 0) {
        fprintf(stderr, "%s: the journal cannot be reached: %s\n", o->program, strerror(-out));
        return 1;
    }
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return 0;
        int r = n < 0 ? -errno : fd_write_all(out, buffer, (size_t) n);
        if (r < 0) {
            fprintf(stderr, "%s: copying to the journal failed: %s\n", o->program, strerror(-r));
            return 1;
        }
    }
}

static const char help[] =
    "  -t --identifier=NAME        SYSLOG_IDENTIFIER= of the lines\n"
    "  -p --priority=LEVEL         their level; info by default\n"
    "     --stderr-priority=LEVEL  that of standard error\n"
    "     --level-prefix=BOOL      whether \"<3>\" at the beginning of a line sets its level; yes\n"
    "Without COMMAND, standard input is copied.\n";

int verb_tee(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },
        { "identifier", required_argument, NULL, 't' },
        { "priority", required_argument, NULL, 'p' },
        { "stderr-priority", required_argument, NULL, 'e' },
        { "level-prefix", required_argument, NULL, 'l' },
        { "namespace", required_argument, NULL, 'n' },
        { 0 },
    };
    bool compat = streq(argv[0], "systemd-cat");
    struct tee_options o = {
        .program = compat ? "systemd-cat" : "reeve tee",
        .priority = LOG_INFO,
        .stderr_priority = -1,
        .level_prefix = 1,
    };
    int usage = compat ? 1 : EXIT_USAGE;

    optind = 0;
    for (int k; (k = getopt_long(argc, argv, "+ht:p:", options, NULL)) >= 0;) {
        int *level = k == 'p' ? &o.priority : &o.stderr_priority;

        switch (k) {
        case 'h':
            return verb_print_help(compat ? "systemd-cat" : "tee", help);
        case 'v':
            return print_version(argv[0]);
        case 't':
            o.identifier = optarg;
            break;
        case 'p':
        case 'e':
            *level = parse_level(optarg);
            if (*level < 0) {
                fprintf(stderr, "%s: %s is no log level (emerg .. debug, or 0 .. 7)\n", o.program,
                        optarg);
                return usage;
            }
            break;
        case 'l':
            o.level_prefix = parse_boolean(optarg);
            if (o.level_prefix < 0) {
                fprintf(stderr, "%s: --level-prefix=%s is neither yes nor no\n", o.program, optarg);
                return usage;
            }
            break;
        case 'n':
            fprintf(stderr, "%s: there are no journal namespaces\n", o.program);
            return usage;
        default:
            return usage;
        }
    }
    return optind < argc ? run_program(&o, argv + optind) : copy_input(&o);
}
