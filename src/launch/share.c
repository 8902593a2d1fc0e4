/* launch/share.c -- which processes may use the manager's memory until they execute their program.
 *
 * A fork copies the tables of all pages of the manager, and each page that either of both writes to
 * afterwards; with many units loaded that takes longer than all else. A child that uses the
 * manager's memory costs nothing of that, but the manager has to wait for it. So this is for what
 * has nothing to wait for: no look-up of users, no folders, no namespaces, nothing to open but what
 * is on the root file system, a local one, which the manager's own program is on as well. Not for
 * another user, either: whoever may signal the child could stop it, and the manager with it. What
 * is not known here to be harmless is not shared. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/openat2.h>

#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"
#include "launch/child.h"

struct member {
    size_t offset, size;
};
#define MEMBER(type, name) \
    { \
        offsetof(struct type, name), sizeof(((struct type *) 0)->name) \
    }

/* Those that leave the child with nothing to wait for, whatever their value; where it depends on
 * the value, simple_values() looks at it. */
static const struct member harmless_exec[] = {
    MEMBER(exec_config, working_directory),
    MEMBER(exec_config, environment),
    MEMBER(exec_config, pass_environment),
    MEMBER(exec_config, unset_environment),
    MEMBER(exec_config, standard_input),
    MEMBER(exec_config, standard_output),
    MEMBER(exec_config, standard_error),
    MEMBER(exec_config, capability_bounding_set),
    MEMBER(exec_config, syslog_identifier),
    MEMBER(exec_config, syslog_facility),
    MEMBER(exec_config, syslog_level),
    MEMBER(exec_config, syslog_level_prefix),
    MEMBER(exec_config, log_extra_fields),
    MEMBER(exec_config, log_filter_patterns),
    MEMBER(exec_config, log_rate_limit_interval_sec),
    MEMBER(exec_config, log_rate_limit_burst),
    MEMBER(exec_config, log_level_max),
    MEMBER(exec_config, timer_slack_nsec),
    MEMBER(exec_config, timeout_clean_sec),
    MEMBER(exec_config, umask),
    MEMBER(exec_config, oom_score_adjust),
    MEMBER(exec_config, utmp_mode),
    MEMBER(exec_config, no_new_privileges),
    MEMBER(exec_config, ignore_sigpipe),
};

/* Without what makes the processes of the cgroup slow, or stops them. */
static const struct member harmless_cgroup[] = {
    MEMBER(cgroup_config, slice),
    MEMBER(cgroup_config, tasks_max),
    MEMBER(cgroup_config, memory_min),
    MEMBER(cgroup_config, memory_low),
    MEMBER(cgroup_config, delegate),
    MEMBER(cgroup_config, delegate_subgroup),
    MEMBER(cgroup_config, cpu_accounting),
    MEMBER(cgroup_config, memory_accounting),
    MEMBER(cgroup_config, tasks_accounting),
    MEMBER(cgroup_config, io_accounting),
    MEMBER(cgroup_config, ip_accounting),
};

/* Whether the group says the same as the presets, but for these members. */
static bool is_preset(const void *group, const void *preset, size_t size, const struct member *but,
                      size_t n)
{
    size_t at = 0;

    if (group == preset)
        return true;
    /* The members are in the order of the table, not of the struct. */
    while (at < size) {
        size_t end = size, skip = 0;

        for (size_t i = 0; i < n; i++)
            if (but[i].offset >= at && but[i].offset < end) {
                end = but[i].offset;
                skip = but[i].size;
            }
        if (memcmp((const char *) group + at, (const char *) preset + at, end - at) != 0)
            return false;
        at = end + skip;
    }
    return true;
}

static bool is_simple_output(const struct exec_stdio *s)
{
    return s->kind == EXEC_OUTPUT_NULL || s->kind == EXEC_OUTPUT_JOURNAL ||
           s->kind == EXEC_OUTPUT_INHERIT || s->kind == EXEC_OUTPUT_SOCKET;
}

/* Those that wait for a disk at most: for no server, and no other process. */
static const unsigned long local_file_systems[] = {
    EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,       BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC,
    RAMFS_MAGIC,      OVERLAYFS_SUPER_MAGIC, SQUASHFS_MAGIC,    0xe0f5e1e2, /* erofs */
    0xca451a4e,                                                             /* bcachefs */
    0x2fc12fc1,                                                             /* zfs */
};

static bool root_is_local(void)
{
    static int known = -1; /* it does not change: who moves to another root executes itself there */
    struct statfs st;

    if (known < 0 && statfs("/", &st) >= 0) {
        known = false;
        for (size_t i = 0; i < ELEMENTSOF(local_file_systems); i++)
            known |= (unsigned long) st.f_type == local_file_systems[i];
    }
    return known > 0;
}

/* On the root file system without a symbolic link or automount point that leads elsewhere: what is
 * on a server that does not answer is not even asked for. A descriptor, or -1. */
static int open_on_root(const char *path, int flags)
{
    struct open_how how = { .flags = (unsigned) flags | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };

    return root_is_local() ? (int) syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how) : -1;
}

static bool is_on_root(const char *path)
{
    auto_close int fd = open_on_root(path, O_PATH);

    return fd >= 0;
}

/* ---- what execve() opens besides the program ---- */

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#else
#define NATIVE_MACHINE EM_NONE
#endif

/* The beginning of the program's file. */
union head {
    char text[1024]; /* linkers put all that is looked for here */
    ElfW(Ehdr) elf;
};

static const char *script_interpreter(union head *h)
{
    char *word = h->text + 2 + strspn(h->text + 2, " \t");

    word[strcspn(word, " \t\n")] = 0;
    return word;
}

static const char *elf_interpreter(const union head *h)
{
    for (size_t i = 0, at = h->elf.e_phoff; i < h->elf.e_phnum; i++, at += sizeof(ElfW(Phdr))) {
        ElfW(Phdr) p;

        if (at > sizeof h->text - sizeof p)
            return NULL;
        memcpy(&p, h->text + at, sizeof p);
        if (p.p_type != PT_INTERP)
            continue;
        if (p.p_offset > sizeof h->text || p.p_filesz > sizeof h->text - p.p_offset ||
            !memchr(h->text + p.p_offset, 0, p.p_filesz))
            return NULL;
        return h->text + p.p_offset;
    }
    return "";
}

/* The interpreter of a script, or of a program that is linked dynamically; "" where there is none.
 * NULL where it is not known: binfmt_misc has interpreters for other kinds of files. */
static const char *find_interpreter(int fd, union head *h)
{
    ssize_t n = pread(fd, h, sizeof *h - 1, 0);

    if (n < 2)
        return NULL;
    memset(h->text + n, 0, sizeof *h - (size_t) n);
    if (h->text[0] == '#' && h->text[1] == '!')
        return script_interpreter(h);
    return memcmp(h->elf.e_ident, ELFMAG, SELFMAG) == 0 &&
                   h->elf.e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
                   h->elf.e_machine == NATIVE_MACHINE
               ? elf_interpreter(h)
               : NULL;
}

/* execve() opens the interpreter before it lets go of the manager's memory: one on a file system
 * that does not answer would hold the manager. Pinned by test_spawn, hanging_interpreter. */
static bool is_simple_program(const char *path)
{
    union head h;

    for (int depth = 0; depth < 6 && path_is_absolute(path); depth++) {
        auto_close int fd = open_on_root(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

        path = fd < 0 ? NULL : find_interpreter(fd, &h);
        if (!path || !*path)
            return path;
    }
    return false;
}

static bool is_limited(const struct rlimit_value *v)
{
    return v->set && v->soft != SIZE_INFINITY;
}

/* Below such a limit the child could not use what the manager has. That of the stack is for the
 * one that the kernel makes: the child has its own. */
static bool limits_memory(const struct child *c)
{
    return is_limited(&c->limits->limit_as) || is_limited(&c->limits->limit_data);
}

static bool simple_values(const struct child *c)
{
    const struct exec_config *e = c->exec;
    const char *folder = e->working_directory.path;

    return (e->standard_input.kind == EXEC_INPUT_NULL ||
            e->standard_input.kind == EXEC_INPUT_SOCKET) &&
           is_simple_output(&e->standard_output) && is_simple_output(&e->standard_error) &&
           !e->working_directory.home && !limits_memory(c) && !c->service->open_file &&
           c->request->idle_fd < 0 && is_simple_program(c->request->command->path) &&
           (!folder || is_on_root(folder));
}

/* A tracer (`reeve why --again`) stops the child on its way, and wants the manager to go on. The
 * file stays open, since opening it takes longer than reading it. */
static bool is_traced(void)
{
    static int fd = -1;
    static pid_t whose;
    char text[1024];

    if (whose != getpid()) {
        close_fd(fd);
        whose = getpid();
        fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    }
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return true;
    text[n] = 0;
    return !strstr(text, "\nTracerPid:\t0\n");
}

bool child_may_share(const struct child *c)
{
    const struct unit_config *u = c->config;

    return simple_values(c) && u->sandbox == unit_config_preset(u, GROUP_SANDBOX) &&
           is_preset(u->exec, unit_config_preset(u, GROUP_EXEC), sizeof *u->exec, harmless_exec,
                     ELEMENTSOF(harmless_exec)) &&
           is_preset(u->cgroup, unit_config_preset(u, GROUP_CGROUP), sizeof *u->cgroup,
                     harmless_cgroup, ELEMENTSOF(harmless_cgroup)) &&
           !is_traced();
}
