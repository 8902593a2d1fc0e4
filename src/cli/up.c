/* reeve up: an ephemeral manager for the unit files named, in the foreground. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "control/manager_service.h"
#include "event/event.h"
#include "manager/manager.h"
#include "manager/shutdown.h"
#include "manager/unit.h"
#include "unit/name.h"

static const char options_help[] =
    "\n"
    "Runs the units of the files and folders named until all have ended, or until Ctrl-C, which\n"
    "stops them in order (twice: kills them). Their output and what becomes of them is shown.\n"
    "\n"
    "      --exit-when=UNIT     End, with that unit's exit status, when it has ended\n"
    "      --watch              Read files that change anew, and restart what they belong to\n"
    "      --stop-timeout=TIME  How long everything has to stop (90s)\n"
    "      --console=plain|json Form of the output\n"
    "      --journal=machine|own\n"
    "                           Kept by the machine's journald where there is one, or not at all\n"
    "      --tracking=cgroup|holder\n"
    "                           How processes are tracked (cgroup where it can be)\n"
    "\n"
    "Exit status: 0, or that of the first unit that failed.\n";

struct up {
    struct manager_options options;
    struct manager *manager;
    char **folders, **units, **changed;
    bool watch, reloading, ending;
    int inotify_fd;
    struct event_source *inotify_source;
    struct manager_watch *manager_watch;
    struct event_source *check;
};

enum { OPT_EXIT_WHEN = 256, OPT_WATCH, OPT_STOP_TIMEOUT, OPT_CONSOLE, OPT_JOURNAL, OPT_TRACKING };

static const struct option long_options[] = {
    { "exit-when", required_argument, NULL, OPT_EXIT_WHEN },
    { "watch", no_argument, NULL, OPT_WATCH },
    { "stop-timeout", required_argument, NULL, OPT_STOP_TIMEOUT },
    { "console", required_argument, NULL, OPT_CONSOLE },
    { "journal", required_argument, NULL, OPT_JOURNAL },
    { "tracking", required_argument, NULL, OPT_TRACKING },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

/* ---- what is to be run ---- */

static bool is_runnable_name(const char *name)
{
    return unit_name_is_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE);
}

static int add_folder(struct up *up, const char *path)
{
    struct dirent *e;
    DIR *d = opendir(path);

    if (!d)
        return -errno;
    while ((e = readdir(d)))
        if (e->d_name[0] != '.' && is_runnable_name(e->d_name) &&
            (unit_name_type(e->d_name) == UNIT_SERVICE || unit_name_type(e->d_name) == UNIT_TARGET))
            (void) strv_add(&up->units, e->d_name);
    closedir(d);
    strv_sort(up->units);
    return strv_contains(up->folders, path) ? 0 : strv_add(&up->folders, path);
}

static int add_path(struct up *up, const char *argument)
{
    char resolved[PATH_MAX];
    struct stat st;

    if (!realpath(argument, resolved) || stat(resolved, &st) < 0) {
        fprintf(stderr, "reeve up: %s: %s\n", argument, strerror(errno));
        return -errno;
    }
    if (S_ISDIR(st.st_mode)) {
        int r = add_folder(up, resolved);

        if (r < 0)
            fprintf(stderr, "reeve up: %s: %s\n", argument, strerror(-r));
        return r;
    }

    /* The name is the one that was written: a link's counts, as in unit folders. */
    const char *name = path_basename(argument);
    if (!is_runnable_name(name)) {
        fprintf(stderr, "reeve up: %s is not the name of a unit (x.service, x.target ...)\n", name);
        return -EINVAL;
    }
    auto_free char *parent = strdup(argument);
    char *slash = parent ? strrchr(parent, '/') : NULL;
    if (!parent)
        return -ENOMEM;
    if (slash)
        slash[slash == parent ? 1 : 0] = '\0';
    if (!realpath(slash ? parent : ".", resolved))
        return -errno;
    if (strv_add(&up->units, name) < 0)
        return -ENOMEM;
    return strv_contains(up->folders, resolved) ? 0 : strv_add(&up->folders, resolved);
}

/* ---- the end, when nothing runs any more ---- */

static bool is_over(struct up *up, int *ret_status)
{
    int status = 0;

    STRV_FOREACH (name, up->units) {
        struct unit *u = manager_unit(up->manager, *name);

        if (!u)
            continue;
        u = unit_follow_merge(u);
        enum active_state s = unit_active_state(u);
        if (u->job || (!inactive_or_failed(s) && u->type != UNIT_TARGET) || unit_will_restart(u))
            return false;
        if (s == ACTIVE_FAILED && status == 0) {
            int code = u->ops->exit_status ? u->ops->exit_status(u) : -1;
            status = code > 0 ? code : 1;
        }
        if (u->load_state != LOAD_LOADED && status == 0)
            status = 1;
    }
    *ret_status = status;
    return true;
}

static void on_check(struct event_source *s, void *userdata)
{
    struct up *up = userdata;
    int status;

    if (up->ending || up->watch || up->reloading || up->options.exit_when || !is_over(up, &status))
        return;
    up->ending = true;
    if (manager_exit_code(up->manager) == 0)
        manager_set_exit_code(up->manager, (uint8_t) status);
    (void) manager_start_end(up->manager, OBJECTIVE_EXIT);
}

static void on_event(enum manager_event ev, struct unit *u, struct job *j, void *userdata)
{
    struct up *up = userdata;

    /* Nothing may be started or stopped from here. */
    if (up->check && (ev == EVENT_UNIT_CHANGED || ev == EVENT_JOB_REMOVED ||
                      ev == EVENT_UNIT_REMOVED || ev == EVENT_STARTUP_FINISHED))
        event_source_enable(up->check);
}

/* ---- --watch ---- */

static void restart_changed(int r, void *userdata)
{
    struct up *up = userdata;
    auto_strv char **changed = take_ptr(up->changed);

    up->reloading = false;
    STRV_FOREACH (name, changed) {
        auto_op_error struct op_error e = { 0 };
        struct unit *u;

        int k = manager_load_unit(up->manager, *name, &u, &e);
        if (k >= 0)
            k = manager_request(up->manager, JOB_RESTART, u, JOB_MODE_REPLACE, false, NULL, &e);
        if (k < 0)
            log_error("Cannot restart %s: %s", *name, strempty(e.message));
    }
}

/* Which unit a file of a watched folder belongs to; drop-in folders are not looked into. */
static void note_change(struct up *up, const char *file)
{
    if (strv_contains(up->units, file) && !strv_contains(up->changed, file))
        (void) strv_add(&up->changed, file);
}

static void on_inotify(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct up *up = userdata;
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (char *p = buffer; p < buffer + n;) {
            struct inotify_event *e = (struct inotify_event *) (void *) p;

            if (e->len > 0)
                note_change(up, e->name);
            p += sizeof *e + e->len;
        }
    if (!up->changed || up->reloading)
        return;
    up->reloading = true;
    if (manager_reload(up->manager, restart_changed, up) < 0)
        up->reloading = false;
}

static int watch_folders(struct up *up, struct event_loop *loop)
{
    up->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (up->inotify_fd < 0)
        return -errno;
    STRV_FOREACH (folder, up->folders)
        if (inotify_add_watch(up->inotify_fd, *folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
            return -errno;
    return event_add_io(loop, up->inotify_fd, EPOLLIN, on_inotify, up, &up->inotify_source);
}

/* ---- the verb ---- */

static int run(struct up *up)
{
    struct event_loop *loop;
    struct manager_service *control = NULL;

    int r = event_loop_new(&loop);
    if (r >= 0)
        r = manager_new(loop, &up->options, &up->manager);
    if (r < 0)
        return EXIT_FAILURE;
    r = event_add_post(loop, on_check, up, &up->check);
    if (r >= 0)
        r = manager_watch_add(up->manager, on_event, up, &up->manager_watch);
    if (r >= 0 && up->watch)
        r = watch_folders(up, loop);
    if (r >= 0)
        r = manager_service_new(up->manager, &control);
    if (r >= 0)
        r = manager_begin(up->manager, up->units, NULL);
    if (r < 0)
        log_error("Cannot begin: %s", strerror(-r));
    else
        (void) manager_run(up->manager);

    int status = r < 0 ? EXIT_FAILURE : manager_exit_code(up->manager);
    manager_service_flush(control);
    manager_service_free(control);
    up->manager_watch = manager_watch_free(up->manager_watch);
    up->check = event_source_free(up->check);
    event_source_free(up->inotify_source);
    close_fd(up->inotify_fd);
    manager_free(up->manager);
    event_loop_free(loop);
    return status;
}

static int parse_option(struct up *up, int c)
{
    switch (c) {
    case OPT_EXIT_WHEN:
        up->options.exit_when = optarg;
        return 0;
    case OPT_WATCH:
        up->watch = true;
        return 0;
    case OPT_STOP_TIMEOUT:
        return timespan_parse(optarg, &up->options.stop_timeout);
    case OPT_CONSOLE:
        up->options.console = optarg;
        return streq(optarg, "plain") || streq(optarg, "json") ? 0 : -EINVAL;
    case OPT_JOURNAL:
        up->options.own_journal = streq(optarg, "own");
        return streq(optarg, "machine") || streq(optarg, "own") ? 0 : -EINVAL;
    case OPT_TRACKING:
        up->options.no_cgroup = streq(optarg, "holder");
        return streq(optarg, "holder") || streq(optarg, "cgroup") ? 0 : -EINVAL;
    case 'h':
        return 1;
    default:
        return -EINVAL;
    }
}

int verb_up(int argc, char **argv)
{
    struct up up = { .inotify_fd = -1 };
    int c, r, which = 0;

    optind = 1;
    while ((c = verb_getopt(argc, argv, "h", long_options, &which)) >= 0) {
        r = parse_option(&up, c);
        if (r > 0)
            return verb_print_help("up", options_help);
        if (r < 0)
            return c == '?' ? usage_status("up")
                            : usage_error("up", "--%s=%s is not understood",
                                          long_options[which].name, optarg);
    }
    if (optind == argc) {
        return usage_error("up", "name unit files or folders with unit files");
    }
    for (int i = optind; i < argc; i++)
        if (add_path(&up, argv[i]) < 0)
            return EXIT_USAGE;
    if (!up.units) {
        fprintf(stderr, "reeve up: there are no services or targets in it\n");
        return EXIT_USAGE;
    }

    up.options.role = MANAGER_EPHEMERAL;
    up.options.user_units = geteuid() != 0;
    up.options.unit_dirs = up.folders;
    if (!up.options.console)
        up.options.console = "plain";
    if (up.options.stop_timeout == 0)
        up.options.stop_timeout = 90 * USEC_PER_SEC;
    log_set_prefix("reeve");
    signal(SIGPIPE, SIG_IGN);
    int status = run(&up);
    strv_free(up.folders);
    strv_free(up.units);
    strv_free(up.changed);
    return status;
}
