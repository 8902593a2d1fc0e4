#include "manager/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/id128.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/hostname.h"
#include "manager/private.h"

void manager_warn(struct manager *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (!text)
        return;
    log_warning("%s", text);
    (void) strv_add(&m->warnings, text);
}

/* Whether files can be made there: asked of the kernel by making one. */
static bool is_writable_folder(const char *path)
{
    auto_free char *probe = path_join(path, ".reeve-probe", NULL);

    if (!probe || mkdir_all(path, 0755) < 0)
        return false;
    if (mkdir(probe, 0700) < 0 && errno != EEXIST)
        return false;
    (void) rmdir(probe);
    return true;
}

/* PID 1 of a container that the container manager has given no /proc or /run of its own. */
static void mount_missing(void)
{
    if (access("/proc/self", F_OK) < 0) {
        (void) mkdir("/proc", 0555);
        (void) mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    }
    if (!is_writable_folder("/run"))
        (void) mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=20%");
}

static const char *first_writable(struct manager *m)
{
    static const char *const folders[] = { "/run", "/dev/shm", "/tmp" };

    for (size_t i = 0; i < ELEMENTSOF(folders); i++)
        if (is_writable_folder(folders[i]))
            return folders[i];
    return NULL;
}

static int find_system_places(struct manager *m)
{
    if (m->role == MANAGER_PID1)
        mount_missing();

    const char *base = first_writable(m);
    if (!base) {
        log_error("None of /run, /dev/shm and /tmp can be written: mount a tmpfs on one of them");
        return -EROFS;
    }
    m->runtime_dir = strdup("/run");
    m->socket_dir = path_join(base, "reeve", NULL);
    if (!m->runtime_dir || !m->socket_dir)
        return -ENOMEM;
    if (!streq(base, "/run"))
        manager_warn(m,
                     "/run cannot be written: the manager's files are in %s, and RuntimeDirectory= "
                     "cannot work (mount a tmpfs on /run)",
                     m->socket_dir);
    else if (m->role == MANAGER_PID1)
        m->journal_dir = strdup("/run/systemd/journal");
    return 0;
}

static int find_user_places(struct manager *m)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    auto_free char *fallback = NULL;

    if (!path_is_absolute(xdg) || !is_writable_folder(xdg)) {
        fallback = format("/tmp/reeve-%u", getuid());
        if (!fallback)
            return -ENOMEM;
        if (mkdir(fallback, 0700) < 0 && errno != EEXIST)
            return -errno;
        struct stat st;
        if (lstat(fallback, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid()) {
            log_error("%s belongs to somebody else: set XDG_RUNTIME_DIR", fallback);
            return -EPERM;
        }
        manager_warn(m, "$XDG_RUNTIME_DIR is not set or cannot be written: using %s", fallback);
        xdg = fallback;
    }
    m->runtime_dir = strdup(xdg);
    m->socket_dir = path_join(xdg, "reeve", NULL);
    return m->runtime_dir && m->socket_dir ? 0 : -ENOMEM;
}

/* An ephemeral manager has a folder of its own, which goes with it. */
static int make_own_folder(struct manager *m)
{
    if (m->role == MANAGER_EPHEMERAL) {
        auto_free char *own = format("%s/up-%d", m->socket_dir, getpid());
        if (!own)
            return -ENOMEM;
        free(m->socket_dir);
        m->socket_dir = take_ptr(own);
    }
    int r = mkdir_all(m->socket_dir, 0755);
    if (r < 0)
        log_error("Cannot make %s: %s", m->socket_dir, strerror(-r));
    if (r >= 0 && !m->journal_dir && m->role != MANAGER_EPHEMERAL)
        m->journal_dir = path_join(m->socket_dir, "journal", NULL);
    return r;
}

int manager_find_places(struct manager *m)
{
    int r;

    if (m->options.runtime_dir) {
        m->runtime_dir = strdup(m->options.runtime_dir);
        m->socket_dir = path_join(m->options.runtime_dir, "reeve", NULL);
        if (!m->runtime_dir || !m->socket_dir)
            return -ENOMEM;
        return m->test ? 0 : make_own_folder(m);
    }
    r = geteuid() == 0 && !m->user ? find_system_places(m) : find_user_places(m);
    if (r < 0)
        return r;
    return make_own_folder(m);
}

/* ---- what makes this a booted system ---- */

static bool is_reeve(const char *path)
{
    struct stat own, st;

    return stat("/proc/self/exe", &own) == 0 && stat(path, &st) == 0 && st.st_dev == own.st_dev &&
           st.st_ino == own.st_ino;
}

/* The first systemctl that is not reeve's, in the order of the default PATH, or NULL. With
 * `first_only` the one that PATH finds alone is asked. */
static const char *other_systemctl(bool first_only)
{
    static const char *const paths[] = { "/usr/local/sbin/systemctl", "/usr/local/bin/systemctl",
                                         "/usr/sbin/systemctl",       "/usr/bin/systemctl",
                                         "/sbin/systemctl",           "/bin/systemctl" };

    for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
        if (access(paths[i], F_OK) < 0)
            continue;
        if (!is_reeve(paths[i]))
            return paths[i];
        if (first_only)
            return NULL;
    }
    return NULL;
}

static void make_machine_id(struct manager *m)
{
    char text[ID128_TEXT_MAX + 1];
    struct id128 id;

    if (id128_machine(NULL, &id) >= 0)
        return;
    id128_format(id128_random(), text);
    strcat(text, "\n");
    /* For the life of this process: a container's identity is not to be made up for good. */
    if (file_replace("/run/machine-id", text, strlen(text), 0444) < 0 ||
        access("/etc/machine-id", F_OK) < 0) {
        if (file_replace("/etc/machine-id", text, strlen(text), 0444) < 0)
            manager_warn(m, "There is no machine-id, and /etc/machine-id cannot be written");
        return;
    }
    if (mount("/run/machine-id", "/etc/machine-id", NULL, MS_BIND, NULL) < 0 &&
        file_replace("/etc/machine-id", text, strlen(text), 0444) < 0)
        manager_warn(m, "/etc/machine-id is empty and cannot be written");
}

/* syslog(3) goes there. What another logger has put there stays. */
static void make_dev_log(struct manager *m)
{
    static const char target[] = "/run/systemd/journal/dev-log";
    struct stat st;

    if (symlink(target, "/dev/log") == 0)
        return;
    if (errno == EEXIST && lstat("/dev/log", &st) == 0) {
        if (!S_ISLNK(st.st_mode) || access("/dev/log", F_OK) == 0)
            return;
        if (unlink("/dev/log") == 0 && symlink(target, "/dev/log") == 0)
            return;
    }
    manager_warn(m, "/dev/log cannot be made (%s): what programs log with syslog(3) is lost",
                 strerror(errno));
}

void manager_set_up_system(struct manager *m)
{
    if (m->role != MANAGER_PID1 || m->test)
        return;
    make_machine_id(m);
    make_dev_log(m);
    /* Services look at the name to learn who runs them, tools then call systemctl by PATH. */
    if (!other_systemctl(true))
        (void) prctl(PR_SET_NAME, "systemd");
    const char *other = other_systemctl(false);
    if (other) {
        manager_warn(m,
                     "%s is not reeve's: /run/systemd/system is not made, so that programs do not "
                     "take this for a booted systemd; `reeve install-compat --divert` changes that",
                     other);
        return;
    }
    (void) mkdir_all("/run/systemd/system", 0755);
}

void manager_name_system(struct manager *m)
{
    if (m->role == MANAGER_PID1 && !m->test)
        hostname_set_up("/etc/hostname");
}
