/* launch/mounts.c -- carries out a mount plan in a mount namespace of the unit's own.
 *
 * First everything is mounted, then flags are set: a folder that stays writable has to be a mount
 * of its own before the one around it becomes read-only. Sources are copied before anything is
 * mounted over them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/child.h"
#include "launch/mount_call.h"
#include "launch/mount_plan.h"
#include "launch/private_dev.h"
#include "launch/runtime.h"
#include "unit/directive.h"

static const char *const node_names[] = { "reg", "dir", "chr", "blk", "fifo", "sock" };
enum { NODE_REG, NODE_DIR, NODE_CHR, NODE_BLK, NODE_FIFO, NODE_SOCK, NODE_MAX };

struct mounting {
    struct child *c;
    struct mount_plan plan;
    char *prefix;        /* where the root is now: "" or the folder of RootDirectory= */
    int root_fd;         /* the same, O_PATH */
    int nodes[NODE_MAX]; /* copies of the inaccessible nodes, -1 where there is none yet */
    char *nodes_dir;
    int sys_fd, cgroup_fd; /* the host's, for a root folder */
    struct private_dev dev;
};

static unsigned char class_of(const char *directive)
{
    const struct directive *d = directive_find(UNIT_SERVICE, "Service", directive, NULL);

    return d ? d->class : (unsigned char) CLASS_HARDENING;
}

static bool only_best_effort(const char *directive)
{
    return streq(directive, "PrivateTmp") || streq(directive, "PrivateNetwork");
}

static int refuse(struct mounting *m, const struct mount_entry *e, int error, const char *object)
{
    unsigned char class = class_of(e->directive);

    /* Hiding the credentials of others is hardening, showing one's own is not; the folders of a
     * dynamic user and below a root folder are part of what the unit sees. */
    if (streq(e->directive, "LoadCredential") && e->mode == MOUNT_INACCESSIBLE)
        class = CLASS_HARDENING;
    else if (e->mode == MOUNT_BIND && !streq(e->directive, "PrivateTmp"))
        class = streq(e->directive, "BindLogSockets") ? CLASS_HARDENING : CLASS_VIEW;
    else if (streq(e->directive, "MountAPIVFS") && !m->c->root)
        class = CLASS_HARDENING;
    return child_degrade(m->c, EXEC_STATUS_NAMESPACE, error, class, only_best_effort(e->directive),
                         e->directive, object ? object : e->path);
}

static char *target_of(const struct mounting *m, const struct mount_entry *e)
{
    return format("%s%s", m->prefix, e->path);
}

/* ---- preparations outside ---- */

/* PrivateTmp=yes: named by the manager, made by the first command that needs them. */
static int make_tmp(struct child *c, const char *outer)
{
    mode_t mask = umask(0);
    auto_free char *inner = path_join(outer, "tmp", NULL);
    int r = inner ? 0 : -ENOMEM;

    if (r >= 0 && mkdir(outer, 0700) < 0 && errno != EEXIST)
        r = -errno;
    if (r >= 0 && mkdir(inner, 01777) < 0 && errno != EEXIST)
        r = -errno;
    umask(mask);
    if (r < 0)
        return child_degrade(c, EXEC_STATUS_NAMESPACE, r, CLASS_HARDENING, true, "PrivateTmp",
                             outer);
    return 0;
}

static int prepare_tmp(struct child *c)
{
    struct spawn_runtime *r = c->request->runtime;

    if (!c->apply_sandbox)
        return 0;
    if (c->effective.private_tmp == PRIVATE_TMP_CONNECTED && r && r->tmp_dir) {
        int result = make_tmp(c, r->tmp_dir);
        if (result >= 0)
            result = make_tmp(c, r->var_tmp_dir);
        return result;
    }
    if (c->effective.private_tmp == PRIVATE_TMP_DISCONNECTED) {
        c->private_tmp_path = path_join(c->manager->runtime_prefix, "systemd/unit-private-tmp",
                                        NULL);
        if (!c->private_tmp_path)
            return child_fail(c, EXEC_STATUS_NAMESPACE, -ENOMEM, NULL, NULL);
        (void) mkdir_all(c->private_tmp_path, 0755);
    }
    return 0;
}

/* Nodes that nobody can use, made once for the machine. */
static void prepare_nodes(struct mounting *m)
{
    m->nodes_dir = path_join(m->c->manager->runtime_prefix, "systemd/inaccessible", NULL);
    if (!m->nodes_dir)
        return;
    if (faccessat(AT_FDCWD, m->nodes_dir, F_OK, 0) == 0)
        return;
    mode_t mask = umask(0);
    (void) mkdir_parents(m->nodes_dir, 0755);
    (void) mkdir(m->nodes_dir, 0755);
    auto_close int dir = open(m->nodes_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        static const mode_t kinds[] = { S_IFREG, 0, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK };

        (void) mkdirat(dir, node_names[NODE_DIR], 0);
        for (int i = 0; i < NODE_MAX; i++)
            if (i != NODE_DIR)
                (void) mknodat(dir, node_names[i], kinds[i], makedev(0, 0));
    }
    umask(mask);
}

/* A copy of the node for what is at the target. Device nodes cannot be made everywhere: a socket
 * does as well. */
static int node_for(struct mounting *m, mode_t mode)
{
    int which = S_ISDIR(mode)    ? NODE_DIR
                : S_ISCHR(mode)  ? NODE_CHR
                : S_ISBLK(mode)  ? NODE_BLK
                : S_ISFIFO(mode) ? NODE_FIFO
                : S_ISSOCK(mode) ? NODE_SOCK
                                 : NODE_REG;

    for (;;) {
        auto_free char *path = m->nodes_dir ? path_join(m->nodes_dir, node_names[which], NULL)
                                            : NULL;
        int fd = path ? mount_copy(path, false) : -ENOMEM;

        if (fd != -ENOENT || (which != NODE_CHR && which != NODE_BLK))
            return fd;
        which = which == NODE_BLK ? NODE_CHR : NODE_SOCK;
    }
}

/* Copies of what is bound, and of the nodes: whatever is mounted later does not matter to them. */
static int open_sources(struct mounting *m)
{
    for (size_t i = 0; i < m->plan.n; i++) {
        struct mount_entry *e = &m->plan.entries[i];

        if (e->mode == MOUNT_BIND) {
            e->source_fd = mount_copy(e->source, e->recursive);
            if (e->source_fd < 0 && !(e->optional && e->source_fd == -ENOENT)) {
                int r = refuse(m, e, e->source_fd, e->source);
                if (r < 0)
                    return r;
            }
        } else if (e->mode == MOUNT_INACCESSIBLE) {
            auto_close int fd = open_in_root(m->root_fd, e->path);
            struct stat st;

            if (fd >= 0 && fstat(fd, &st) == 0)
                e->source_fd = node_for(m, st.st_mode);
            else
                e->source_fd = -ENOENT;
        } else if (e->mode == MOUNT_PRIVATE_DEV) {
            private_dev_open(&m->dev);
        } else if (e->mode == MOUNT_SYS || e->mode == MOUNT_PRIVATE_SYS) {
            if (*m->prefix && e->mode == MOUNT_SYS)
                m->sys_fd = mount_copy("/sys", false);
            m->cgroup_fd = mount_copy("/sys/fs/cgroup", true);
        } else if (e->mode == MOUNT_DEV && *m->prefix) {
            e->source_fd = mount_copy("/dev", true);
        }
    }
    return 0;
}

/* Where symbolic links lead (inside of the root): /lib is /usr/lib, and so protected with it. */
static int resolve_links(struct mounting *m)
{
    bool changed = false;

    for (size_t i = 0; i < m->plan.n; i++) {
        struct mount_entry *e = &m->plan.entries[i];
        auto_close int fd = open_in_root(m->root_fd, e->path);
        auto_free char *real = NULL;
        char proc[64];

        if (fd < 0)
            continue;
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
        if (readlink_alloc(proc, &real) < 0)
            continue;
        const char *inside = *m->prefix ? path_startswith(real, m->prefix) : real + 1;
        if (!inside || *real != '/' || streq(inside, e->path + 1))
            continue;
        char *path = format("/%s", inside);
        if (!path)
            return child_fail(m->c, EXEC_STATUS_NAMESPACE, -ENOMEM, NULL, NULL);
        free(e->path);
        e->path = path;
        changed = true;
    }
    if (changed)
        mount_plan_sort(&m->plan);
    return 0;
}

/* ---- mounting ---- */

/* Something to mount on: a folder for a folder, an empty file for all else. */
static int make_target(const char *path, bool folder)
{
    mode_t mask = umask(0022);
    int r = mkdir_parents(path, 0755);

    if (r >= 0 && folder) {
        r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
    } else if (r >= 0) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);

        r = fd < 0 && errno != EEXIST ? -errno : 0;
        close_fd(fd);
    }
    umask(mask);
    return r;
}

static int attach(int fd, const char *target, bool make)
{
    struct stat st;

    if (make && faccessat(AT_FDCWD, target, F_OK, 0) < 0 && errno == ENOENT) {
        int r = fstat(fd, &st) < 0 ? -errno : make_target(target, S_ISDIR(st.st_mode));
        if (r < 0)
            return r;
    }
    return mount_attach(fd, target);
}

static int bind_itself(const char *target)
{
    int r = is_mount_point(target);

    if (r != 0)
        return r < 0 ? r : 0;
    return mount(target, target, NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

static int mount_tmpfs(const struct mount_entry *e, const char *target)
{
    int r = make_target(target, true);
    unsigned long flags = e->flags;

    if (r < 0 && r != -EROFS)
        return r;
    if (e->mode == MOUNT_EMPTY)
        flags |= MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_STRICTATIME;
    return mount("tmpfs", target, "tmpfs", flags, e->options) < 0 ? -errno : 0;
}

static int mount_proc(struct mounting *m, const char *target)
{
    const struct sandbox_config *s = m->c->sandbox;
    auto_strbuf struct strbuf options = { 0 };

    if (s->protect_proc != PROTECT_PROC_DEFAULT)
        strbuf_addf(&options, "hidepid=%s", protect_proc_to_string(s->protect_proc));
    if (s->proc_subset == PROC_SUBSET_PID)
        strbuf_addf(&options, "%ssubset=pid", options.length > 0 ? "," : "");
    (void) make_target(target, true);
    int r = mount_new("proc", target, MS_NOSUID | MS_NOEXEC | MS_NODEV, strbuf_text(&options));
    if (r >= 0)
        return 0;
    /* Parts of /proc are covered here (a container): the one there is has to do. */
    if (r == -EPERM && *m->prefix && mount("/proc", target, NULL, MS_BIND | MS_REC, NULL) >= 0)
        return options.length > 0 ? r : 0;
    return r;
}

static int mount_sys(struct mounting *m, const struct mount_entry *e, const char *target)
{
    int r = 0;

    (void) make_target(target, true);
    if (e->mode == MOUNT_PRIVATE_SYS) {
        r = mount_new("sysfs", target, MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
        if (r < 0) {
            /* Not allowed where the host's is read-only or covered: it stays what it is. */
            return r == -EPERM && !*m->prefix ? 0 : r;
        }
    } else if (!*m->prefix) {
        return 0;
    } else {
        r = m->sys_fd < 0 ? m->sys_fd : mount_attach(m->sys_fd, target);
        if (r < 0)
            return r;
    }
    if (m->cgroup_fd >= 0) {
        auto_free char *cgroup = path_join(target, "fs/cgroup", NULL);

        if (!cgroup)
            return -ENOMEM;
        (void) mount_attach(m->cgroup_fd, cgroup);
    }
    return 0;
}

static int apply(struct mounting *m, struct mount_entry *e)
{
    auto_free char *target = target_of(m, e);

    if (!target)
        return -ENOMEM;
    switch (e->mode) {
    case MOUNT_READ_ONLY:
    case MOUNT_READ_WRITE:
    case MOUNT_LEAVE_WRITABLE:
    case MOUNT_EXEC:
    case MOUNT_NO_EXEC:
        return bind_itself(target);
    case MOUNT_INACCESSIBLE:
        return e->source_fd < 0 ? e->source_fd : attach(e->source_fd, target, false);
    case MOUNT_BIND:
        return e->source_fd < 0 ? e->source_fd : attach(e->source_fd, target, true);
    case MOUNT_TMPFS:
    case MOUNT_EMPTY:
        if (e->optional && e->implied && faccessat(AT_FDCWD, target, F_OK, 0) < 0)
            return 0;
        return mount_tmpfs(e, target);
    case MOUNT_PRIVATE_DEV:
        (void) make_target(target, true);
        return private_dev_mount(&m->dev, target);
    case MOUNT_RUN:
        return 0;
    case MOUNT_DEV:
        if (!*m->prefix)
            return 0;
        return e->source_fd < 0 ? e->source_fd : attach(e->source_fd, target, true);
    case MOUNT_SYS:
    case MOUNT_PRIVATE_SYS:
        return mount_sys(m, e, target);
    case MOUNT_PROC:
        return mount_proc(m, target);
    case MOUNT_CGROUP:
        return mount_new("cgroup2", target, MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
    case MOUNT_MODE_MAX:
        break;
    }
    assert_unreachable();
}

static int apply_all(struct mounting *m)
{
    for (size_t i = 0; i < m->plan.n; i++) {
        struct mount_entry *e = &m->plan.entries[i];
        int r = apply(m, e);

        e->source_fd = close_fd(e->source_fd);
        if (r == -ENOENT && e->optional) {
            e->mode = MOUNT_MODE_MAX; /* has no say over the flags of what is around it */
            continue;
        }
        if (r >= 0)
            continue;
        r = refuse(m, e, r, e->mode == MOUNT_BIND && r == -ENOENT ? e->source : NULL);
        if (r < 0)
            return r;
        e->mode = MOUNT_MODE_MAX;
    }
    return 0;
}

/* ---- flags ---- */

static bool wants_read_only(const struct mount_entry *e)
{
    return e->read_only || e->mode == MOUNT_READ_ONLY || e->mode == MOUNT_INACCESSIBLE;
}

/* A file system of its own, which is read-only without what is mounted in it. */
static bool is_new(const struct mount_entry *e)
{
    return e->mode == MOUNT_PRIVATE_DEV || e->mode == MOUNT_TMPFS || e->mode == MOUNT_EMPTY ||
           e->mode == MOUNT_PRIVATE_SYS;
}

/* The entry that a path is at or below: it alone says what holds there, noexec included, as pinned
 * by tests/differential, sandbox/noexec-beside-others. */
static const struct mount_entry *deepest(const struct mount_plan *p, const char *path)
{
    const struct mount_entry *found = NULL;

    for (size_t i = 0; i < p->n; i++) {
        const struct mount_entry *e = &p->entries[i];

        if (e->mode != MOUNT_MODE_MAX && path_startswith(path, e->path))
            found = e; /* sorted: later ones are deeper */
    }
    return found;
}

static unsigned long parse_flags(const char *options)
{
    static const struct {
        const char *name;
        unsigned long flag;
    } words[] = {
        { "ro", MS_RDONLY },         { "nosuid", MS_NOSUID },   { "nodev", MS_NODEV },
        { "noexec", MS_NOEXEC },     { "noatime", MS_NOATIME }, { "nodiratime", MS_NODIRATIME },
        { "relatime", MS_RELATIME },
    };
    unsigned long flags = 0;

    for (const char *p = options; *p;) {
        size_t n = strcspn(p, ",");

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
            if (strlen(words[i].name) == n && strncmp(p, words[i].name, n) == 0)
                flags |= words[i].flag;
        p += n + (p[n] == ',');
    }
    return flags;
}

static void unescape_octal(char *s)
{
    char *out = s;

    for (; *s; s++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *out++ = (char) ((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 3;
        } else {
            *out++ = *s;
        }
    }
    *out = 0;
}

static int flag_one(struct mounting *m, const char *mount_path, unsigned long now)
{
    const char *inside = *m->prefix ? path_startswith(mount_path, m->prefix) : mount_path + 1;
    unsigned long flags = 0;

    if (!inside)
        return 0;
    auto_free char *path = format("/%s", inside);
    if (!path)
        return -ENOMEM;
    const struct mount_entry *e = deepest(&m->plan, path);
    if (m->plan.no_suid && e)
        flags |= MS_NOSUID;
    if (e && wants_read_only(e) && (streq(e->path, path) || !is_new(e)))
        flags |= MS_RDONLY;
    if (e && ((e->has_exec && e->no_exec) || e->mode == MOUNT_INACCESSIBLE))
        flags |= MS_NOEXEC;
    /* Those of a single mount, not of what is below it. */
    if (e && streq(e->path, path))
        flags |= (e->no_suid ? MS_NOSUID : 0) | (e->no_dev ? MS_NODEV : 0) |
                 (e->no_exec ? MS_NOEXEC : 0);
    if (flags == 0)
        return 0;
    int r = mount_add_flags(mount_path, flags, now);
    /* Hidden by what was mounted above it, or gone. */
    if (r == -ENOENT || r == -EINVAL || r == -ENOTDIR || r == -EACCES)
        return 0;
    if (r < 0 && e)
        return refuse(m, e, r, mount_path);
    return r < 0 ? child_fail(m->c, EXEC_STATUS_NAMESPACE, r, "NoNewPrivileges", mount_path) : 0;
}

static int apply_flags(struct mounting *m)
{
    auto_free char *text = NULL;
    char *save = NULL;
    int r = file_read("/proc/self/mountinfo", 16 * 1024 * 1024, &text, NULL);

    if (r < 0)
        return child_fail(m->c, EXEC_STATUS_NAMESPACE, r, NULL, "/proc/self/mountinfo");
    for (char *line = strtok_r(text, "\n", &save); line && r >= 0;
         line = strtok_r(NULL, "\n", &save)) {
        char *fields[6], *word_save = NULL;
        size_t n = 0;

        for (char *w = strtok_r(line, " ", &word_save); w && n < 6;
             w = strtok_r(NULL, " ", &word_save))
            fields[n++] = w;
        if (n < 6)
            continue;
        unescape_octal(fields[4]);
        r = flag_one(m, fields[4], parse_flags(fields[5]));
    }
    return r;
}

/* ---- all of it ---- */

static int make_disconnected_tmp(struct child *c)
{
    const char *path = c->private_tmp_path;
    int r = 0;

    if (!path)
        return 0;
    auto_free char *tmp = path_join(path, "tmp", NULL), *var = path_join(path, "var-tmp", NULL);
    mode_t mask = umask(0);
    if (!tmp || !var)
        r = -ENOMEM;
    else if (mount("tmpfs", path, "tmpfs", MS_NODEV | MS_STRICTATIME,
                   "mode=0700,size=10%,nr_inodes=400k") < 0 ||
             mkdir(tmp, 01777) < 0 || mkdir(var, 01777) < 0)
        r = -errno;
    umask(mask);
    if (r < 0)
        return child_degrade(c, EXEC_STATUS_NAMESPACE, r,
                             c->sandbox->dynamic_user ? CLASS_IDENTITY : CLASS_HARDENING, true,
                             "PrivateTmp", path);
    return 0;
}

/* No mount namespace is to be had. What the unit sees would differ: that is refused; if all that is
 * lost is hardening, it may go on without. */
static int go_without(struct mounting *m, int error)
{
    struct child *c = m->c;

    if (c->apply_root && c->root && mount_plan_api(c) && c->sandbox->mount_apivfs > 0)
        return child_fail(c, EXEC_STATUS_NAMESPACE, error, "RootDirectory", NULL);
    if (c->sandbox->dynamic_user)
        return child_fail(c, EXEC_STATUS_NAMESPACE, error, "DynamicUser", NULL);
    for (size_t i = 0; i < m->plan.n; i++) {
        const struct mount_entry *e = &m->plan.entries[i];

        if (e->implied && streq(e->directive, "LoadCredential"))
            continue;
        if (streq(e->directive, "PrivateMounts") || streq(e->directive, "BindLogSockets"))
            continue;
        /* A folder bound to itself is there as it is. */
        if (e->mode == MOUNT_BIND && streq(e->source, e->path) && !streq(e->directive, "BindPaths"))
            continue;
        if (e->mode == MOUNT_EMPTY && streq(e->directive, "LoadCredential"))
            continue;
        int r = refuse(m, e, error, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What every root has: made where it is missing, as by systemd; links to /usr where that has them.
 * One that cannot be written is left as it is. */
static void make_base_folders(const struct mounting *m)
{
    static const struct {
        const char *name, *target; /* of a link */
        mode_t mode;
    } base[] = {
        { "usr", NULL, 0755 },           { "lib", "usr/lib", 0 },   { "lib64", "usr/lib64", 0 },
        { "bin", "usr/bin", 0 },         { "sbin", "usr/sbin", 0 }, { "root", NULL, 0750 },
        { "var", NULL, 0755 },           { "etc", NULL, 0755 },     { "proc", NULL, 0555 },
        { "sys", NULL, 0555 },           { "dev", NULL, 0555 },     { "run", NULL, 0555 },
        { "tmp", NULL, S_ISVTX | 0777 },
    };
    auto_close int dir = open(m->prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mode_t mask = umask(0);

    for (size_t i = 0; i < ELEMENTSOF(base) && dir >= 0; i++)
        if (!base[i].target)
            (void) mkdirat(dir, base[i].name, base[i].mode);
        else if (faccessat(dir, base[i].target, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            (void) symlinkat(base[i].target, dir, base[i].name);
    umask(mask);
}

static int enter_root(struct mounting *m)
{
    struct child *c = m->c;
    const char *root = c->apply_root ? c->root : NULL;

    if (root) {
        m->prefix = realpath(root, NULL);
        if (!m->prefix)
            return child_fail(c, EXEC_STATUS_NAMESPACE, -errno, "RootDirectory", root);
        if (streq(m->prefix, "/"))
            m->prefix[0] = 0;
    } else {
        m->prefix = strdup("");
        if (!m->prefix)
            return child_fail(c, EXEC_STATUS_NAMESPACE, -ENOMEM, NULL, NULL);
    }
    if (*m->prefix && mount(m->prefix, m->prefix, NULL, MS_BIND | MS_REC, NULL) < 0)
        return child_fail(c, EXEC_STATUS_NAMESPACE, -errno, "RootDirectory", root);
    if (*m->prefix)
        make_base_folders(m);
    m->root_fd = open(*m->prefix ? m->prefix : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return m->root_fd < 0 ? child_fail(c, EXEC_STATUS_NAMESPACE, -errno, "RootDirectory", root) : 0;
}

static int leave_root(struct mounting *m)
{
    struct child *c = m->c;
    unsigned long propagation = c->sandbox->mount_flags ? c->sandbox->mount_flags : MS_SHARED;

    if (*m->prefix) {
        int r = mount_become_root(m->prefix);
        if (r < 0)
            return child_fail(c, EXEC_STATUS_NAMESPACE, r, "RootDirectory", m->prefix);
        c->mounted_root = true;
    }
    int r = mount_set_propagation(propagation);
    return r < 0 ? child_fail(c, EXEC_STATUS_NAMESPACE, r, "MountFlags", "/") : 0;
}

void spawn_forget_incoming(const struct spawn_manager *m, const char *unit)
{
    auto_free char *outside = path_join(m->runtime_prefix, "systemd/propagate", unit, NULL);

    if (outside && !m->user)
        (void) rmdir(outside);
}

static void prepare_incoming(struct child *c)
{
    auto_free char *outside = path_join(c->manager->runtime_prefix, "systemd/propagate",
                                        c->request->unit, NULL);

    /* Only where a systemd has its places. */
    if (c->manager->user || !outside || !streq(c->manager->runtime_prefix, "/run") ||
        faccessat(AT_FDCWD, "/run/systemd/system", F_OK, 0) < 0 || mkdir_parents(outside, 0755) < 0)
        return;
    (void) mkdir(outside, 0600);
    (void) mkdir("/run/systemd/incoming", 0755);
}

int child_enter_mounts(struct child *c)
{
    struct mounting m = { .c = c, .root_fd = -1, .sys_fd = -1, .cgroup_fd = -1 };

    if (!child_needs_mounts(c))
        return 0;
    child_step(c, EXEC_STATUS_NAMESPACE);
    int r = prepare_tmp(c);
    if (r < 0)
        return r;
    prepare_incoming(c);
    prepare_nodes(&m);
    r = mount_plan_make(c, &m.plan);
    if (r < 0)
        return child_fail(c, EXEC_STATUS_NAMESPACE, r, NULL, NULL);

    bool cgroup = c->sandbox->protect_control_groups >= PROTECT_CONTROL_GROUPS_PRIVATE;
    r = unshare(CLONE_NEWNS | (cgroup ? CLONE_NEWCGROUP : 0)) < 0 ? -errno
                                                                  : mount_set_propagation(MS_SLAVE);
    if (r < 0)
        return go_without(&m, r);
    c->mount_namespace = true;

    r = enter_root(&m);
    if (r >= 0)
        r = make_disconnected_tmp(c);
    if (r >= 0)
        r = resolve_links(&m);
    if (r >= 0)
        r = open_sources(&m);
    if (r >= 0 && c->private_tmp_path)
        (void) umount2(c->private_tmp_path, MNT_DETACH);
    if (r >= 0)
        r = apply_all(&m);
    if (r >= 0)
        r = apply_flags(&m);
    if (r >= 0)
        r = leave_root(&m);
    return r;
}
