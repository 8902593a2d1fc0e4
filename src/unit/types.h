/* unit/types.h -- the C types of the values of directives.
 *
 * `ctype_T` is the type of a member whose row in a *.directives file has the type T. A pointer that
 * is NULL is an unset or empty value. Everything is owned by the unit_config it is in and freed
 * with it. How a type is parsed, printed, copied and freed is in unit/value.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/time.h"
#include "unit/enums.h"

/* A time that is not set, where infinity means something else. */
#define USEC_UNSET (USEC_INFINITY - 1)
#define NICE_UNSET (-128)
#define OOM_SCORE_ADJUST_UNSET (-32768)
#define SIZE_INFINITY UINT64_MAX
/* Weights that are not set (systemctl shows "[not set]"); CPUWeight=idle is 0. */
#define WEIGHT_UNSET UINT64_MAX
/* SystemCallErrorNumber=: the process is killed. */
#define SYSCALL_KILL (INT32_MAX - 1)
/* RestrictNamespaces=no. */
#define NAMESPACES_ALL UINT32_MAX

/* One command line, systemd.service(5), COMMAND LINES. argv[0] is what the process sees as its
 * name; `path` is what is executed: an absolute path, or a bare name to be looked up in
 * ExecSearchPath= or the default path at every start. Words still hold $NAME, to be expanded at
 * exec time by command_expand() of unit/command.h unless COMMAND_NO_ENV. */
enum command_flags {
    COMMAND_IGNORE_FAILURE = 1 << 0,  /* - */
    COMMAND_FULL_PRIVILEGES = 1 << 1, /* + : no User=, no sandboxing */
    COMMAND_NO_SETUID = 1 << 2,       /* ! : credentials are not changed, the rest applies */
    COMMAND_AMBIENT_MAGIC = 1 << 3,   /* !! : as !, where ambient capabilities do not exist */
    COMMAND_NO_ENV = 1 << 4,          /* : */
    COMMAND_ARGV0 = 1 << 5,           /* @ */
};
struct exec_command {
    struct exec_command *next;
    char *path;
    char **argv;
    unsigned char flags;
};

/* A condition or assertion, systemd.unit(5). Evaluated by unit/condition.h. */
struct condition {
    struct condition *next;
    char *parameter;
    unsigned char type; /* enum condition_type */
    bool is_assert;
    bool trigger;       /* "|": one of all such suffices */
    bool negate;        /* "!" */
    signed char result; /* of the last evaluation: 1 held, 0 did not, -1 not evaluated, -2 error */
};

struct env_file {
    struct env_file *next;
    char *path; /* may be a glob pattern */
    bool optional;
};

struct working_directory {
    char *path;
    bool home;       /* "~" */
    bool missing_ok; /* "-" */
};

/* StandardInput= and the like: `kind` is an enum exec_input or exec_output; `target` the path of
 * file:, append:, truncate:, the name of fd:NAME, or NULL. */
struct exec_stdio {
    char *target;
    unsigned char kind;
};

struct byte_string {
    size_t length;
    char bytes[]; /* and a NUL after them */
};

/* RuntimeDirectory=path:symlink:flags, one for each path. */
struct exec_directory {
    struct exec_directory *next;
    char *path; /* relative */
    char **symlinks;
    bool read_only; /* ":ro" */
};

struct open_file {
    struct open_file *next;
    char *path, *name;
    bool read_only, append, truncate, graceful;
};

/* Bits by exit status and by signal number; use exit_status_set_has() of unit/value.h. */
struct exit_status_set {
    uint64_t statuses[4];
    uint64_t signals; /* bit n: signal n, up to 63; bit 0: signal 64 */
};

struct rlimit_value {
    uint64_t soft, hard; /* SIZE_INFINITY: RLIM_INFINITY */
    bool set;            /* else what the manager's default or own limit is */
};

/* Processors or memory nodes. Bits past n_words are 0. */
struct cpu_mask {
    bool from_numa; /* CPUAffinity=numa: those of NUMAMask= */
    unsigned n_words;
    uint64_t words[];
};

struct bind_mount {
    struct bind_mount *next;
    char *source, *destination;
    bool ignore_missing; /* "-" */
    bool recursive;      /* rbind (preset) or norbind */
};

struct tmpfs_mount {
    struct tmpfs_mount *next;
    char *path, *options; /* options NULL if none */
};

/* A list that allows, or forbids, names; forbids nothing if `names` is empty. */
struct name_filter {
    bool allow_list;
    char **names;
};

/* RestrictAddressFamilies=: bit n is family n. Not restricted: allow_list false and mask 0. */
struct address_families {
    uint64_t mask;
    bool allow_list;
};

/* SetCredential= has data; LoadCredential= a path (or bare credential name); ImportCredential= a
 * glob as id and, maybe, the name it is renamed to as path. */
struct credential {
    struct credential *next;
    char *id, *path;
    struct byte_string *data;
};

struct device_rule {
    struct device_rule *next;
    char *path; /* /dev/..., char-GROUP or block-GROUP */
    bool read, write, mknod;
};

/* IOReadBandwidthMax= and the like: bytes, operations, weight or microseconds. */
struct device_value {
    struct device_value *next;
    char *path;
    uint64_t value;
};

struct ip_prefix {
    struct ip_prefix *next;
    unsigned char family; /* AF_INET or AF_INET6 */
    unsigned char length;
    unsigned char address[16];
};

struct socket_bind {
    struct socket_bind *next;
    unsigned char family;   /* AF_UNSPEC for any */
    unsigned char protocol; /* IPPROTO_TCP, IPPROTO_UDP or 0 for any */
    uint16_t port_min;      /* 0 with n_ports 0: any port */
    uint16_t n_ports;
};

struct delegate {
    uint16_t controllers; /* bits, CGROUP_CONTROLLER_... */
    bool enabled;
};

struct socket_listen {
    struct socket_listen *next;
    char *address;      /* as written, specifiers resolved */
    unsigned char kind; /* enum socket_listen_kind */
};

struct timer_spec {
    struct timer_spec *next;
    char *calendar;     /* TIMER_CALENDAR: the expression, valid for calendar_parse() */
    usec_t value;       /* else */
    unsigned char kind; /* enum timer_kind */
};

struct path_spec {
    struct path_spec *next;
    char *path;
    unsigned char kind; /* enum path_kind */
};

/* clang-format off */
/* plain */
typedef bool ctype_boolean;
typedef bool ctype_boolean_strict;              /* a wrong value makes the unit unusable */
typedef signed char ctype_tristate;             /* 1, 0, -1 unset */
typedef int ctype_int;
typedef unsigned ctype_uint;
typedef unsigned ctype_uint_optional;           /* UINT_MAX: unset */
typedef unsigned ctype_uint_or_default;         /* UINT_MAX: the default of the unit's kind */
typedef int64_t ctype_long;
typedef uint64_t ctype_size;
typedef mode_t ctype_mode;
typedef int ctype_signal;
typedef int ctype_signal_optional;              /* 0: unset */
typedef int ctype_exit_status;                  /* -1: unset */
typedef usec_t ctype_timespan;
typedef usec_t ctype_timespan_or_default;       /* USEC_INFINITY: the default of the unit's kind */
typedef usec_t ctype_timeout;                   /* 0 and "" mean infinity */
typedef usec_t ctype_timeout_abort;             /* USEC_UNSET until the unit is loaded, then as
                                                   TimeoutStopSec= */
typedef usec_t ctype_timeout_both;
typedef usec_t ctype_timeout_clean;
typedef nsec_t ctype_nanoseconds;               /* UINT64_MAX: unset */
/* texts and lists of texts */
typedef char *ctype_root_path;                  /* a wrong value makes the unit unusable */
typedef char *ctype_string, *ctype_image_policy, *ctype_path, *ctype_user_name, *ctype_unit_name, *ctype_bus_name,
    *ctype_pid_file, *ctype_log_namespace, *ctype_slice_name, *ctype_interface_name, *ctype_fd_name;
typedef char *ctype_optional_string;            /* a leading "-" is kept: failing to set it is fine */
typedef char **ctype_health_probes, **ctype_strings, **ctype_urls, **ctype_unit_names, **ctype_paths, **ctype_user_names,
    **ctype_env_names, **ctype_search_path, **ctype_log_fields, **ctype_filter_paths;
typedef char **ctype_environment;               /* NAME=VALUE, each name once */
typedef char **ctype_env_unset;                 /* NAME or NAME=VALUE */
typedef char **ctype_log_patterns;              /* "~" in front: lines that match are dropped */
typedef char **ctype_mount_paths;               /* "-" (may be missing) and "+" (below the root) kept */
typedef char **ctype_syscall_filter;            /* in order: [~]NAME or @GROUP[:ERRNO or :kill]; the
                                                   first one decides whether the list allows */
typedef char **ctype_syscall_log;
typedef char **ctype_syscall_archs;             /* "native", "x86-64" ... */
/* structs */
typedef struct exec_command *ctype_commands;
typedef struct condition *ctype_conditions, *ctype_condition;
typedef struct env_file *ctype_env_files;
typedef struct working_directory ctype_working_directory;
typedef struct exec_stdio ctype_exec_input, ctype_exec_output;
typedef struct byte_string *ctype_byte_string, *ctype_input_text, *ctype_input_data;
typedef struct exec_directory *ctype_exec_directories;
typedef struct open_file *ctype_open_files;
typedef struct exit_status_set *ctype_exit_status_set;
typedef struct rlimit_value ctype_rlimit_size, ctype_rlimit_count, ctype_rlimit_time,
    ctype_rlimit_usec, ctype_rlimit_nice;
typedef struct cpu_mask *ctype_cpu_mask, *ctype_cpu_affinity;
typedef struct bind_mount *ctype_bind_mounts;
typedef struct tmpfs_mount *ctype_tmpfs_mounts;
typedef struct name_filter *ctype_name_filter;
typedef struct address_families ctype_address_families;
typedef struct credential *ctype_credentials_set, *ctype_credentials_load, *ctype_credentials_import;
typedef struct device_rule *ctype_device_rules;
typedef struct device_value *ctype_io_device_weights, *ctype_io_device_rates,
    *ctype_io_device_latencies;
typedef struct ip_prefix *ctype_ip_prefixes;
typedef struct socket_bind *ctype_socket_binds;
typedef struct delegate ctype_delegate;
typedef struct socket_listen *ctype_socket_listens, *ctype_socket_listen;
typedef struct timer_spec *ctype_timer_specs, *ctype_timer_spec;
typedef struct path_spec *ctype_path_specs, *ctype_path_spec;
/* numbers with a meaning */
typedef uint64_t ctype_capabilities;            /* bit n: capability n */
typedef uint64_t ctype_capabilities_bounding;   /* UINT64_MAX: all there are */
typedef short ctype_oom_score_adjust;           /* OOM_SCORE_ADJUST_UNSET */
typedef signed char ctype_nice;                 /* NICE_UNSET */
typedef signed char ctype_io_class;             /* enum io_class, -1 unset */
typedef signed char ctype_io_priority;          /* 0..7, -1 unset */
typedef signed char ctype_cpu_policy;           /* SCHED_OTHER ..., -1 unset */
typedef signed char ctype_cpu_priority;         /* 0..99, -1 unset */
typedef signed char ctype_numa_policy;          /* enum numa_policy, -1 unset */
typedef unsigned char ctype_secure_bits;        /* SECBIT_... of linux/securebits.h */
typedef unsigned char ctype_syslog_facility;    /* 0..23, not shifted */
typedef unsigned char ctype_syslog_level;
typedef signed char ctype_syslog_level_optional; /* -1 unset */
typedef int64_t ctype_coredump_filter;          /* uint32_t, -1 unset */
typedef uint32_t ctype_mount_propagation;       /* MS_SHARED, MS_SLAVE, MS_PRIVATE; 0 unset */
typedef uint32_t ctype_namespace_set;           /* CLONE_NEW... that are allowed; NAMESPACES_ALL */
typedef uint32_t ctype_personality;             /* UINT32_MAX unset */
typedef int ctype_errno_or_kill;                /* SYSCALL_KILL */
typedef uint64_t ctype_cpu_weight, ctype_cpu_shares, ctype_io_weight, ctype_block_io_weight;
typedef usec_t ctype_cpu_quota;                 /* CPU time a second; USEC_INFINITY unset */
typedef usec_t ctype_cpu_quota_period;          /* USEC_INFINITY unset */
typedef uint64_t ctype_memory_protection;       /* bytes */
typedef uint64_t ctype_memory_limit, ctype_memory_limit_or_0; /* bytes, SIZE_INFINITY */
typedef uint64_t ctype_tasks_max;               /* SIZE_INFINITY */
typedef uint32_t ctype_pressure_limit;          /* fraction of UINT32_MAX */
typedef uint16_t ctype_cgroup_controllers;      /* bits, CGROUP_CONTROLLER_... */
typedef int ctype_ip_tos;                       /* -1 unset */
typedef int ctype_socket_protocol;              /* IPPROTO_..., 0 unset */
typedef int ctype_swap_priority;                /* -1 unset */
/* words, unit/enums.h */
typedef unsigned char ctype_emergency_action, ctype_job_mode, ctype_collect_mode,
    ctype_service_type, ctype_exit_type, ctype_service_restart, ctype_restart_mode,
    ctype_timeout_failure_mode, ctype_notify_access, ctype_oom_policy, ctype_fd_store_preserve,
    ctype_kill_mode, ctype_preserve_mode, ctype_utmp_mode, ctype_keyring_mode, ctype_log_format, ctype_protect_proc,
    ctype_proc_subset, ctype_protect_system, ctype_protect_home, ctype_private_tmp,
    ctype_private_users, ctype_private_pids, ctype_protect_control_groups, ctype_device_policy,
    ctype_managed_oom, ctype_managed_oom_preference, ctype_pressure_watch, ctype_status_format, ctype_bind_ipv6_only,
    ctype_timestamping;
/* clang-format on */
