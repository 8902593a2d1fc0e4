/* Conditions about the machine, the system, and who the manager is. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/id128.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/users.h"
#include "unit/condition-private.h"
#include "unit/env-file.h"
#include "unit/machine.h"
#include "unit/value.h"
#include "unit/virt.h"

static bool exists(const char *path)
{
    return access(path, F_OK) >= 0;
}

static bool file_has_word(const char *path, const char *word, const char *separators)
{
    auto_free char *text = NULL;

    if (file_read(path, 1 << 20, &text, NULL) < 0)
        return false;
    auto_strv char **words = strv_split(text, separators);
    return strv_contains(words, word);
}

int test_architecture(const char *parameter, const struct condition_context *ctx)
{
    return streq(parameter, "native") || streq(parameter, architecture_name());
}

/* smbios-field(NAME OPERATOR VALUE), from /sys/class/dmi/id. */
static int test_smbios_field(const char *expression)
{
    size_t n = strcspn(expression, " \t!$<=>");
    auto_free char *name = strndup(expression, n), *path = NULL, *actual = NULL;
    const char *p = expression + n + strspn(expression + n, WHITESPACE);
    enum comparison c = comparison_take(&p, true);

    if (!name || !(path = path_join("/sys/class/dmi/id", name, NULL)))
        return -ENOMEM;
    if (c == COMPARE_NONE || strchr(name, '/'))
        return -EINVAL;
    p += strspn(p, WHITESPACE);
    auto_free char *expected = strdup(p);
    if (!expected)
        return -ENOMEM;
    char *close = strrchr(expected, ')');
    if (!close)
        return -EINVAL;
    *close = 0;
    if (file_read_line(path, &actual) < 0)
        return 0;
    strstrip(actual);
    if (c == COMPARE_PATTERN || c == COMPARE_NO_PATTERN)
        return (fnmatch(expected, actual, FNM_EXTMATCH) == 0) == (c == COMPARE_PATTERN);
    return comparison_holds(c, version_order(actual, expected));
}

int test_firmware(const char *parameter, const struct condition_context *ctx)
{
    const char *rest;

    if (streq(parameter, "uefi"))
        return exists("/sys/firmware/efi");
    if (streq(parameter, "device-tree"))
        return exists("/sys/firmware/devicetree");
    if ((rest = startswith(parameter, "device-tree-compatible("))) {
        auto_free char *compatible = strndup(rest, strcspn(rest, ")")), *data = NULL;
        size_t size;

        if (!compatible)
            return -ENOMEM;
        if (file_read("/proc/device-tree/compatible", 1 << 16, &data, &size) < 0)
            return 0;
        for (size_t i = 0; i < size; i += strlen(data + i) + 1)
            if (streq(data + i, compatible))
                return 1;
        return 0;
    }
    if ((rest = startswith(parameter, "smbios-field(")))
        return test_smbios_field(rest);
    return 0;
}

int test_virtualization(const char *parameter, const struct condition_context *ctx)
{
    int wanted = parse_boolean(parameter);

    if (streq(parameter, "private-users"))
        return virt_in_user_namespace();
    if (wanted >= 0)
        return (virt_any() != NULL) == wanted;
    if (streq(parameter, "vm"))
        return !virt_container() && virt_machine();
    if (streq(parameter, "container"))
        return virt_container() != NULL;
    return streq_ptr(virt_any(), parameter);
}

int test_host(const char *parameter, const struct condition_context *ctx)
{
    struct id128 wanted, own;
    struct utsname u;

    if (id128_parse(parameter, &wanted) >= 0)
        return id128_machine(ctx->root, &own) >= 0 && id128_equal(wanted, own);
    if (uname(&u) < 0)
        return -errno;
    return fnmatch(parameter, u.nodename, FNM_CASEFOLD) == 0;
}

int test_kernel_command_line(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *line = NULL;
    bool whole = strchr(parameter, '=');
    int r = file_read_line("/proc/cmdline", &line);

    if (r < 0)
        return r;
    const char *p = line;
    for (;;) {
        auto_free char *word = NULL;

        r = quote_next_word(&p, &word, NULL, QUOTE_UNQUOTE | QUOTE_RELAX);
        if (r <= 0)
            return r;
        const char *rest = startswith(word, parameter);
        if (rest && (!*rest || (!whole && *rest == '=')))
            return 1;
    }
}

/* Words, each a comparison or a pattern, all of which have to hold. */
int test_kernel_version(const char *parameter, const struct condition_context *ctx)
{
    struct utsname u;

    if (uname(&u) < 0)
        return -errno;
    for (bool first = true;; first = false) {
        auto_free char *word = NULL, *next = NULL;
        bool holds;
        int r = quote_next_word(&parameter, &word, NULL, QUOTE_UNQUOTE);

        if (r < 0)
            return r;
        if (r == 0)
            return !first;
        const char *p = word;
        enum comparison c = comparison_take(&p, true);
        if (c != COMPARE_NONE && !*p) {
            /* "> 5.4": the version is the next word. */
            r = quote_next_word(&parameter, &next, NULL, QUOTE_UNQUOTE);
            if (r <= 0)
                return r < 0 ? r : -EINVAL;
            p = next;
        }
        if (c == COMPARE_NONE || c == COMPARE_PATTERN || c == COMPARE_NO_PATTERN)
            holds = (fnmatch(p, u.release, FNM_EXTMATCH) == 0) == (c != COMPARE_NO_PATTERN);
        else if (c == COMPARE_EQUAL || c == COMPARE_UNEQUAL)
            holds = streq(p, u.release) == (c == COMPARE_EQUAL);
        else
            holds = comparison_holds(c, version_order(u.release, p));
        if (!holds)
            return 0;
    }
}

static bool in_lsm_list(const char *name)
{
    return file_has_word("/sys/kernel/security/lsm", name, ",\n");
}

/* EFI variable SecureBoot: four bytes of attributes, then the value. */
static bool secure_boot(void)
{
    auto_free char *data = NULL;
    size_t n;

    return file_read("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                     16, &data, &n) >= 0 &&
           n == 5 && data[4] == 1;
}

int test_security(const char *parameter, const struct condition_context *ctx)
{
    if (streq(parameter, "selinux"))
        return exists("/sys/fs/selinux/enforce");
    if (streq(parameter, "smack"))
        return exists("/sys/fs/smackfs") && in_lsm_list("smack");
    if (streq(parameter, "apparmor")) {
        auto_free char *enabled = NULL;

        return file_read_line("/sys/module/apparmor/parameters/enabled", &enabled) >= 0 &&
               parse_boolean(enabled) > 0;
    }
    if (streq(parameter, "tomoyo"))
        return in_lsm_list("tomoyo");
    if (streq(parameter, "ima"))
        return exists("/sys/kernel/security/ima");
    if (streq(parameter, "audit")) {
        auto_free char *id = NULL;

        return file_read_line("/proc/self/loginuid", &id) >= 0 && exists("/proc/self/sessionid");
    }
    if (streq(parameter, "uefi-secureboot"))
        return secure_boot();
    if (streq(parameter, "tpm2"))
        return exists("/sys/class/tpmrm/tpmrm0") || exists("/dev/tpmrm0");
    if (streq(parameter, "measured-uki"))
        return exists("/sys/firmware/efi/efivars/"
                      "StubPcrKernelImage-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f");
    return 0;
}

int test_capability(const char *parameter, const struct condition_context *ctx)
{
    int cap = capability_from_name(parameter);

    if (cap < 0)
        return cap;
    return prctl(PR_CAPBSET_READ, cap) > 0;
}

static bool supply_says(const char *supply, const char *file, const char *value)
{
    auto_free char *path = path_join("/sys/class/power_supply", supply, file, NULL), *text = NULL;

    return path && file_read_line(path, &text) >= 0 && streq(text, value);
}

/* On mains power, unless a battery discharges while nothing else is on line. */
static bool on_ac_power(void)
{
    bool online = false, offline = false, battery = false;
    DIR *d = opendir("/sys/class/power_supply");

    if (!d)
        return true;
    for (struct dirent *de; (de = readdir(d));) {
        if (*de->d_name == '.' || supply_says(de->d_name, "scope", "Device"))
            continue;
        if (supply_says(de->d_name, "type", "Battery"))
            battery = battery || supply_says(de->d_name, "status", "Discharging");
        else if (supply_says(de->d_name, "online", "1"))
            online = true;
        else if (supply_says(de->d_name, "online", "0"))
            offline = true;
    }
    closedir(d);
    return online || (!offline && !battery);
}

int test_ac_power(const char *parameter, const struct condition_context *ctx)
{
    int wanted = parse_boolean(parameter);

    return wanted < 0 ? wanted : on_ac_power() == wanted;
}

static bool is_system_id(unsigned id)
{
    return id == 0 || (id < 1000) || id == 65534;
}

int test_user(const char *parameter, const struct condition_context *ctx)
{
    struct users_lookup lookup = { .root = ctx->root, .files_only = true };
    struct user u = {};
    uid_t id;

    if (parse_uid(parameter, &id) >= 0)
        return id == getuid() || id == geteuid();
    if (streq(parameter, "@system"))
        return is_system_id(getuid()) || is_system_id(geteuid());
    if (streq(parameter, "root") || getpid() == 1)
        return streq(parameter, "root") && geteuid() == 0;
    if (user_find(&lookup, parameter, &u) < 0)
        return 0;
    id = u.uid;
    user_done(&u);
    return id == getuid() || id == geteuid();
}

static int in_group(gid_t gid)
{
    int n = getgroups(0, NULL);
    auto_free gid_t *groups = new0(gid_t, n > 0 ? (size_t) n : 1);

    if (!groups)
        return -ENOMEM;
    n = getgroups(n, groups);
    for (int i = 0; i < n; i++)
        if (groups[i] == gid)
            return 1;
    return gid == getgid() || gid == getegid();
}

int test_group(const char *parameter, const struct condition_context *ctx)
{
    struct users_lookup lookup = { .root = ctx->root, .files_only = true };
    struct group g = {};
    gid_t id;

    if (parse_uid(parameter, &id) >= 0)
        return in_group(id);
    if (getpid() == 1)
        return streq(parameter, "root");
    if (group_find(&lookup, parameter, &g) < 0)
        return 0;
    id = g.gid;
    group_done(&g);
    return in_group(id);
}

int test_control_group_controller(const char *parameter, const struct condition_context *ctx)
{
    bool unified = exists("/sys/fs/cgroup/cgroup.controllers");

    if (streq(parameter, "v2"))
        return unified;
    if (streq(parameter, "v1"))
        return !unified && exists("/sys/fs/cgroup");
    auto_strv char **words = strv_split(parameter, WHITESPACE);
    if (!words)
        return -ENOMEM;
    STRV_FOREACH (w, words) {
        /* cpu accounting needs no controller, and devices and the like are programs, in v2. */
        bool always = streq(*w, "cpuacct") || startswith(*w, "bpf-");

        if (cgroup_controller_from_string(*w) < 0)
            continue; /* systemd ignores words it does not know */
        if (!always && !file_has_word("/sys/fs/cgroup/cgroup.controllers", *w, WHITESPACE))
            return 0;
    }
    return 1;
}

static int compare_number(const char *parameter, uint64_t actual, bool size)
{
    const char *p = parameter;
    enum comparison c = comparison_take(&p, false);
    uint64_t wanted;

    p += strspn(p, WHITESPACE);
    int r = size ? parse_size(p, 1024, &wanted) : parse_u64(p, &wanted);
    if (r < 0)
        return r;
    return comparison_holds(c == COMPARE_NONE ? COMPARE_GREATER_EQUAL : c,
                            actual < wanted ? -1 : actual > wanted);
}

int test_cpus(const char *parameter, const struct condition_context *ctx)
{
    return compare_number(parameter, machine_cpus(), false);
}

int test_memory(const char *parameter, const struct condition_context *ctx)
{
    return compare_number(parameter, machine_memory(), true);
}

int test_environment(const char *parameter, const struct condition_context *ctx)
{
    STRV_FOREACH (e, ctx->environ) {
        const char *rest = startswith(*e, parameter);

        if (rest && (!*rest || (!strchr(parameter, '=') && *rest == '=')))
            return 1;
    }
    return 0;
}

int test_cpu_feature(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *text = NULL;

    if (file_read("/proc/cpuinfo", 4 << 20, &text, NULL) < 0)
        return 0;
    char *flags = strstr(text, "\nflags");
    if (!flags)
        flags = strstr(text, "\nFeatures");
    if (!flags)
        return 0;
    flags[1 + strcspn(flags + 1, "\n")] = 0;
    auto_strv char **words = strv_split(flags + 1, " \t:");
    if (!words)
        return -ENOMEM;
    for (char **w = words; *w; w++)
        if (strcasecmp(*w, parameter) == 0)
            return 1;
    return 0;
}

int test_os_release(const char *parameter, const struct condition_context *ctx)
{
    for (;;) {
        auto_free char *word = NULL, *name = NULL, *actual = NULL;
        bool holds;
        int r = quote_next_word(&parameter, &word, NULL, QUOTE_UNQUOTE);

        if (r <= 0)
            return r < 0 ? r : 1;
        size_t n = strcspn(word, "!$<=>");
        name = strndup(word, n);
        if (!name)
            return -ENOMEM;
        const char *p = word + n;
        enum comparison c = comparison_take(&p, true);
        if (c == COMPARE_NONE || !*name)
            return -EINVAL;
        r = env_file_get(ctx->root, "/etc/os-release", name, &actual);
        if (r == -ENOENT)
            r = env_file_get(ctx->root, "/usr/lib/os-release", name, &actual);
        if (r < 0 && r != -ENXIO)
            return r;
        if (c == COMPARE_EQUAL || c == COMPARE_UNEQUAL)
            holds = streq(p, strempty(actual)) == (c == COMPARE_EQUAL);
        else if (c == COMPARE_PATTERN || c == COMPARE_NO_PATTERN)
            holds = (fnmatch(p, strempty(actual), FNM_EXTMATCH) == 0) == (c == COMPARE_PATTERN);
        else
            holds = comparison_holds(c, version_order(strempty(actual), p));
        if (!holds)
            return 0;
    }
}

/* Pressure, systemd.unit(5): [SLICE:]LIMIT[/10sec|1min|5min]; the condition holds at or below it. A
 * kernel without PSI has none. */

static int pressure_file(const char *slice, const char *resource,
                         const struct condition_context *ctx, char **ret)
{
    if (slice) {
        /* a-b.slice is in a.slice/a-b.slice */
        auto_strbuf struct strbuf path = {};

        strbuf_add(&path, ctx->cgroup ? ctx->cgroup : "/sys/fs/cgroup");
        for (const char *dash = strchr(slice + 1, '-'); dash; dash = strchr(dash + 1, '-'))
            strbuf_addf(&path, "/%.*s.slice", (int) (dash - slice), slice);
        if (!streq(slice, "-.slice"))
            strbuf_addf(&path, "/%s", slice);
        strbuf_addf(&path, "/%s.pressure", resource);
        *ret = strbuf_take(&path);
    } else if (ctx->user && ctx->cgroup) {
        *ret = format("%s/%s.pressure", ctx->cgroup, resource);
    } else {
        *ret = format("/proc/pressure/%s", resource);
    }
    return *ret ? 0 : -ENOMEM;
}

/* "avg60=1.23" in the line that begins with `kind`, in parts of ten thousand. */
static int read_pressure(const char *path, const char *kind, const char *average, uint64_t *ret)
{
    auto_free char *text = NULL;
    unsigned whole, hundredths;
    int r = file_read(path, 4096, &text, NULL);

    if (r < 0)
        return r;
    const char *line = strstr(text, kind);
    const char *value = line ? strstr(line, average) : NULL;
    if (!value || sscanf(value + strlen(average), "%u.%2u", &whole, &hundredths) != 2)
        return -ENODATA;
    *ret = (uint64_t) whole * 100 + hundredths;
    return 0;
}

static int test_pressure(const char *parameter, const struct condition_context *ctx,
                         const char *resource, const char *kind)
{
    const char *colon = strchr(parameter, ':'), *average = "avg300=";
    auto_free char *slice = colon ? strndup(parameter, (size_t) (colon - parameter)) : NULL;
    auto_free char *limit_text = strdup(colon ? colon + 1 : parameter), *path = NULL;
    unsigned limit;
    uint64_t current;

    if (!limit_text || (colon && !slice))
        return -ENOMEM;
    char *slash = strchr(limit_text, '/');
    if (slash) {
        usec_t span;

        *slash = 0;
        if (timespan_parse(slash + 1, &span) < 0)
            return -EINVAL;
        if (span == 10 * USEC_PER_SEC)
            average = "avg10=";
        else if (span == USEC_PER_MINUTE)
            average = "avg60=";
        else if (span != 5 * USEC_PER_MINUTE)
            return -EINVAL;
    }
    if (parse_permyriad(strstrip(limit_text), &limit) < 0)
        return -EINVAL;
    int r = pressure_file(slice, resource, ctx, &path);
    if (r < 0)
        return r;
    r = read_pressure(path, kind, average, &current);
    return r == -ENOMEM ? r : r < 0 || current <= limit;
}

int test_memory_pressure(const char *parameter, const struct condition_context *ctx)
{
    return test_pressure(parameter, ctx, "memory", "full");
}

int test_cpu_pressure(const char *parameter, const struct condition_context *ctx)
{
    return test_pressure(parameter, ctx, "cpu", "some");
}

int test_io_pressure(const char *parameter, const struct condition_context *ctx)
{
    return test_pressure(parameter, ctx, "io", "full");
}
