/* launch/exec_status.c -- names and texts of the set-up steps. */
#include "launch/exec_status.h"

#include <stddef.h>

const char *exec_status_name(int status)
{
    switch (status) {
#define STATUS(name, number) \
    case number: \
        return #name;
        EXEC_STATUSES(STATUS)
#undef STATUS
    default:
        return NULL;
    }
}

static const char *text(enum exec_status status)
{
    switch (status) {
    case EXEC_STATUS_CHDIR:
        return "changing to the working directory";
    case EXEC_STATUS_NICE:
        return "setting the nice level";
    case EXEC_STATUS_FDS:
        return "arranging the file descriptors to be passed";
    case EXEC_STATUS_EXEC:
        return "executing the program";
    case EXEC_STATUS_MEMORY:
        return "allocating memory";
    case EXEC_STATUS_LIMITS:
        return "setting resource limits";
    case EXEC_STATUS_OOM_ADJUST:
        return "setting the OOM score adjustment";
    case EXEC_STATUS_SIGNAL_MASK:
        return "setting the signal mask";
    case EXEC_STATUS_STDIN:
        return "setting up standard input";
    case EXEC_STATUS_STDOUT:
        return "setting up standard output";
    case EXEC_STATUS_CHROOT:
        return "changing the root directory";
    case EXEC_STATUS_IOPRIO:
        return "setting the IO priority";
    case EXEC_STATUS_TIMERSLACK:
        return "setting the timer slack";
    case EXEC_STATUS_SECUREBITS:
        return "setting the secure bits";
    case EXEC_STATUS_SETSCHEDULER:
        return "setting the CPU scheduling policy";
    case EXEC_STATUS_CPUAFFINITY:
        return "setting the CPU affinity";
    case EXEC_STATUS_GROUP:
        return "determining or changing group credentials";
    case EXEC_STATUS_USER:
        return "determining or changing user credentials";
    case EXEC_STATUS_CAPABILITIES:
        return "applying capabilities";
    case EXEC_STATUS_CGROUP:
        return "entering the control group";
    case EXEC_STATUS_SETSID:
        return "creating a session";
    case EXEC_STATUS_CONFIRM:
        return "asking for confirmation";
    case EXEC_STATUS_STDERR:
        return "setting up standard error";
    case EXEC_STATUS_PAM:
        return "opening the PAM session";
    case EXEC_STATUS_NETWORK:
        return "setting up the network namespace";
    case EXEC_STATUS_NAMESPACE:
        return "setting up namespaces";
    case EXEC_STATUS_NO_NEW_PRIVILEGES:
        return "disabling new privileges";
    case EXEC_STATUS_SECCOMP:
        return "applying system call filters";
    case EXEC_STATUS_SELINUX_CONTEXT:
        return "changing the SELinux context";
    case EXEC_STATUS_PERSONALITY:
        return "setting the personality";
    case EXEC_STATUS_APPARMOR:
        return "changing the AppArmor profile";
    case EXEC_STATUS_ADDRESS_FAMILIES:
        return "restricting address families";
    case EXEC_STATUS_RUNTIME_DIRECTORY:
        return "setting up RuntimeDirectory=";
    case EXEC_STATUS_CHOWN:
        return "changing the ownership of the socket";
    case EXEC_STATUS_SMACK_PROCESS_LABEL:
        return "setting the SMACK label";
    case EXEC_STATUS_KEYRING:
        return "setting up the kernel keyring";
    case EXEC_STATUS_STATE_DIRECTORY:
        return "setting up StateDirectory=";
    case EXEC_STATUS_CACHE_DIRECTORY:
        return "setting up CacheDirectory=";
    case EXEC_STATUS_LOGS_DIRECTORY:
        return "setting up LogsDirectory=";
    case EXEC_STATUS_CONFIGURATION_DIRECTORY:
        return "setting up ConfigurationDirectory=";
    case EXEC_STATUS_NUMA_POLICY:
        return "setting the NUMA policy";
    case EXEC_STATUS_CREDENTIALS:
        return "setting up credentials";
    case EXEC_STATUS_BPF:
        return "loading BPF programs";
    case EXEC_STATUS_KSM:
        return "setting memory merging";
    }
    return NULL;
}

const char *exec_status_text(int status)
{
    return text((enum exec_status) status);
}
