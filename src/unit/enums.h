/* unit/enums.h -- every setting that takes one of a few words.
 *
 * For each list below there is enum NAME, `const char *NAME_to_string(int)` (NULL for what is no
 * member) and `int NAME_from_string(const char *)` (-EINVAL for what is no word of it). Values in
 * unit/config.h are kept in an `unsigned char` (a `signed char`, -1 for unset, where said so). */
#pragma once

/* clang-format off */
#define EMERGENCY_ACTIONS(X) \
    X(EMERGENCY_ACTION_NONE, "none") X(EMERGENCY_ACTION_EXIT, "exit") \
    X(EMERGENCY_ACTION_EXIT_FORCE, "exit-force") X(EMERGENCY_ACTION_REBOOT, "reboot") \
    X(EMERGENCY_ACTION_REBOOT_FORCE, "reboot-force") \
    X(EMERGENCY_ACTION_REBOOT_IMMEDIATE, "reboot-immediate") \
    X(EMERGENCY_ACTION_POWEROFF, "poweroff") X(EMERGENCY_ACTION_POWEROFF_FORCE, "poweroff-force") \
    X(EMERGENCY_ACTION_POWEROFF_IMMEDIATE, "poweroff-immediate") \
    X(EMERGENCY_ACTION_SOFT_REBOOT, "soft-reboot") \
    X(EMERGENCY_ACTION_SOFT_REBOOT_FORCE, "soft-reboot-force") \
    X(EMERGENCY_ACTION_KEXEC, "kexec") X(EMERGENCY_ACTION_KEXEC_FORCE, "kexec-force") \
    X(EMERGENCY_ACTION_HALT, "halt") X(EMERGENCY_ACTION_HALT_FORCE, "halt-force") \
    X(EMERGENCY_ACTION_HALT_IMMEDIATE, "halt-immediate")
#define JOB_MODES(X) \
    X(JOB_MODE_FAIL, "fail") X(JOB_MODE_REPLACE, "replace") \
    X(JOB_MODE_REPLACE_IRREVERSIBLY, "replace-irreversibly") X(JOB_MODE_ISOLATE, "isolate") \
    X(JOB_MODE_FLUSH, "flush") X(JOB_MODE_IGNORE_DEPENDENCIES, "ignore-dependencies") \
    X(JOB_MODE_IGNORE_REQUIREMENTS, "ignore-requirements") X(JOB_MODE_TRIGGERING, "triggering") \
    X(JOB_MODE_RESTART_DEPENDENCIES, "restart-dependencies")
#define COLLECT_MODES(X) \
    X(COLLECT_MODE_INACTIVE, "inactive") X(COLLECT_MODE_INACTIVE_OR_FAILED, "inactive-or-failed")

#define UNIT_TYPES(X) \
    X(UNIT_SERVICE, "service") X(UNIT_MOUNT, "mount") X(UNIT_SWAP, "swap") \
    X(UNIT_SOCKET, "socket") X(UNIT_TARGET, "target") X(UNIT_DEVICE, "device") \
    X(UNIT_AUTOMOUNT, "automount") X(UNIT_TIMER, "timer") X(UNIT_PATH, "path") \
    X(UNIT_SLICE, "slice") X(UNIT_SCOPE, "scope")
#define LOAD_STATES(X) \
    X(LOAD_STUB, "stub") X(LOAD_LOADED, "loaded") X(LOAD_NOT_FOUND, "not-found") \
    X(LOAD_BAD_SETTING, "bad-setting") X(LOAD_ERROR, "error") X(LOAD_MERGED, "merged") \
    X(LOAD_MASKED, "masked")

#define SERVICE_TYPES(X) \
    X(SERVICE_TYPE_SIMPLE, "simple") X(SERVICE_TYPE_EXEC, "exec") \
    X(SERVICE_TYPE_FORKING, "forking") X(SERVICE_TYPE_ONESHOT, "oneshot") \
    X(SERVICE_TYPE_DBUS, "dbus") X(SERVICE_TYPE_NOTIFY, "notify") \
    X(SERVICE_TYPE_NOTIFY_RELOAD, "notify-reload") X(SERVICE_TYPE_IDLE, "idle")
#define EXIT_TYPES(X) X(EXIT_TYPE_MAIN, "main") X(EXIT_TYPE_CGROUP, "cgroup")
#define SERVICE_RESTARTS(X) \
    X(RESTART_NO, "no") X(RESTART_ON_SUCCESS, "on-success") X(RESTART_ON_FAILURE, "on-failure") \
    X(RESTART_ON_ABNORMAL, "on-abnormal") X(RESTART_ON_WATCHDOG, "on-watchdog") \
    X(RESTART_ON_ABORT, "on-abort") X(RESTART_ALWAYS, "always")
#define RESTART_MODES(X) \
    X(RESTART_MODE_NORMAL, "normal") X(RESTART_MODE_DIRECT, "direct") X(RESTART_MODE_DEBUG, "debug")
#define TIMEOUT_FAILURE_MODES(X) \
    X(TIMEOUT_TERMINATE, "terminate") X(TIMEOUT_ABORT, "abort") X(TIMEOUT_KILL, "kill")
#define NOTIFY_ACCESSES(X) \
    X(NOTIFY_ACCESS_NONE, "none") X(NOTIFY_ACCESS_ALL, "all") X(NOTIFY_ACCESS_MAIN, "main") \
    X(NOTIFY_ACCESS_EXEC, "exec")
#define OOM_POLICIES(X) \
    X(OOM_POLICY_CONTINUE, "continue") X(OOM_POLICY_STOP, "stop") X(OOM_POLICY_KILL, "kill")
#define FD_STORE_PRESERVES(X) \
    X(FD_STORE_PRESERVE_NO, "no") X(FD_STORE_PRESERVE_YES, "yes") \
    X(FD_STORE_PRESERVE_RESTART, "restart")
#define KILL_MODES(X) \
    X(KILL_MODE_CONTROL_GROUP, "control-group") X(KILL_MODE_PROCESS, "process") \
    X(KILL_MODE_MIXED, "mixed") X(KILL_MODE_NONE, "none")

#define EXEC_INPUTS(X) \
    X(EXEC_INPUT_NULL, "null") X(EXEC_INPUT_TTY, "tty") X(EXEC_INPUT_TTY_FORCE, "tty-force") \
    X(EXEC_INPUT_TTY_FAIL, "tty-fail") X(EXEC_INPUT_SOCKET, "socket") X(EXEC_INPUT_FD, "fd") \
    X(EXEC_INPUT_DATA, "data") X(EXEC_INPUT_FILE, "file")
#define EXEC_OUTPUTS(X) \
    X(EXEC_OUTPUT_INHERIT, "inherit") X(EXEC_OUTPUT_NULL, "null") X(EXEC_OUTPUT_TTY, "tty") \
    X(EXEC_OUTPUT_KMSG, "kmsg") X(EXEC_OUTPUT_KMSG_CONSOLE, "kmsg+console") \
    X(EXEC_OUTPUT_JOURNAL, "journal") X(EXEC_OUTPUT_JOURNAL_CONSOLE, "journal+console") \
    X(EXEC_OUTPUT_SOCKET, "socket") X(EXEC_OUTPUT_FD, "fd") X(EXEC_OUTPUT_FILE, "file") \
    X(EXEC_OUTPUT_APPEND, "append") X(EXEC_OUTPUT_TRUNCATE, "truncate")
#define PRESERVE_MODES(X) \
    X(PRESERVE_NO, "no") X(PRESERVE_YES, "yes") X(PRESERVE_RESTART, "restart")
#define UTMP_MODES(X) X(UTMP_MODE_INIT, "init") X(UTMP_MODE_LOGIN, "login") X(UTMP_MODE_USER, "user")
/* The values are those of set_mempolicy(2). */
#define NUMA_POLICIES(X) \
    X(NUMA_POLICY_DEFAULT, "default") X(NUMA_POLICY_PREFERRED, "preferred") \
    X(NUMA_POLICY_BIND, "bind") X(NUMA_POLICY_INTERLEAVE, "interleave") X(NUMA_POLICY_LOCAL, "local")
/* The values are those of ioprio_set(2), IOPRIO_CLASS_*. */
#define IO_CLASSES(X) \
    X(IO_CLASS_NONE, "none") X(IO_CLASS_REALTIME, "realtime") \
    X(IO_CLASS_BEST_EFFORT, "best-effort") X(IO_CLASS_IDLE, "idle")

#define KEYRING_MODES(X) \
    X(KEYRING_INHERIT, "inherit") X(KEYRING_PRIVATE, "private") X(KEYRING_SHARED, "shared")
/* As enum log_parse of journal/parse.h. */
#define LOG_FORMATS(X) \
    X(LOG_FORMAT_NONE, "none") X(LOG_FORMAT_JSON, "json") X(LOG_FORMAT_LOGFMT, "logfmt") \
    X(LOG_FORMAT_GO, "go")
#define PROTECT_PROCS(X) \
    X(PROTECT_PROC_DEFAULT, "default") X(PROTECT_PROC_NOACCESS, "noaccess") \
    X(PROTECT_PROC_INVISIBLE, "invisible") X(PROTECT_PROC_PTRACEABLE, "ptraceable")
#define PROC_SUBSETS(X) X(PROC_SUBSET_ALL, "all") X(PROC_SUBSET_PID, "pid")
#define PROTECT_SYSTEMS(X) \
    X(PROTECT_SYSTEM_NO, "no") X(PROTECT_SYSTEM_YES, "yes") X(PROTECT_SYSTEM_FULL, "full") \
    X(PROTECT_SYSTEM_STRICT, "strict")
#define PROTECT_HOMES(X) \
    X(PROTECT_HOME_NO, "no") X(PROTECT_HOME_YES, "yes") X(PROTECT_HOME_READ_ONLY, "read-only") \
    X(PROTECT_HOME_TMPFS, "tmpfs")
#define PRIVATE_TMPS(X) \
    X(PRIVATE_TMP_NO, "no") X(PRIVATE_TMP_CONNECTED, "connected") \
    X(PRIVATE_TMP_DISCONNECTED, "disconnected")
#define PRIVATE_USERSS(X) \
    X(PRIVATE_USERS_NO, "no") X(PRIVATE_USERS_SELF, "self") X(PRIVATE_USERS_IDENTITY, "identity")
#define PRIVATE_PIDSS(X) X(PRIVATE_PIDS_NO, "no") X(PRIVATE_PIDS_YES, "yes")
#define PROTECT_CONTROL_GROUPSS(X) \
    X(PROTECT_CONTROL_GROUPS_NO, "no") X(PROTECT_CONTROL_GROUPS_YES, "yes") \
    X(PROTECT_CONTROL_GROUPS_PRIVATE, "private") X(PROTECT_CONTROL_GROUPS_STRICT, "strict")

#define DEVICE_POLICIES(X) \
    X(DEVICE_POLICY_AUTO, "auto") X(DEVICE_POLICY_CLOSED, "closed") \
    X(DEVICE_POLICY_STRICT, "strict")
#define MANAGED_OOMS(X) X(MANAGED_OOM_AUTO, "auto") X(MANAGED_OOM_KILL, "kill")
#define MANAGED_OOM_PREFERENCES(X) \
    X(MANAGED_OOM_PREFERENCE_NONE, "none") X(MANAGED_OOM_PREFERENCE_AVOID, "avoid") \
    X(MANAGED_OOM_PREFERENCE_OMIT, "omit")
#define STATUS_FORMATS(X) \
    X(STATUS_FORMAT_NAME, "name") X(STATUS_FORMAT_DESCRIPTION, "description") \
    X(STATUS_FORMAT_COMBINED, "combined")
#define PRESSURE_WATCHES(X) \
    X(PRESSURE_WATCH_OFF, "no") X(PRESSURE_WATCH_ON, "yes") X(PRESSURE_WATCH_AUTO, "auto") \
    X(PRESSURE_WATCH_SKIP, "skip")
/* Bits of cgroup_controllers: 1 << CGROUP_CONTROLLER_... */
#define CGROUP_CONTROLLERS(X) \
    X(CGROUP_CONTROLLER_CPU, "cpu") X(CGROUP_CONTROLLER_CPUACCT, "cpuacct") \
    X(CGROUP_CONTROLLER_CPUSET, "cpuset") X(CGROUP_CONTROLLER_IO, "io") \
    X(CGROUP_CONTROLLER_BLKIO, "blkio") X(CGROUP_CONTROLLER_MEMORY, "memory") \
    X(CGROUP_CONTROLLER_DEVICES, "devices") X(CGROUP_CONTROLLER_PIDS, "pids") \
    X(CGROUP_CONTROLLER_BPF_FIREWALL, "bpf-firewall") \
    X(CGROUP_CONTROLLER_BPF_DEVICES, "bpf-devices") \
    X(CGROUP_CONTROLLER_BPF_FOREIGN, "bpf-foreign") \
    X(CGROUP_CONTROLLER_BPF_SOCKET_BIND, "bpf-socket-bind") \
    X(CGROUP_CONTROLLER_BPF_RESTRICT_NETWORK_INTERFACES, "bpf-restrict-network-interfaces")

#define BIND_IPV6_ONLYS(X) \
    X(BIND_IPV6_ONLY_DEFAULT, "default") X(BIND_IPV6_ONLY_BOTH, "both") \
    X(BIND_IPV6_ONLY_IPV6_ONLY, "ipv6-only")
#define TIMESTAMPINGS(X) X(TIMESTAMPING_OFF, "off") X(TIMESTAMPING_US, "us") X(TIMESTAMPING_NS, "ns")
#define SOCKET_LISTEN_KINDS(X) \
    X(LISTEN_STREAM, "ListenStream") X(LISTEN_DATAGRAM, "ListenDatagram") \
    X(LISTEN_SEQUENTIAL_PACKET, "ListenSequentialPacket") X(LISTEN_FIFO, "ListenFIFO") \
    X(LISTEN_NETLINK, "ListenNetlink") X(LISTEN_SPECIAL, "ListenSpecial") \
    X(LISTEN_MESSAGE_QUEUE, "ListenMessageQueue") X(LISTEN_USB_FUNCTION, "ListenUSBFunction")
#define TIMER_KINDS(X) \
    X(TIMER_ACTIVE, "OnActiveSec") X(TIMER_BOOT, "OnBootSec") X(TIMER_STARTUP, "OnStartupSec") \
    X(TIMER_UNIT_ACTIVE, "OnUnitActiveSec") X(TIMER_UNIT_INACTIVE, "OnUnitInactiveSec") \
    X(TIMER_CALENDAR, "OnCalendar")
#define PATH_KINDS(X) \
    X(PATH_EXISTS, "PathExists") X(PATH_EXISTS_GLOB, "PathExistsGlob") \
    X(PATH_CHANGED, "PathChanged") X(PATH_MODIFIED, "PathModified") \
    X(PATH_DIRECTORY_NOT_EMPTY, "DirectoryNotEmpty")

/* Condition*= and Assert*= by what follows the prefix. */
#define CONDITION_TYPES(X) \
    X(CONDITION_ARCHITECTURE, "Architecture") X(CONDITION_FIRMWARE, "Firmware") \
    X(CONDITION_VIRTUALIZATION, "Virtualization") X(CONDITION_HOST, "Host") \
    X(CONDITION_KERNEL_COMMAND_LINE, "KernelCommandLine") \
    X(CONDITION_KERNEL_VERSION, "KernelVersion") X(CONDITION_CREDENTIAL, "Credential") \
    X(CONDITION_SECURITY, "Security") X(CONDITION_CAPABILITY, "Capability") \
    X(CONDITION_AC_POWER, "ACPower") X(CONDITION_NEEDS_UPDATE, "NeedsUpdate") \
    X(CONDITION_FIRST_BOOT, "FirstBoot") X(CONDITION_PATH_EXISTS, "PathExists") \
    X(CONDITION_PATH_EXISTS_GLOB, "PathExistsGlob") \
    X(CONDITION_PATH_IS_DIRECTORY, "PathIsDirectory") \
    X(CONDITION_PATH_IS_SYMBOLIC_LINK, "PathIsSymbolicLink") \
    X(CONDITION_PATH_IS_MOUNT_POINT, "PathIsMountPoint") \
    X(CONDITION_PATH_IS_READ_WRITE, "PathIsReadWrite") \
    X(CONDITION_PATH_IS_ENCRYPTED, "PathIsEncrypted") \
    X(CONDITION_DIRECTORY_NOT_EMPTY, "DirectoryNotEmpty") \
    X(CONDITION_FILE_NOT_EMPTY, "FileNotEmpty") \
    X(CONDITION_FILE_IS_EXECUTABLE, "FileIsExecutable") X(CONDITION_USER, "User") \
    X(CONDITION_GROUP, "Group") \
    X(CONDITION_CONTROL_GROUP_CONTROLLER, "ControlGroupController") X(CONDITION_CPUS, "CPUs") \
    X(CONDITION_MEMORY, "Memory") X(CONDITION_ENVIRONMENT, "Environment") \
    X(CONDITION_CPU_FEATURE, "CPUFeature") X(CONDITION_OS_RELEASE, "OSRelease") \
    X(CONDITION_MEMORY_PRESSURE, "MemoryPressure") X(CONDITION_CPU_PRESSURE, "CPUPressure") \
    X(CONDITION_IO_PRESSURE, "IOPressure")

#define STANDINGS(X) \
    X(STANDING_HONOURED, "honoured") X(STANDING_ACCEPTED, "accepted") \
    X(STANDING_REFUSED, "refused") X(STANDING_NOT_YET, "not-yet")
#define SANDBOX_CLASSES(X) \
    X(CLASS_NONE, "none") X(CLASS_IDENTITY, "identity") X(CLASS_VIEW, "view") \
    X(CLASS_HARDENING, "hardening")

/* enum name, list, and what the last member plus one is called. */
#define ALL_ENUMS(E) \
    E(emergency_action, EMERGENCY_ACTIONS, EMERGENCY_ACTION_MAX) E(job_mode, JOB_MODES, JOB_MODE_MAX) \
    E(collect_mode, COLLECT_MODES, COLLECT_MODE_MAX) E(unit_type, UNIT_TYPES, UNIT_TYPE_MAX) \
    E(load_state, LOAD_STATES, LOAD_STATE_MAX) E(service_type, SERVICE_TYPES, SERVICE_TYPE_MAX) \
    E(exit_type, EXIT_TYPES, EXIT_TYPE_MAX) E(service_restart, SERVICE_RESTARTS, RESTART_MAX) \
    E(restart_mode, RESTART_MODES, RESTART_MODE_MAX) \
    E(timeout_failure_mode, TIMEOUT_FAILURE_MODES, TIMEOUT_FAILURE_MODE_MAX) \
    E(notify_access, NOTIFY_ACCESSES, NOTIFY_ACCESS_MAX) E(oom_policy, OOM_POLICIES, OOM_POLICY_MAX) \
    E(fd_store_preserve, FD_STORE_PRESERVES, FD_STORE_PRESERVE_MAX) \
    E(kill_mode, KILL_MODES, KILL_MODE_MAX) E(exec_input, EXEC_INPUTS, EXEC_INPUT_MAX) \
    E(exec_output, EXEC_OUTPUTS, EXEC_OUTPUT_MAX) E(preserve_mode, PRESERVE_MODES, PRESERVE_MAX) \
    E(utmp_mode, UTMP_MODES, UTMP_MODE_MAX) E(numa_policy, NUMA_POLICIES, NUMA_POLICY_MAX) \
    E(io_class, IO_CLASSES, IO_CLASS_MAX) E(keyring_mode, KEYRING_MODES, KEYRING_MODE_MAX) \
    E(log_format, LOG_FORMATS, LOG_FORMAT_MAX) E(protect_proc, PROTECT_PROCS, PROTECT_PROC_MAX) E(proc_subset, PROC_SUBSETS, PROC_SUBSET_MAX) \
    E(protect_system, PROTECT_SYSTEMS, PROTECT_SYSTEM_MAX) \
    E(protect_home, PROTECT_HOMES, PROTECT_HOME_MAX) E(private_tmp, PRIVATE_TMPS, PRIVATE_TMP_MAX) \
    E(private_users, PRIVATE_USERSS, PRIVATE_USERS_MAX) \
    E(private_pids, PRIVATE_PIDSS, PRIVATE_PIDS_MAX) \
    E(protect_control_groups, PROTECT_CONTROL_GROUPSS, PROTECT_CONTROL_GROUPS_MAX) \
    E(device_policy, DEVICE_POLICIES, DEVICE_POLICY_MAX) E(managed_oom, MANAGED_OOMS, MANAGED_OOM_MAX) \
    E(managed_oom_preference, MANAGED_OOM_PREFERENCES, MANAGED_OOM_PREFERENCE_MAX) \
    E(pressure_watch, PRESSURE_WATCHES, PRESSURE_WATCH_MAX) \
    E(status_format, STATUS_FORMATS, STATUS_FORMAT_MAX) \
    E(cgroup_controller, CGROUP_CONTROLLERS, CGROUP_CONTROLLER_MAX) \
    E(bind_ipv6_only, BIND_IPV6_ONLYS, BIND_IPV6_ONLY_MAX) \
    E(timestamping, TIMESTAMPINGS, TIMESTAMPING_MAX) \
    E(socket_listen_kind, SOCKET_LISTEN_KINDS, SOCKET_LISTEN_KIND_MAX) \
    E(timer_kind, TIMER_KINDS, TIMER_KIND_MAX) E(path_kind, PATH_KINDS, PATH_KIND_MAX) \
    E(condition_type, CONDITION_TYPES, CONDITION_TYPE_MAX) E(standing, STANDINGS, STANDING_MAX) \
    E(sandbox_class, SANDBOX_CLASSES, CLASS_MAX)

#define ENUM_MEMBER(member, text) member,
#define ENUM_DECLARE(name, LIST, max) \
    enum name { LIST(ENUM_MEMBER) max }; \
    extern const char *const name##_names[max]; \
    const char *name##_to_string(int value); \
    int name##_from_string(const char *text);
ALL_ENUMS(ENUM_DECLARE)
#undef ENUM_DECLARE
#undef ENUM_MEMBER
/* clang-format on */

/* What both functions of every enum are made of: names[0..n-1]. */
const char *enum_to_string(const char *const *names, int n, int value);
int enum_from_string(const char *const *names, int n, const char *text);
