/* launch/mount_plan.c -- from settings to a sorted list of mounts. */
#include "launch/mount_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/child.h"
#include "launch/runtime.h"

#define TMPFS_SMALL "mode=0755,size=4m,nr_inodes=1k"
#define TMPFS_SMALL_PRIVATE "mode=0700,size=4m,nr_inodes=1k"
#define TMPFS_LARGE "mode=0755,size=10%,nr_inodes=400k"

static struct mount_entry *add(struct mount_plan *p, enum mount_mode mode, const char *directive,
                               const char *path)
{
    if (!grow(&p->entries, &p->allocated, p->n + 1)) {
        p->failed = true;
        return NULL;
    }
    struct mount_entry *e = &p->entries[p->n];
    *e = (struct mount_entry){ .mode = mode, .directive = directive, .source_fd = -1 };
    e->path = strdup(path);
    if (!e->path) {
        p->failed = true;
        return NULL;
    }
    path_simplify(e->path);
    p->n++;
    return e;
}

/* ---- built-in lists ---- */

struct fixed {
    const char *path;
    enum mount_mode mode;
    bool optional;
};

static const struct fixed kernel_tunables[] = {
    { "/proc/acpi", MOUNT_READ_ONLY, true },
    { "/proc/apm", MOUNT_READ_ONLY, true },
    { "/proc/asound", MOUNT_READ_ONLY, true },
    { "/proc/bus", MOUNT_READ_ONLY, true },
    { "/proc/fs", MOUNT_READ_ONLY, true },
    { "/proc/irq", MOUNT_READ_ONLY, true },
    { "/proc/kallsyms", MOUNT_INACCESSIBLE, true },
    { "/proc/kcore", MOUNT_INACCESSIBLE, true },
    { "/proc/latency_stats", MOUNT_READ_ONLY, true },
    { "/proc/mtrr", MOUNT_READ_ONLY, true },
    { "/proc/scsi", MOUNT_READ_ONLY, true },
    { "/proc/sys", MOUNT_READ_ONLY, true },
    { "/proc/sysrq-trigger", MOUNT_READ_ONLY, true },
    { "/proc/timer_stats", MOUNT_READ_ONLY, true },
    { "/sys", MOUNT_READ_ONLY, true },
    { "/sys/fs/bpf", MOUNT_READ_ONLY, true },
    { "/sys/fs/cgroup", MOUNT_READ_WRITE, true },
    { "/sys/fs/selinux", MOUNT_READ_WRITE, true },
    { "/sys/kernel/debug", MOUNT_READ_ONLY, true },
    { "/sys/kernel/tracing", MOUNT_READ_ONLY, true },
};
static const struct fixed kernel_modules[] = {
    { "/usr/lib/modules", MOUNT_INACCESSIBLE, true },
    { "/lib/modules", MOUNT_INACCESSIBLE, true },
};
static const struct fixed kernel_logs[] = {
    { "/proc/kmsg", MOUNT_INACCESSIBLE, true },
    { "/dev/kmsg", MOUNT_INACCESSIBLE, true },
};
static const struct fixed home_none[] = {
    { "/home", MOUNT_INACCESSIBLE, true },
    { "/run/user", MOUNT_INACCESSIBLE, true },
    { "/root", MOUNT_INACCESSIBLE, true },
};
static const struct fixed home_read_only[] = {
    { "/home", MOUNT_READ_ONLY, true },
    { "/run/user", MOUNT_READ_ONLY, true },
    { "/root", MOUNT_READ_ONLY, true },
};
static const struct fixed system_usr[] = {
    { "/usr", MOUNT_READ_ONLY, false },  { "/boot", MOUNT_READ_ONLY, true },
    { "/efi", MOUNT_READ_ONLY, true },   { "/lib", MOUNT_READ_ONLY, true },
    { "/lib64", MOUNT_READ_ONLY, true }, { "/bin", MOUNT_READ_ONLY, true },
    { "/sbin", MOUNT_READ_ONLY, true },
};
static const struct fixed system_etc[] = {
    { "/etc", MOUNT_READ_ONLY, true },
};
static const struct fixed system_strict[] = {
    { "/", MOUNT_READ_ONLY, false },         { "/proc", MOUNT_LEAVE_WRITABLE, true },
    { "/sys", MOUNT_LEAVE_WRITABLE, true },  { "/dev", MOUNT_LEAVE_WRITABLE, true },
    { "/home", MOUNT_LEAVE_WRITABLE, true }, { "/run/user", MOUNT_LEAVE_WRITABLE, true },
    { "/root", MOUNT_LEAVE_WRITABLE, true },
};

static void add_fixed(struct mount_plan *p, const struct fixed *list, size_t n,
                      const char *directive)
{
    for (size_t i = 0; i < n; i++) {
        struct mount_entry *e = add(p, list[i].mode, directive, list[i].path);

        if (e) {
            e->optional = list[i].optional;
            e->implied = true;
        }
    }
}
#define ADD_FIXED(p, list, directive) add_fixed(p, list, ELEMENTSOF(list), directive)

/* ---- what units write ---- */

/* "-" in front: may be missing; "+": the path is below the root folder, which all are here. */
static void add_paths(struct mount_plan *p, char *const *paths, enum mount_mode mode,
                      const char *directive)
{
    STRV_FOREACH (s, paths) {
        const char *path = *s;
        bool optional = false;

        for (; *path == '-' || *path == '+'; path++)
            optional = optional || *path == '-';
        struct mount_entry *e = add(p, mode, directive, path);
        if (e) {
            e->optional = optional;
            e->has_exec = mode == MOUNT_EXEC || mode == MOUNT_NO_EXEC;
            e->no_exec = mode == MOUNT_NO_EXEC;
        }
    }
}

static struct mount_entry *add_bind(struct mount_plan *p, const char *directive, const char *source,
                                    const char *path, bool optional)
{
    struct mount_entry *e = add(p, MOUNT_BIND, directive, path);

    if (!e)
        return NULL;
    e->source = strdup(source);
    if (!e->source)
        p->failed = true;
    e->optional = optional;
    e->recursive = true;
    return e;
}

static void add_binds(struct mount_plan *p, const struct bind_mount *list, bool read_only,
                      const char *directive)
{
    for (const struct bind_mount *b = list; b; b = b->next) {
        struct mount_entry *e = add_bind(p, directive, b->source, b->destination,
                                         b->ignore_missing);

        if (e) {
            e->recursive = b->recursive;
            e->read_only = read_only;
        }
    }
}

static struct mount_entry *add_tmpfs(struct mount_plan *p, const char *directive, const char *path,
                                     const char *options)
{
    struct mount_entry *e = add(p, MOUNT_TMPFS, directive, path);

    if (!e)
        return NULL;
    e->options = strdup(options);
    if (!e->options)
        p->failed = true;
    e->flags = MS_NODEV | MS_STRICTATIME;
    return e;
}

/* Options of TemporaryFileSystem=: those of mount(8) that are flags, the others for the tmpfs. */
static void apply_tmpfs_options(struct mount_plan *p, struct mount_entry *e, const char *options)
{
    static const struct {
        const char *name;
        unsigned long set, clear;
    } words[] = {
        { "ro", MS_RDONLY, 0 },
        { "rw", 0, MS_RDONLY },
        { "nosuid", MS_NOSUID, 0 },
        { "suid", 0, MS_NOSUID },
        { "nodev", MS_NODEV, 0 },
        { "dev", 0, MS_NODEV },
        { "noexec", MS_NOEXEC, 0 },
        { "exec", 0, MS_NOEXEC },
        { "noatime", MS_NOATIME, 0 },
        { "nodiratime", MS_NODIRATIME, 0 },
        { "relatime", MS_RELATIME, MS_STRICTATIME },
        { "strictatime", MS_STRICTATIME, 0 },
    };
    auto_strv char **parts = strv_split(strempty(options), ",");
    auto_strbuf struct strbuf rest = { 0 };

    strbuf_add(&rest, e->options);
    STRV_FOREACH (s, parts) {
        bool known = false;

        for (size_t i = 0; i < ELEMENTSOF(words) && !known; i++)
            if (streq(words[i].name, *s)) {
                e->flags = (e->flags | words[i].set) & ~words[i].clear;
                known = true;
            }
        if (!known)
            strbuf_addf(&rest, ",%s", *s);
    }
    e->read_only = e->flags & MS_RDONLY;
    e->flags &= ~(unsigned long) MS_RDONLY;
    free(e->options);
    e->options = strbuf_take(&rest);
    if (!e->options)
        p->failed = true;
}

static void add_temporary_file_systems(struct child *c, struct mount_plan *p)
{
    for (const struct tmpfs_mount *t = c->sandbox->temporary_file_system; t; t = t->next) {
        struct mount_entry *e = add_tmpfs(p, "TemporaryFileSystem", t->path, TMPFS_LARGE);

        if (e)
            apply_tmpfs_options(p, e, t->options);
    }
}

static void add_homes(struct child *c, struct mount_plan *p)
{
    static const char *const paths[] = { "/home", "/run/user", "/root" };

    switch ((enum protect_home) c->effective.protect_home) {
    case PROTECT_HOME_NO:
        return;
    case PROTECT_HOME_YES:
        ADD_FIXED(p, home_none, "ProtectHome");
        return;
    case PROTECT_HOME_READ_ONLY:
        ADD_FIXED(p, home_read_only, "ProtectHome");
        return;
    case PROTECT_HOME_TMPFS:
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
            struct mount_entry *e = add_tmpfs(p, "ProtectHome", paths[i],
                                              i == 2 ? TMPFS_SMALL_PRIVATE : TMPFS_SMALL);
            if (e) {
                e->optional = e->read_only = e->implied = true;
            }
        }
        return;
    case PROTECT_HOME_MAX:
        break;
    }
    assert_unreachable();
}

static void add_system(struct child *c, struct mount_plan *p)
{
    switch ((enum protect_system) c->effective.protect_system) {
    case PROTECT_SYSTEM_NO:
        return;
    case PROTECT_SYSTEM_FULL:
        ADD_FIXED(p, system_etc, "ProtectSystem");
        ADD_FIXED(p, system_usr, "ProtectSystem");
        return;
    case PROTECT_SYSTEM_YES:
        ADD_FIXED(p, system_usr, "ProtectSystem");
        return;
    case PROTECT_SYSTEM_STRICT:
        ADD_FIXED(p, system_strict, "ProtectSystem");
        return;
    case PROTECT_SYSTEM_MAX:
        break;
    }
    assert_unreachable();
}

static void add_private_tmp(struct child *c, struct mount_plan *p)
{
    const struct spawn_runtime *r = c->request->runtime;

    if (c->effective.private_tmp == PRIVATE_TMP_CONNECTED && r && r->tmp_dir) {
        auto_free char *tmp = path_join(r->tmp_dir, "tmp", NULL);
        auto_free char *var = path_join(r->var_tmp_dir, "tmp", NULL);

        if (tmp && var) {
            add_bind(p, "PrivateTmp", tmp, "/tmp", false);
            add_bind(p, "PrivateTmp", var, "/var/tmp", false);
        } else {
            p->failed = true;
        }
    } else if (c->effective.private_tmp == PRIVATE_TMP_DISCONNECTED && c->private_tmp_path) {
        /* One tmpfs for both, as systemd has it; namespace.c has made it. */
        auto_free char *tmp = path_join(c->private_tmp_path, "tmp", NULL);
        auto_free char *var = path_join(c->private_tmp_path, "var-tmp", NULL);

        if (tmp && var) {
            add_bind(p, "PrivateTmp", tmp, "/tmp", true);
            add_bind(p, "PrivateTmp", var, "/var/tmp", true);
        } else {
            p->failed = true;
        }
    }
}

/* The folders of RuntimeDirectory= and so on are writable whatever else is not; those of a dynamic
 * user are the only ones below `private`. */
static void add_directories(struct child *c, struct mount_plan *p)
{
    bool root = c->apply_root && c->root;

    for (int k = 0; k < DIRECTORY_KIND_MAX; k++) {
        const struct exec_directory *list = directory_list(c->exec, (enum directory_kind) k);
        const char *prefix = directory_prefix(c->manager, (enum directory_kind) k);
        bool private = directory_is_private(c->config, (enum directory_kind) k);
        const char *directive = directory_directives[k];

        if (!list || !prefix)
            continue;
        auto_free char *top = path_join(prefix, "private", NULL);
        if (private && top) {
            struct mount_entry *e = add(p, MOUNT_EMPTY, directive, top);

            if (e) {
                e->read_only = e->no_exec = e->no_suid = e->no_dev = true;
                e->optional = true;
                e->options = strdup(TMPFS_SMALL);
                p->failed = p->failed || !e->options;
            }
        }
        for (const struct exec_directory *d = list; d; d = d->next) {
            auto_free char *seen = private ? path_join(top, d->path, NULL)
                                           : path_join(prefix, d->path, NULL);
            if (!seen) {
                p->failed = true;
                return;
            }
            struct mount_entry *e = private || root
                                        ? add_bind(p, directive, seen, seen, false)
                                        : add(p, d->read_only ? MOUNT_READ_ONLY : MOUNT_READ_WRITE,
                                              directive, seen);
            if (e && (private || root)) {
                e->read_only = d->read_only;
                e->no_exec = e->no_suid = e->no_dev = private;
            }
        }
    }
}

bool mount_plan_api(const struct child *c)
{
    const struct sandbox_config *s = c->sandbox;

    if (s->mount_apivfs >= 0 ? s->mount_apivfs : c->apply_root && c->root)
        return true;
    return s->protect_control_groups != PROTECT_CONTROL_GROUPS_NO || s->protect_kernel_tunables ||
           s->protect_proc != PROTECT_PROC_DEFAULT || s->proc_subset != PROC_SUBSET_ALL ||
           child_wants_pids(c);
}

static void add_api(struct child *c, struct mount_plan *p)
{
    const struct sandbox_config *s = c->sandbox;
    bool root = c->apply_root && c->root;
    bool network = s->private_network || s->network_namespace_path;
    struct mount_entry *e;

    if (mount_plan_api(c)) {
        const char *by = s->protect_proc != PROTECT_PROC_DEFAULT ? "ProtectProc"
                         : s->proc_subset != PROC_SUBSET_ALL     ? "ProcSubset"
                         : child_wants_pids(c)                   ? "PrivatePIDs"
                         : s->protect_kernel_tunables            ? "ProtectKernelTunables"
                         : s->protect_control_groups             ? "ProtectControlGroups"
                                                                 : "MountAPIVFS";
        add(p, MOUNT_PROC, by, "/proc");
        if (!s->private_devices)
            add(p, MOUNT_DEV, "MountAPIVFS", "/dev");
        if (!network)
            add(p, MOUNT_SYS, "MountAPIVFS", "/sys");
        if (root) {
            e = add_tmpfs(p, "MountAPIVFS", "/run", "mode=0755,size=20%,nr_inodes=800k");
            if (e)
                e->flags = MS_NOSUID | MS_NODEV | MS_STRICTATIME;
        } else {
            add(p, MOUNT_RUN, "MountAPIVFS", "/run");
        }
    }
    if (network)
        add(p, MOUNT_PRIVATE_SYS, s->private_network ? "PrivateNetwork" : "NetworkNamespacePath",
            "/sys");
    if (s->private_devices) {
        e = add(p, MOUNT_PRIVATE_DEV, "PrivateDevices", "/dev");
        if (e)
            e->read_only = e->no_suid = e->no_exec = true;
    }
}

static void add_control_groups(struct child *c, struct mount_plan *p)
{
    const struct sandbox_config *s = c->sandbox;
    const struct track_host *h = c->manager->tracking;

    switch ((enum protect_control_groups) s->protect_control_groups) {
    case PROTECT_CONTROL_GROUPS_NO:
        return;
    case PROTECT_CONTROL_GROUPS_YES: {
        struct mount_entry *e = add(p, MOUNT_READ_ONLY, "ProtectControlGroups", "/sys/fs/cgroup");

        if (e)
            e->optional = e->implied = true;
        /* The file that a service is told to write its pressure threshold to stays writable. */
        const char *own = tracker_cgroup(c->request->tracker);
        auto_free char *file = *own && h->kind == TRACK_CGROUP
                                   ? path_join(h->cgroup.mount, h->cgroup.prefix, own,
                                               "memory.pressure", NULL)
                                   : NULL;
        if (file && c->cgroup->memory_pressure_watch != PRESSURE_WATCH_OFF &&
            c->cgroup->memory_pressure_watch != PRESSURE_WATCH_SKIP) {
            e = add(p, MOUNT_READ_WRITE, "MemoryPressureWatch", file);
            if (e)
                e->optional = e->implied = true;
        }
        return;
    }
    case PROTECT_CONTROL_GROUPS_PRIVATE:
    case PROTECT_CONTROL_GROUPS_STRICT: {
        struct mount_entry *e = add(p, MOUNT_CGROUP, "ProtectControlGroups", "/sys/fs/cgroup");

        if (e)
            e->read_only = s->protect_control_groups == PROTECT_CONTROL_GROUPS_STRICT;
        return;
    }
    case PROTECT_CONTROL_GROUPS_MAX:
        break;
    }
    assert_unreachable();
}

/* Credentials of other units are not to be seen; our own, if there are any, are. */
static void add_credentials(struct child *c, struct mount_plan *p)
{
    auto_free char *all = path_join(c->manager->runtime_prefix, "credentials", NULL);
    struct mount_entry *e;

    if (!all) {
        p->failed = true;
        return;
    }
    if (c->credentials_path && path_startswith(c->credentials_path, all)) {
        e = add(p, MOUNT_EMPTY, "LoadCredential", all);
        if (e) {
            e->read_only = e->no_exec = e->no_suid = e->no_dev = true;
            e->options = strdup(TMPFS_SMALL);
            p->failed = p->failed || !e->options;
        }
        e = add_bind(p, "LoadCredential", c->credentials_path, c->credentials_path, true);
        if (e)
            e->read_only = e->no_exec = e->no_suid = e->no_dev = true;
    } else {
        e = add(p, MOUNT_INACCESSIBLE, "LoadCredential", all);
        if (e)
            e->optional = e->implied = true;
    }
}

/* Where `systemctl bind` of systemd puts mounts for the running service to take. */
static void add_incoming(struct child *c, struct mount_plan *p)
{
    auto_free char *outside = path_join(c->manager->runtime_prefix, "systemd/propagate",
                                        c->request->unit, NULL);
    struct mount_entry *e;

    if (!outside || c->manager->user)
        return;
    e = add_bind(p, "PrivateMounts", outside, "/run/systemd/incoming", true);
    if (e) {
        e->read_only = true;
        e->recursive = false;
    }
}

static void add_log_sockets(struct child *c, struct mount_plan *p)
{
    static const char *const sockets[] = { "socket", "stdout", "dev-log" };
    const struct sandbox_config *s = c->sandbox;
    bool api = s->mount_apivfs >= 0 ? s->mount_apivfs : c->apply_root && c->root;

    if (!(s->bind_log_sockets >= 0 ? s->bind_log_sockets : api))
        return;
    for (size_t i = 0; i < ELEMENTSOF(sockets); i++) {
        auto_free char *path = format("/run/systemd/journal/%s", sockets[i]);
        struct mount_entry *e = path ? add_bind(p, "BindLogSockets", path, path, true) : NULL;

        if (e)
            e->read_only = e->no_suid = e->no_exec = true;
        else
            p->failed = true;
    }
}

static bool any_private_directory(const struct child *c)
{
    for (int k = 0; k < DIRECTORY_KIND_MAX; k++)
        if (directory_list(c->exec, (enum directory_kind) k) &&
            directory_is_private(c->config, (enum directory_kind) k))
            return true;
    return false;
}

static bool any_read_only_directory(const struct child *c)
{
    for (int k = 0; k < DIRECTORY_KIND_MAX; k++)
        for (const struct exec_directory *d = directory_list(c->exec, (enum directory_kind) k); d;
             d = d->next)
            if (d->read_only)
                return true;
    return false;
}

static bool any_directory(const struct child *c)
{
    for (int k = 0; k < DIRECTORY_KIND_MAX; k++)
        if (directory_list(c->exec, (enum directory_kind) k))
            return true;
    return false;
}

bool child_needs_mounts(const struct child *c)
{
    const struct sandbox_config *s = c->sandbox;

    if (c->apply_root && c->root && (mount_plan_api(c) || any_directory(c)))
        return true;
    if (!c->apply_sandbox)
        return false;
    return s->read_write_paths || s->read_only_paths || s->inaccessible_paths || s->exec_paths ||
           s->no_exec_paths || s->bind_paths || s->bind_read_only_paths ||
           s->temporary_file_system || (s->mount_flags != 0 && s->mount_flags != MS_SHARED) ||
           c->effective.private_tmp != PRIVATE_TMP_NO || s->private_devices ||
           s->private_mounts > 0 || c->effective.protect_system != PROTECT_SYSTEM_NO ||
           c->effective.protect_home != PROTECT_HOME_NO || s->protect_kernel_tunables ||
           s->protect_kernel_modules || s->protect_kernel_logs || mount_plan_api(c) ||
           s->private_ipc || s->ipc_namespace_path || s->private_network ||
           s->network_namespace_path || s->bind_log_sockets > 0 || any_private_directory(c) ||
           any_read_only_directory(c);
}

/* ---- order ---- */

static int compare(const void *a, const void *b)
{
    const struct mount_entry *x = a, *y = b;
    const char *p = x->path, *q = y->path;

    /* "/" of a path sorts before any other character, so that what is below comes right after. */
    while (*p && *p == *q) {
        p++;
        q++;
    }
    if (*p != *q) {
        if (!*p || !*q)
            return *p ? 1 : -1;
        if (*p == '/' || *q == '/')
            return *p == '/' ? -1 : 1;
        return (unsigned char) *p < (unsigned char) *q ? -1 : 1;
    }
    return x->mode < y->mode ? -1 : x->mode > y->mode;
}

static void entry_done(struct mount_entry *e)
{
    free(e->path);
    free(e->source);
    free(e->options);
}

static bool is_tmpfs(const struct mount_entry *e)
{
    return e->mode == MOUNT_TMPFS || e->mode == MOUNT_EMPTY;
}

/* The same path twice: the first one is in force, flags add up. */
static void merge_equal(struct mount_plan *p)
{
    size_t out = 0;

    for (size_t i = 0; i < p->n; i++) {
        struct mount_entry *e = &p->entries[i], *last = out > 0 ? &p->entries[out - 1] : NULL;

        if (last && streq(last->path, e->path)) {
            last->read_only = last->read_only || e->read_only || e->mode == MOUNT_READ_ONLY;
            last->no_exec = last->no_exec || e->no_exec;
            last->no_suid = last->no_suid || e->no_suid;
            last->has_exec = last->has_exec || e->has_exec;
            entry_done(e);
            continue;
        }
        if (out != i)
            p->entries[out] = *e;
        out++;
    }
    p->n = out;
}

/* What is below something inaccessible or empty can go, but for what is mounted there on purpose;
 * read-only below read-only with nothing in between changes nothing. */
static void drop_useless(struct mount_plan *p)
{
    size_t out = 0;

    for (size_t i = 0; i < p->n; i++) {
        struct mount_entry *e = &p->entries[i], *above = NULL;
        bool useless = false;

        for (size_t k = out; k > 0 && !above; k--)
            if (path_startswith(e->path, p->entries[k - 1].path))
                above = &p->entries[k - 1];
        bool plain = e->mode == MOUNT_READ_ONLY || e->mode == MOUNT_READ_WRITE ||
                     e->mode == MOUNT_LEAVE_WRITABLE || e->mode == MOUNT_INACCESSIBLE ||
                     e->mode == MOUNT_EXEC || e->mode == MOUNT_NO_EXEC;
        if (above && above->mode == MOUNT_INACCESSIBLE)
            useless = true;
        else if (above && is_tmpfs(above) && plain && e->implied)
            useless = true;
        else if (above && e->mode == above->mode && plain && !e->has_exec && !above->has_exec &&
                 e->mode != MOUNT_INACCESSIBLE)
            useless = true;
        if (useless) {
            entry_done(e);
            continue;
        }
        if (out != i)
            p->entries[out] = *e;
        out++;
    }
    p->n = out;
}

void mount_plan_sort(struct mount_plan *p)
{
    if (p->n > 1)
        qsort(p->entries, p->n, sizeof p->entries[0], compare);
    merge_equal(p);
    drop_useless(p);
}

int mount_plan_make(struct child *c, struct mount_plan *p)
{
    const struct sandbox_config *s = c->sandbox;

    p->needed = child_needs_mounts(c);
    if (!p->needed)
        return 0;
    p->no_suid = c->effective.no_new_privileges && !c->manager->user;
    if (c->apply_sandbox) {
        add_paths(p, s->read_write_paths, MOUNT_READ_WRITE, "ReadWritePaths");
        add_paths(p, s->read_only_paths, MOUNT_READ_ONLY, "ReadOnlyPaths");
        add_paths(p, s->inaccessible_paths, MOUNT_INACCESSIBLE, "InaccessiblePaths");
        add_paths(p, s->exec_paths, MOUNT_EXEC, "ExecPaths");
        add_paths(p, s->no_exec_paths, MOUNT_NO_EXEC, "NoExecPaths");
        add_temporary_file_systems(c, p);
        add_private_tmp(c, p);
        if (s->protect_kernel_tunables)
            ADD_FIXED(p, kernel_tunables, "ProtectKernelTunables");
        if (s->protect_kernel_modules)
            ADD_FIXED(p, kernel_modules, "ProtectKernelModules");
        if (s->protect_kernel_logs)
            ADD_FIXED(p, kernel_logs, "ProtectKernelLogs");
        add_control_groups(c, p);
        add_homes(c, p);
        add_system(c, p);
        add_credentials(c, p);
    }
    add_binds(p, s->bind_paths, false, "BindPaths");
    add_binds(p, s->bind_read_only_paths, true, "BindReadOnlyPaths");
    add_directories(c, p);
    add_api(c, p);
    add_log_sockets(c, p);
    add_incoming(c, p);
    if (p->failed)
        return -ENOMEM;
    mount_plan_sort(p);
    return 0;
}

void mount_plan_done(struct mount_plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        entry_done(&p->entries[i]);
    free(p->entries);
    *p = (struct mount_plan){ 0 };
}
