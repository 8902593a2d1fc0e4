/* Runtime properties of slices, and of units with processes (property.h). Without a cgroup what it
 * would count is not known, and said to be so. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "launch/cgroup.h"
#include "launch/syscall_filter.h"
#include "launch/track.h"
#include "manager/private.h"
#include "manager/property.h"
#include "unit/config.h"
#include "unit/machine.h"

#define GETTER(name) static int get_##name(const struct unit *u, struct property_value *v)

static int put_owned(struct property_value *v, char *text)
{
    v->kind = VALUE_STRING;
    v->owned = text;
    v->text = text;
    return text ? 0 : -ENOMEM;
}

static bool is_root(const struct unit *u)
{
    return u->type == UNIT_SLICE && streq(u->id, "-.slice");
}

/* Those without a tracker, whose cgroups are there all the time: the tree's root and the manager's
 * own. NULL for all others. */
static const char *fixed_cgroup(const struct unit *u)
{
    if (is_root(u))
        return "/";
    return u->type == UNIT_SCOPE && streq(u->id, MANAGER_CGROUP) ? "/" MANAGER_CGROUP : NULL;
}

/* The unit's cgroup, -1 if it has none now. */
static int cgroup_of(const struct unit *u)
{
    struct manager *m = u->manager;

    if (!fixed_cgroup(u))
        return u->tracker ? tracker_cgroup_fd(u->tracker) : -1;
    if (!m->tracking_is_up || m->tracking.kind != TRACK_CGROUP)
        return -1;
    if (is_root(u))
        return m->tracking.cgroup.fd;
    if (m->own_cgroup < 0)
        m->own_cgroup = openat(m->tracking.cgroup.fd, MANAGER_CGROUP, O_DIRECTORY | O_CLOEXEC);
    return m->own_cgroup;
}

GETTER(ControlGroup)
{
    const char *fixed = fixed_cgroup(u);

    return property_put_text(v, fixed        ? cgroup_of(u) >= 0 ? fixed : NULL
                                : u->tracker ? tracker_cgroup(u->tracker)
                                             : NULL);
}

GETTER(ControlGroupId)
{
    int fd = cgroup_of(u);
    struct stat st;

    return property_put_number(v, VALUE_UINT, fd < 0 || fstat(fd, &st) < 0 ? 0 : st.st_ino);
}

GETTER(Slice)
{
    return property_put_text(v, u->slice                         ? u->slice->id
                                : fixed_cgroup(u) && !is_root(u) ? "-.slice"
                                                                 : NULL);
}

/* ---- what is counted ---- */

/* `key`: of a file of more lines. `last`: what was known at the end of its last cgroup. */
static uint64_t count_of(const struct unit *u, const char *file, const char *key, uint64_t last)
{
    int fd = cgroup_of(u);

    if (fd >= 0 &&
        (key ? cgroup_read_keyed(fd, file, key, &last) : cgroup_read_number(fd, file, &last)) < 0)
        return UINT64_MAX;
    return last;
}

static int put_count(struct property_value *v, bool counted, uint64_t n)
{
    return property_put_number(v, VALUE_UINT, counted ? n : UINT64_MAX);
}

GETTER(CPUUsageNSec)
{
    uint64_t n = count_of(u, "cpu.stat", "usage_usec", u->cpu_usage);

    if (n != UINT64_MAX && cgroup_of(u) >= 0)
        n *= NSEC_PER_USEC;
    return put_count(v, u->config && u->config->cgroup->cpu_accounting, n);
}

#define COUNTS(ROW) \
    ROW(MemoryCurrent, "memory.current", UINT64_MAX) \
    ROW(MemoryPeak, "memory.peak", u->memory_peak) \
    ROW(MemorySwapCurrent, "memory.swap.current", UINT64_MAX) \
    ROW(MemorySwapPeak, "memory.swap.peak", UINT64_MAX) \
    ROW(MemoryZSwapCurrent, "memory.zswap.current", UINT64_MAX)

#define DEFINE_COUNT(name, file, last) \
    GETTER(name) \
    { \
        return put_count(v, u->config && u->config->cgroup->memory_accounting, \
                         count_of(u, file, NULL, last)); \
    }
COUNTS(DEFINE_COUNT)

static int io_number(const struct unit *u, const char *key, struct property_value *v)
{
    uint64_t n = UINT64_MAX;
    int fd = cgroup_of(u);

    if (fd < 0 || !u->config->cgroup->io_accounting || cgroup_read_io(fd, key, &n) < 0)
        n = UINT64_MAX;
    return property_put_number(v, VALUE_UINT, n);
}

#define IO_NUMBERS(ROW) \
    ROW(IOReadBytes, "rbytes") \
    ROW(IOReadOperations, "rios") \
    ROW(IOWriteBytes, "wbytes") \
    ROW(IOWriteOperations, "wios")

#define DEFINE_IO_NUMBER(name, key) \
    GETTER(name) \
    { \
        return io_number(u, key, v); \
    }
IO_NUMBERS(DEFINE_IO_NUMBER)

static struct ip_traffic traffic(const struct unit *u, enum traffic direction)
{
    struct ip_traffic now = u->rare ? u->rare->traffic[direction] : NO_TRAFFIC;
    int fd = cgroup_of(u);

    return fd >= 0 && bpf_read_traffic(fd, direction, &now) < 0 ? NO_TRAFFIC : now;
}

#define TRAFFIC(ROW) \
    ROW(IPIngressBytes, TRAFFIC_IN, bytes) \
    ROW(IPIngressPackets, TRAFFIC_IN, packets) \
    ROW(IPEgressBytes, TRAFFIC_OUT, bytes) \
    ROW(IPEgressPackets, TRAFFIC_OUT, packets)

#define DEFINE_TRAFFIC(name, direction, member) \
    GETTER(name) \
    { \
        return property_put_number(v, VALUE_UINT, traffic(u, direction).member); \
    }
TRAFFIC(DEFINE_TRAFFIC)

GETTER(TasksCurrent)
{
    auto_free pid_t *pids = NULL;
    size_t n = 0;
    int fd = cgroup_of(u);
    uint64_t count;

    if (fd >= 0 && cgroup_read_number(fd, "pids.current", &count) >= 0)
        return property_put_number(v, VALUE_UINT, count);
    if (!u->tracker || u->type == UNIT_SLICE || tracker_pids(u->tracker, &pids, &n) < 0 || n == 0)
        return property_put_number(v, VALUE_UINT, UINT64_MAX);
    return property_put_number(v, VALUE_UINT, n);
}

/* As the kernel's file has it, "0-3,8", with spaces for the commas, as AllowedCPUs= is shown. */
static int effective_set(const struct unit *u, const char *file, struct property_value *v)
{
    char *text = NULL;
    int fd = cgroup_of(u);

    if (fd < 0 || file_read_at(fd, file, 4096, &text, NULL) < 0)
        return property_put_text(v, NULL);
    text[strcspn(text, "\n")] = '\0';
    for (char *comma = text; (comma = strchr(comma, ',')); comma++)
        *comma = ' ';
    return put_owned(v, text);
}

GETTER(EffectiveCPUs)
{
    return effective_set(u, "cpuset.cpus.effective", v);
}

GETTER(EffectiveMemoryNodes)
{
    return effective_set(u, "cpuset.mems.effective", v);
}

/* ---- what is allowed ---- */

/* The least of what the unit, the slices above it and the machine allow. */
static int effective_limit(const struct unit *u, size_t member, uint64_t machine,
                           struct property_value *v)
{
    for (; u; u = u->slice)
        if (u->config) {
            const void *limit = (const char *) u->config->cgroup + member;

            machine = MIN(machine, *(const uint64_t *) limit);
        }
    return property_put_number(v, VALUE_UINT, machine);
}

#define EFFECTIVE_LIMITS(ROW) \
    ROW(EffectiveMemoryMax, memory_max, machine_memory()) \
    ROW(EffectiveMemoryHigh, memory_high, machine_memory()) \
    ROW(EffectiveTasksMax, tasks_max, machine_tasks())

#define DEFINE_EFFECTIVE(name, member, machine) \
    GETTER(name) \
    { \
        return effective_limit(u, offsetof(struct cgroup_config, member), machine, v); \
    }
EFFECTIVE_LIMITS(DEFINE_EFFECTIVE)

/* How much the unit can still get before it, or a slice above it, is at its limit. */
GETTER(MemoryAvailable)
{
    uint64_t available = machine_memory();

    for (; u; u = u->slice) {
        uint64_t used = count_of(u, "memory.current", NULL, 0), limit = machine_memory();

        if (u->config) {
            limit = MIN(limit, u->config->cgroup->memory_max);
            limit = MIN(limit, u->config->cgroup->memory_high);
        }
        used = used == UINT64_MAX ? 0 : used;
        available = MIN(available, limit > used ? limit - used : 0);
    }
    return property_put_number(v, VALUE_UINT, available);
}

#define COUNT_ROW(name, file, last) { #name, get_##name },
#define TRAFFIC_ROW(name, direction, member) { #name, get_##name },
#define IO_ROW(name, key) { #name, get_##name },
#define EFFECTIVE_ROW(name, member, machine) { #name, get_##name },

/* clang-format off */
const struct property_row resource_properties[] = {
    { "Slice", get_Slice },
    { "ControlGroup", get_ControlGroup },
    { "ControlGroupId", get_ControlGroupId },
    COUNTS(COUNT_ROW)
    { "MemoryAvailable", get_MemoryAvailable },
    EFFECTIVE_LIMITS(EFFECTIVE_ROW)
    { "CPUUsageNSec", get_CPUUsageNSec },
    { "EffectiveCPUs", get_EffectiveCPUs },
    { "EffectiveMemoryNodes", get_EffectiveMemoryNodes },
    { "TasksCurrent", get_TasksCurrent },
    IO_NUMBERS(IO_ROW)
    TRAFFIC(TRAFFIC_ROW)
    { 0 },
};
/* clang-format on */

/* ---- what is said of it at the end ---- */

#define MIB(n) (UINT64_C(n) << 20)
#define MEMORY_FROM MIB(64), MIB(512)
#define IO_FROM MIB(1), MIB(10)
#define IP_FROM 0, MIB(128)

/* `suffix`: NULL for what is a field only, not in the text. More than `info` is said at that level,
 * more than `notice` at that one, all else to those who debug. */
/* clang-format off */
static const struct {
    const char *field;
    int (*get)(const struct unit *u, struct property_value *v);
    const char *suffix;
    uint64_t info, notice;
} usages[] = {
    { "CPU_USAGE_NSEC", get_CPUUsageNSec, "CPU time", NSEC_PER_SEC, 600 * NSEC_PER_SEC },
    { "MEMORY_PEAK", get_MemoryPeak, "memory peak", MEMORY_FROM },
    { "MEMORY_SWAP_PEAK", get_MemorySwapPeak, "memory swap peak", MEMORY_FROM },
    { "IO_METRIC_READ_BYTES", get_IOReadBytes, "read from disk", IO_FROM },
    { "IO_METRIC_WRITE_BYTES", get_IOWriteBytes, "written to disk", IO_FROM },
    { "IO_METRIC_READ_OPERATIONS", get_IOReadOperations, NULL, 0, 0 },
    { "IO_METRIC_WRITE_OPERATIONS", get_IOWriteOperations, NULL, 0, 0 },
    { "IP_METRIC_INGRESS_BYTES", get_IPIngressBytes, "incoming IP traffic", IP_FROM },
    { "IP_METRIC_INGRESS_PACKETS", get_IPIngressPackets, NULL, 0, 0 },
    { "IP_METRIC_EGRESS_BYTES", get_IPEgressBytes, "outgoing IP traffic", IP_FROM },
    { "IP_METRIC_EGRESS_PACKETS", get_IPEgressPackets, NULL, 0, 0 },
};
/* clang-format on */

static void add_usage(struct strbuf *text, size_t row, uint64_t n)
{
    char span[TIMESPAN_TEXT_MAX], size[SIZE_TEXT_MAX];

    if (usages[row].get == get_CPUUsageNSec)
        strbuf_addf(text, "Consumed %s ", timespan_format(span, n / NSEC_PER_USEC, USEC_PER_MSEC));
    else if (n > 0 && usages[row].suffix)
        strbuf_addf(text, "%s%s ", text->length > 0 ? ", " : "", size_format(size, n));
    else
        return;
    strbuf_add(text, usages[row].suffix);
}

void unit_log_resources(struct unit *u)
{
    uint64_t used[ELEMENTSOF(usages)];
    int level = LOG_DEBUG;

    if (cgroup_of(u) < 0)
        return;
    for (size_t i = 0; i < ELEMENTSOF(usages); i++) {
        struct property_value v = { 0 };

        used[i] = usages[i].get(u, &v) < 0 ? UINT64_MAX : v.number;
        if (used[i] == UINT64_MAX || !usages[i].suffix)
            continue;
        if (used[i] > usages[i].notice)
            level = LOG_NOTICE;
        else if (used[i] > usages[i].info)
            level = MIN(level, LOG_INFO);
    }
    if (!unit_says(u, level))
        return;

    auto_strbuf struct strbuf text = { 0 };
    auto_strv char **fields = NULL;
    for (size_t i = 0; i < ELEMENTSOF(usages); i++)
        if (used[i] != UINT64_MAX) {
            strv_addf(&fields, "%s=%" PRIu64, usages[i].field, used[i]);
            add_usage(&text, i, used[i]);
        }
    if (fields)
        unit_log_fields(u, MSG_UNIT_RESOURCES, level, text.length > 0 ? text.text : "Completed",
                        &fields);
}

/* ---- of systemd.exec(5) ---- */

GETTER(SystemCallFilter)
{
    return u->config ? put_owned(v, syscall_filter_text(u->config->sandbox->system_call_filter))
                     : -ENODATA;
}

GETTER(SystemCallLog)
{
    return u->config ? put_owned(v, syscall_log_text(u->config->sandbox->system_call_log))
                     : -ENODATA;
}

/* Of User= and Group=, as the launch found them; not set for units without, and those at rest. */
static int put_id(struct property_value *v, uint32_t id)
{
    return property_put_number(v, VALUE_UINT, id == UINT32_MAX ? UINT64_MAX : id);
}

GETTER(UID)
{
    return put_id(v, u->rare ? u->rare->uid : UINT32_MAX);
}

GETTER(GID)
{
    return put_id(v, u->rare ? u->rare->gid : UINT32_MAX);
}

#define SOFT_LIMIT(NAME, member) \
    GETTER(soft_##member) \
    { \
        const struct limits_config *l = u->config ? u->config->limits : NULL; \
        return l && l->limit_##member.set \
                   ? property_put_number(v, VALUE_UINT, l->limit_##member.soft) \
                   : -ENODATA; \
    }
RESOURCE_LIMITS(SOFT_LIMIT)

/* Facility and level in one, as syslog(3) has them. */
GETTER(SyslogPriority)
{
    const struct exec_config *e = u->config ? u->config->exec : NULL;

    return e ? property_put_number(v, VALUE_INT,
                                   (uint64_t) e->syslog_facility << 3 | e->syslog_level)
             : -ENODATA;
}

GETTER(ReeveTracking)
{
    return property_put_text(v, manager_tracking(u->manager));
}

#define SOFT_LIMIT_ROW(NAME, member) { "Limit" #NAME "Soft", get_soft_##member },

/* clang-format off */
const struct property_row process_properties[] = {
    RESOURCE_LIMITS(SOFT_LIMIT_ROW)
    { "SyslogPriority", get_SyslogPriority },
    { "SystemCallFilter", get_SystemCallFilter },
    { "SystemCallLog", get_SystemCallLog },
    { "UID", get_UID },
    { "GID", get_GID },
    { "RootHashPath", property_empty }, /* of disk images, which are refused */
    { "RootHashSignaturePath", property_empty },
    { "SameProcessGroup", property_no }, /* of systemd's own commands */
    { "ReeveTracking", get_ReeveTracking },
    { 0 },
};
/* clang-format on */
