/* web.c -- a small HTTP server that does what a service should do.
 *
 * It reads its configuration from the environment and a file, says READY=1 once it listens, keeps
 * STATUS= up to date, pings the watchdog from the loop that serves requests (so that a hang is
 * noticed), logs to standard output, and on SIGTERM finishes the requests that are open before it
 * exits.
 *
 *     GET /             a greeting
 *     GET /health       200 while it serves
 *     GET /slow?ms=N    answers after N milliseconds (at most 60000)
 *     GET /hang         never returns: the request loop stops, and the watchdog with it   (with
 * faults=yes) GET /crash        dies by SIGSEGV (with faults=yes) GET /exit?code=N  exits with
 * status N                                               (with faults=yes)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Exit statuses, after sysexits.h. */
enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69, EXIT_CONFIG = 78 };

struct settings {
    char address[64];
    unsigned port;
    unsigned read_timeout;  /* seconds a client has to send its whole request */
    unsigned idle_timeout;  /* seconds a kept connection may be silent between requests */
    unsigned drain_timeout; /* seconds that open requests have after SIGTERM */
    bool faults;
    char greeting[128];
    char certificate[PATH_MAX], key[PATH_MAX]; /* both set: TLS */
};

static struct settings settings = {
    .address = "0.0.0.0",
    .port = 80,
    .read_timeout = 10,
    .idle_timeout = 30,
    .drain_timeout = 5,
    .greeting = "hello",
};

static struct {
    unsigned long requests;
    unsigned open_requests, connections;
} counters;

static volatile sig_atomic_t terminate;

/* ---- configuration
 * ---------------------------------------------------------------------------------- */

enum kind { KIND_TEXT, KIND_NUMBER, KIND_BOOLEAN };

/* One row a setting: `name = value` in the file, WEB_NAME in the environment, which wins. */
static const struct setting {
    const char *name, *variable;
    enum kind kind;
    void *where;
    unsigned long limit; /* the size of a text, the largest number */
} rows[] = {
    { "address", "WEB_ADDRESS", KIND_TEXT, settings.address, sizeof settings.address },
    { "port", "WEB_PORT", KIND_NUMBER, &settings.port, 65535 },
    { "read_timeout", "WEB_READ_TIMEOUT", KIND_NUMBER, &settings.read_timeout, 3600 },
    { "idle_timeout", "WEB_IDLE_TIMEOUT", KIND_NUMBER, &settings.idle_timeout, 3600 },
    { "drain_timeout", "WEB_DRAIN_TIMEOUT", KIND_NUMBER, &settings.drain_timeout, 3600 },
    { "faults", "WEB_FAULTS", KIND_BOOLEAN, &settings.faults, 0 },
    { "greeting", "WEB_GREETING", KIND_TEXT, settings.greeting, sizeof settings.greeting },
    { "certificate", "WEB_CERTIFICATE", KIND_TEXT, settings.certificate, PATH_MAX },
    { "key", "WEB_KEY", KIND_TEXT, settings.key, PATH_MAX },
};

#define N_ROWS (sizeof rows / sizeof rows[0])

static bool set_value(const struct setting *row, const char *value)
{
    char *end;

    switch (row->kind) {
    case KIND_TEXT:
        if (strlen(value) >= row->limit)
            return false;
        strcpy(row->where, value);
        return true;
    case KIND_NUMBER: {
        errno = 0;
        unsigned long n = strtoul(value, &end, 10);
        if (errno || end == value || *end || *value == '-' || n > row->limit)
            return false;
        *(unsigned *) row->where = (unsigned) n;
        return true;
    }
    case KIND_BOOLEAN:
        *(bool *) row->where = strcasecmp(value, "yes") == 0;
        return strcasecmp(value, "yes") == 0 || strcasecmp(value, "no") == 0;
    }
    return false;
}

static char *strip(char *s)
{
    s += strspn(s, " \t\r\n");
    for (size_t n = strlen(s); n > 0 && strchr(" \t\r\n", s[n - 1]);)
        s[--n] = 0;
    return s;
}

static void read_config(const char *path)
{
    FILE *f = fopen(path, "re");
    char line[PATH_MAX + 64];

    if (!f) {
        fprintf(stderr, "web: %s: %s\n", path, strerror(errno));
        exit(EXIT_CONFIG);
    }
    for (unsigned number = 1; fgets(line, sizeof line, f); number++) {
        char *name = strip(line), *equals = strchr(name, '=');
        size_t i;

        if (*name == 0 || *name == '#')
            continue;
        if (!equals) {
            fprintf(stderr, "web: %s:%u: expected 'name = value'\n", path, number);
            exit(EXIT_CONFIG);
        }
        *equals = 0;
        name = strip(name);
        for (i = 0; i < N_ROWS && strcmp(rows[i].name, name) != 0; i++)
            ;
        if (i == N_ROWS) {
            fprintf(stderr, "web: %s:%u: unknown setting '%s'\n", path, number, name);
            exit(EXIT_CONFIG);
        }
        if (!set_value(&rows[i], strip(equals + 1))) {
            fprintf(stderr, "web: %s:%u: bad value for '%s'\n", path, number, name);
            exit(EXIT_CONFIG);
        }
    }
    fclose(f);
}

static void read_environment(void)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        const char *value = getenv(rows[i].variable);

        if (value && !set_value(&rows[i], value)) {
            fprintf(stderr, "web: bad value in the environment: %s=%s\n", rows[i].variable, value);
            exit(EXIT_CONFIG);
        }
    }
}

static char *read_pem(const char *path)
{
    static const long most = 1 << 20;
    FILE *f = fopen(path, "re");
    char *text = f ? calloc(1, (size_t) most + 1) : NULL;

    if (!text || fread(text, 1, (size_t) most, f) == 0) {
        fprintf(stderr, "web: %s: %s\n", path, f && !ferror(f) ? "is empty" : strerror(errno));
        exit(EXIT_CONFIG);
    }
    fclose(f);
    return text;
}

/* ---- what the service manager hears
 * ----------------------------------------------------------------- */

static void notify(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char text[512];
    va_list ap;

    if (!path || !*path || strlen(path) >= sizeof to.sun_path)
        return;
    strcpy(to.sun_path, path);
    if (*path == '@')
        to.sun_path[0] = 0;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void) sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *) &to,
                  (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    close(fd);
}

/* Half of WATCHDOG_USEC in milliseconds, or 0 where nobody watches this process. */
static unsigned long watchdog_interval(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

    if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
        return 0;
    return strtoul(usec, NULL, 10) / 2000;
}

static unsigned long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (unsigned long) ts.tv_sec * 1000 + (unsigned long) ts.tv_nsec / 1000000;
}

/* ---- requests
 * --------------------------------------------------------------------------------------- */

struct request {
    unsigned long started, answer_at;
    unsigned status;
    bool suspended;
    struct MHD_Connection *connection;
    struct request *next; /* of those that wait for answer_at */
    char line[256];
};

static struct request *waiting;

static unsigned long argument(struct MHD_Connection *c, const char *name, unsigned long most)
{
    const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
    unsigned long n = text ? strtoul(text, NULL, 10) : 0;

    return n > most ? most : n;
}

static enum MHD_Result answer(struct request *r, unsigned status, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *) text,
                                                                    MHD_RESPMEM_MUST_COPY);

    if (!response)
        return MHD_NO;
    r->status = status;
    if (terminate)
        (void) MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result done = MHD_queue_response(r->connection, status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result fault(struct request *r, const char *path)
{
    if (!settings.faults)
        return answer(r, MHD_HTTP_FORBIDDEN, "faults are off (faults = yes turns them on)\n");

    printf("fault asked for: %s\n", path);
    fflush(stdout);
    if (strcmp(path, "/hang") == 0)
        for (;;)
            pause();
    if (strcmp(path, "/crash") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    exit((int) argument(r->connection, "code", 255));
}

static enum MHD_Result delay(struct request *r)
{
    if (!r->answer_at) {
        r->answer_at = now_ms() + argument(r->connection, "ms", 60000);
        r->suspended = true;
        r->next = waiting;
        waiting = r;
        MHD_suspend_connection(r->connection);
        return MHD_YES;
    }
    return answer(r, MHD_HTTP_OK, "slow, but here\n");
}

static enum MHD_Result handle(void *unused, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **state)
{
    struct request *r = *state;
    char text[256];

    (void) unused;
    (void) version;
    (void) body;
    if (!r) {
        r = calloc(1, sizeof *r);
        if (!r)
            return MHD_NO;
        r->connection = connection;
        r->started = now_ms();
        snprintf(r->line, sizeof r->line, "%s %.200s", method, path);
        counters.open_requests++;
        *state = r;
        return MHD_YES;
    }
    if (*body_size > 0) { /* read and thrown away: nothing here takes a body */
        *body_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer(r, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    if (strcmp(path, "/hang") == 0 || strcmp(path, "/crash") == 0 || strcmp(path, "/exit") == 0)
        return fault(r, path);
    if (strcmp(path, "/slow") == 0)
        return delay(r);
    if (strcmp(path, "/health") == 0)
        return answer(r, MHD_HTTP_OK, "ok\n");
    if (strcmp(path, "/") != 0)
        return answer(r, MHD_HTTP_NOT_FOUND, "not found\n");
    snprintf(text, sizeof text, "%s from pid %ld\n", settings.greeting, (long) getpid());
    return answer(r, MHD_HTTP_OK, text);
}

static void peer_name(struct MHD_Connection *connection, char *text, size_t size)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *bytes = NULL;

    if (address && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *) address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *) address)->sin6_addr;
    if (!bytes || !inet_ntop(address->sa_family, bytes, text, (socklen_t) size))
        snprintf(text, size, "-");
}

static void completed(void *unused, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how)
{
    struct request *r = *state;
    char peer[INET6_ADDRSTRLEN];

    (void) unused;
    if (!r)
        return;
    peer_name(connection, peer, sizeof peer);
    printf("%s \"%s\" %u %lums%s\n", peer, r->line, r->status, now_ms() - r->started,
           how == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " (cut off)");
    for (struct request **p = &waiting; *p; p = &(*p)->next)
        if (*p == r) {
            *p = r->next;
            break;
        }
    counters.requests++;
    counters.open_requests--;
    free(r);
    *state = NULL;
    (void) MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                     settings.idle_timeout);
}

/* A request's first line came: from here on the read timeout counts, not the idle one. */
static void *began(void *unused, const char *uri, struct MHD_Connection *connection)
{
    (void) unused;
    (void) uri;
    (void) MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                                     settings.read_timeout);
    return NULL;
}

static void connection_changed(void *unused, struct MHD_Connection *connection, void **state,
                               enum MHD_ConnectionNotificationCode what)
{
    (void) unused;
    (void) connection;
    (void) state;
    counters.connections += what == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1U;
}

static void resume_due(void)
{
    unsigned long now = now_ms();

    for (struct request **p = &waiting; *p;) {
        struct request *r = *p;

        if (r->answer_at > now) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        r->suspended = false;
        MHD_resume_connection(r->connection);
    }
}

/* ---- the loop
 * --------------------------------------------------------------------------------------- */

static int listen_socket(void)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t) settings.port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t) settings.port) };
    bool is_v4 = inet_pton(AF_INET, settings.address, &v4.sin_addr) == 1;
    int on = 1;

    if (!is_v4 && inet_pton(AF_INET6, settings.address, &v6.sin6_addr) != 1) {
        fprintf(stderr, "web: address '%s' is neither IPv4 nor IPv6\n", settings.address);
        exit(EXIT_CONFIG);
    }
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 ||
        bind(fd, is_v4 ? (struct sockaddr *) &v4 : (struct sockaddr *) &v6,
             is_v4 ? sizeof v4 : sizeof v6) < 0 ||
        listen(fd, SOMAXCONN) < 0) {
        fprintf(stderr, "web: cannot listen on %s port %u: %s\n", settings.address, settings.port,
                strerror(errno));
        exit(EXIT_UNAVAILABLE);
    }
    return fd;
}

static struct MHD_Daemon *start(int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        { MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
        { MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
        { MHD_OPTION_END, 0, NULL },
    };

    if (*settings.certificate && *settings.key) {
        flags |= MHD_USE_TLS;
        tls[0].ptr_value = read_pem(settings.certificate);
        tls[1].ptr_value = read_pem(settings.key);
    } else {
        tls[0].option = MHD_OPTION_END;
    }
    return MHD_start_daemon(flags, 0, NULL, NULL, handle, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
                            MHD_OPTION_CONNECTION_TIMEOUT, settings.read_timeout,
                            MHD_OPTION_CONNECTION_LIMIT, 512U, MHD_OPTION_NOTIFY_COMPLETED,
                            completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, NULL,
                            MHD_OPTION_URI_LOG_CALLBACK, began, NULL, MHD_OPTION_ARRAY, tls,
                            MHD_OPTION_END);
}

static void serve(struct MHD_Daemon *daemon)
{
    unsigned long watchdog = watchdog_interval(), pinged = 0, told = 0, drain_until = 0;

    for (;;) {
        unsigned long now = now_ms();

        if (watchdog && now - pinged >= watchdog / 2) {
            notify("WATCHDOG=1");
            pinged = now;
        }
        if (now - told >= 1000) {
            notify("STATUS=%lu requests served, %u open, %u connections", counters.requests,
                   counters.open_requests, counters.connections);
            told = now;
        }
        if (terminate && !drain_until) {
            drain_until = now + settings.drain_timeout * 1000UL;
            notify("STOPPING=1\nSTATUS=finishing %u open requests", counters.open_requests);
            printf("asked to stop: finishing %u open requests\n", counters.open_requests);
            (void) MHD_quiesce_daemon(daemon);
        }
        if (drain_until && (counters.open_requests == 0 || now >= drain_until))
            return;
        resume_due();
        (void) MHD_run_wait(daemon, waiting || drain_until ? 10 : 200);
    }
}

static void on_signal(int number)
{
    (void) number;
    terminate = 1;
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s [--config=FILE]\n", argv[0]);
        return 0;
    }
    if (argc > 2 || (argc == 2 && strncmp(argv[1], "--config=", 9) != 0)) {
        fprintf(stderr, "usage: %s [--config=FILE]\n", argv[0]);
        return EXIT_USAGE;
    }
    if (argc == 2)
        read_config(argv[1] + 9);
    read_environment();

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    int fd = listen_socket();
    struct MHD_Daemon *daemon = start(fd);
    if (!daemon) {
        fprintf(stderr, "web: the HTTP server could not be started%s\n",
                *settings.certificate ? " (is the certificate right, and TLS built in?)" : "");
        return EXIT_CONFIG;
    }
    notify("READY=1\nSTATUS=listening on %s port %u", settings.address, settings.port);
    printf("listening on %s port %u\n", settings.address, settings.port);
    serve(daemon);
    unsigned cut_off = counters.open_requests;
    for (struct request *r = waiting; r; r = r->next)
        MHD_resume_connection(r->connection);
    waiting = NULL;
    MHD_stop_daemon(daemon);
    printf("stopped after %lu requests, %u cut off\n", counters.requests, cut_off);
    return 0;
}
