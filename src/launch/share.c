/* launch/share.c -- which processes may use the manager's memory until they execute their program.
 *
 * A fork copies the tables of all pages of the manager, and each page that either of both writes to
 * afterwards; with many units loaded that takes longer than all else. A child that uses the
 * manager's memory costs nothing of that, but the manager has to wait for it. So this is for what
 * has nothing to wait for: no look-up of users, no folders, no namespaces, nothing to open but what
 * is on the root file system, which the manager's own program is on as well. Not for another user,
 * either: whoever may signal the child could stop it, and the manager with it. What is not known
 * here to be harmless is not shared. */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* On the root file system, without a symbolic link or automount point that leads elsewhere: what
 * is on a server that does not answer is not even asked for. */
static bool is_on_root(const char *path)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };
    auto_close int fd = (int) syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

    return fd >= 0;
}

/* Below a limit of memory the child could not use what the manager has. */
static bool limits_memory(const struct child *c)
{
    const struct limits_config *l = c->limits;
    const struct rlimit *const *preset = c->manager->default_limits;

    return l->limit_as.set || l->limit_data.set || l->limit_stack.set || preset[RLIMIT_AS] ||
           preset[RLIMIT_DATA] || preset[RLIMIT_STACK];
}

static bool simple_values(const struct child *c)
{
    const struct exec_config *e = c->exec;
    const char *folder = e->working_directory.path;

    return (e->standard_input.kind == EXEC_INPUT_NULL ||
            e->standard_input.kind == EXEC_INPUT_SOCKET) &&
           is_simple_output(&e->standard_output) && is_simple_output(&e->standard_error) &&
           !e->working_directory.home && !limits_memory(c) && !c->service->open_file &&
           c->request->idle_fd < 0 && path_is_absolute(c->request->command->path) &&
           is_on_root(c->request->command->path) && (!folder || is_on_root(folder));
}

/* A tracer (`reeve why --again`) stops the child on its way, and wants the manager to go on. */
static bool is_traced(void)
{
    char text[1024];
    auto_close int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

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
