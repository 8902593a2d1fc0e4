/* launch/clean.c -- what a unit leaves behind is removed, in a child of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"
#include "launch/child.h"
#include "launch/credentials.h"
#include "launch/dynamic_user.h"
#include "launch/fork.h"
#include "launch/runtime.h"

static const struct {
    enum spawn_clean bit;
    enum directory_kind kind;
    enum exec_status step;
} families[] = {
    { SPAWN_CLEAN_RUNTIME, DIRECTORY_RUNTIME, EXEC_STATUS_RUNTIME_DIRECTORY },
    { SPAWN_CLEAN_STATE, DIRECTORY_STATE, EXEC_STATUS_STATE_DIRECTORY },
    { SPAWN_CLEAN_CACHE, DIRECTORY_CACHE, EXEC_STATUS_CACHE_DIRECTORY },
    { SPAWN_CLEAN_LOGS, DIRECTORY_LOGS, EXEC_STATUS_LOGS_DIRECTORY },
    { SPAWN_CLEAN_CONFIGURATION, DIRECTORY_CONFIGURATION, EXEC_STATUS_CONFIGURATION_DIRECTORY },
};

/* The work of one child: the first failure is reported, the rest is done. */
struct cleaning {
    const struct spawn_manager *manager;
    const struct unit_config *config;
    const char *unit;
    struct spawn_runtime *runtime;
    unsigned what;
    int report_fd;
    struct failure failure;
};

static void note(struct cleaning *x, enum exec_status step, int error, const char *directive,
                 const char *object)
{
    /* Something else is in the way: then there is nothing of ours to remove. */
    if (error >= 0 || error == -ENOTDIR || x->failure.error < 0)
        return;
    x->failure.step = step;
    x->failure.error = error;
    x->failure.directive = directive;
    snprintf(x->failure.object, sizeof x->failure.object, "%s", object);
}

static void remove_family(struct cleaning *x, size_t i)
{
    enum directory_kind k = families[i].kind;
    const char *prefix = directory_prefix(x->manager, k), *directive = directory_directives[k];
    auto_free char *top = format("%s%s", strempty(x->manager->root), prefix);

    for (const struct exec_directory *d = directory_list(x->config->exec, k); d && top;
         d = d->next) {
        auto_free char *public = path_join(top, d->path, NULL);
        auto_free char *hidden = path_join(top, "private", d->path, NULL);

        if (!public || !hidden)
            return;
        note(x, families[i].step, remove_all(public), directive, public);
        if (directory_is_private(x->config, k))
            note(x, families[i].step, remove_all(hidden), directive, hidden);
        STRV_FOREACH (name, d->symlinks) {
            auto_free char *link = path_join(top, *name, NULL);

            if (link && unlink(link) < 0 && errno != ENOENT)
                note(x, families[i].step, -errno, directive, link);
        }
    }
}

/* ---- RemoveIPC= ---- */

static bool is_theirs(uid_t uid, gid_t gid, uid_t their_uid, gid_t their_gid)
{
    return (their_uid > 0 && uid == their_uid) || (their_gid > 0 && gid == their_gid);
}

/* Lines of /proc/sysvipc/ name the id in the second column, uid and gid where `format` says. */
static void remove_sysv(const char *file, const char *columns, uid_t uid, gid_t gid,
                        int (*remove_id)(int))
{
    auto_fclose FILE *f = fopen(file, "re");
    char line[512];

    if (!f || !fgets(line, sizeof line, f))
        return;
    while (fgets(line, sizeof line, f)) {
        unsigned u, g;
        int id;

        if (sscanf(line, columns, &id, &u, &g) == 3 && is_theirs(u, g, uid, gid))
            (void) remove_id(id);
    }
}

static int remove_shm(int id)
{
    return shmctl(id, IPC_RMID, NULL);
}

static int remove_sem(int id)
{
    return semctl(id, 0, IPC_RMID);
}

static int remove_msg(int id)
{
    return msgctl(id, IPC_RMID, NULL);
}

static void remove_posix(const char *folder, uid_t uid, gid_t gid)
{
    DIR *dir = opendir(folder);

    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        struct stat st;

        if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !is_theirs(st.st_uid, st.st_gid, uid, gid))
            continue;
        auto_free char *path = path_join(folder, e->d_name, NULL);
        if (path)
            (void) remove_all(path);
    }
    if (dir)
        closedir(dir);
}

static void remove_ipc(uid_t uid, gid_t gid)
{
    remove_sysv("/proc/sysvipc/shm", "%*s %d %*s %*s %*s %*s %*s %u %u", uid, gid, remove_shm);
    remove_sysv("/proc/sysvipc/sem", "%*s %d %*s %*s %u %u", uid, gid, remove_sem);
    remove_sysv("/proc/sysvipc/msg", "%*s %d %*s %*s %*s %*s %*s %u %u", uid, gid, remove_msg);
    remove_posix("/dev/shm", uid, gid);
    remove_posix("/dev/mqueue", uid, gid);
}

static void remove_their_ipc(struct cleaning *x)
{
    const struct exec_config *e = x->config->exec;
    struct users_lookup l = { .root = x->manager->root };
    struct user u = { .uid = (uid_t) -1, .gid = (gid_t) -1 };
    struct group g = { 0 };

    if (spawn_runtime_uid(x->runtime) != (uid_t) -1)
        u.uid = u.gid = spawn_runtime_uid(x->runtime);
    else if (!e->user || user_find(&l, e->user, &u) < 0)
        return;
    if (e->group && group_find(&l, e->group, &g) >= 0)
        u.gid = g.gid;
    if (u.uid != (uid_t) -1 && u.uid != 0)
        remove_ipc(u.uid, u.gid == 0 ? (gid_t) -1 : u.gid);
}

/* ---- all of it ---- */

static void remove_temporary(struct cleaning *x)
{
    struct effective e;

    effective_settings(x->config, true, &e);
    if (x->runtime && !x->runtime->joined) {
        if (x->runtime->tmp_dir)
            note(x, EXEC_STATUS_NAMESPACE, remove_all(x->runtime->tmp_dir), "PrivateTmp",
                 x->runtime->tmp_dir);
        if (x->runtime->var_tmp_dir)
            note(x, EXEC_STATUS_NAMESPACE, remove_all(x->runtime->var_tmp_dir), "PrivateTmp",
                 x->runtime->var_tmp_dir);
    }
    credentials_remove(x->manager, x->unit);
    if (e.remove_ipc)
        remove_their_ipc(x);
    terminal_release(x->config->exec);
    if (x->runtime)
        dynamic_user_release(x->runtime);
}

static int clean(void *userdata)
{
    struct cleaning *x = userdata;
    sigset_t none;

    for (int s = 1; s < NSIG; s++)
        (void) signal(s, SIG_DFL);
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < ELEMENTSOF(families); i++)
        if (x->what & families[i].bit)
            remove_family(x, i);
    if (x->what & SPAWN_CLEAN_TEMPORARY)
        remove_temporary(x);
    if (x->failure.error == 0) {
        report_done(x->report_fd);
        return EXIT_SUCCESS;
    }
    report_failed(x->report_fd, &x->failure);
    return (int) x->failure.step;
}

int spawn_clean_start(const struct spawn_manager *m, const struct unit_config *config,
                      const char *unit, struct spawn_runtime *runtime, unsigned what,
                      struct spawn *ret)
{
    int fds[2], pidfd = -1;

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    auto_close int report = fds[0], childs = fds[1];
    struct cleaning x = { .manager = m,
                          .config = config,
                          .unit = unit,
                          .runtime = runtime,
                          .what = what,
                          .report_fd = childs };
    pid_t pid = fork_process(-1, 0, clean, &x, &pidfd);
    if (pid < 0)
        return (int) pid;
    *ret = (struct spawn){ pid, pidfd, take_fd(&report) };
    return 0;
}

unsigned spawn_clean_needed(const struct spawn_manager *m, const struct unit_config *config,
                            const char *unit, const struct spawn_runtime *runtime, bool restarting)
{
    const struct exec_config *e = config->exec;
    struct effective effective;
    unsigned what = 0;

    effective_settings(config, true, &effective);
    bool preserved = e->runtime_directory_preserve == PRESERVE_YES ||
                     (e->runtime_directory_preserve == PRESERVE_RESTART && restarting);
    if (e->runtime_directory && !preserved)
        what |= SPAWN_CLEAN_RUNTIME;
    if ((runtime && !runtime->joined && runtime->tmp_dir) || (runtime && runtime->user[0] >= 0) ||
        (effective.remove_ipc && e->user) || terminal_touched(e) || credentials_exist(m, unit))
        what |= SPAWN_CLEAN_TEMPORARY;
    return what;
}
