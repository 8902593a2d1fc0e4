/* unit/value.h -- how values of each type are parsed, printed, copied and freed.
 *
 * A type is one struct value_type; rows of the directive table name it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "unit/directive.h"
#include "unit/types.h"

/* One assignment while it is parsed. */
struct assignment {
    struct unit_config *config; /* NULL while presets are made */
    const struct directive *directive;
    void *group; /* the struct that the value is in, for types that set two members */
    const struct specifier_context *specifiers; /* NULL: none are resolved */
    const char *file;
    unsigned line;
    unsigned n_faults; /* what was wrong so far */
    bool silent;       /* count faults, record none */
    /* Takes what is wrong where there is no `config`; NULL if nobody wants to know. */
    void (*report)(struct assignment *a, int level, const char *remedy, const char *text);
    void *report_userdata;
};

enum value_flags {
    /* An empty text is handed to parse(); else it resets to the unset value. */
    VALUE_PARSES_EMPTY = 1 << 0,
    /* An empty text is a fault: the value stays (numbers, words). */
    VALUE_REFUSES_EMPTY = 1 << 1,
    /* An empty text does nothing: dependencies cannot be taken back (systemd.unit(5)). */
    VALUE_IGNORES_EMPTY = 1 << 2,
};

struct value_type {
    const char *name;
    uint16_t size;
    uint16_t flags;
    int64_t unset; /* of a number of 1, 2, 4 or 8 bytes; structs and pointers are zero */
    /* For words: their names. */
    const char *const *words;
    int n_words;
    /* Returns 0 (after a fault as well, the value then unchanged or, for lists, with the good words
     * added), -ENOEXEC if the unit must not be used, -ENOMEM. */
    int (*parse)(struct assignment *a, const struct value_type *type, const char *text,
                 void *value);
    /* As `systemctl show` has it. */
    void (*format)(const struct value_type *type, const void *value, struct strbuf *out);
    /* As right-hand sides of unit-file lines: calls format_line for each. NULL: as format(). */
    void (*format_file)(const struct value_type *type, const char *name, const void *value,
                        struct strbuf *out);
    /* NULL for values without memory of their own. */
    void (*clear)(void *value);
    int (*copy)(void *to, const void *from);
};

/* Writes the type's unset value, not freeing an old one. */
void value_init(const struct value_type *type, void *value);
/* Frees and sets to unset. */
void value_reset(const struct value_type *type, void *value);
bool value_equal(const struct value_type *type, const void *a, const void *b);
/* A number of the type's size. */
int64_t value_number(const struct value_type *type, const void *value);
void value_set_number(const struct value_type *type, void *value, int64_t number);

/* Records what is wrong with the assignment; it is then ignored. Returns 0 for `return`. The second
 * is for settings without which the unit must not run: returns -ENOEXEC. The remedy may be NULL. */
int assignment_fault(struct assignment *a, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int assignment_fatal(struct assignment *a, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Something worth telling that is no fault (an old form), at LOG_NOTICE. */
void assignment_note(struct assignment *a, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The text with specifiers resolved: 0 and a new string; 1 if that failed and was recorded as a
 * fault; -ENOMEM. */
int assignment_expand(struct assignment *a, const char *text, char **ret);

/* One "Name=value" line of format_file(). */
void format_line(struct strbuf *out, const char *name, const char *value);
/* A word quoted so that a unit file gives it back; `percent` doubles percent signs, for settings
 * that resolve specifiers. */
void format_word_quoted(struct strbuf *out, const char *word, bool percent);
/* Text up to the end of the line, percent signs doubled. */
void format_text_line(struct strbuf *out, const char *name, const char *text);

/* Splits the next word off the text as most lists are written (quotes and C escapes; RETAIN_ESCAPE
 * and the like by `flags`, base/quote.h) and resolves specifiers. Returns 1 and a new string; 0 at
 * the end; 2 for a word that is to be skipped, the fault recorded; -EINVAL after a fault that ends
 * the line, recorded too; -ENOMEM. */
int assignment_word(struct assignment *a, const char **text, unsigned flags, char **ret);

/* An absolute, normalised path out of the text, in place. Returns 0 or 1 after recording a fault.
 */
int assignment_check_path(struct assignment *a, char *path);
/* Makes a path below the old folder /var/run one below /run, and notes it. 0 or -ENOMEM. */
int assignment_move_var_run(struct assignment *a, char **path);

/* Exit statuses and signals by name or number. */
bool exit_status_set_has_status(const struct exit_status_set *set, int status);
bool exit_status_set_has_signal(const struct exit_status_set *set, int signo);
/* "SUCCESS", "EXEC" (203), "USAGE" (64) ... of systemd.exec(5), or NULL; and back, or -EINVAL. */
const char *exit_status_name(int status);
int exit_status_from_name(const char *name);

/* Capabilities by name: "cap_net_admin" (any case) or a number up to 62; -EINVAL. The name is
 * "cap_..." or NULL for one without. */
int capability_from_name(const char *name);
const char *capability_name(int cap);
/* The highest capability that the kernel has. */
int capability_last(void);

/* clang-format off */
#define VALUE_TYPES_NUMBER(X) \
    X(boolean) \
    X(boolean_strict) \
    X(tristate) \
    X(int) \
    X(uint) X(uint_optional) X(uint_or_default) X(long) X(size) X(mode) X(signal) \
    X(signal_optional) X(exit_status) X(timespan) X(timespan_or_default) X(timeout) \
    X(timeout_abort) X(timeout_both) X(timeout_clean) X(nanoseconds) X(oom_score_adjust) \
    X(nice) X(io_priority) X(cpu_priority) X(coredump_filter) X(ip_tos) \
    X(swap_priority)
/* clang-format on */
/* clang-format off */
#define VALUE_TYPES_WORD(X) \
    X(emergency_action) \
    X(job_mode) \
    X(collect_mode) \
    X(service_type) X(exit_type) X(service_restart) X(restart_mode) X(timeout_failure_mode) \
    X(notify_access) X(oom_policy) X(fd_store_preserve) X(kill_mode) X(preserve_mode) \
    X(utmp_mode) X(keyring_mode) X(log_format) X(protect_proc) X(proc_subset) X(protect_system) \
    X(protect_home) X(private_tmp) X(private_users) X(private_pids) \
    X(protect_control_groups) \
    X(private_tmp_word) X(private_users_word) X(protect_control_groups_word) X(device_policy) X(managed_oom) \
    X(managed_oom_preference) X(pressure_watch) X(status_format) X(bind_ipv6_only) \
    X(timestamping) X(io_class) X(numa_policy) X(cpu_policy) \
    X(syslog_facility) X(syslog_level) X(syslog_level_optional) \
    X(personality) X(socket_protocol)
/* clang-format on */
/* clang-format off */
#define VALUE_TYPES_TEXT(X) \
    X(string) \
    X(image_policy) \
    X(path) \
    X(root_path) \
    X(user_name) \
    X(unit_name) X(bus_name) X(pid_file) X(log_namespace) X(slice_name) X(interface_name) \
    X(fd_name) X(optional_string) X(strings) X(urls) X(unit_names) X(paths) X(user_names) \
    X(env_names) X(search_path) X(log_fields) X(filter_paths) X(environment) X(env_unset) \
    X(log_patterns) X(mount_paths) X(health_probes) X(syscall_filter) X(syscall_log) X(syscall_archs)
/* clang-format on */
/* clang-format off */
#define VALUE_TYPES_EXEC(X) \
    X(commands) \
    X(conditions) \
    X(condition) \
    X(asserts) \
    X(env_files) X(working_directory) X(exec_input) X(exec_output) X(byte_string) X(input_text) \
    X(input_data) X(stdin_name) X(stdout_name) X(stderr_name) X(exec_directories) X(exec_directory_links) X(open_files) X(exit_status_set) X(rlimit_size) \
    X(rlimit_count) X(rlimit_time) X(rlimit_usec) X(rlimit_nice) X(cpu_mask) \
    X(cpu_affinity) X(cpu_affinity_from_numa) X(capabilities) X(capabilities_bounding) X(secure_bits)
/* clang-format on */
/* clang-format off */
#define VALUE_TYPES_SANDBOX(X) \
    X(bind_mounts) \
    X(tmpfs_mounts) \
    X(name_filter) \
    X(address_families) X(credentials_set) X(credentials_load) X(credentials_import) \
    X(mount_propagation) X(namespace_set) X(errno_or_kill)
/* clang-format on */
/* clang-format off */
#define VALUE_TYPES_CGROUP(X) \
    X(device_rules) \
    X(io_device_weights) \
    X(io_device_rates) \
    X(io_device_latencies) X(ip_prefixes) X(socket_binds) X(delegate) X(cpu_weight) X(cpu_shares) \
    X(io_weight) X(block_io_weight) X(cpu_quota) X(cpu_quota_period) X(memory_protection) \
    X(memory_limit) X(memory_limit_or_0) X(tasks_max) X(pressure_limit) \
    X(cgroup_controllers) X(delegate_controllers)
/* clang-format on */
/* clang-format off */
#define VALUE_TYPES_EVENT(X) \
    X(socket_listens) X(socket_listen) X(timer_specs) X(timer_spec) X(path_specs) X(path_spec)
/* clang-format on */

#define VALUE_TYPE_DECLARE(name) extern const struct value_type type_##name;
VALUE_TYPES_NUMBER(VALUE_TYPE_DECLARE)
VALUE_TYPES_WORD(VALUE_TYPE_DECLARE)
VALUE_TYPES_TEXT(VALUE_TYPE_DECLARE)
VALUE_TYPES_EXEC(VALUE_TYPE_DECLARE)
VALUE_TYPES_SANDBOX(VALUE_TYPE_DECLARE)
VALUE_TYPES_CGROUP(VALUE_TYPE_DECLARE)
VALUE_TYPES_EVENT(VALUE_TYPE_DECLARE)
#undef VALUE_TYPE_DECLARE
