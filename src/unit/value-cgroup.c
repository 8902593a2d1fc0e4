/* Values of resource control: weights, limits, devices, addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "unit/machine.h"
#include "unit/value-list.h"
#include "unit/value.h"

static void format_u64(const struct value_type *type, const void *v, struct strbuf *out)
{
    uint64_t n = *(const uint64_t *) v;

    if (n == UINT64_MAX)
        strbuf_add(out, "[not set]");
    else
        strbuf_addf(out, "%" PRIu64, n);
}

static void format_u64_file(const struct value_type *type, const char *name, const void *v,
                            struct strbuf *out)
{
    if (*(const uint64_t *) v != UINT64_MAX)
        strbuf_addf(out, "%s=%" PRIu64 "\n", name, *(const uint64_t *) v);
}

/* Weights. */

static int parse_weight(struct assignment *a, const char *text, uint64_t min, uint64_t max, void *v)
{
    uint64_t n;

    if (parse_u64(text, &n) < 0 || n < min || n > max)
        return assignment_fault(a, NULL, "\"%s\" is no number from %" PRIu64 " to %" PRIu64, text,
                                min, max);
    *(uint64_t *) v = n;
    return 0;
}

static int parse_cpu_weight(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    if (streq(text, "idle")) {
        *(uint64_t *) v = 0;
        return 0;
    }
    return parse_weight(a, text, 1, 10000, v);
}

static void format_cpu_weight(const struct value_type *type, const void *v, struct strbuf *out)
{
    if (*(const uint64_t *) v == 0)
        strbuf_add(out, "idle");
    else
        format_u64(type, v, out);
}

static void format_cpu_weight_file(const struct value_type *type, const char *name, const void *v,
                                   struct strbuf *out)
{
    if (*(const uint64_t *) v == 0)
        format_line(out, name, "idle");
    else
        format_u64_file(type, name, v, out);
}

static int parse_io_weight(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    return parse_weight(a, text, 1, 10000, v);
}

/* Settings of cgroup v1 that systemd warns of. */
static void note_old_name(struct assignment *a)
{
    static const struct {
        const char *name, *successor;
    } old[] = {
        { "MemoryLimit", "MemoryMax" },
        { "CPUShares", "CPUWeight" },
        { "StartupCPUShares", "StartupCPUWeight" },
        { "BlockIODeviceWeight", "IODeviceWeight" },
        { "BlockIOReadBandwidth", "IOReadBandwidthMax" },
        { "BlockIOWriteBandwidth", "IOWriteBandwidthMax" },
    };
    char remedy[64];

    for (size_t i = 0; i < ELEMENTSOF(old); i++)
        if (a->directive && streq(a->directive->name, old[i].name)) {
            snprintf(remedy, sizeof remedy, "write %s=", old[i].successor);
            assignment_note(a, remedy, "this is an old setting");
        }
}

static int parse_cpu_shares(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    note_old_name(a);
    return parse_weight(a, text, 2, 262144, v);
}

static int parse_block_io_weight(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    return parse_weight(a, text, 10, 1000, v);
}

#define WEIGHT(type_name, format_function, file_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(uint64_t), \
                                                 .unset = (int64_t) WEIGHT_UNSET, \
                                                 .parse = parse_##type_name, \
                                                 .format = format_function, \
                                                 .format_file = file_function }
WEIGHT(cpu_weight, format_cpu_weight, format_cpu_weight_file);
WEIGHT(cpu_shares, format_u64, format_u64_file);
WEIGHT(io_weight, format_u64, format_u64_file);
WEIGHT(block_io_weight, format_u64, format_u64_file);

/* CPUQuota=: percent of one processor. */

static int parse_cpu_quota(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    unsigned permyriad;

    if (parse_permyriad_unbounded(text, &permyriad) < 0 || permyriad == 0)
        return assignment_fault(a, "write a percentage above 0%, 200% for two processors",
                                "\"%s\" is no percentage", text);
    *(usec_t *) v = (usec_t) permyriad * USEC_PER_SEC / 10000;
    return 0;
}

static void format_span(const struct value_type *type, const void *v, struct strbuf *out)
{
    char text[TIMESPAN_TEXT_MAX];

    strbuf_add(out, timespan_format(text, *(const usec_t *) v, 1));
}

static void format_cpu_quota_file(const struct value_type *type, const char *name, const void *v,
                                  struct strbuf *out)
{
    usec_t quota = *(const usec_t *) v;

    if (quota == USEC_INFINITY)
        return;
    strbuf_addf(out, "%s=%" PRIu64, name, quota / 10000);
    if (quota % 10000 != 0)
        strbuf_addf(out, ".%02" PRIu64, quota % 10000 / 100);
    strbuf_add(out, "%\n");
}

const struct value_type type_cpu_quota = { .name = "cpu_quota",
                                           .size = sizeof(usec_t),
                                           .unset = (int64_t) USEC_INFINITY,
                                           .parse = parse_cpu_quota,
                                           .format = format_span,
                                           .format_file = format_cpu_quota_file };

static int parse_cpu_quota_period(struct assignment *a, const struct value_type *type,
                                  const char *text, void *v)
{
    usec_t t;

    if (timespan_parse(text, &t) < 0)
        return assignment_fault(a, "write a time span as 10ms", "\"%s\" is no time span", text);
    *(usec_t *) v = t;
    return 0;
}

static void format_span_file(const struct value_type *type, const char *name, const void *v,
                             struct strbuf *out)
{
    char text[TIMESPAN_TEXT_MAX];

    if (*(const usec_t *) v != USEC_INFINITY)
        format_line(out, name, timespan_format(text, *(const usec_t *) v, 1));
}

const struct value_type type_cpu_quota_period = { .name = "cpu_quota_period",
                                                  .size = sizeof(usec_t),
                                                  .unset = (int64_t) USEC_INFINITY,
                                                  .parse = parse_cpu_quota_period,
                                                  .format = format_span,
                                                  .format_file = format_span_file };

/* Memory and tasks: absolute, relative to the machine, or infinity. */

/* `value` of `total` in parts of ten thousand, without overflow. */
static uint64_t part_of(uint64_t total, unsigned permyriad)
{
    return total / 10000 * permyriad + total % 10000 * permyriad / 10000;
}

/* Percentages give a multiple of `unit`. */
static int parse_amount(struct assignment *a, const char *text, uint64_t total, uint64_t unit,
                        uint64_t min, uint64_t *ret)
{
    unsigned permyriad;
    uint64_t n;

    if (streq(text, "infinity"))
        n = SIZE_INFINITY;
    else if (parse_permyriad(text, &permyriad) >= 0)
        n = part_of(total / unit, permyriad) * unit;
    else if (parse_size(text, 1024, &n) < 0)
        return assignment_fault(a, "write a size as 512M, a percentage as 10%, or infinity",
                                "\"%s\" is no amount", text);
    if (n < min || (n == SIZE_INFINITY && !streq(text, "infinity")))
        return assignment_fault(a, NULL, "%s is out of range", text);
    *ret = n;
    return 0;
}

static uint64_t page_size(void)
{
    return (uint64_t) sysconf(_SC_PAGESIZE);
}

static int parse_memory_limit(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    note_old_name(a);
    return parse_amount(a, text, machine_memory(), page_size(), 1, v);
}

static int parse_memory_limit_or_0(struct assignment *a, const struct value_type *type,
                                   const char *text, void *v)
{
    return parse_amount(a, text, machine_memory(), page_size(), 0, v);
}

static int parse_memory_protection(struct assignment *a, const struct value_type *type,
                                   const char *text, void *v)
{
    return parse_amount(a, text, machine_memory(), page_size(), 0, v);
}

static int parse_tasks_max(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    return parse_amount(a, text, machine_tasks(), 1, 1, v);
}

static void format_amount(const struct value_type *type, const void *v, struct strbuf *out)
{
    uint64_t n = *(const uint64_t *) v;

    if (n == SIZE_INFINITY)
        strbuf_add(out, "infinity");
    else
        strbuf_addf(out, "%" PRIu64, n);
}

#define AMOUNT(type_name, unset_value) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(uint64_t), \
                                                 .unset = (int64_t) (unset_value), \
                                                 .parse = parse_##type_name, \
                                                 .format = format_amount }
AMOUNT(memory_limit, SIZE_INFINITY);
AMOUNT(memory_limit_or_0, SIZE_INFINITY);
AMOUNT(memory_protection, 0);
AMOUNT(tasks_max, SIZE_INFINITY);

/* A percentage as a fraction of UINT32_MAX. */
static int parse_pressure_limit(struct assignment *a, const struct value_type *type,
                                const char *text, void *v)
{
    unsigned permyriad;

    if (parse_permyriad(text, &permyriad) < 0)
        return assignment_fault(a, "write a percentage as 60%", "\"%s\" is no percentage", text);
    *(uint32_t *) v = (uint32_t) (((uint64_t) UINT32_MAX * permyriad + 5000) / 10000);
    return 0;
}

static void format_u32(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%" PRIu32, *(const uint32_t *) v);
}

static void format_pressure_limit_file(const struct value_type *type, const char *name,
                                       const void *v, struct strbuf *out)
{
    uint64_t permyriad = ((uint64_t) * (const uint32_t *) v * 10000 + UINT32_MAX / 2) / UINT32_MAX;

    if (permyriad > 0)
        strbuf_addf(out, "%s=%" PRIu64 ".%02" PRIu64 "%%\n", name, permyriad / 100,
                    permyriad % 100);
}

const struct value_type type_pressure_limit = { .name = "pressure_limit",
                                                .size = sizeof(uint32_t),
                                                .parse = parse_pressure_limit,
                                                .format = format_u32,
                                                .format_file = format_pressure_limit_file };

/* Controllers. */

static int parse_controllers(struct assignment *a, const char *text, uint16_t *mask)
{
    auto_strv char **words = strv_split(text, WHITESPACE);

    if (!words)
        return -ENOMEM;
    STRV_FOREACH (w, words) {
        int i = cgroup_controller_from_string(*w);

        if (i < 0)
            assignment_fault(a, "write cpu, cpuset, io, memory or pids", "\"%s\" is no controller",
                             *w);
        else
            *mask |= (uint16_t) (1 << i);
    }
    return 0;
}

static void format_controller_mask(uint16_t mask, struct strbuf *out)
{
    const char *separator = "";

    for (int i = 0; i < CGROUP_CONTROLLER_MAX; i++)
        if (mask >> i & 1) {
            strbuf_addf(out, "%s%s", separator, cgroup_controller_to_string(i));
            separator = " ";
        }
}

static int parse_cgroup_controllers(struct assignment *a, const struct value_type *type,
                                    const char *text, void *v)
{
    return parse_controllers(a, text, v);
}

static void format_cgroup_controllers(const struct value_type *type, const void *v,
                                      struct strbuf *out)
{
    format_controller_mask(*(const uint16_t *) v, out);
}

static void format_cgroup_controllers_file(const struct value_type *type, const char *name,
                                           const void *v, struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_controller_mask(*(const uint16_t *) v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

const struct value_type type_cgroup_controllers = { .name = "cgroup_controllers",
                                                    .size = sizeof(uint16_t),
                                                    .parse = parse_cgroup_controllers,
                                                    .format = format_cgroup_controllers,
                                                    .format_file = format_cgroup_controllers_file };

/* Those of cgroup v2: the others of Delegate=yes are filters, which cannot be delegated. */
static void format_delegate_controllers(const struct value_type *type, const void *v,
                                        struct strbuf *out)
{
    const uint16_t real = 1 << CGROUP_CONTROLLER_CPU | 1 << CGROUP_CONTROLLER_CPUSET |
                          1 << CGROUP_CONTROLLER_IO | 1 << CGROUP_CONTROLLER_MEMORY |
                          1 << CGROUP_CONTROLLER_PIDS;

    format_controller_mask(*(const uint16_t *) v & real, out);
}

const struct value_type type_delegate_controllers = { .name = "delegate_controllers",
                                                      .size = sizeof(uint16_t),
                                                      .format = format_delegate_controllers };

/* Delegate=: a boolean (yes: all controllers), or controllers. An empty value delegates none. */
static int parse_delegate(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    struct delegate *d = v;
    int b = parse_boolean(text);

    if (b >= 0) {
        *d = (struct delegate){ .enabled = b,
                                .controllers = b ? (1 << CGROUP_CONTROLLER_MAX) - 1 : 0 };
        return 0;
    }
    d->enabled = true;
    if (!*text) {
        d->controllers = 0;
        return 0;
    }
    return parse_controllers(a, text, &d->controllers);
}

static void format_delegate(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_add(out, ((const struct delegate *) v)->enabled ? "yes" : "no");
}

static void format_delegate_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    const struct delegate *d = v;
    auto_strbuf struct strbuf text = {};

    format_controller_mask(d->controllers, &text);
    if (!d->enabled)
        format_line(out, name, "no");
    else if (d->controllers == (1 << CGROUP_CONTROLLER_MAX) - 1)
        format_line(out, name, "yes");
    else
        format_line(out, name, strbuf_text(&text));
}

const struct value_type type_delegate = { .name = "delegate",
                                          .size = sizeof(struct delegate),
                                          .flags = VALUE_PARSES_EMPTY,
                                          .parse = parse_delegate,
                                          .format = format_delegate,
                                          .format_file = format_delegate_file };

/* DeviceAllow=PATH [rwm]. */

LIST_FUNCTIONS(device_rule, free(i->path), COPY_STRING(path))

static int parse_device_rules(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    auto_free char *path = NULL;
    int r = assignment_word(a, &text, QUOTE_UNQUOTE, &path);

    if (r != 1)
        return r == -ENOMEM ? r : 0;
    text += strspn(text, WHITESPACE);
    if (!startswith(path, "/dev/") && !startswith(path, "char-") && !startswith(path, "block-") &&
        !startswith(path, "/run/systemd/inaccessible/"))
        return assignment_fault(a, "write a path below /dev, char-GROUP or block-GROUP",
                                "\"%s\" is no device", path);
    if (text[strspn(text, "rwm")])
        return assignment_fault(a, "write some of the letters r, w and m", "\"%s\" is no access",
                                text);

    struct device_rule *d = new0(struct device_rule, 1);
    if (!d)
        return -ENOMEM;
    *d = (struct device_rule){ .path = take_ptr(path),
                               .read = !*text || strchr(text, 'r'),
                               .write = !*text || strchr(text, 'w'),
                               .mknod = !*text || strchr(text, 'm') };
    APPEND((struct device_rule **) v, d);
    return 0;
}

static void format_device_rule(const struct device_rule *d, struct strbuf *out)
{
    strbuf_addf(out, "%s %s%s%s", d->path, d->read ? "r" : "", d->write ? "w" : "",
                d->mknod ? "m" : "");
}

static void format_device_rules(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct device_rule *d = *(struct device_rule *const *) v; d; d = d->next) {
        format_device_rule(d, out);
        if (d->next)
            strbuf_add_char(out, '\n');
    }
}

static void format_device_rules_file(const struct value_type *type, const char *name, const void *v,
                                     struct strbuf *out)
{
    for (const struct device_rule *d = *(struct device_rule *const *) v; d; d = d->next) {
        auto_strbuf struct strbuf text = {};

        format_device_rule(d, &text);
        format_text_line(out, name, strbuf_text(&text));
    }
}

const struct value_type type_device_rules = { .name = "device_rules",
                                              .size = sizeof(struct device_rule *),
                                              .parse = parse_device_rules,
                                              .format = format_device_rules,
                                              .format_file = format_device_rules_file,
                                              .clear = clear_device_rule,
                                              .copy = copy_device_rule };

/* IO settings by device: "PATH VALUE". */

LIST_FUNCTIONS(device_value, free(i->path), COPY_STRING(path))

typedef int (*device_value_parser)(const char *text, uint64_t *ret);

static int parse_device_value(struct assignment *a, const char *text, device_value_parser parser,
                              const char *remedy, void *v)
{
    auto_free char *path = NULL;
    uint64_t value;
    int r = assignment_word(a, &text, QUOTE_UNQUOTE, &path);

    if (r != 1)
        return r == -ENOMEM ? r : 0;
    text += strspn(text, WHITESPACE);
    if (assignment_check_path(a, path) != 0)
        return 0;
    if (parser(text, &value) < 0)
        return assignment_fault(a, remedy, "\"%s\" is no value for %s", text, path);

    struct device_value *d = *(struct device_value **) v;
    while (d && !streq(d->path, path))
        d = d->next;
    if (!d) {
        d = new0(struct device_value, 1);
        if (!d)
            return -ENOMEM;
        d->path = take_ptr(path);
        APPEND((struct device_value **) v, d);
    }
    d->value = value;
    return 0;
}

static int device_weight(const char *text, uint64_t *ret)
{
    int r = parse_u64(text, ret);

    return r < 0 ? r : *ret < 1 || *ret > 10000 ? -ERANGE : 0;
}

/* systemd.resource-control(5): K, M, G here are powers of 1000. */
static int device_rate(const char *text, uint64_t *ret)
{
    if (streq(text, "infinity")) {
        *ret = SIZE_INFINITY;
        return 0;
    }
    int r = parse_size(text, 1000, ret);
    return r < 0 ? r : *ret == 0 ? -ERANGE : 0;
}

static int device_latency(const char *text, uint64_t *ret)
{
    return timespan_parse_unit(text, 1, ret);
}

static int parse_io_device_weights(struct assignment *a, const struct value_type *type,
                                   const char *text, void *v)
{
    note_old_name(a);
    return parse_device_value(a, text, device_weight, "write PATH and a number from 1 to 10000", v);
}

static int parse_io_device_rates(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    note_old_name(a);
    return parse_device_value(a, text, device_rate, "write PATH and a number, with K, M or G", v);
}

static int parse_io_device_latencies(struct assignment *a, const struct value_type *type,
                                     const char *text, void *v)
{
    return parse_device_value(a, text, device_latency, "write PATH and a time span as 25ms", v);
}

static void format_device_value(const struct value_type *type, const struct device_value *d,
                                struct strbuf *out)
{
    char text[TIMESPAN_TEXT_MAX];

    if (type == &type_io_device_latencies)
        strbuf_addf(out, "%s %s", d->path, timespan_format(text, d->value, 1));
    else if (d->value == SIZE_INFINITY)
        strbuf_addf(out, "%s infinity", d->path);
    else
        strbuf_addf(out, "%s %" PRIu64, d->path, d->value);
}

static void format_device_values(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct device_value *d = *(struct device_value *const *) v; d; d = d->next) {
        format_device_value(type, d, out);
        if (d->next)
            strbuf_add_char(out, '\n');
    }
}

static void format_device_values_file(const struct value_type *type, const char *name,
                                      const void *v, struct strbuf *out)
{
    for (const struct device_value *d = *(struct device_value *const *) v; d; d = d->next) {
        auto_strbuf struct strbuf text = {};

        format_device_value(type, d, &text);
        format_text_line(out, name, strbuf_text(&text));
    }
}

#define DEVICE_VALUES(type_name) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct device_value *), \
                                                 .parse = parse_##type_name, \
                                                 .format = format_device_values, \
                                                 .format_file = format_device_values_file, \
                                                 .clear = clear_device_value, \
                                                 .copy = copy_device_value }
DEVICE_VALUES(io_device_weights);
DEVICE_VALUES(io_device_rates);
DEVICE_VALUES(io_device_latencies);

/* IPAddressAllow=: ADDRESS[/LENGTH], or any, localhost, link-local, multicast. */

LIST_FUNCTIONS(ip_prefix, (void) 0, (void) 0)

static int add_prefix(struct ip_prefix **list, const char *text)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t) (slash - text) : strlen(text);
    unsigned length;

    if (n >= sizeof address)
        return -EINVAL;
    memcpy(address, text, n);
    address[n] = 0;

    auto_free struct ip_prefix *p = new0(struct ip_prefix, 1);
    if (!p)
        return -ENOMEM;
    if (inet_pton(AF_INET, address, p->address) == 1)
        p->family = AF_INET;
    else if (inet_pton(AF_INET6, address, p->address) == 1)
        p->family = AF_INET6;
    else
        return -EINVAL;
    unsigned max = p->family == AF_INET ? 32 : 128;
    length = max;
    if (slash && (parse_unsigned(slash + 1, &length) < 0 || length > max))
        return -EINVAL;
    p->length = (unsigned char) length;
    for (unsigned bit = length; bit < max; bit++)
        p->address[bit / 8] &= (unsigned char) ~(0x80 >> (bit % 8));

    for (struct ip_prefix *i = *list; i; i = i->next)
        if (i->family == p->family && i->length == p->length &&
            memcmp(i->address, p->address, sizeof p->address) == 0)
            return 0;
    struct ip_prefix *added = take_ptr(p);
    APPEND(list, added);
    return 0;
}

static int parse_ip_prefixes(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    static const struct {
        const char *word, *v4, *v6;
    } words[] = { { "any", "0.0.0.0/0", "::/0" },
                  { "localhost", "127.0.0.0/8", "::1/128" },
                  { "link-local", "169.254.0.0/16", "fe80::/64" },
                  { "multicast", "224.0.0.0/4", "ff00::/8" } };

    for (;;) {
        auto_free char *word = NULL;
        size_t i = 0;
        int r = assignment_word(a, &text, 0, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 2)
            continue;
        if (r < 0)
            return r;
        while (i < ELEMENTSOF(words) && !streq(words[i].word, word))
            i++;
        if (i < ELEMENTSOF(words)) {
            r = add_prefix(v, words[i].v4);
            if (r >= 0)
                r = add_prefix(v, words[i].v6);
        } else {
            r = add_prefix(v, word);
        }
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            assignment_fault(a,
                             "write an address with a prefix length, any, localhost, link-local or "
                             "multicast",
                             "\"%s\" is no address", word);
    }
}

static void format_ip_prefixes(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct ip_prefix *p = *(struct ip_prefix *const *) v; p; p = p->next) {
        char address[INET6_ADDRSTRLEN] = "";

        inet_ntop(p->family, p->address, address, sizeof address);
        strbuf_addf(out, "%s/%u%s", address, p->length, p->next ? " " : "");
    }
}

static void format_ip_prefixes_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_ip_prefixes(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

const struct value_type type_ip_prefixes = { .name = "ip_prefixes",
                                             .size = sizeof(struct ip_prefix *),
                                             .parse = parse_ip_prefixes,
                                             .format = format_ip_prefixes,
                                             .format_file = format_ip_prefixes_file,
                                             .clear = clear_ip_prefix,
                                             .copy = copy_ip_prefix };

/* SocketBindAllow=[FAMILY:][PROTOCOL:][PORTS] or any. */

LIST_FUNCTIONS(socket_bind, (void) 0, (void) 0)

static int parse_ports(const char *text, struct socket_bind *b)
{
    auto_free char *copy = strdup(text);
    uint16_t first, last;

    if (!copy)
        return -ENOMEM;
    char *dash = strchr(copy, '-');
    if (dash)
        *dash = 0;
    int r = parse_port(copy, &first);
    last = first;
    if (r >= 0 && dash)
        r = parse_port(dash + 1, &last);
    if (r < 0 || first > last)
        return -EINVAL;
    b->port_min = first;
    b->n_ports = (uint16_t) (last - first + 1);
    return 0;
}

static int parse_socket_bind(char *const *parts, struct socket_bind *b)
{
    char *const *p = parts;

    if (*p && (streq(*p, "ipv4") || streq(*p, "ipv6")))
        b->family = streq(*p++, "ipv4") ? AF_INET : AF_INET6;
    if (*p && (streq(*p, "tcp") || streq(*p, "udp")))
        b->protocol = streq(*p++, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
    if (!*p)
        return p == parts ? -EINVAL : 0;
    if (p[1])
        return -EINVAL;
    return streq(*p, "any") ? 0 : parse_ports(*p, b);
}

static int parse_socket_binds(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    auto_strv char **parts = strv_split(text, ":");
    auto_free struct socket_bind *b = new0(struct socket_bind, 1);

    if (!parts || !b)
        return -ENOMEM;
    int r = parse_socket_bind(parts, b);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return assignment_fault(a, "write [ipv4:|ipv6:][tcp:|udp:]PORT, PORT-PORT or any",
                                "\"%s\" is no rule for ports", text);
    struct socket_bind *added = take_ptr(b);
    APPEND((struct socket_bind **) v, added);
    return 0;
}

static void format_socket_bind(const struct socket_bind *b, struct strbuf *out)
{
    if (b->family)
        strbuf_add(out, b->family == AF_INET ? "ipv4:" : "ipv6:");
    if (b->protocol)
        strbuf_add(out, b->protocol == IPPROTO_TCP ? "tcp:" : "udp:");
    if (b->n_ports == 0)
        strbuf_add(out, "any");
    else if (b->n_ports == 1)
        strbuf_addf(out, "%u", b->port_min);
    else
        strbuf_addf(out, "%u-%u", b->port_min, b->port_min + b->n_ports - 1u);
}

/* systemctl has no colon between protocol and ports. */
static void format_socket_binds(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct socket_bind *b = *(struct socket_bind *const *) v; b; b = b->next) {
        struct socket_bind ports = { .port_min = b->port_min, .n_ports = b->n_ports };

        if (b->family)
            strbuf_add(out, b->family == AF_INET ? "ipv4:" : "ipv6:");
        if (b->protocol)
            strbuf_add(out, b->protocol == IPPROTO_TCP ? "tcp" : "udp");
        format_socket_bind(&ports, out);
        if (b->next)
            strbuf_add_char(out, ' ');
    }
}

static void format_socket_binds_file(const struct value_type *type, const char *name, const void *v,
                                     struct strbuf *out)
{
    for (const struct socket_bind *b = *(struct socket_bind *const *) v; b; b = b->next) {
        auto_strbuf struct strbuf text = {};

        format_socket_bind(b, &text);
        format_line(out, name, strbuf_text(&text));
    }
}

const struct value_type type_socket_binds = { .name = "socket_binds",
                                              .size = sizeof(struct socket_bind *),
                                              .parse = parse_socket_binds,
                                              .format = format_socket_binds,
                                              .format_file = format_socket_binds_file,
                                              .clear = clear_socket_bind,
                                              .copy = copy_socket_bind };
