/* unit/effective.h -- what the settings of a unit come to, with what they imply.
 *
 * systemd.exec(5) says of many settings that they imply another. Here is the one place that knows;
 * `show`, `status` and `check` name the directive that did it. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct unit_config;

struct effective {
    uint64_t bounding; /* CapabilityBoundingSet= */

    bool no_new_privileges;
    const char *no_new_privileges_by; /* the directive that asks for it, NULL if none does */
    const char *restrict_suid_sgid_by;
    bool restrict_suid_sgid;
    bool remove_ipc;

    unsigned char private_tmp;    /* enum private_tmp */
    unsigned char protect_system; /* enum protect_system */
    unsigned char protect_home;   /* enum protect_home */
    unsigned char device_policy;  /* enum device_policy */
    bool devices_restricted;      /* DeviceAllow= or DevicePolicy= are in force */

    bool seccomp; /* some setting needs a system call filter */
};

/* `privileged`: the manager has CAP_SYS_ADMIN, and so filters need no NoNewPrivileges=. */
void effective_settings(const struct unit_config *c, bool privileged, struct effective *ret);

struct exec_config;

/* NUMAPolicy=: nodes of NUMAMask= alone are preferred ones. -1: none. */
signed char effective_numa_policy(const struct exec_config *e);

/* The name of the dynamic user of a unit whose User= gives none: a new string, NULL where memory is
 * out. */
char *effective_user_name(const char *unit);

/* The capabilities that a setting takes away ("PrivateDevices" takes CAP_MKNOD), as a mask; 0 for a
 * setting that takes none or is not on. */
uint64_t effective_dropped(const struct unit_config *c, const char *directive);
