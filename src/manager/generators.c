#include "manager/generators.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/private.h"
#include "unit/load.h"
#include "unit/paths.h"

#define DEADLINE (90 * USEC_PER_SEC)

struct generator_run {
    pid_t pid;
    struct event_source *timer;
    void (*done)(struct manager *m);
};

/* The programs: of equal names the first folder's counts; a link to /dev/null, or an empty file,
 * hides the ones behind it. Sorted by name. */
static int find_generators(struct manager *m, char ***ret)
{
    struct unit_paths_options options = {
        .scope = m->user ? UNIT_SCOPE_USER : UNIT_SCOPE_SYSTEM,
        .root = m->root,
    };
    auto_strv char **folders = generator_paths(&options), **names = NULL, **paths = NULL;

    if (!folders)
        return -ENOMEM;
    STRV_FOREACH (folder, folders) {
        DIR *d = opendir(*folder);
        struct dirent *e;

        while (d && (e = readdir(d))) {
            auto_free char *path = path_join(*folder, e->d_name, NULL);
            struct stat st;

            if (!path || e->d_name[0] == '.' || strv_contains(names, e->d_name))
                continue;
            if (strv_add(&names, e->d_name) < 0)
                continue;
            if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
                access(path, X_OK) < 0)
                continue;
            (void) strv_add(&paths, path);
        }
        if (d)
            closedir(d);
    }
    *ret = take_ptr(paths);
    return 0;
}

/* Generators of parts of systemd that reeve is, or that make no sense without a boot loader and
 * udev: they are not run. */
static bool is_useless(const char *path)
{
    static const char *const names[] = { "systemd-debug-generator",
                                         "systemd-gpt-auto-generator",
                                         "systemd-hibernate-resume-generator",
                                         "systemd-bless-boot-generator",
                                         "systemd-tpm2-generator",
                                         "systemd-getty-generator",
                                         "systemd-ssh-generator" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (streq(path_basename(path), names[i]))
            return true;
    return false;
}

/* In the process of the generators: all at once, then waits for the last. */
_noreturn_ static void run_all(struct manager *m, char **programs)
{
    const struct unit_paths *p = unit_loader_paths(m->loader);
    sigset_t none;
    int status;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    /* A socket that this process keeps, should the manager crash meanwhile, would have clients
     * wait. */
    (void) close_range(3, ~0U, 0);
    setenv("SYSTEMD_SCOPE", m->user ? "user" : "system", 1);
    setenv("SYSTEMD_IN_INITRD", "0", 1);
    STRV_FOREACH (program, programs) {
        if (is_useless(*program))
            continue;
        pid_t pid = fork();
        if (pid != 0)
            continue;
        execl(*program, *program, p->generator, p->generator_early, p->generator_late, NULL);
        _exit(203);
    }
    while (wait(&status) > 0 || errno == EINTR)
        ;
    _exit(0);
}

static int prepare_folders(struct manager *m)
{
    const struct unit_paths *p = unit_loader_paths(m->loader);
    const char *const folders[] = { p->generator, p->generator_early, p->generator_late };

    for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
        if (!folders[i])
            return -ENOENT;
        (void) remove_all(folders[i]);
        int r = mkdir_all(folders[i], 0755);
        if (r < 0)
            return r;
    }
    return 0;
}

static void finish(struct manager *m)
{
    struct generator_run *g = take_ptr(m->generators);
    void (*done)(struct manager *) = g->done;

    event_source_free(g->timer);
    free(g);
    done(m);
}

static void on_deadline(struct event_source *s, usec_t due, void *userdata)
{
    struct manager *m = userdata;

    log_error("The unit generators took too long; going on without the rest of them");
    kill(-m->generators->pid, SIGKILL);
}

int generators_run(struct manager *m, void (*done)(struct manager *m))
{
    auto_strv char **programs = NULL;

    if (m->generators)
        return -EBUSY;
    int r = m->test || m->role == MANAGER_EPHEMERAL ? 0 : find_generators(m, &programs);
    if (r < 0)
        return r;
    if (!programs) {
        done(m);
        return 0;
    }
    r = prepare_folders(m);
    if (r < 0) {
        log_warning("No folder for what generators make: %s; they are not run", strerror(-r));
        done(m);
        return 0;
    }

    struct generator_run *g = new0(struct generator_run, 1);
    if (!g)
        return -ENOMEM;
    r = event_add_time(m->loop, CLOCK_MONOTONIC, usec_add(now_usec(CLOCK_MONOTONIC), DEADLINE),
                       on_deadline, m, &g->timer);
    if (r < 0) {
        free(g);
        return r;
    }
    pid_t pid = fork();
    if (pid < 0) {
        r = -errno;
        event_source_free(g->timer);
        free(g);
        return r;
    }
    if (pid == 0)
        run_all(m, programs);
    g->pid = pid;
    g->done = done;
    m->generators = g;
    return 0;
}

bool generators_exited(struct manager *m, pid_t pid, int code, int status)
{
    if (!m->generators || m->generators->pid != pid)
        return false;
    finish(m);
    return true;
}

void generators_drop(struct manager *m)
{
    if (!m->generators)
        return;
    event_source_free(m->generators->timer);
    free(take_ptr(m->generators));
}
