/* Settings that take one of a few words. */
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/personality.h>

#include "base/parse.h"
#include "unit/value.h"

/* The words as "a, b or c". */
static void list_words(const struct value_type *type, char *text, size_t size)
{
    size_t n = 0;

    *text = 0;
    for (int i = 0; i < type->n_words && n < size; i++)
        if (type->words[i])
            n += (size_t) snprintf(text + n, size - n, "%s%s",
                                   n ? ", " : "write one of: ", type->words[i]);
}

static int word_fault(struct assignment *a, const struct value_type *type, const char *text)
{
    char remedy[256];

    list_words(type, remedy, sizeof remedy);
    return assignment_fault(a, remedy, "\"%s\" is no value of this setting", text);
}

static int find_word(const struct value_type *type, const char *text)
{
    for (int i = 0; i < type->n_words; i++)
        if (type->words[i] && streq(type->words[i], text))
            return i;
    return -EINVAL;
}

static int parse_word(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    int i = find_word(type, text);

    if (i < 0)
        return word_fault(a, type, text);
    value_set_number(type, v, i);
    return 0;
}

static void format_word(const struct value_type *type, const void *v, struct strbuf *out)
{
    int64_t i = value_number(type, v);

    if (i >= 0 && i < type->n_words && type->words[i])
        strbuf_add(out, type->words[i]);
}

#define WORD(type_name, MAX) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(ctype_##type_name), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .words = type_name##_names, \
                                                 .n_words = MAX, \
                                                 .parse = parse_word, \
                                                 .format = format_word }
WORD(emergency_action, EMERGENCY_ACTION_MAX);
WORD(collect_mode, COLLECT_MODE_MAX);
WORD(service_type, SERVICE_TYPE_MAX);
WORD(exit_type, EXIT_TYPE_MAX);
WORD(service_restart, RESTART_MAX);
WORD(restart_mode, RESTART_MODE_MAX);
WORD(timeout_failure_mode, TIMEOUT_FAILURE_MODE_MAX);
WORD(notify_access, NOTIFY_ACCESS_MAX);
WORD(oom_policy, OOM_POLICY_MAX);
WORD(utmp_mode, UTMP_MODE_MAX);
WORD(keyring_mode, KEYRING_MODE_MAX);
WORD(log_format, LOG_FORMAT_MAX);
WORD(protect_proc, PROTECT_PROC_MAX);
WORD(proc_subset, PROC_SUBSET_MAX);
WORD(device_policy, DEVICE_POLICY_MAX);
WORD(managed_oom, MANAGED_OOM_MAX);
WORD(status_format, STATUS_FORMAT_MAX);
WORD(managed_oom_preference, MANAGED_OOM_PREFERENCE_MAX);

static int parse_kill_mode(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    int r = parse_word(a, type, text, v);

    if (r >= 0 && *(const ctype_kill_mode *) v == KILL_MODE_NONE)
        assignment_note(a, "write mixed, or leave it out",
                        "\"none\" leaves processes behind that nobody looks after");
    return r;
}

/* An empty KillMode= is the first word. */
const struct value_type type_kill_mode = { .name = "kill_mode",
                                           .size = sizeof(ctype_kill_mode),
                                           .words = kill_mode_names,
                                           .n_words = KILL_MODE_MAX,
                                           .parse = parse_kill_mode,
                                           .format = format_word };

/* Words, or a boolean: "no" is the first word, "yes" the second. */
static int parse_word_or_boolean(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    int i = find_word(type, text);

    if (i < 0)
        i = parse_boolean(text);
    if (i < 0)
        return word_fault(a, type, text);
    value_set_number(type, v, i);
    return 0;
}

/* Of settings that once were booleans systemctl shows the boolean (PrivateTmp=), and the word as
 * another property (PrivateTmpEx=). */
static void format_as_boolean(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_add(out, value_number(type, v) > 0 ? "yes" : "no");
}

#define WORD_OR_BOOLEAN(type_name, MAX, format_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(ctype_##type_name), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .words = type_name##_names, \
                                                 .n_words = MAX, \
                                                 .parse = parse_word_or_boolean, \
                                                 .format = format_function }
WORD_OR_BOOLEAN(fd_store_preserve, FD_STORE_PRESERVE_MAX, format_word);
WORD_OR_BOOLEAN(preserve_mode, PRESERVE_MAX, format_word);
WORD_OR_BOOLEAN(protect_system, PROTECT_SYSTEM_MAX, format_word);
WORD_OR_BOOLEAN(protect_home, PROTECT_HOME_MAX, format_word);
WORD_OR_BOOLEAN(pressure_watch, PRESSURE_WATCH_MAX, format_word);
WORD_OR_BOOLEAN(private_pids, PRIVATE_PIDS_MAX, format_word);

static void format_plain_word_file(const struct value_type *type, const char *name, const void *v,
                                   struct strbuf *out)
{
    format_line(out, name, type->words[value_number(type, v)]);
}

#define WORD_SHOWN_AS_BOOLEAN(type_name, MAX) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(ctype_##type_name), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .words = type_name##_names, \
                                                 .n_words = MAX, \
                                                 .parse = parse_word_or_boolean, \
                                                 .format = format_as_boolean, \
                                                 .format_file = format_plain_word_file }; \
    const struct value_type type_##type_name##_word = { .name = #type_name "_word", \
                                                        .size = sizeof(ctype_##type_name), \
                                                        .words = type_name##_names, \
                                                        .n_words = MAX, \
                                                        .parse = parse_word_or_boolean, \
                                                        .format = format_word }
WORD_SHOWN_AS_BOOLEAN(private_tmp, PRIVATE_TMP_MAX);
WORD_SHOWN_AS_BOOLEAN(private_users, PRIVATE_USERS_MAX);
WORD_SHOWN_AS_BOOLEAN(protect_control_groups, PROTECT_CONTROL_GROUPS_MAX);

/* OnFailureJobMode=, and the old OnFailureIsolate=, a boolean, that stands for it. */
static int parse_job_mode(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    int b;

    if (a->directive && streq(a->directive->name, "OnFailureJobMode") &&
        (b = parse_boolean(text)) >= 0) {
        value_set_number(type, v, b ? JOB_MODE_ISOLATE : JOB_MODE_REPLACE);
        return 0;
    }
    return parse_word(a, type, text, v);
}
const struct value_type type_job_mode = { .name = "job_mode",
                                          .size = sizeof(ctype_job_mode),
                                          .flags = VALUE_REFUSES_EMPTY,
                                          .words = job_mode_names,
                                          .n_words = JOB_MODE_MAX,
                                          .parse = parse_job_mode,
                                          .format = format_word };

static int parse_timestamping(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    static const struct {
        const char *name;
        int value;
    } others[] = { { "usec", TIMESTAMPING_US },
                   { "µs", TIMESTAMPING_US },
                   { "nsec", TIMESTAMPING_NS } };

    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        if (streq(others[i].name, text)) {
            value_set_number(type, v, others[i].value);
            return 0;
        }
    return parse_word(a, type, text, v);
}
const struct value_type type_timestamping = { .name = "timestamping",
                                              .size = sizeof(ctype_timestamping),
                                              .flags = VALUE_REFUSES_EMPTY,
                                              .words = timestamping_names,
                                              .n_words = TIMESTAMPING_MAX,
                                              .parse = parse_timestamping,
                                              .format = format_word };

/* A boolean stands for both and ipv6-only. */
static int parse_bind_ipv6_only(struct assignment *a, const struct value_type *type,
                                const char *text, void *v)
{
    int b = parse_boolean(text);

    if (b < 0)
        return parse_word(a, type, text, v);
    value_set_number(type, v, b ? BIND_IPV6_ONLY_IPV6_ONLY : BIND_IPV6_ONLY_BOTH);
    return 0;
}
const struct value_type type_bind_ipv6_only = { .name = "bind_ipv6_only",
                                                .size = sizeof(ctype_bind_ipv6_only),
                                                .flags = VALUE_REFUSES_EMPTY,
                                                .words = bind_ipv6_only_names,
                                                .n_words = BIND_IPV6_ONLY_MAX,
                                                .parse = parse_bind_ipv6_only,
                                                .format = format_word };

/* Words or numbers; systemctl shows the number, `unset_shown` for the unset value. */
static int parse_word_or_number(struct assignment *a, const struct value_type *type,
                                const char *text, void *v)
{
    unsigned n;
    int i = find_word(type, text);

    if (i < 0 && parse_unsigned(text, &n) >= 0 && n < (unsigned) type->n_words)
        i = (int) n;
    if (i < 0)
        return word_fault(a, type, text);
    value_set_number(type, v, i);
    return 0;
}

static void format_as_number(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%d", (int) value_number(type, v));
}

static void format_word_file(const struct value_type *type, const char *name, const void *v,
                             struct strbuf *out)
{
    int64_t i = value_number(type, v);

    if (i >= 0 && i < type->n_words && type->words[i])
        format_line(out, name, type->words[i]);
}

static void format_io_class(const struct value_type *type, const void *v, struct strbuf *out)
{
    int64_t i = value_number(type, v);

    strbuf_addf(out, "%d", i <= 0 ? IO_CLASS_BEST_EFFORT : (int) i);
}
const struct value_type type_io_class = { .name = "io_class",
                                          .size = sizeof(ctype_io_class),
                                          .unset = -1,
                                          .words = io_class_names,
                                          .n_words = IO_CLASS_MAX,
                                          .parse = parse_word_or_number,
                                          .format = format_io_class,
                                          .format_file = format_word_file };

static const char *const cpu_policy_names[] = {
    [SCHED_OTHER] = "other", [SCHED_FIFO] = "fifo", [SCHED_RR] = "rr",
    [SCHED_BATCH] = "batch", [SCHED_IDLE] = "idle",
};

/* A real-time policy brings its lowest priority with it. */
static int parse_cpu_policy(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    struct exec_config *e = a->group;
    int r = parse_word_or_number(a, type, text, v);

    if (r >= 0 && e->cpu_scheduling_policy >= 0) {
        int min = sched_get_priority_min(e->cpu_scheduling_policy);
        int max = sched_get_priority_max(e->cpu_scheduling_policy);

        if (min >= 0 && e->cpu_scheduling_priority < min && min > 0)
            e->cpu_scheduling_priority = (signed char) min;
        else if (max >= 0 && e->cpu_scheduling_priority > max)
            e->cpu_scheduling_priority = (signed char) max;
    }
    return r;
}

static void format_cpu_policy(const struct value_type *type, const void *v, struct strbuf *out)
{
    int64_t i = value_number(type, v);

    strbuf_addf(out, "%d", i < 0 ? SCHED_OTHER : (int) i);
}
const struct value_type type_cpu_policy = { .name = "cpu_policy",
                                            .size = sizeof(ctype_cpu_policy),
                                            .unset = -1,
                                            .words = cpu_policy_names,
                                            .n_words = ELEMENTSOF(cpu_policy_names),
                                            .parse = parse_cpu_policy,
                                            .format = format_cpu_policy,
                                            .format_file = format_word_file };

static void format_numa_policy(const struct value_type *type, const void *v, struct strbuf *out)
{
    if (value_number(type, v) < 0)
        strbuf_add(out, "n/a");
    else
        format_word(type, v, out);
}
const struct value_type type_numa_policy = { .name = "numa_policy",
                                             .size = sizeof(ctype_numa_policy),
                                             .unset = -1,
                                             .words = numa_policy_names,
                                             .n_words = NUMA_POLICY_MAX,
                                             .parse = parse_word,
                                             .format = format_numa_policy,
                                             .format_file = format_word_file };

static const char *const facility_names[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    NULL,     NULL,     NULL,     NULL,
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};
const struct value_type type_syslog_facility = { .name = "syslog_facility",
                                                 .size = sizeof(ctype_syslog_facility),
                                                 .flags = VALUE_REFUSES_EMPTY,
                                                 .words = facility_names,
                                                 .n_words = ELEMENTSOF(facility_names),
                                                 .parse = parse_word_or_number,
                                                 .format = format_as_number,
                                                 .format_file = format_word_file };

static const char *const level_names[] = { "emerg",   "alert",  "crit", "err",
                                           "warning", "notice", "info", "debug" };
const struct value_type type_syslog_level = { .name = "syslog_level",
                                              .size = sizeof(ctype_syslog_level),
                                              .flags = VALUE_REFUSES_EMPTY,
                                              .words = level_names,
                                              .n_words = ELEMENTSOF(level_names),
                                              .parse = parse_word_or_number,
                                              .format = format_as_number,
                                              .format_file = format_word_file };
const struct value_type type_syslog_level_optional = { .name = "syslog_level_optional",
                                                       .size = sizeof(ctype_syslog_level_optional),
                                                       .flags = VALUE_REFUSES_EMPTY,
                                                       .unset = -1,
                                                       .words = level_names,
                                                       .n_words = ELEMENTSOF(level_names),
                                                       .parse = parse_word_or_number,
                                                       .format = format_as_number,
                                                       .format_file = format_word_file };

/* Sparse numbers by name. */
struct named_number {
    const char *name;
    uint32_t value;
};

static const struct named_number personalities[] = {
#if defined(__x86_64__)
    { "x86-64", PER_LINUX },
    { "x86", PER_LINUX32 },
#elif defined(__aarch64__)
    { "arm64", PER_LINUX },
    { "arm", PER_LINUX32 },
#elif defined(__i386__)
    { "x86", PER_LINUX },
#elif defined(__powerpc64__)
    { "ppc64-le", PER_LINUX },
    { "ppc64", PER_LINUX },
    { "ppc", PER_LINUX32 },
#elif defined(__s390x__)
    { "s390x", PER_LINUX },
    { "s390", PER_LINUX32 },
#else
    { "native", PER_LINUX },
#endif
};

static int parse_personality(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    for (size_t i = 0; i < ELEMENTSOF(personalities); i++)
        if (streq(personalities[i].name, text)) {
            *(uint32_t *) v = personalities[i].value;
            return 0;
        }
    return assignment_fault(a, NULL, "\"%s\" is no architecture that this machine can pose as",
                            text);
}

static void format_personality(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (size_t i = 0; i < ELEMENTSOF(personalities); i++)
        if (personalities[i].value == *(const uint32_t *) v) {
            strbuf_add(out, personalities[i].name);
            return;
        }
}

static void format_personality_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_personality(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}
const struct value_type type_personality = { .name = "personality",
                                             .size = sizeof(uint32_t),
                                             .unset = UINT32_MAX,
                                             .parse = parse_personality,
                                             .format = format_personality,
                                             .format_file = format_personality_file };

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
static const struct named_number socket_protocols[] = { { "udplite", IPPROTO_UDPLITE },
                                                        { "sctp", IPPROTO_SCTP },
                                                        { "mptcp", IPPROTO_MPTCP } };

static int parse_socket_protocol(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    for (size_t i = 0; i < ELEMENTSOF(socket_protocols); i++)
        if (streq(socket_protocols[i].name, text)) {
            *(int *) v = (int) socket_protocols[i].value;
            return 0;
        }
    return assignment_fault(a, "write udplite, sctp or mptcp", "\"%s\" is no protocol", text);
}

static void format_socket_protocol_file(const struct value_type *type, const char *name,
                                        const void *v, struct strbuf *out)
{
    for (size_t i = 0; i < ELEMENTSOF(socket_protocols); i++)
        if ((int) socket_protocols[i].value == *(const int *) v)
            format_line(out, name, socket_protocols[i].name);
}
const struct value_type type_socket_protocol = { .name = "socket_protocol",
                                                 .size = sizeof(int),
                                                 .parse = parse_socket_protocol,
                                                 .format = format_as_number,
                                                 .format_file = format_socket_protocol_file };
