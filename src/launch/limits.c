/* launch/limits.c -- resource limits and scheduling. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/ioprio.h>
#include <linux/mempolicy.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"
#include "launch/child.h"

#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#endif

/* ---- limits ---- */

static const struct {
    int resource;
    const char *directive;
    size_t offset;
} limit_table[] = {
#define LIMIT(NAME, member) \
    { \
        RLIMIT_##NAME, "Limit" #NAME, offsetof(struct limits_config, member) \
    }
    LIMIT(CPU, limit_cpu),           LIMIT(FSIZE, limit_fsize), LIMIT(DATA, limit_data),
    LIMIT(STACK, limit_stack),       LIMIT(CORE, limit_core),   LIMIT(RSS, limit_rss),
    LIMIT(NOFILE, limit_nofile),     LIMIT(AS, limit_as),       LIMIT(NPROC, limit_nproc),
    LIMIT(MEMLOCK, limit_memlock),   LIMIT(LOCKS, limit_locks), LIMIT(SIGPENDING, limit_sigpending),
    LIMIT(MSGQUEUE, limit_msgqueue), LIMIT(NICE, limit_nice),   LIMIT(RTPRIO, limit_rtprio),
    LIMIT(RTTIME, limit_rttime),
#undef LIMIT
};

static rlim_t to_rlim(uint64_t value)
{
    return value == SIZE_INFINITY ? RLIM_INFINITY : (rlim_t) value;
}

static int set_limit(int resource, const struct rlimit *wanted)
{
    struct rlimit now;

    if (setrlimit((__rlimit_resource_t) resource, wanted) >= 0)
        return 0;
    if (errno != EPERM)
        return -errno;
    /* Above our own hard limit and without CAP_SYS_RESOURCE: as near as we may, as systemd does. */
    if (getrlimit((__rlimit_resource_t) resource, &now) < 0)
        return -errno;
    struct rlimit nearest = { .rlim_cur = MIN(wanted->rlim_cur, now.rlim_max),
                              .rlim_max = MIN(wanted->rlim_max, now.rlim_max) };
    if (nearest.rlim_cur == now.rlim_cur && nearest.rlim_max == now.rlim_max)
        return 0;
    return setrlimit((__rlimit_resource_t) resource, &nearest) < 0 ? -errno : 0;
}

int child_want_files(struct child *c, const struct rlimit *wanted)
{
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) < 0)
        return -errno;
    c->files = *wanted;
    c->limits_files = true;
    const struct rlimit enough = { MAX(wanted->rlim_cur, now.rlim_cur),
                                   MAX(wanted->rlim_max, now.rlim_max) };
    return set_limit(RLIMIT_NOFILE, &enough);
}

int child_limit_files(struct child *c)
{
    int r = c->limits_files ? set_limit(RLIMIT_NOFILE, &c->files) : 0;

    return r < 0 ? child_fail(c, EXEC_STATUS_LIMITS, r, "LimitNOFILE", NULL) : 0;
}

int child_apply_limits(struct child *c)
{
    if (!c->apply_sandbox)
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(limit_table); i++) {
        const struct rlimit_value *v = (const void *) ((const char *) c->limits +
                                                       limit_table[i].offset);

        if (!v->set)
            continue;
        struct rlimit wanted = { to_rlim(v->soft), to_rlim(v->hard) };
        int r = limit_table[i].resource == RLIMIT_NOFILE
                    ? child_want_files(c, &wanted)
                    : set_limit(limit_table[i].resource, &wanted);
        if (r < 0)
            return child_fail(c, EXEC_STATUS_LIMITS, r, limit_table[i].directive, NULL);
    }
    if (c->sandbox->restrict_realtime && !c->limits->limit_rtprio.set) {
        const struct rlimit none = { 0, 0 };
        int r = set_limit(RLIMIT_RTPRIO, &none);

        if (r < 0)
            return child_fail(c, EXEC_STATUS_LIMITS, r, "RestrictRealtime", NULL);
    }
    return 0;
}

/* ---- scheduling ---- */

static int adjust_oom_score(struct child *c)
{
    int score = c->exec->oom_score_adjust;
    char text[16];

    if (score == OOM_SCORE_ADJUST_UNSET) {
        if (c->manager->default_oom_score_adjust == INT_MIN)
            return 0;
        score = c->manager->default_oom_score_adjust;
    }
    snprintf(text, sizeof text, "%d", score);
    int r = file_write("/proc/self/oom_score_adj", text);
    /* Less than before needs CAP_SYS_RESOURCE; without, systemd as well goes on. */
    if (r == -EPERM || r == -EACCES) {
        report_degraded(c->report_fd, "OOMScoreAdjust", r, text);
        return 0;
    }
    return r < 0 ? child_fail(c, EXEC_STATUS_OOM_ADJUST, r, "OOMScoreAdjust", text) : 0;
}

static int set_coredump_filter(struct child *c)
{
    char text[32];

    if (c->sandbox->coredump_filter < 0)
        return 0;
    snprintf(text, sizeof text, "0x%x", (uint32_t) c->sandbox->coredump_filter);
    int r = file_write("/proc/self/coredump_filter", text);
    return r < 0 ? child_fail(c, EXEC_STATUS_LIMITS, r, "CoredumpFilter", text) : 0;
}

static int set_nice(struct child *c)
{
    int wanted = c->exec->nice;
    char text[8];
    struct rlimit limit;

    if (wanted == NICE_UNSET)
        return 0;
    snprintf(text, sizeof text, "%d", wanted);
    if (setpriority(PRIO_PROCESS, 0, wanted) >= 0)
        return 0;
    if (errno != EACCES && errno != EPERM)
        return child_fail(c, EXEC_STATUS_NICE, -errno, "Nice", text);
    /* The best that RLIMIT_NICE allows, as systemd does: the limit is 20 - nice. */
    if (getrlimit(RLIMIT_NICE, &limit) < 0)
        return child_fail(c, EXEC_STATUS_NICE, -errno, "Nice", text);
    int best = limit.rlim_cur >= 40 ? -20 : limit.rlim_cur == 0 ? 19 : 20 - (int) limit.rlim_cur;
    if (getpriority(PRIO_PROCESS, 0) <= best)
        return 0;
    return setpriority(PRIO_PROCESS, 0, best) < 0
               ? child_fail(c, EXEC_STATUS_NICE, -errno, "Nice", text)
               : 0;
}

static int set_scheduler(struct child *c)
{
    const struct exec_config *e = c->exec;
    struct sched_param param = { .sched_priority = MAX(e->cpu_scheduling_priority, 0) };
    int policy = e->cpu_scheduling_policy;

    if (policy < 0 && e->cpu_scheduling_priority < 0 && !e->cpu_scheduling_reset_on_fork)
        return 0;
    if (policy < 0)
        policy = SCHED_OTHER;
    if (policy != SCHED_FIFO && policy != SCHED_RR)
        param.sched_priority = 0;
    else if (e->cpu_scheduling_priority < 0)
        param.sched_priority = sched_get_priority_min(policy);
    if (sched_setscheduler(0, policy | (e->cpu_scheduling_reset_on_fork ? SCHED_RESET_ON_FORK : 0),
                           &param) < 0)
        return child_fail(c, EXEC_STATUS_SETSCHEDULER, -errno, "CPUSchedulingPolicy", NULL);
    return 0;
}

static bool mask_is_empty(const struct cpu_mask *m)
{
    for (unsigned i = 0; m && i < m->n_words; i++)
        if (m->words[i])
            return false;
    return true;
}

/* The processors of the memory nodes in `nodes`: /sys/devices/system/node/nodeN/cpumap. */
static int cpus_of_nodes(const struct cpu_mask *nodes, cpu_set_t *ret)
{
    CPU_ZERO(ret);
    for (unsigned node = 0; node < nodes->n_words * 64; node++) {
        char path[64];
        auto_free char *list = NULL;

        if (!(nodes->words[node / 64] >> node % 64 & 1))
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/node/node%u/cpulist", node);
        int r = file_read_line(path, &list);
        if (r < 0)
            return r;
        for (char *save = NULL, *part = strtok_r(list, ",", &save); part;
             part = strtok_r(NULL, ",", &save)) {
            unsigned from, to;
            int n = sscanf(part, "%u-%u", &from, &to);

            for (unsigned cpu = from; n >= 1 && cpu <= (n == 2 ? to : from); cpu++)
                CPU_SET(cpu, ret);
        }
    }
    return 0;
}

static int set_affinity(struct child *c)
{
    const struct cpu_mask *m = c->exec->cpu_affinity;
    cpu_set_t set;

    if (!m || (!m->from_numa && mask_is_empty(m)))
        return 0;
    if (m->from_numa) {
        if (mask_is_empty(c->exec->numa_mask))
            return 0;
        int r = cpus_of_nodes(c->exec->numa_mask, &set);
        if (r < 0)
            return child_fail(c, EXEC_STATUS_CPUAFFINITY, r, "CPUAffinity", "numa");
        return sched_setaffinity(0, sizeof set, &set) < 0
                   ? child_fail(c, EXEC_STATUS_CPUAFFINITY, -errno, "CPUAffinity", "numa")
                   : 0;
    }
    return syscall(SYS_sched_setaffinity, 0, m->n_words * sizeof m->words[0], m->words) < 0
               ? child_fail(c, EXEC_STATUS_CPUAFFINITY, -errno, "CPUAffinity", NULL)
               : 0;
}

static int set_numa_policy(struct child *c)
{
    const struct cpu_mask *m = c->exec->numa_mask;
    int policy = effective_numa_policy(c->exec);

    if (policy < 0)
        return 0;
    bool nodes = policy != MPOL_DEFAULT && policy != MPOL_LOCAL && !mask_is_empty(m);
    if (syscall(SYS_set_mempolicy, policy, nodes ? m->words : NULL,
                nodes ? m->n_words * 64UL + 1 : 0UL) >= 0)
        return 0;
    /* A kernel without NUMA: nothing to set, as systemd has it. */
    if (errno == ENOSYS) {
        report_degraded(c->report_fd, "NUMAPolicy", -ENOSYS, NULL);
        return 0;
    }
    return child_fail(c, EXEC_STATUS_NUMA_POLICY, -errno, "NUMAPolicy",
                      numa_policy_to_string(policy));
}

static int set_io_priority(struct child *c)
{
    int class = c->exec->io_scheduling_class, level = c->exec->io_scheduling_priority;

    if (class < 0 && level < 0)
        return 0;
    if (class < 0)
        class = IOPRIO_CLASS_BE;
    if (level < 0)
        level = 4;
    /* "none" and "idle" have no levels, the kernel refuses them. */
    if (class == IOPRIO_CLASS_NONE)
        level = 0;
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(class, level)) < 0)
        return child_fail(c, EXEC_STATUS_IOPRIO, -errno, "IOSchedulingClass",
                          io_class_to_string(class));
    return 0;
}

static int set_timer_slack(struct child *c)
{
    uint64_t slack = c->exec->timer_slack_nsec;

    if (slack == UINT64_MAX)
        slack = c->manager->default_timer_slack_nsec;
    if (slack == UINT64_MAX)
        return 0;
    return prctl(PR_SET_TIMERSLACK, (unsigned long) slack) < 0
               ? child_fail(c, EXEC_STATUS_TIMERSLACK, -errno, "TimerSlackNSec", NULL)
               : 0;
}

static int set_personality(struct child *c)
{
    if (c->sandbox->personality == UINT32_MAX)
        return 0;
    int now = personality(0xffffffff);
    if (now < 0 || personality(((unsigned) now & ~0xffUL) | c->sandbox->personality) < 0)
        return child_fail(c, EXEC_STATUS_PERSONALITY, -errno, "Personality", NULL);
    return 0;
}

static int set_memory_merge(struct child *c)
{
    if (c->sandbox->memory_ksm < 0)
        return 0;
    if (prctl(PR_SET_MEMORY_MERGE, c->sandbox->memory_ksm, 0, 0, 0) >= 0)
        return 0;
    if (errno == EINVAL) { /* not in this kernel: systemd goes on as well */
        report_degraded(c->report_fd, "MemoryKSM", -EOPNOTSUPP, NULL);
        return 0;
    }
    return child_fail(c, EXEC_STATUS_KSM, -errno, "MemoryKSM", NULL);
}

/* The order is that of systemd: with two that fail, the same one is reported. */
int child_apply_scheduling(struct child *c)
{
    int (*const steps[])(struct child *) = {
        adjust_oom_score, set_coredump_filter, set_nice,        set_scheduler,   set_affinity,
        set_numa_policy,  set_io_priority,     set_timer_slack, set_personality, set_memory_merge,
    };
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(steps) && r >= 0; i++)
        r = steps[i](c);
    return r;
}
