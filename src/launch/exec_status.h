/* launch/exec_status.h -- the steps of setting up a process, by the exit status that names each.
 *
 * The numbers and names are those of systemd.exec(5), "Process Exit Codes": a child that fails in a
 * step exits with its number, so that a step and its exit status are one thing here. */
#pragma once

/* STATUS(name, number) */
#define EXEC_STATUSES(STATUS) \
    STATUS(CHDIR, 200) \
    STATUS(NICE, 201) \
    STATUS(FDS, 202) \
    STATUS(EXEC, 203) \
    STATUS(MEMORY, 204) \
    STATUS(LIMITS, 205) \
    STATUS(OOM_ADJUST, 206) \
    STATUS(SIGNAL_MASK, 207) \
    STATUS(STDIN, 208) \
    STATUS(STDOUT, 209) \
    STATUS(CHROOT, 210) \
    STATUS(IOPRIO, 211) \
    STATUS(TIMERSLACK, 212) \
    STATUS(SECUREBITS, 213) \
    STATUS(SETSCHEDULER, 214) \
    STATUS(CPUAFFINITY, 215) \
    STATUS(GROUP, 216) \
    STATUS(USER, 217) \
    STATUS(CAPABILITIES, 218) \
    STATUS(CGROUP, 219) \
    STATUS(SETSID, 220) \
    STATUS(CONFIRM, 221) \
    STATUS(STDERR, 222) \
    STATUS(PAM, 224) \
    STATUS(NETWORK, 225) \
    STATUS(NAMESPACE, 226) \
    STATUS(NO_NEW_PRIVILEGES, 227) \
    STATUS(SECCOMP, 228) \
    STATUS(SELINUX_CONTEXT, 229) \
    STATUS(PERSONALITY, 230) \
    STATUS(APPARMOR, 231) \
    STATUS(ADDRESS_FAMILIES, 232) \
    STATUS(RUNTIME_DIRECTORY, 233) \
    STATUS(CHOWN, 235) \
    STATUS(SMACK_PROCESS_LABEL, 236) \
    STATUS(KEYRING, 237) \
    STATUS(STATE_DIRECTORY, 238) \
    STATUS(CACHE_DIRECTORY, 239) \
    STATUS(LOGS_DIRECTORY, 240) \
    STATUS(CONFIGURATION_DIRECTORY, 241) \
    STATUS(NUMA_POLICY, 242) \
    STATUS(CREDENTIALS, 243) \
    STATUS(BPF, 244) \
    STATUS(KSM, 245)

enum exec_status {
#define STATUS(name, number) EXEC_STATUS_##name = number,
    EXEC_STATUSES(STATUS)
#undef STATUS
};

/* "CHDIR" for 200, and so on; NULL for a number that is no step's. */
const char *exec_status_name(int status);

/* What the step does, in a few words for people ("changing to the working directory"); NULL for a
 * number that is no step's. */
const char *exec_status_text(int status);
