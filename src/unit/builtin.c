#include "unit/builtin.h"

#include "base/macro.h"
#include "base/str.h"

/* A target that units order themselves against and that is pulled in by those that provide it. */
#define PASSIVE(name_, description) \
    { \
        BUILTIN_SYSTEM, name_ ".target", \
            "[Unit]\nDescription=" description "\nRefuseManualStart=yes\n", NULL \
    }
#define TARGET(name_, settings) \
    { \
        BUILTIN_SYSTEM, name_ ".target", "[Unit]\n" settings, NULL \
    }
#define BOTH(name_, settings) \
    { \
        BUILTIN_SYSTEM | BUILTIN_USER, name_ ".target", "[Unit]\n" settings, NULL \
    }
#define USER(name_, settings) \
    { \
        BUILTIN_USER, name_, "[Unit]\n" settings, NULL \
    }
#define ALIAS(name_, target) \
    { \
        BUILTIN_SYSTEM, name_ ".target", NULL, target ".target" \
    }
#define SLICE(name_, description) \
    { \
        BUILTIN_SYSTEM, name_ ".slice", \
            "[Unit]\nDescription=" description "\nDocumentation=man:systemd.special(7)\n" \
            "DefaultDependencies=no\nBefore=slices.target\n", \
            NULL \
    }

/* The end of the system: a target that needs a service whose success is the action. */
#define FINAL(name_, description) \
    { BUILTIN_SYSTEM | BUILTIN_USER, name_ ".target", \
      "[Unit]\nDescription=" description "\nDefaultDependencies=no\n" \
      "Requires=systemd-" name_ ".service\nAfter=systemd-" name_ ".service\n" \
      "AllowIsolate=yes\nJobTimeoutSec=30min\nJobTimeoutAction=" name_ "-force\n", \
      NULL }, \
    { \
        BUILTIN_SYSTEM | BUILTIN_USER, "systemd-" name_ ".service", \
            "[Unit]\nDescription=" description " (action)\nDefaultDependencies=no\n" \
            "Requires=shutdown.target umount.target final.target\n" \
            "After=shutdown.target umount.target final.target\n" \
            "SuccessAction=" name_ "-force\n[Service]\nType=oneshot\nSlice=-.slice\n", \
            NULL \
    }

const struct builtin_unit builtin_units[] = {
    BOTH("basic", "Description=Basic System\n"
                  "Requires=sysinit.target\n"
                  "Wants=sockets.target timers.target paths.target slices.target\n"
                  "After=sysinit.target sockets.target paths.target slices.target\n"),
    BOTH("sysinit", "Description=System Initialization\n"
                    "Wants=local-fs.target swap.target\n"
                    "After=local-fs.target swap.target\n"
                    "Conflicts=emergency.service emergency.target\n"
                    "Before=emergency.service emergency.target\n"),
    TARGET("multi-user", "Description=Multi-User System\n"
                         "Requires=basic.target\n"
                         "Wants=getty.target\n"
                         "Conflicts=rescue.service rescue.target\n"
                         "After=basic.target rescue.service rescue.target\n"
                         "AllowIsolate=yes\n"),
    TARGET("graphical",
           "Description=Graphical Interface\n"
           "Requires=multi-user.target\n"
           "Wants=display-manager.service\n"
           "Conflicts=rescue.service rescue.target\n"
           "After=multi-user.target rescue.service rescue.target display-manager.service\n"
           "AllowIsolate=yes\n"),
    ALIAS("default", "graphical"),
    TARGET("rescue", "Description=Rescue Mode\n"
                     "Requires=sysinit.target\n"
                     "Wants=rescue.service\n"
                     "After=sysinit.target rescue.service\n"
                     "AllowIsolate=yes\n"),
    TARGET("emergency", "Description=Emergency Mode\n"
                        "Wants=emergency.service\n"
                        "After=emergency.service\n"
                        "AllowIsolate=yes\n"),
    BOTH("shutdown", "Description=System Shutdown\n"
                     "DefaultDependencies=no\n"
                     "RefuseManualStart=yes\n"),
    BOTH("umount", "Description=Unmount All Filesystems\n"
                   "DefaultDependencies=no\n"
                   "RefuseManualStart=yes\n"),
    BOTH("final", "Description=Late Shutdown Services\n"
                  "DefaultDependencies=no\n"
                  "RefuseManualStart=yes\n"
                  "After=shutdown.target umount.target\n"),
    FINAL("reboot", "System Reboot"),
    FINAL("poweroff", "System Power Off"),
    FINAL("halt", "System Halt"),
    FINAL("exit", "Exit the Manager"),
    FINAL("kexec", "Reboot via kexec"),
    FINAL("soft-reboot", "Reboot System Userspace"),
    ALIAS("ctrl-alt-del", "reboot"),
    ALIAS("runlevel0", "poweroff"),
    ALIAS("runlevel1", "rescue"),
    ALIAS("runlevel2", "multi-user"),
    ALIAS("runlevel3", "multi-user"),
    ALIAS("runlevel4", "multi-user"),
    ALIAS("runlevel5", "graphical"),
    ALIAS("runlevel6", "reboot"),

    TARGET("local-fs", "Description=Local File Systems\n"
                       "DefaultDependencies=no\n"
                       "After=local-fs-pre.target\n"
                       "Conflicts=shutdown.target\n"
                       "OnFailure=emergency.target\n"
                       "OnFailureJobMode=replace-irreversibly\n"),
    PASSIVE("local-fs-pre", "Preparation for Local File Systems"),
    TARGET("remote-fs", "Description=Remote File Systems\n"
                        "After=remote-fs-pre.target\n"
                        "DefaultDependencies=no\n"
                        "Conflicts=shutdown.target\n"),
    PASSIVE("remote-fs-pre", "Preparation for Remote File Systems"),
    TARGET("swap", "Description=Swaps\n"),
    TARGET("network", "Description=Network\n"
                      "After=network-pre.target\n"
                      "RefuseManualStart=yes\n"),
    PASSIVE("network-pre", "Preparation for Network"),
    TARGET("network-online", "Description=Network is Online\n"
                             "After=network.target\n"),
    PASSIVE("nss-lookup", "Host and Network Name Lookups"),
    PASSIVE("nss-user-lookup", "User and Group Name Lookups"),
    PASSIVE("time-set", "System Time Set"),
    TARGET("time-sync", "Description=System Time Synchronized\n"
                        "RefuseManualStart=yes\n"
                        "After=time-set.target\n"
                        "Wants=time-set.target\n"),
    PASSIVE("rpcbind", "RPC Port Mapper"),
    PASSIVE("getty-pre", "Preparation for Logins"),
    TARGET("getty", "Description=Login Prompts\n"),
    BOTH("sockets", "Description=Socket Units\n"),
    BOTH("timers", "Description=Timer Units\n"
                   "DefaultDependencies=no\n"
                   "Conflicts=shutdown.target\n"),
    BOTH("paths", "Description=Path Units\n"),
    TARGET("slices", "Description=Slice Units\n"
                     "Wants=-.slice system.slice\n"
                     "After=-.slice system.slice\n"),
    TARGET("first-boot-complete", "Description=First Boot Complete\n"
                                  "RefuseManualStart=yes\n"
                                  "ConditionFirstBoot=yes\n"),
    TARGET("boot-complete", "Description=Boot Completion Check\n"
                            "Requires=sysinit.target\n"
                            "After=sysinit.target\n"),
    BOTH("bluetooth", "Description=Bluetooth Support\nStopWhenUnneeded=yes\n"),
    BOTH("printer", "Description=Printer Support\nStopWhenUnneeded=yes\n"),
    BOTH("smartcard", "Description=Smart Card\nStopWhenUnneeded=yes\n"),
    BOTH("sound", "Description=Sound Card\nStopWhenUnneeded=yes\n"),

    { BUILTIN_SYSTEM | BUILTIN_USER, "-.slice",
      "[Unit]\nDescription=Root Slice\nDefaultDependencies=no\nBefore=slices.target\n", NULL },
    SLICE("system", "System Slice"),
    SLICE("user", "User and Session Slice"),
    SLICE("machine", "Virtual Machine and Container Slice"),

    USER("default.target", "Description=Main User Target\n"
                           "Requires=basic.target\n"
                           "Conflicts=shutdown.target\n"
                           "After=basic.target\n"
                           "AllowIsolate=yes\n"),
    USER("graphical-session.target", "Description=Current graphical user session\n"
                                     "Requires=basic.target\n"
                                     "RefuseManualStart=yes\n"
                                     "StopWhenUnneeded=yes\n"),
    USER("graphical-session-pre.target", "Description=Session services which should run early\n"
                                         "Requires=basic.target\n"
                                         "Before=graphical-session.target\n"
                                         "RefuseManualStart=yes\n"
                                         "StopWhenUnneeded=yes\n"),
    USER("app.slice", "Description=User Application Slice\n"),
    USER("background.slice", "Description=User Background Tasks Slice\n"),
    USER("session.slice", "Description=User Core Session Slice\n"),
};
const size_t n_builtin_units = ELEMENTSOF(builtin_units);

const struct builtin_unit *builtin_unit_find(const char *name, bool user)
{
    for (size_t i = 0; i < n_builtin_units; i++)
        if (builtin_units[i].managers & (user ? BUILTIN_USER : BUILTIN_SYSTEM) &&
            streq(builtin_units[i].name, name))
            return &builtin_units[i];
    return NULL;
}
