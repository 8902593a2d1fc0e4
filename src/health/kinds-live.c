/* Probes that look at the running service itself: its ports, its log, a command that knows it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/quote.h"
#include "base/sockets.h"
#include "base/strv.h"
#include "health/command.h"
#include "health/connect.h"
#include "health/kinds.h"

/* ---- ports that it has open ---- */

const char *refuse_listen(const char *argument)
{
    union socket_address a;
    bool udp;

    return port_argument_parse(argument, &udp, &a);
}

static bool descends_from(pid_t pid, pid_t ancestor)
{
    for (unsigned depth = 0; pid > 1 && depth < 64; depth++) {
        struct process_stat st;

        if (pid == ancestor)
            return true;
        if (process_stat(pid, &st) < 0)
            return false;
        pid = st.ppid;
    }
    return false;
}

/* Whether a process of the service has the socket open: 1, 0, negative errno if that cannot be
 * seen. */
static int held_by_service(uint64_t inode, pid_t service)
{
    int r = socket_is_held(inode, service);

    if (r > 0)
        return r;
    auto_closedir DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
        pid_t pid;

        if (parse_pid(e->d_name, &pid) >= 0 && pid != service && descends_from(pid, service) &&
            socket_is_held(inode, pid) > 0)
            return 1;
    }
    return r;
}

void check_listen(const char *argument, const struct check_context *context, usec_t deadline,
                  struct check_outcome *o)
{
    auto_free struct socket_entry *list = NULL;
    char text[SOCKET_ADDRESS_TEXT_MAX];
    struct socket_holder holder = {};
    union socket_address a;
    const struct socket_entry *other = NULL;
    size_t n = 0;
    bool udp;

    (void) port_argument_parse(argument, &udp, &a);
    int r = sockets_listening(udp ? SOCKET_UDP : SOCKET_TCP, context->service, &list, &n);
    if (r < 0) {
        check_fail(o, CHECK_RESOURCE, false, NULL, "open ports cannot be seen: %s", strerror(-r));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!socket_addresses_clash(&list[i].local, &a))
            continue;
        r = held_by_service(list[i].inode, context->service);
        socket_address_format(&list[i].local, text);
        if (r > 0)
            check_pass(o, "%s is open", text);
        else if (r < 0)
            check_pass(o, "%s is open, by whom cannot be seen", text);
        if (r)
            return;
        other = &list[i];
    }
    if (!other) {
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "the port is not open");
        return;
    }
    socket_address_format(&other->local, text);
    bool known = socket_holder_find(other->inode, &holder) >= 0;
    check_fail(o, CHECK_PORT, true, NULL, "%s is open, but not by the service%s%.64s", text,
               known ? ": by " : "", known ? holder.comm : "");
    socket_holder_done(&holder);
}

/* ---- a command that knows ---- */

#define COMMAND_QUOTES (QUOTE_UNQUOTE | QUOTE_CUNESCAPE)

const char *refuse_command(const char *argument)
{
    auto_strv char **words = NULL;

    return quote_split(argument, &words, NULL, COMMAND_QUOTES) > 0 ? NULL : "takes a command line";
}

/* The last line that is not empty, cut to a length for people. */
static const char *last_line(char *text)
{
    strstrip(text);
    for (size_t n = strlen(text); n > 0 && strchr(WHITESPACE, text[n - 1]); n--)
        text[n - 1] = 0;
    char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

void check_command(const char *argument, const struct check_context *context, usec_t deadline,
                   struct check_outcome *o)
{
    auto_strbuf struct strbuf out = {};
    auto_strv char **words = NULL;

    if (quote_split(argument, &words, NULL, COMMAND_QUOTES) <= 0)
        return;
    /* Whatever it starts ends with it at the deadline. */
    (void) setpgid(0, 0);
    int status = command_run(words, &out, &out, 4096);
    auto_free char *text = strbuf_take(&out);
    const char *said = text ? last_line(text) : "";
    if (status < 0)
        check_fail(o, status == -EACCES ? CHECK_IDENTITY : CHECK_FILE, false, NULL,
                   "%s cannot be executed: %s", words[0], strerror(-status));
    else if (WIFSIGNALED(status))
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "killed by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "ended with status %d%s%.120s",
                   WEXITSTATUS(status), *said ? ": " : "", said);
    else
        check_pass(o, "%.120s", *said ? said : "ended with status 0");
}

/* ---- a line of its log ---- */

enum { LOG_FILE_PATH, LOG_FROM };
static const char *const log_options[] = { "file", "from", NULL };

static pcre2_code *compile(const char *pattern)
{
    int error;
    PCRE2_SIZE offset;

    return pcre2_compile((PCRE2_SPTR) pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE, &error,
                         &offset, NULL);
}

const char *refuse_log(const char *argument)
{
    _cleanup_(check_argument_done) struct check_argument a = {};

    if (check_argument_parse(argument, log_options, &a) < 0)
        return "out of memory";
    if (a.values[LOG_FILE_PATH] && !path_is_absolute(a.values[LOG_FILE_PATH]))
        return "file= takes an absolute path";
    pcre2_code *code = compile(a.main);
    pcre2_code_free(code);
    return code ? NULL : "is no regular expression";
}

bool check_needs_begin(const struct check *c)
{
    return c->kind->run == check_log && strstr(c->argument, ",file=");
}

int log_argument_begin(struct check *c)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    struct stat st;

    if (c->kind->run != check_log)
        return 0;
    int r = check_argument_parse(c->argument, log_options, &a);
    if (r < 0 || !a.values[LOG_FILE_PATH] || stat(a.values[LOG_FILE_PATH], &st) < 0)
        return r;
    char *begun = format("%s,file=%s,from=%ju", a.main, a.values[LOG_FILE_PATH],
                         (uintmax_t) st.st_size);
    if (!begun)
        return -ENOMEM;
    free(c->argument);
    c->argument = begun;
    return 0;
}

/* Looks at what was written behind `from`; a file that has become shorter is a new one. */
static void look_in_file(const char *path, uint64_t from, const char *pattern,
                         struct check_outcome *o)
{
    enum { CHUNK = 64 * 1024, OVERLAP = 4 * 1024 };
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    auto_free char *buffer = malloc(CHUNK);
    struct stat st;

    if (fd < 0 || !buffer || fstat(fd, &st) < 0) {
        check_fail(o, errno == EACCES ? CHECK_IDENTITY : CHECK_FILE, errno == ENOENT, NULL,
                   "%s: %s", path, strerror(errno));
        return;
    }
    if ((uint64_t) st.st_size < from)
        from = 0;
    pcre2_code *code = compile(pattern);
    pcre2_match_data *data = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
    bool found = false;
    ssize_t n;
    while (data && !found && (n = pread(fd, buffer, CHUNK, (off_t) from)) > 0) {
        found = pcre2_match(code, (PCRE2_SPTR) buffer, (size_t) n, 0, 0, data, NULL) >= 0;
        from += (uint64_t) (n < CHUNK ? n : CHUNK - OVERLAP);
    }
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    if (found)
        check_pass(o, "a line of %s matches", path);
    else
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "no line of %s matches yet", path);
}

static void look_in_journal(const char *pattern, struct check_outcome *o)
{
    static const char reeve[] = "/run/reeve/io.reeve.Manager";
    const char *invocation = getenv("INVOCATION_ID");
    auto_strbuf struct strbuf out = {}, errors = {};
    auto_strv char **argv = NULL;
    bool ours = access(reeve, F_OK) == 0;

    if (!invocation) {
        check_fail(o, CHECK_FILE, false, "start it by a unit, or give ,file=PATH",
                   "INVOCATION_ID is not set: it is not known which lines are the service's");
        return;
    }
    int r = ours ? strv_add(&argv, "/proc/self/exe") : 0;
    if (r >= 0)
        r = strv_add(&argv, ours ? "log" : "journalctl");
    if (r >= 0)
        r = strv_addf(&argv, "_SYSTEMD_INVOCATION_ID=%s", invocation);
    if (r >= 0)
        r = strv_addf(&argv, "--grep=%s", pattern);
    if (r >= 0)
        r = strv_add(&argv, "--case-sensitive=yes");
    if (r >= 0)
        r = strv_add(&argv, "-qn1");
    if (r >= 0)
        r = strv_add(&argv, "-ocat");
    int status = r < 0 ? r : command_run(argv, &out, &errors, 4096);
    if (status < 0)
        check_fail(o, CHECK_FILE, false, "give ,file=PATH", "journalctl cannot be executed: %s",
                   strerror(-status));
    else if (out.length > 0)
        check_pass(o, "a line matches");
    else if (strstr(strbuf_text(&errors), "ermission"))
        check_fail(o, CHECK_IDENTITY, false, "SupplementaryGroups=systemd-journal",
                   "the journal may not be read");
    else
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "no line matches yet");
}

void check_log(const char *argument, const struct check_context *context, usec_t deadline,
               struct check_outcome *o)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    uint64_t from = 0;

    if (check_argument_parse(argument, log_options, &a) < 0)
        return;
    if (a.values[LOG_FROM])
        (void) parse_u64(a.values[LOG_FROM], &from);
    if (a.values[LOG_FILE_PATH])
        look_in_file(a.values[LOG_FILE_PATH], from, a.main, o);
    else
        look_in_journal(a.main, o);
}
