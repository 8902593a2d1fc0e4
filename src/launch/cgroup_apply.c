/* launch/cgroup_apply.c -- resource settings to cgroup files (systemd.resource-control(5)). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/bpf.h"
#include "launch/cgroup.h"
#include "unit/config.h"
#include "unit/directive.h"

#define PERIOD_MIN (1 * USEC_PER_MSEC)
#define PERIOD_MAX (1 * USEC_PER_SEC)
#define PERIOD_DEFAULT (100 * USEC_PER_MSEC)
#define WEIGHT_DEFAULT 100

struct applying {
    const struct cgroup_root *root;
    int fd;
    bool fresh;
    const struct unit_config *config;
    const struct cgroup_config *g; /* what of it counts now */
    cgroup_refused refused;
    void *userdata;
};

/* Writes one file. Where the controller is missing only a setting that would have changed something
 * is worth a word; what the kernel refuses always is. */
static void put(struct applying *a, unsigned controller, const char *file, const char *text,
                const char *directive, bool is_set)
{
    int r = -EOPNOTSUPP;

    if (a->fresh && !is_set)
        return;
    if (a->root->controllers & 1u << controller)
        r = cgroup_write(a->fd, file, text);
    if (r < 0 && is_set && a->refused)
        a->refused(directive, r, a->userdata);
}

static void put_number(struct applying *a, unsigned controller, const char *file, uint64_t value,
                       const char *directive, bool is_set)
{
    char text[32];

    if (value == SIZE_INFINITY)
        strcpy(text, "max");
    else
        snprintf(text, sizeof text, "%" PRIu64, value);
    put(a, controller, file, text, directive, is_set);
}

/* ---- cpu ---- */

/* cgroup v1's shares as a weight: 1024 is 100. */
static uint64_t weight_of_shares(uint64_t shares)
{
    uint64_t weight = shares * WEIGHT_DEFAULT / 1024;

    return MIN(MAX(weight, 1u), 10000u);
}

static void apply_cpu(struct applying *a)
{
    const struct cgroup_config *g = a->g;
    bool weight = g->cpu_weight != WEIGHT_UNSET, shares = g->cpu_shares != WEIGHT_UNSET;
    char text[64];

    if (weight && g->cpu_weight == 0) { /* CPUWeight=idle */
        put(a, CGROUP_CONTROLLER_CPU, "cpu.idle", "1", "CPUWeight", true);
    } else {
        put(a, CGROUP_CONTROLLER_CPU, "cpu.idle", "0", "CPUWeight", false);
        put_number(a, CGROUP_CONTROLLER_CPU, "cpu.weight",
                   weight   ? g->cpu_weight
                   : shares ? weight_of_shares(g->cpu_shares)
                            : WEIGHT_DEFAULT,
                   weight ? "CPUWeight" : "CPUShares", weight || shares);
    }

    usec_t period = g->cpu_quota_period_sec == USEC_INFINITY ? PERIOD_DEFAULT
                                                             : g->cpu_quota_period_sec;
    period = MIN(MAX(period, PERIOD_MIN), PERIOD_MAX);
    if (g->cpu_quota == USEC_INFINITY) {
        snprintf(text, sizeof text, "max %" PRIu64, period);
    } else {
        /* The kernel takes no quota of less than 1 ms: the period grows, as in systemd. */
        uint64_t quota = g->cpu_quota * period / USEC_PER_SEC;

        if (quota < USEC_PER_MSEC && g->cpu_quota > 0) {
            period = MIN(USEC_PER_MSEC * USEC_PER_SEC / g->cpu_quota, PERIOD_MAX);
            quota = MAX(g->cpu_quota * period / USEC_PER_SEC, USEC_PER_MSEC);
        }
        snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64, quota, period);
    }
    put(a, CGROUP_CONTROLLER_CPU, "cpu.max", text, "CPUQuota",
        g->cpu_quota != USEC_INFINITY || g->cpu_quota_period_sec != USEC_INFINITY);
}

/* "0-3,8" */
static char *mask_text(const struct cpu_mask *m)
{
    auto_strbuf struct strbuf b = { 0 };

    for (unsigned i = 0; m && i < m->n_words * 64; i++) {
        unsigned from = i;

        if (!(m->words[i / 64] >> i % 64 & 1))
            continue;
        while (i + 1 < m->n_words * 64 && m->words[(i + 1) / 64] >> (i + 1) % 64 & 1)
            i++;
        strbuf_addf(&b, "%s%u", b.length > 0 ? "," : "", from);
        if (i > from)
            strbuf_addf(&b, "-%u", i);
    }
    return strbuf_take(&b);
}

static void apply_cpuset(struct applying *a)
{
    auto_free char *cpus = mask_text(a->g->allowed_cpus);
    auto_free char *nodes = mask_text(a->g->allowed_memory_nodes);

    if (cpus)
        put(a, CGROUP_CONTROLLER_CPUSET, "cpuset.cpus", *cpus ? cpus : "\n", "AllowedCPUs", *cpus);
    if (nodes)
        put(a, CGROUP_CONTROLLER_CPUSET, "cpuset.mems", *nodes ? nodes : "\n", "AllowedMemoryNodes",
            *nodes);
}

/* ---- memory, tasks ---- */

static void apply_memory(struct applying *a)
{
    const struct cgroup_config *g = a->g;
    const unsigned memory = CGROUP_CONTROLLER_MEMORY;
    /* MemoryLimit= is of cgroup v1; systemd takes it where MemoryMax= is not set. */
    uint64_t max = g->memory_max != SIZE_INFINITY ? g->memory_max : g->memory_limit;

    put_number(a, memory, "memory.min", g->memory_min, "MemoryMin", g->memory_min != 0);
    put_number(a, memory, "memory.low", g->memory_low, "MemoryLow", g->memory_low != 0);
    put_number(a, memory, "memory.high", g->memory_high, "MemoryHigh",
               g->memory_high != SIZE_INFINITY);
    put_number(a, memory, "memory.max", max,
               g->memory_max != SIZE_INFINITY ? "MemoryMax" : "MemoryLimit", max != SIZE_INFINITY);
    put_number(a, memory, "memory.swap.max", g->memory_swap_max, "MemorySwapMax",
               g->memory_swap_max != SIZE_INFINITY);
    put_number(a, memory, "memory.zswap.max", g->memory_zswap_max, "MemoryZSwapMax",
               g->memory_zswap_max != SIZE_INFINITY);
    put(a, memory, "memory.zswap.writeback", g->memory_zswap_writeback ? "1" : "0",
        "MemoryZSwapWriteback", !g->memory_zswap_writeback);
    bool group = a->config->type == UNIT_SERVICE &&
                 a->config->service->oom_policy == OOM_POLICY_KILL;
    put(a, memory, "memory.oom.group", group ? "1" : "0", "OOMPolicy", group);
}

static void apply_tasks(struct applying *a)
{
    put_number(a, CGROUP_CONTROLLER_PIDS, "pids.max", a->g->tasks_max, "TasksMax",
               a->g->tasks_max != SIZE_INFINITY);
}

/* ---- io ---- */

/* The device that the path is, or that the file system at the path is on: "8:0". */
static int device_number(const char *path, char text[static 32])
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    dev_t device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
    if (major(device) == 0)
        return -ENODEV;
    snprintf(text, 32, "%u:%u", major(device), minor(device));
    return 0;
}

static void put_device(struct applying *a, const struct device_value *d, const char *file,
                       const char *key, const char *directive)
{
    char device[32], text[128];

    for (; d; d = d->next) {
        int r = device_number(d->path, device);

        if (r < 0) {
            if (a->refused)
                a->refused(directive, r, a->userdata);
            continue;
        }
        if (d->value == SIZE_INFINITY)
            snprintf(text, sizeof text, "%s %smax", device, key);
        else
            snprintf(text, sizeof text, "%s %s%" PRIu64, device, key, d->value);
        put(a, CGROUP_CONTROLLER_IO, file, text, directive, true);
    }
}

static void apply_io(struct applying *a)
{
    const struct cgroup_config *g = a->g;
    bool weight = g->io_weight != WEIGHT_UNSET;
    char text[64];

    snprintf(text, sizeof text, "default %" PRIu64, weight ? g->io_weight : WEIGHT_DEFAULT);
    put(a, CGROUP_CONTROLLER_IO, "io.weight", text, "IOWeight", weight);
    put_device(a, g->io_device_weight, "io.weight", "", "IODeviceWeight");
    put_device(a, g->io_read_bandwidth_max, "io.max", "rbps=", "IOReadBandwidthMax");
    put_device(a, g->io_write_bandwidth_max, "io.max", "wbps=", "IOWriteBandwidthMax");
    put_device(a, g->io_read_iops_max, "io.max", "riops=", "IOReadIOPSMax");
    put_device(a, g->io_write_iops_max, "io.max", "wiops=", "IOWriteIOPSMax");
    put_device(a, g->io_device_latency_target_sec, "io.latency",
               "target=", "IODeviceLatencyTargetSec");
}

/* ---- what counts in place of the setting itself ---- */

static bool is_set(const struct unit_config *c, const char *name)
{
    return directive_is_set(c, directive_find_property((enum unit_type) c->type, name));
}

/* While the system starts or stops, Startup...= counts where it is set. */
static const struct {
    const char *startup;
    uint16_t from, to;
    uint8_t size;
} startup_rows[] = {
#define STARTUP(name, member) \
    { "Startup" name, offsetof(struct cgroup_config, startup_##member), \
      offsetof(struct cgroup_config, member), sizeof(((struct cgroup_config *) 0)->member) },
    /* clang-format off */
    STARTUP("AllowedCPUs", allowed_cpus)
    STARTUP("AllowedMemoryNodes", allowed_memory_nodes)
    STARTUP("CPUWeight", cpu_weight)
    STARTUP("CPUShares", cpu_shares)
    STARTUP("IOWeight", io_weight)
    STARTUP("MemoryLow", memory_low)
    STARTUP("MemoryHigh", memory_high)
    STARTUP("MemoryMax", memory_max)
    STARTUP("MemorySwapMax", memory_swap_max)
    STARTUP("MemoryZSwapMax", memory_zswap_max)
    /* clang-format on */
};

/* What a slice above says for those below that do not say it themselves: the nearest counts. */
static const struct {
    const char *setting, *preset;
    uint16_t from, to;
    bool startup;
} preset_rows[] = {
#define PRESET(name, from, to, startup) \
    { name, "Default" name, offsetof(struct cgroup_config, from), \
      offsetof(struct cgroup_config, to), startup },
    /* clang-format off */
    PRESET("MemoryMin", default_memory_min, memory_min, false)
    PRESET("MemoryLow", default_memory_low, memory_low, false)
    PRESET("StartupMemoryLow", default_startup_memory_low, memory_low, true)
    /* clang-format on */
};

static void take(struct cgroup_config *to, size_t to_offset, const struct cgroup_config *from,
                 size_t from_offset, size_t size)
{
    memcpy((char *) to + to_offset, (const char *) from + from_offset, size);
}

static void work_out(struct cgroup_config *g, bool startup, const struct unit_config *config,
                     const struct unit_config *const *slices)
{
    for (size_t i = 0; i < ELEMENTSOF(preset_rows); i++) {
        const struct unit_config *const *s = slices;

        if (is_set(config, preset_rows[i].setting) || (preset_rows[i].startup && !startup))
            continue;
        while (*s && !is_set(*s, preset_rows[i].preset))
            s++;
        if (*s)
            take(g, preset_rows[i].to, (*s)->cgroup, preset_rows[i].from, sizeof(uint64_t));
    }
    for (size_t i = 0; startup && i < ELEMENTSOF(startup_rows); i++)
        if (is_set(config, startup_rows[i].startup))
            take(g, startup_rows[i].to, config->cgroup, startup_rows[i].from, startup_rows[i].size);
}

bool cgroup_has_startup(const struct unit_config *config)
{
    if (!(config->owned & 1u << GROUP_CGROUP))
        return false;
    for (size_t i = 0; i < ELEMENTSOF(startup_rows); i++)
        if (is_set(config, startup_rows[i].startup))
            return true;
    return is_set(config, "DefaultStartupMemoryLow");
}

void cgroup_apply(const struct cgroup_root *r, int cgroup_fd, bool fresh, bool startup,
                  const struct unit_config *config, const struct unit_config *const *slices,
                  cgroup_refused refused, void *userdata)
{
    struct cgroup_config g = *config->cgroup; /* what it points to stays the unit's */
    struct applying a = { r, cgroup_fd, fresh, config, &g, refused, userdata };

    work_out(&g, startup, config, slices);
    apply_cpu(&a);
    apply_cpuset(&a);
    apply_memory(&a);
    apply_tasks(&a);
    apply_io(&a);
    bpf_apply(cgroup_fd, fresh, config, slices, refused, userdata);
}
