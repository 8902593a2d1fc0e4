/* Probes of files: permissions for the unit's user, near matches, space, locks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/names.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"
#include "diagnose/identity.h"
#include "diagnose/probe.h"

static json_t *text(const char *s)
{
    json_t *j = s ? json_string(s) : NULL;

    return j ? j : json_string("");
}

static json_t *describe(const struct access_result *a)
{
    struct users_lookup lookup = { .files_only = true };
    struct user user = {};
    struct group group = {};
    char uid[16], gid[16], mode[16];
    const char *error = a->error ? errno_name(a->error) : "";

    snprintf(uid, sizeof uid, "%u", a->uid);
    snprintf(gid, sizeof gid, "%u", a->gid);
    snprintf(mode, sizeof mode, "%04o", a->mode & 07777);
    bool have_user = user_find_uid(&lookup, a->uid, &user) >= 0;
    bool have_group = group_find_gid(&lookup, a->gid, &group) >= 0;
    json_t *j = json_pack(
        "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "verdict", access_verdict_name(a->verdict),
        "object", text(a->object), "mode", mode, "owner", have_user ? user.name : uid, "group",
        have_group ? group.name : gid, "missing", access_bits_text(a->missing_bits), "errno",
        strempty(error), "acl", a->acl, "mount",
        a->mount_flags & ST_RDONLY   ? "ro"
        : a->mount_flags & ST_NOEXEC ? "noexec"
                                     : "");
    if (j && a->mode)
        (void) json_object_set_new(j, "type",
                                   json_string(S_ISDIR(a->mode)                       ? "folder"
                                               : S_ISREG(a->mode)                     ? "file"
                                               : S_ISSOCK(a->mode)                    ? "socket"
                                               : S_ISCHR(a->mode) || S_ISBLK(a->mode) ? "device"
                                                                                      : "other"));
    user_done(&user);
    group_done(&group);
    return j;
}

static json_t *evaluate(const char *argument, const struct identity *who)
{
    struct access_result a = {};
    int want = 0;
    const char *p = argument;

    for (; *p && *p != ' '; p++)
        want |= *p == 'r' ? ACCESS_READ : *p == 'w' ? ACCESS_WRITE : *p == 'x' ? ACCESS_EXECUTE : 0;
    if (*p != ' ' || access_evaluate(NULL, p + 1, who, want, &a) < 0)
        return NULL;
    json_t *j = describe(&a);
    access_result_done(&a);
    return j;
}

json_t *probe_path(struct facts *f, const char *argument)
{
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    int r = unit_identity(f, &id);

    /* Of a user that does not exist, what root may is the most that can be said. */
    return r < 0 && r != -ESRCH ? NULL : evaluate(argument, &id.who);
}

json_t *probe_root_path(struct facts *f, const char *argument)
{
    const struct identity root = { .capabilities = UINT64_MAX };

    return evaluate(argument, &root);
}

/* ---- near matches
 * ------------------------------------------------------------------------------------- */

bool name_is_near(const char *a, const char *b)
{
    unsigned most = MIN(strlen(a), strlen(b)) < 5 ? 1 : 2;

    return edit_distance(a, b, most, false) <= most;
}

/* Whether one name is the other with more behind it, or without its version: "app-server" for
 * "appd", "app-1.4.2" for "app". */
static bool names_begin_alike(const char *a, const char *b)
{
    size_t n = 0, shorter = MIN(strlen(a), strlen(b));

    while (a[n] && a[n] == b[n])
        n++;
    return n >= 3 && n + 1 >= shorter;
}

/* Names in the folder that are a slip away from the wanted one. */
static void near_in(const char *folder, const char *name, json_t *to)
{
    auto_closedir DIR *d = opendir(folder);

    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d)) && json_array_size(to) < 8;) {
        if (e->d_name[0] == '.' || streq(e->d_name, name))
            continue;
        if (!name_is_near(e->d_name, name) && !names_begin_alike(e->d_name, name))
            continue;
        auto_free char *path = path_join(folder, e->d_name, NULL);
        if (path)
            (void) json_array_append_new(to, text(path));
    }
}

static void add_if_there(const char *path, json_t *to)
{
    struct stat st;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        (void) json_array_append_new(to, text(path));
}

/* The same name below other prefixes where programs and files live. */
static void same_name_elsewhere(const char *path, json_t *to)
{
    static const char *const folders[] = {
        "/usr/local/bin", "/usr/local/sbin", "/usr/bin",  "/usr/sbin", "/bin",           "/sbin",
        "/opt/bin",       "/usr/games",      "/snap/bin", "/etc",      "/usr/local/etc",
    };
    static const char *const patterns[] = { "/opt/*/bin",
                                            "/opt/*",
                                            "/usr/lib/*",
                                            "/etc/*",
                                            "/usr/local/*/bin",
                                            "/srv/*",
                                            "/usr/libexec",
                                            "/opt/*/{etc,conf,config,share}",
                                            "/srv/*/{etc,conf,config}",
                                            "/usr/local/etc/*",
                                            "/usr/share/*",
                                            "/usr/share/doc/*/examples" };
    const char *name = path_basename(path);

    for (size_t i = 0; i < ELEMENTSOF(folders) && json_array_size(to) < 8; i++) {
        auto_free char *other = path_join(folders[i], name, NULL);

        if (other && !streq(other, path))
            add_if_there(other, to);
    }
    for (size_t i = 0; i < ELEMENTSOF(patterns) && json_array_size(to) < 8; i++) {
        auto_free char *pattern = path_join(patterns[i], name, NULL);
        auto_strv char **found = NULL;

        if (pattern && !strpbrk(name, "*?[{") && path_glob(pattern, &found) > 0)
            STRV_FOREACH (p, found)
                if (!streq(*p, path))
                    add_if_there(*p, to);
    }
}

json_t *probe_near_file(struct facts *f, const char *path)
{
    auto_free char *folder = strndup(path, (size_t) (path_basename(path) - path));
    json_t *list = json_array();

    if (!list || !folder)
        return NULL;
    same_name_elsewhere(path, list);
    if (*folder)
        near_in(folder, path_basename(path), list);
    return json_pack("{s:o}", "candidates", list);
}

/* ---- programs outside of the unit's PATH
 * -------------------------------------------------------------- */

json_t *probe_command(struct facts *f, const char *name)
{
    static const char *const patterns[] = {
        "/usr/local/bin",
        "/usr/local/sbin",
        "/snap/bin",
        "/opt/*/bin",
        "/opt/*/sbin",
        "/opt/bin",
        "/home/*/.local/bin",
        "/root/.local/bin",
        "/home/*/.cargo/bin",
        "/root/.cargo/bin",
        "/home/*/.nvm/versions/node/*/bin",
        "/root/.nvm/versions/node/*/bin",
        "/home/*/.pyenv/shims",
        "/root/.pyenv/shims",
        "/home/*/go/bin",
        "/root/go/bin",
        "/usr/local/go/bin",
        "/usr/local/*/bin",
        "/usr/lib/*/bin",
        "/usr/games",
        "/home/*/bin",
        "/root/bin",
        "/srv/*/bin",
        "/usr/libexec",
    };
    json_t *list = json_array();

    for (size_t i = 0; list && i < ELEMENTSOF(patterns) && json_array_size(list) < 8; i++) {
        auto_free char *pattern = path_join(patterns[i], name, NULL);
        auto_strv char **found = NULL;

        if (pattern && !strpbrk(name, "*?[{/") && path_glob(pattern, &found) > 0)
            STRV_FOREACH (p, found)
                if (access(*p, X_OK) == 0)
                    add_if_there(*p, list);
    }
    return json_pack("{s:o}", "candidates", list);
}

/* ---- space
 * -------------------------------------------------------------------------------------------- */

/* The mount that a path is on: the longest mount point above it. */
static void find_mount(const char *path, char *point, size_t size, char *type, size_t type_size)
{
    auto_free char *all = NULL;
    size_t best = 0;

    snprintf(point, size, "/");
    *type = 0;
    if (file_read("/proc/self/mountinfo", 4 << 20, &all, NULL) < 0)
        return;
    auto_strv char **lines = strv_split(all, "\n");
    STRV_FOREACH (line, lines) {
        char at[PATH_MAX], fs[64];
        const char *dash = strstr(*line, " - ");

        if (!dash || sscanf(*line, "%*s %*s %*s %*s %4095s", at) != 1 ||
            sscanf(dash, " - %63s", fs) != 1)
            continue;
        if (path_startswith(path, at) && strlen(at) >= best) {
            best = strlen(at);
            snprintf(point, size, "%s", at);
            snprintf(type, type_size, "%s", fs);
        }
    }
}

json_t *probe_disk(struct facts *f, const char *path)
{
    auto_free char *there = strdup(path);
    struct statvfs fs;
    char point[PATH_MAX], type[64];

    /* What is missing will be made in the folder that is there. */
    while (there && statvfs(there, &fs) < 0) {
        char *slash = strrchr(there, '/');

        if (!slash || streq(there, "/"))
            return NULL;
        slash[slash == there] = 0;
    }
    if (!there)
        return NULL;
    find_mount(there, point, sizeof point, type, sizeof type);
    return json_pack("{s:I, s:I, s:I, s:I, s:s, s:s, s:b}", "free_bytes",
                     (json_int_t) (fs.f_bavail * fs.f_frsize), "total_bytes",
                     (json_int_t) (fs.f_blocks * fs.f_frsize), "free_inodes",
                     (json_int_t) fs.f_favail, "total_inodes", (json_int_t) fs.f_files, "mount",
                     point, "type", type, "read_only", (fs.f_flag & ST_RDONLY) != 0);
}

/* ---- locks
 * -------------------------------------------------------------------------------------------- */

static json_t *holder(pid_t pid)
{
    auto_free char *comm = NULL, *cgroup = NULL;

    (void) process_comm(pid, &comm);
    auto_free char *unit = process_cgroup(pid, &cgroup) >= 0 ? cgroup_unit(cgroup) : NULL;
    return json_pack("{s:i, s:o, s:o}", "pid", (int) pid, "comm", text(comm), "unit", text(unit));
}

json_t *probe_lock(struct facts *f, const char *path)
{
    auto_free char *locks = NULL, *line = NULL;
    struct stat st;
    json_t *j = NULL;

    if (stat(path, &st) < 0)
        return json_pack("{s:b}", "exists", false);
    if (file_read("/proc/locks", 1 << 20, &locks, NULL) >= 0) {
        auto_strv char **lines = strv_split(locks, "\n");

        STRV_FOREACH (l, lines) {
            unsigned major, minor;
            unsigned long inode;
            int pid;

            if (sscanf(*l, "%*d: %*s %*s %*s %d %x:%x:%lu", &pid, &major, &minor, &inode) == 4 &&
                inode == st.st_ino && major == major(st.st_dev) && minor == minor(st.st_dev) && !j)
                j = holder(pid);
        }
    }
    if (!j)
        j = json_object();
    if (j) {
        (void) json_object_set_new(j, "exists", json_true());
        (void) json_object_set_new(j, "modified", json_integer((json_int_t) st.st_mtime));
        if (S_ISREG(st.st_mode) && file_read_line(path, &line) >= 0)
            (void) json_object_set_new(j, "content", text(line));
    }
    return j;
}
