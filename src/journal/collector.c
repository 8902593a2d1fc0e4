#include "journal/collector.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "journal/collect.h"

#define TAILS_LIMIT (3u << 20)
#define CONSOLE_LAST_WORDS (2 * USEC_PER_SEC)
#define COUNTERS_EVERY (5 * USEC_PER_SEC)

/* ---- keeping ---- */

static int open_store(struct collector *c)
{
    struct store_options o = c->config.store;

    o.volatile_dir = c->options->volatile_dir;
    o.persistent_dir = c->options->persistent_dir;
    o.retentions = &c->config.retentions;
    if (!o.volatile_dir && !o.persistent_dir)
        return 0;
    if (id128_machine(c->options->config_root, &o.machine) < 0)
        o.machine = id128_random(); /* for the life of the process */
    if (id128_boot(&o.boot) < 0)
        o.boot = id128_random();
    return store_new(c->loop, &o, &c->store);
}

static void keep(struct collector *c, struct entry *e)
{
    if (c->relay && relay_send(c->relay, e) >= 0)
        return;
    if (c->relay && !c->store)
        (void) open_store(c); /* until it answers again */
    if (c->store)
        (void) store_append(c->store, e); /* it has told what is wrong */
}

void collector_submit(struct collector *c, struct entry *e)
{
    c->n_lines++;
    if (!c->relay) /* else that journald does */
        forward(c, e);
    tails_add(&c->tails, e);
    if (!e->unlogged && e->priority <= c->config.max_level_store)
        keep(c, e);
    if (!e->unshown && e->priority <= c->config.max_level_console)
        console_add(c->console, e);
}

/* What a unit does not say is as the collector has it, or (journal/relay.h) that journald. */
static void complete(struct collector *c, struct rate_settings *rate, usec_t now)
{
    if (rate->interval == 0)
        rate->interval = c->relay && rate->burst == 0 ? 0 : c->config.rate_interval;
    if (rate->burst == 0)
        rate->burst = c->config.rate_burst;
    if (c->store)
        rate->burst = rate_burst(rate->burst, store_available(c->store, now));
}

/* What was refused is told in the unit's own name, as systemd does (MESSAGE_ID and text). */
static void report_suppressed(struct collector *c, const struct entry *of, unsigned n)
{
    char message[160], dropped[64];
    const char *who = of->unit ? of->unit : of->identifier ? of->identifier : "a process";
    snprintf(message, sizeof message, "MESSAGE=Suppressed %u messages from %s", n, who);
    snprintf(dropped, sizeof dropped, "N_DROPPED=%u", n);
    const struct iovec fields[] = {
        { message, strlen(message) },
        { dropped, strlen(dropped) },
        { (char *) "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e", 43 },
        { (char *) "SYSLOG_IDENTIFIER=systemd-journald", 34 },
        { (char *) "_TRANSPORT=driver", 17 },
    };
    struct entry e = {
        .time = of->time,
        .priority = LOG_WARNING,
        .pid = getpid(),
        .unit = of->unit,
        .invocation = of->invocation,
        .identifier = "systemd-journald",
        .message = message + strlen("MESSAGE="),
        .message_length = strlen(message) - strlen("MESSAGE="),
        .groups = { &c->machine, &c->priorities[LOG_WARNING] },
        .n_groups = 2,
        .fields = fields,
        .n_fields = ELEMENTSOF(fields),
    };
    collector_submit(c, &e);
}

void collector_submit_limited(struct collector *c, struct entry *e, bool to_journal,
                              bool to_console, bool to_kmsg, const struct rate_settings *rate)
{
    struct rate_settings settings = *rate;

    if (to_journal) {
        const char *who = e->unit ? e->unit : e->identifier ? e->identifier : "-";

        complete(c, &settings, e->time.monotonic);
        unsigned passed = rates_test(c->rates, who, e->priority, settings, e->time.monotonic);

        if (passed == 0)
            c->n_rate_limited++;
        else if (passed > 1)
            report_suppressed(c, e, passed - 1);
        e->unlogged = passed == 0;
    } else {
        e->unlogged = true;
    }
    if (to_kmsg)
        forward_to_kernel_log(e);
    (void) to_console; /* the container's console has it already */
    collector_submit(c, e);
}

/* ---- who sends ---- */

/* Whose output socket the process has as standard output or error: that of its unit, where there is
 * no cgroup to tell. */
static bool place_by_output(struct collector *c, pid_t pid, struct stream_place *ret)
{
    for (int fd = 1; fd <= 2; fd++) {
        char path[40], target[64];
        unsigned long inode;

        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = 0;
        if (sscanf(target, "socket:[%lu]", &inode) == 1 && stream_find_inode(c, inode, ret))
            return true;
    }
    return false;
}

void collector_add_unit(const struct collector *c, struct field_group *g, const char *unit,
                        const char *slice, struct id128 invocation)
{
    char id[ID128_TEXT_MAX];

    if (c->options->user && unit) {
        field_addf(g, "_SYSTEMD_OWNER_UID", "%u", getuid());
        field_addf(g, "_SYSTEMD_UNIT", "user@%u.service", getuid());
        field_addf(g, "_SYSTEMD_SLICE", "user-%u.slice", getuid());
    }
    field_add(g, c->options->user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT", unit);
    field_add(g, c->options->user ? "_SYSTEMD_USER_SLICE" : "_SYSTEMD_SLICE", slice);
    if (!id128_is_null(invocation))
        field_add(g, "_SYSTEMD_INVOCATION_ID", id128_format(invocation, id));
}

static void place_sender(struct sender *s, const char *cgroup, void *userdata)
{
    struct collector *c = userdata;
    struct cgroup_place p = { .owner = (uid_t) -1 };
    struct stream_place place;

    if (cgroup)
        (void) cgroup_place_parse(cgroup, &p);
    if (p.unit) {
        field_add(&s->place, "_SYSTEMD_CGROUP", cgroup);
        field_add(&s->place, "_SYSTEMD_UNIT", p.unit);
        field_add(&s->place, "_SYSTEMD_SLICE", p.slice);
        field_add(&s->place, "_SYSTEMD_USER_UNIT", p.user_unit);
        field_add(&s->place, "_SYSTEMD_USER_SLICE", p.user_slice);
        field_add(&s->place, "_SYSTEMD_SESSION", p.session);
        if (p.owner != (uid_t) -1)
            field_addf(&s->place, "_SYSTEMD_OWNER_UID", "%u", p.owner);
        s->unit = strdup(c->options->user && p.user_unit ? p.user_unit : p.unit);
        if (s->unit && stream_find_unit(c, s->unit, &place))
            collector_add_unit(c, &s->place, NULL, NULL, place.invocation);
    } else if (!s->gone && place_by_output(c, s->pid, &place) && place.unit) {
        collector_add_unit(c, &s->place, place.unit, place.slice, place.invocation);
        s->unit = strdup(place.unit);
    } else if (cgroup) {
        field_add(&s->place, "_SYSTEMD_CGROUP", cgroup);
        field_add(&s->place, "_SYSTEMD_SLICE", p.slice);
    }
    cgroup_place_done(&p);
}

/* ---- the process ---- */

static void machine_fields(struct collector *c)
{
    struct id128 id;
    char text[ID128_TEXT_MAX];
    struct utsname name;

    if (id128_boot(&id) >= 0)
        field_add(&c->machine, "_BOOT_ID", id128_format(id, text));
    if (id128_machine(c->options->config_root, &id) >= 0)
        field_add(&c->machine, "_MACHINE_ID", id128_format(id, text));
    if (uname(&name) >= 0)
        field_add(&c->machine, "_HOSTNAME", name.nodename);
    field_add(&c->machine, "_RUNTIME_SCOPE", "system");
    field_add(&c->manager_fields, "_TRANSPORT", "journal");
    /* `reeve log -u` believes what such entries say of units; clients cannot set the field. */
    field_add(&c->manager_fields, "_REEVE_MANAGER", "1");
    for (int i = 0; i < 8; i++)
        field_addf(&c->priorities[i], "PRIORITY", "%d", i);
}

static void on_terminate(struct event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
    struct collector *c = userdata;

    listen_drain(c);
    streams_drain(c, NULL);
    event_loop_exit(c->loop, 0);
}

static void on_counters(struct event_source *s, usec_t due, void *userdata)
{
    control_counters(userdata);
    event_source_set_time_relative(s, COUNTERS_EVERY);
}

static void collector_done(struct collector *c)
{
    requests_done(c);
    kernel_done(c);
    streams_done(c);
    listen_done(c);
    spill_close(&c->spill);
    event_source_free(c->control_io);
    close_fd(c->control_fd);
    close_fd(c->forward_fd);
    relay_free(c->relay);
    store_free(c->store);
    console_free(c->console, CONSOLE_LAST_WORDS);
    tails_done(&c->tails);
    senders_done(&c->senders);
    rates_free(c->rates);
    journald_config_done(&c->config);
    field_group_done(&c->machine);
    field_group_done(&c->manager_fields);
    for (size_t i = 0; i < ELEMENTSOF(c->priorities); i++)
        field_group_done(&c->priorities[i]);
    event_loop_free(c->loop);
    free(c->batch);
    free(c->packet);
}

static void on_request(struct event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
    struct collector *c = userdata;

    if (!c->store)
        return;
    listen_drain(c);
    streams_drain(c, NULL);
    if ((int) si->ssi_signo == SIGUSR1)
        (void) store_flush(c->store);
    else if ((int) si->ssi_signo == SIGUSR2)
        (void) store_rotate(c->store);
    store_sync(c->store);
}

static int collector_begin(struct collector *c)
{
    static const int end_signals[] = { SIGTERM, SIGINT, SIGHUP };
    const int request_signals[] = { SIGUSR1, SIGUSR2, SIGRTMIN + 1 };

    c->batch = malloc(READ_BATCH + 64); /* and room before it, see stream.c */
    c->rates = rates_new();
    if (!c->batch || !c->rates || !grow(&c->packet, &c->packet_size, WIRE_MESSAGE_MAX + 1))
        return -ENOMEM;
    int r = event_loop_new(&c->loop);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(end_signals); i++)
        r = event_add_signal(c->loop, end_signals[i], on_terminate, c, NULL);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(request_signals); i++)
        r = event_add_signal(c->loop, request_signals[i], on_request, c, NULL);
    if (r >= 0)
        r = event_add_time(c->loop, CLOCK_MONOTONIC, now_usec(CLOCK_MONOTONIC), on_counters, c,
                           NULL);
    if (r < 0)
        return r;
    r = console_new(c->loop, STDOUT_FILENO, c->options->console, c->options->console_color,
                    &c->console);
    if (r < 0)
        log_warning("Output is not copied to the console: %s", strerror(-r));
    machine_fields(c);
    r = journald_config_read(&c->config, c->options->config_root);
    if (r >= 0 && c->options->machine_journal)
        r = (c->relay = relay_new(c->options->machine_journal)) ? 0 : -ENOMEM;
    else if (r >= 0)
        r = open_store(c);
    if (r < 0)
        return r;
    r = kernel_open(c);
    if (r < 0 && r != -ENOENT)
        log_debug("The messages of the kernel cannot be read: %s", strerror(-r));
    if (c->options->control_fd >= 0)
        return control_attach(c, c->options->control_fd);
    c->taken = true;
    return listen_open(c);
}

int collector_run(const struct collector_options *options)
{
    struct collector c = {
        .options = options,
        .control_fd = -1,
        .native_fd = -1,
        .syslog_fd = -1,
        .stdout_fd = -1,
        .varlink_fd = -1,
        .forward_fd = -1,
        .kernel_fd = -1,
        .kernel_number_fd = -1,
        .spill.fd = -1,
        .senders = { .place = place_sender, .pidfd = listen_pidfd, .userdata = &c },
        .looked_fd = -1,
    };

    prctl(PR_SET_NAME, "reeve-journald");
    signal(SIGPIPE, SIG_IGN);
    tails_init(&c.tails, TAILS_LIMIT);
    int r = collector_begin(&c);
    if (r < 0)
        log_error("The collector cannot start: %s", strerror(-r));
    else
        r = event_loop_run(c.loop);
    collector_done(&c);
    return r;
}

static int console_mode_parse(const char *name, enum console_mode *ret)
{
    static const char *const names[CONSOLE_MODE_MAX] = {
        [CONSOLE_NONE] = "none", [CONSOLE_PLAIN] = "plain", [CONSOLE_JSON] = "json"
    };

    for (size_t i = 0; i < CONSOLE_MODE_MAX; i++) {
        if (streq(name, names[i])) {
            *ret = (enum console_mode) i;
            return 0;
        }
    }
    return -EINVAL;
}

static const char *directory_argument(const char *argument)
{
    return streq(argument, "none") ? NULL : argument;
}

int journal_collector_main(int argc, char **argv)
{
    static const struct option options[] = {
        { "control-fd", required_argument, NULL, 'f' },
        { "console", required_argument, NULL, 'c' },
        { "console-color", no_argument, NULL, 'C' },
        { "socket-dir", required_argument, NULL, 's' },
        { "volatile-dir", required_argument, NULL, 'v' },
        { "persistent-dir", required_argument, NULL, 'p' },
        { "root", required_argument, NULL, 'r' },
        { "kernel-log", required_argument, NULL, 'k' },
        { "machine-journal", required_argument, NULL, 'm' },
        { "user", no_argument, NULL, 'u' },
        { 0 },
    };
    struct collector_options o = {
        .control_fd = -1,
        .socket_dir = "/run/systemd/journal",
        .volatile_dir = "/run/log/journal",
        .persistent_dir = "/var/log/journal",
    };

    optind = 0;
    for (int k; (k = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        switch (k) {
        case 'f':
            if (parse_int(optarg, &o.control_fd) < 0 || o.control_fd < 0 ||
                fd_cloexec(o.control_fd, true) < 0) {
                fprintf(stderr, "reeve journald: --control-fd=%s is not an open descriptor\n",
                        optarg);
                return 2;
            }
            break;
        case 'c':
            if (console_mode_parse(optarg, &o.console) < 0) {
                fprintf(stderr, "reeve journald: --console= takes plain, json or none, not %s\n",
                        optarg);
                return 2;
            }
            break;
        case 'C':
            o.console_color = true;
            break;
        case 's':
            o.socket_dir = directory_argument(optarg);
            break;
        case 'v':
            o.volatile_dir = directory_argument(optarg);
            break;
        case 'p':
            o.persistent_dir = directory_argument(optarg);
            break;
        case 'r':
            o.config_root = optarg;
            break;
        case 'k':
            o.kernel_log = directory_argument(optarg);
            break;
        case 'm':
            o.machine_journal = directory_argument(optarg);
            break;
        case 'u':
            o.user = true;
            break;
        default:
            return 2;
        }
    }
    return collector_run(&o) < 0 ? 1 : 0;
}
