/* What is written to which file of a cgroup, in a folder that stands in for one: no kernel hands
 * all controllers to everybody who runs tests. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/cgroup.h"
#include "unit/config.h"
#include "unit/directive.h"
#include "unit/enums.h"

static const char *const files[] = {
    "cgroup.subtree_control",
    "cpu.idle",
    "cpu.max",
    "cpu.weight",
    "cpuset.cpus",
    "cpuset.mems",
    "io.latency",
    "io.max",
    "io.weight",
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.min",
    "memory.oom.group",
    "memory.swap.max",
    "memory.zswap.max",
    "memory.zswap.writeback",
    "pids.max",
};

static char folder[] = "/tmp/reeve-cgroup-XXXXXX";
static struct cgroup_root root;

static char *path_in(const char *group, const char *file)
{
    return path_join(folder, group, file, NULL);
}

static void put(const char *path, const char *text)
{
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

static void make_group(const char *group, const char *subtree)
{
    auto_free char *path = path_in(group, "");

    assert_int_equal(mkdir_all(path, 0755), 0);
    for (size_t i = 0; i < ELEMENTSOF(files); i++) {
        auto_free char *file = path_in(group, files[i]);

        put(file, i == 0 ? subtree : "");
    }
}

static char *content(const char *group, const char *file)
{
    auto_free char *path = path_in(group, file);
    char *text;

    assert_int_equal(file_read(path, 4096, &text, NULL), 0);
    return text;
}

static int set_up(void **state)
{
    const unsigned all = 1u << CGROUP_CONTROLLER_CPU | 1u << CGROUP_CONTROLLER_CPUSET |
                         1u << CGROUP_CONTROLLER_IO | 1u << CGROUP_CONTROLLER_MEMORY |
                         1u << CGROUP_CONTROLLER_PIDS;

    assert_non_null(mkdtemp(folder));
    root = (struct cgroup_root){ .fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                 .controllers = all };
    return root.fd < 0;
}

static int tear_down(void **state)
{
    cgroup_root_done(&root);
    return remove_all(folder);
}

/* "Name=value Name=value": settings of a unit. */
static struct unit_config *config_of(const char *name, const char *settings)
{
    struct unit_config *c;
    auto_free char *copy = strdup(settings);
    char *save = NULL;

    assert_int_equal(unit_config_new(name, NULL, &c), 0);
    for (char *s = strtok_r(copy, ";", &save); s; s = strtok_r(NULL, ";", &save)) {
        char *value = strchr(s, '=');
        const struct directive *d;

        *value++ = '\0';
        d = directive_find_property((enum unit_type) c->type, s);
        assert_non_null(d);
        assert_int_equal(directive_assign(c, d, value, NULL, 0, 1), 0);
    }
    return c;
}

static void expect(const char *settings, const char *slice, bool startup, const char *file,
                   const char *want)
{
    struct unit_config *c = config_of("x.service", settings), *s = config_of("a.slice", slice),
                       *r = config_of("-.slice", "");
    const struct unit_config *slices[] = { s, r, NULL };
    auto_close int fd = -1;

    make_group("x.service", "");
    auto_free char *group = path_in("x.service", "");
    fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    cgroup_apply(&root, fd, true, startup, c, slices, NULL, NULL);
    auto_free char *got = content("x.service", file);
    got[strcspn(got, "\n")] = '\0';
    if (!streq(got, want))
        fail_msg("%s in a slice with %s%s: %s is \"%s\", not \"%s\"", settings, slice,
                 startup ? ", starting" : "", file, got, want);
    unit_config_free(c);
    unit_config_free(s);
    unit_config_free(r);
}

static void settings_go_to_files(void **state)
{
    static const struct {
        const char *settings, *file, *want;
    } cases[] = {
        { "", "cpu.weight", "" },
        { "CPUWeight=50", "cpu.weight", "50" },
        { "CPUWeight=idle", "cpu.idle", "1" },
        { "CPUShares=2048", "cpu.weight", "200" },
        { "CPUShares=2048;CPUWeight=50", "cpu.weight", "50" },
        { "CPUQuota=20%", "cpu.max", "20000 100000" },
        { "CPUQuota=20%;CPUQuotaPeriodSec=10ms", "cpu.max", "2000 10000" },
        { "AllowedCPUs=0-2 5", "cpuset.cpus", "0-2,5" },
        { "AllowedMemoryNodes=0", "cpuset.mems", "0" },
        { "MemoryMin=1M", "memory.min", "1048576" },
        { "MemoryLow=1M", "memory.low", "1048576" },
        { "MemoryHigh=1M", "memory.high", "1048576" },
        { "MemoryMax=1M", "memory.max", "1048576" },
        { "MemoryLimit=1M", "memory.max", "1048576" },
        { "MemorySwapMax=0", "memory.swap.max", "0" },
        { "MemoryZSwapMax=1M", "memory.zswap.max", "1048576" },
        { "MemoryZSwapWriteback=no", "memory.zswap.writeback", "0" },
        { "OOMPolicy=kill", "memory.oom.group", "1" },
        { "TasksMax=20", "pids.max", "20" },
        { "IOWeight=70", "io.weight", "default 70" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        expect(cases[i].settings, "", false, cases[i].file, cases[i].want);
}

static void startup_settings_count_at_startup(void **state)
{
    static const struct {
        const char *settings, *file, *starting, *running;
    } cases[] = {
        { "StartupCPUWeight=20", "cpu.weight", "20", "" },
        { "StartupCPUWeight=20;CPUWeight=50", "cpu.weight", "20", "50" },
        { "StartupCPUShares=512;CPUShares=2048", "cpu.weight", "50", "200" },
        { "StartupIOWeight=20;IOWeight=50", "io.weight", "default 20", "default 50" },
        { "StartupAllowedCPUs=1;AllowedCPUs=0", "cpuset.cpus", "1", "0" },
        { "StartupAllowedMemoryNodes=0", "cpuset.mems", "0", "" },
        { "StartupMemoryLow=2M;MemoryLow=1M", "memory.low", "2097152", "1048576" },
        { "StartupMemoryHigh=2M", "memory.high", "2097152", "" },
        { "StartupMemoryMax=2M;MemoryMax=1M", "memory.max", "2097152", "1048576" },
        { "StartupMemorySwapMax=0;MemorySwapMax=1M", "memory.swap.max", "0", "1048576" },
        { "StartupMemoryZSwapMax=2M", "memory.zswap.max", "2097152", "" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        expect(cases[i].settings, "", true, cases[i].file, cases[i].starting);
        expect(cases[i].settings, "", false, cases[i].file, cases[i].running);
    }
}

static void a_slice_has_presets_for_those_below(void **state)
{
    static const struct {
        const char *settings, *slice, *file, *want;
        bool startup;
    } cases[] = {
        { "", "DefaultMemoryLow=3M", "memory.low", "3145728", false },
        { "MemoryLow=1M", "DefaultMemoryLow=3M", "memory.low", "1048576", false },
        { "MemoryLow=0", "DefaultMemoryLow=3M", "memory.low", "", false },
        { "", "DefaultMemoryMin=3M", "memory.min", "3145728", false },
        { "", "DefaultStartupMemoryLow=3M", "memory.low", "", false },
        { "", "DefaultStartupMemoryLow=3M;DefaultMemoryLow=2M", "memory.low", "3145728", true },
        { "StartupMemoryLow=1M", "DefaultStartupMemoryLow=3M", "memory.low", "1048576", true },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        expect(cases[i].settings, cases[i].slice, cases[i].startup, cases[i].file, cases[i].want);
}

static void disabled_controllers_are_not_handed_on(void **state)
{
    auto_free char *text = NULL, *above = NULL, *below = NULL;
    int fd = -1;

    make_group("b.slice", "");
    make_group("b.slice/b-c.slice", "");
    make_group("b.slice/b-c.slice/y.service", "");
    assert_int_equal(cgroup_disable(&root, "/b.slice/b-c.slice", 1u << CGROUP_CONTROLLER_PIDS), 0);
    assert_int_equal(cgroup_create(&root, "/b.slice/b-c.slice/y.service", &fd), 0);
    fd = close_fd(fd);
    /* One write a controller, and the file keeps the last. */
    above = content("b.slice", "cgroup.subtree_control");
    below = content("b.slice/b-c.slice", "cgroup.subtree_control");
    assert_non_null(strstr(above, "+pids"));
    assert_non_null(strstr(below, "+memory"));

    /* Taken from who has them already, from below. */
    make_group("b.slice", "cpu memory pids");
    make_group("b.slice/b-c.slice", "pids");
    assert_int_equal(cgroup_disable(&root, "/b.slice", 1u << CGROUP_CONTROLLER_PIDS), 0);
    free(above);
    above = content("b.slice", "cgroup.subtree_control");
    assert_non_null(startswith(above, "-pids"));
    text = content("b.slice/b-c.slice", "cgroup.subtree_control");
    assert_non_null(startswith(text, "-pids"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_go_to_files),
        cmocka_unit_test(startup_settings_count_at_startup),
        cmocka_unit_test(a_slice_has_presets_for_those_below),
        cmocka_unit_test(disabled_controllers_are_not_handed_on),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
