/* Booleans, integers, sizes, modes, signals and times. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/ip.h>
#include <signal.h>

#include "base/names.h"
#include "base/parse.h"
#include "base/timespan.h"
#include "unit/value.h"

#define NUMBER(type_name, unset_value, parse_function, format_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(ctype_##type_name), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .unset = (int64_t) (unset_value), \
                                                 .parse = parse_function, \
                                                 .format = format_function }
static int parse_bool(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    int b = parse_boolean(text);

    if (b < 0)
        return assignment_fault(a, "write yes or no", "\"%s\" is no boolean", text);
    value_set_number(type, v, b);
    return 0;
}

static void format_bool(const struct value_type *type, const void *v, struct strbuf *out)
{
    /* An unset tristate is shown as "no", which is what it comes to. */
    strbuf_add(out, value_number(type, v) > 0 ? "yes" : "no");
}

static void format_tristate_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    if (value_number(type, v) >= 0)
        format_line(out, name, value_number(type, v) ? "yes" : "no");
}

NUMBER(boolean, 0, parse_bool, format_bool);

/* A setting that the unit must not run without: a wrong or empty value makes the unit unusable. */
static int parse_bool_or_die(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    int b = parse_boolean(text);

    if (b < 0)
        return assignment_fatal(a, "write yes or no", "\"%s\" is no boolean", text);
    value_set_number(type, v, b);
    return 0;
}
const struct value_type type_boolean_strict = { .name = "boolean_strict",
                                                .size = sizeof(ctype_boolean_strict),
                                                .flags = VALUE_PARSES_EMPTY,
                                                .parse = parse_bool_or_die,
                                                .format = format_bool };

const struct value_type type_tristate = { .name = "tristate",
                                          .size = sizeof(ctype_tristate),
                                          .unset = -1,
                                          .parse = parse_bool,
                                          .format = format_bool,
                                          .format_file = format_tristate_file };

/* A signed number from `min` to `max`. */
static int parse_range(struct assignment *a, const struct value_type *type, const char *text,
                       int64_t min, int64_t max, void *v)
{
    int64_t n;
    int r = parse_i64(text, &n);

    if (r >= 0 && (n < min || n > max))
        r = -ERANGE;
    if (r == -ERANGE)
        return assignment_fault(a, NULL, "%s is not in the range %" PRId64 " to %" PRId64, text,
                                min, max);
    if (r < 0)
        return assignment_fault(a, NULL, "\"%s\" is no number", text);
    value_set_number(type, v, n);
    return 0;
}

static void format_signed(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%" PRId64, value_number(type, v));
}

static int parse_int_value(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    return parse_range(a, type, text, INT_MIN, INT_MAX, v);
}
const struct value_type type_int = { .name = "int",
                                     .size = sizeof(int),
                                     .flags = VALUE_REFUSES_EMPTY,
                                     .unset = -1,
                                     .parse = parse_int_value,
                                     .format = format_signed };

static int parse_uint_value(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    return parse_range(a, type, text, 0, UINT_MAX, v);
}

static void format_uint(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%u", *(const unsigned *) v);
}

static void format_uint_optional(const struct value_type *type, const void *v, struct strbuf *out)
{
    if (*(const unsigned *) v == UINT_MAX)
        strbuf_add(out, "[not set]");
    else
        format_uint(type, v, out);
}

static void format_uint_optional_file(const struct value_type *type, const char *name,
                                      const void *v, struct strbuf *out)
{
    if (*(const unsigned *) v != UINT_MAX)
        strbuf_addf(out, "%s=%u\n", name, *(const unsigned *) v);
}

NUMBER(uint, 0, parse_uint_value, format_uint);
const struct value_type type_uint_optional = { .name = "uint_optional",
                                               .size = sizeof(unsigned),
                                               .unset = UINT_MAX,
                                               .parse = parse_uint_value,
                                               .format = format_uint_optional,
                                               .format_file = format_uint_optional_file };
const struct value_type type_uint_or_default = { .name = "uint_or_default",
                                                 .size = sizeof(unsigned),
                                                 .unset = UINT_MAX,
                                                 .parse = parse_uint_value,
                                                 .format = format_uint_optional,
                                                 .format_file = format_uint_optional_file };

static int parse_long(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    return parse_range(a, type, text, LONG_MIN, LONG_MAX, v);
}
NUMBER(long, 0, parse_long, format_signed);

static int parse_size_value(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    uint64_t n;

    if (parse_size(text, 1024, &n) < 0)
        return assignment_fault(a, "write a number with a suffix K, M, G or T", "\"%s\" is no size",
                                text);
    value_set_number(type, v, (int64_t) n);
    return 0;
}

static void format_unsigned(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%" PRIu64, *(const uint64_t *) v);
}
NUMBER(size, 0, parse_size_value, format_unsigned);

static int parse_mode_value(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    mode_t mode;

    if (parse_mode(text, &mode) < 0)
        return assignment_fault(a, "write up to four octal digits, as 0755",
                                "\"%s\" is no file mode", text);
    value_set_number(type, v, mode);
    return 0;
}

static void format_mode(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%04o", *(const mode_t *) v);
}
NUMBER(mode, 0, parse_mode_value, format_mode);

static int parse_signal(struct assignment *a, const struct value_type *type, const char *text,
                        void *v)
{
    int signo = signal_from_name(text);

    if (signo < 0)
        return assignment_fault(a, "write a name as SIGTERM, or a number", "\"%s\" is no signal",
                                text);
    value_set_number(type, v, signo);
    return 0;
}

static void format_signal_file(const struct value_type *type, const char *name, const void *v,
                               struct strbuf *out)
{
    int signo = *(const int *) v;

    if (signo > 0)
        strbuf_addf(out, "%s=%s%s\n", name, signo >= SIGRTMIN ? "" : "SIG", signal_name(signo));
}

const struct value_type type_signal = { .name = "signal",
                                        .size = sizeof(int),
                                        .flags = VALUE_REFUSES_EMPTY,
                                        .parse = parse_signal,
                                        .format = format_signed,
                                        .format_file = format_signal_file };
const struct value_type type_signal_optional = { .name = "signal_optional",
                                                 .size = sizeof(int),
                                                 .parse = parse_signal,
                                                 .format = format_signed,
                                                 .format_file = format_signal_file };

static int parse_exit_status(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    unsigned status;

    if (parse_unsigned(text, &status) < 0 || status > 255)
        return assignment_fault(a, "write a number from 0 to 255", "\"%s\" is no exit status",
                                text);
    value_set_number(type, v, (int64_t) status);
    return 0;
}

static void format_optional_number(const struct value_type *type, const void *v, struct strbuf *out)
{
    if (value_number(type, v) == type->unset)
        strbuf_add(out, "[not set]");
    else
        format_signed(type, v, out);
}

static void format_optional_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    if (value_number(type, v) != type->unset)
        strbuf_addf(out, "%s=%" PRId64 "\n", name, value_number(type, v));
}

#define OPTIONAL(type_name, unset_value, parse_function, format_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(ctype_##type_name), \
                                                 .unset = (int64_t) (unset_value), \
                                                 .parse = parse_function, \
                                                 .format = format_function, \
                                                 .format_file = format_optional_file }

/* The same for settings that an empty assignment leaves as they are. */
#define OPTIONAL_REFUSES(type_name, unset_value, parse_function, format_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(ctype_##type_name), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .unset = (int64_t) (unset_value), \
                                                 .parse = parse_function, \
                                                 .format = format_function, \
                                                 .format_file = format_optional_file }

OPTIONAL(exit_status, -1, parse_exit_status, format_optional_number);

/* Times. */

static int fault_timespan(struct assignment *a, const char *text)
{
    return assignment_fault(a, "write a number of seconds, or with units as 1min 30s",
                            "\"%s\" is no time span", text);
}

static int parse_timespan(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    usec_t t;

    if (timespan_parse(text, &t) < 0)
        return fault_timespan(a, text);
    *(usec_t *) v = t;
    return 0;
}

/* systemd.service(5), TimeoutStartSec=: 0 and "" switch the timeout off. */
static int parse_timeout(struct assignment *a, const struct value_type *type, const char *text,
                         void *v)
{
    usec_t t;

    if (timespan_parse_timeout(text, &t) < 0)
        return fault_timespan(a, text);
    *(usec_t *) v = t;
    return 0;
}

static void format_timespan(const struct value_type *type, const void *v, struct strbuf *out)
{
    char text[TIMESPAN_TEXT_MAX];

    strbuf_add(out, timespan_format(text, *(const usec_t *) v, 1));
}

static void format_timespan_optional_file(const struct value_type *type, const char *name,
                                          const void *v, struct strbuf *out)
{
    char text[TIMESPAN_TEXT_MAX];

    if (*(const usec_t *) v != (usec_t) type->unset)
        format_line(out, name, timespan_format(text, *(const usec_t *) v, 1));
}

static void format_timespan_or_default(const struct value_type *type, const void *v,
                                       struct strbuf *out)
{
    if (*(const usec_t *) v == USEC_INFINITY)
        strbuf_add(out, "[not set]");
    else
        format_timespan(type, v, out);
}

NUMBER(timespan, 0, parse_timespan, format_timespan);
NUMBER(timeout, USEC_INFINITY, parse_timeout, format_timespan);
const struct value_type type_timespan_or_default = { .name = "timespan_or_default",
                                                     .size = sizeof(usec_t),
                                                     .unset = (int64_t) USEC_INFINITY,
                                                     .parse = parse_timespan,
                                                     .format = format_timespan_or_default,
                                                     .format_file = format_timespan_optional_file };
const struct value_type type_timeout_abort = { .name = "timeout_abort",
                                               .size = sizeof(usec_t),
                                               .unset = (int64_t) USEC_UNSET,
                                               .parse = parse_timespan,
                                               .format = format_timespan,
                                               .format_file = format_timespan_optional_file };
NUMBER(timeout_clean, USEC_INFINITY, parse_timespan, format_timespan);

/* TimeoutSec= of services. */
static int parse_timeout_both(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    struct service_config *s = a->group;
    usec_t t;

    if (timespan_parse_timeout(text, &t) < 0)
        return fault_timespan(a, text);
    s->timeout_start_sec = s->timeout_stop_sec = t;
    return 0;
}
NUMBER(timeout_both, USEC_INFINITY, parse_timeout_both, format_timespan);

static int parse_nanoseconds(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    nsec_t t;

    if (timespan_parse_nsec(text, 1, &t) < 0)
        return fault_timespan(a, text);
    *(nsec_t *) v = t;
    return 0;
}

static void format_timer_slack(const struct value_type *type, const void *v, struct strbuf *out)
{
    /* Unset: what the kernel gives a process, prctl(2), PR_SET_TIMERSLACK. */
    uint64_t n = *(const nsec_t *) v;

    strbuf_addf(out, "%" PRIu64, n == UINT64_MAX ? 50000 : n);
}
OPTIONAL_REFUSES(nanoseconds, -1, parse_nanoseconds, format_timer_slack);

/* Numbers with a meaning. */

static int parse_oom_score_adjust(struct assignment *a, const struct value_type *type,
                                  const char *text, void *v)
{
    return parse_range(a, type, text, -1000, 1000, v);
}

static void format_or_zero(const struct value_type *type, const void *v, struct strbuf *out)
{
    int64_t n = value_number(type, v);

    strbuf_addf(out, "%" PRId64, n == type->unset ? 0 : n);
}
OPTIONAL(oom_score_adjust, OOM_SCORE_ADJUST_UNSET, parse_oom_score_adjust, format_or_zero);

static int parse_nice(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    return parse_range(a, type, text, -20, 19, v);
}
OPTIONAL(nice, NICE_UNSET, parse_nice, format_or_zero);

static int parse_io_priority(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    return parse_range(a, type, text, 0, 7, v);
}

static void format_io_priority(const struct value_type *type, const void *v, struct strbuf *out)
{
    int64_t n = value_number(type, v);

    strbuf_addf(out, "%" PRId64, n < 0 ? 4 : n);
}
OPTIONAL(io_priority, -1, parse_io_priority, format_io_priority);

static int parse_cpu_priority(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    return parse_range(a, type, text, 0, 99, v);
}
OPTIONAL_REFUSES(cpu_priority, -1, parse_cpu_priority, format_or_zero);

static int parse_swap_priority(struct assignment *a, const struct value_type *type,
                               const char *text, void *v)
{
    return parse_range(a, type, text, -1, 32767, v);
}
OPTIONAL(swap_priority, -1, parse_swap_priority, format_signed);

static int parse_ip_tos(struct assignment *a, const struct value_type *type, const char *text,
                        void *v)
{
    static const struct {
        const char *name;
        int value;
    } words[] = { { "low-delay", IPTOS_LOWDELAY },
                  { "throughput", IPTOS_THROUGHPUT },
                  { "reliability", IPTOS_RELIABILITY },
                  { "low-cost", IPTOS_LOWCOST } };

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (streq(words[i].name, text)) {
            value_set_number(type, v, words[i].value);
            return 0;
        }
    return parse_range(a, type, text, 0, 255, v);
}
OPTIONAL(ip_tos, -1, parse_ip_tos, format_signed);

/* core(5), coredump_filter: a hexadecimal mask, or names of kinds. */
static int parse_coredump_filter(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    static const char *const kinds[] = {
        "private-anonymous",  "shared-anonymous", "private-file-backed",
        "shared-file-backed", "elf-headers",      "private-huge",
        "shared-huge",        "private-dax",      "shared-dax",
    };
    uint32_t mask = value_number(type, v) < 0 ? 0 : (uint32_t) value_number(type, v);

    while (*(text += strspn(text, WHITESPACE))) {
        size_t n = strcspn(text, WHITESPACE);
        char word[32];
        uint64_t bits;
        int kind = -1;

        if (n >= sizeof word)
            return assignment_fault(a, NULL, "\"%s\" is no kind of memory", text);
        memcpy(word, text, n);
        word[n] = 0;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
            if (streq(kinds[i], word))
                kind = (int) i;
        if (streq(word, "all"))
            mask = UINT32_MAX;
        else if (streq(word, "default"))
            mask |= 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5;
        else if (kind >= 0)
            mask |= UINT32_C(1) << kind;
        else if (parse_u64_base(word, 16, &bits) >= 0 && bits <= UINT32_MAX)
            mask |= (uint32_t) bits;
        else
            return assignment_fault(a, NULL, "\"%s\" is no kind of memory", word);
        text += n;
    }
    value_set_number(type, v, mask);
    return 0;
}

static void format_coredump_filter(const struct value_type *type, const void *v, struct strbuf *out)
{
    int64_t mask = value_number(type, v);

    strbuf_addf(out, "0x%x", mask < 0 ? 0x33u : (unsigned) mask);
}

static void format_coredump_filter_file(const struct value_type *type, const char *name,
                                        const void *v, struct strbuf *out)
{
    if (value_number(type, v) >= 0)
        strbuf_addf(out, "%s=0x%x\n", name, (unsigned) value_number(type, v));
}
const struct value_type type_coredump_filter = { .name = "coredump_filter",
                                                 .size = sizeof(int64_t),
                                                 .unset = -1,
                                                 .parse = parse_coredump_filter,
                                                 .format = format_coredump_filter,
                                                 .format_file = format_coredump_filter_file };
