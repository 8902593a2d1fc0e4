/* Values of what a process may use: limits, processors. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "unit/value.h"

/* Limits, setrlimit(2): "soft:hard" or one value for both. */

typedef int (*limit_parser)(const char *text, uint64_t *ret);

static int parse_limit_size(const char *text, uint64_t *ret)
{
    return parse_size(text, 1024, ret);
}

/* RLIMIT_CPU is in seconds, RLIMIT_RTTIME in microseconds; plain numbers are so, too. */
static int parse_limit_seconds(const char *text, uint64_t *ret)
{
    usec_t t;
    int r = timespan_parse(text, &t);

    if (r >= 0)
        *ret = (t + USEC_PER_SEC - 1) / USEC_PER_SEC;
    return r;
}

static int parse_limit_usec(const char *text, uint64_t *ret)
{
    return timespan_parse_unit(text, 1, ret);
}

/* RLIMIT_NICE is 20 minus the nice level; "+5" and "-5" are levels, "15" is the raw value. */
static int parse_limit_nice(const char *text, uint64_t *ret)
{
    int64_t n;
    int r = parse_i64(text, &n);

    if (r < 0)
        return r;
    if (*text == '+' || *text == '-') {
        if (n < -20 || n > 19)
            return -ERANGE;
        *ret = (uint64_t) (20 - n);
        return 0;
    }
    if (n < 0 || n > 40)
        return -ERANGE;
    *ret = (uint64_t) n;
    return 0;
}

static int parse_limit_half(const char *text, limit_parser parser, uint64_t *ret)
{
    if (streq(text, "infinity")) {
        *ret = SIZE_INFINITY;
        return 0;
    }
    return parser(text, ret);
}

static int parse_rlimit(struct assignment *a, const char *text, limit_parser parser, void *v)
{
    const char *colon = strchr(text, ':');
    auto_free char *first = colon ? memdup0(text, (size_t) (colon - text)) : strdup(text);
    struct rlimit_value limit = { .set = true };

    if (!first)
        return -ENOMEM;
    int r = parse_limit_half(first, parser, &limit.soft);
    limit.hard = limit.soft;
    if (r >= 0 && colon)
        r = parse_limit_half(colon + 1, parser, &limit.hard);
    if (r < 0)
        return assignment_fault(a, "write one value, or SOFT:HARD, or infinity",
                                "\"%s\" is no limit", text);
    if (limit.soft > limit.hard)
        return assignment_fault(a, "write the lower value first",
                                "the soft limit is above the hard one in \"%s\"", text);
    *(struct rlimit_value *) v = limit;
    return 0;
}

static void format_limit(uint64_t value, struct strbuf *out)
{
    if (value == SIZE_INFINITY)
        strbuf_add(out, "infinity");
    else
        strbuf_addf(out, "%" PRIu64, value);
}

/* The hard limit; the soft one is a property of its own (LimitNOFILESoft=). */
static void format_rlimit(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct rlimit_value *limit = v;

    if (limit->set)
        format_limit(limit->hard, out);
}

static void format_rlimit_file(const struct value_type *type, const char *name, const void *v,
                               struct strbuf *out)
{
    const struct rlimit_value *limit = v;

    if (!limit->set)
        return;
    strbuf_addf(out, "%s=", name);
    if (limit->soft == SIZE_INFINITY)
        strbuf_add(out, "infinity");
    else
        strbuf_addf(out, "%" PRIu64, limit->soft);
    strbuf_add_char(out, ':');
    format_limit(limit->hard, out);
    strbuf_add_char(out, '\n');
}

#define RLIMIT(type_name, parser) \
    static int parse_##type_name(struct assignment *a, const struct value_type *type, \
                                 const char *text, void *v) \
    { \
        return parse_rlimit(a, text, parser, v); \
    } \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct rlimit_value), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .parse = parse_##type_name, \
                                                 .format = format_rlimit, \
                                                 .format_file = format_rlimit_file }
RLIMIT(rlimit_size, parse_limit_size);
RLIMIT(rlimit_count, parse_u64);
RLIMIT(rlimit_time, parse_limit_seconds);
RLIMIT(rlimit_usec, parse_limit_usec);
RLIMIT(rlimit_nice, parse_limit_nice);

/* Processors: "0 2-5,7". */

#define CPU_MAX 8192

static int mask_add(struct cpu_mask **m, unsigned first, unsigned last)
{
    unsigned words = last / 64 + 1, old = *m ? (*m)->n_words : 0;

    if (words > old || !*m) {
        struct cpu_mask *bigger = realloc(*m, sizeof *bigger + words * sizeof(uint64_t));

        if (!bigger)
            return -ENOMEM;
        if (old == 0)
            bigger->from_numa = false;
        memset(bigger->words + old, 0, (words - old) * sizeof(uint64_t));
        bigger->n_words = words;
        *m = bigger;
    }
    for (unsigned i = first; i <= last; i++)
        (*m)->words[i / 64] |= UINT64_C(1) << (i % 64);
    return 0;
}

static int parse_cpu_mask(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    auto_free char *expanded = NULL;
    int r = assignment_expand(a, text, &expanded);

    if (r != 0)
        return r < 0 ? r : 0;
    auto_strv char **words = strv_split(expanded, " \t\n,");
    if (!words)
        return -ENOMEM;
    STRV_FOREACH (w, words) {
        unsigned first, last;
        char *dash = strchr(*w, '-');

        if (dash)
            *dash = 0;
        r = parse_unsigned(*w, &first);
        last = first;
        if (r >= 0 && dash)
            r = parse_unsigned(dash + 1, &last);
        if (r < 0 || last >= CPU_MAX || first > last)
            return assignment_fault(a, "write numbers and ranges as 0 2-5",
                                    "\"%s\" is no list of numbers", text);
        r = mask_add(v, first, last);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_cpu_affinity(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    struct cpu_mask **m = v;

    if (!streq(text, "numa"))
        return parse_cpu_mask(a, type, text, v);
    if (!*m && !(*m = new0(struct cpu_mask, 1)))
        return -ENOMEM;
    (*m)->from_numa = true;
    return 0;
}

static bool mask_has(const struct cpu_mask *m, unsigned i)
{
    return m && i / 64 < m->n_words && m->words[i / 64] >> (i % 64) & 1;
}

/* As ranges: "0 2-5". */
static void format_cpu_mask(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) v;
    const char *separator = "";

    for (unsigned i = 0; m && i < m->n_words * 64; i++) {
        unsigned last = i;

        if (!mask_has(m, i))
            continue;
        while (mask_has(m, last + 1))
            last++;
        if (last > i)
            strbuf_addf(out, "%s%u-%u", separator, i, last);
        else
            strbuf_addf(out, "%s%u", separator, i);
        separator = " ";
        i = last;
    }
}

static void format_cpu_mask_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) v;
    auto_strbuf struct strbuf text = {};

    if (m && m->from_numa)
        format_line(out, name, "numa");
    format_cpu_mask(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

static void clear_cpu_mask(void *v)
{
    free(*(struct cpu_mask **) v);
}

static int copy_cpu_mask(void *to, const void *from)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) from;
    struct cpu_mask *copy = m ? memdup0(m, sizeof *m + m->n_words * sizeof(uint64_t)) : NULL;

    if (m && !copy)
        return -ENOMEM;
    *(struct cpu_mask **) to = copy;
    return 0;
}

#define CPU_MASK(type_name) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct cpu_mask *), \
                                                 .parse = parse_##type_name, \
                                                 .format = format_cpu_mask, \
                                                 .format_file = format_cpu_mask_file, \
                                                 .clear = clear_cpu_mask, \
                                                 .copy = copy_cpu_mask }
CPU_MASK(cpu_mask);
CPU_MASK(cpu_affinity);

static void format_from_numa(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) v;

    strbuf_add(out, m && m->from_numa ? "yes" : "no");
}

const struct value_type type_cpu_affinity_from_numa = { .name = "cpu_affinity_from_numa",
                                                        .size = sizeof(struct cpu_mask *),
                                                        .format = format_from_numa };
