/* unit/effective.c -- what settings imply (systemd.exec(5)). */
#include "unit/effective.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/capability.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/macro.h"
#include "base/str.h"
#include "unit/config.h"

#define BIT(cap) (UINT64_C(1) << (cap))

static const struct {
    const char *directive;
    size_t offset; /* of the boolean in struct sandbox_config */
    uint64_t dropped;
} drops[] = {
#define DROP(name, member, mask) \
    { \
        name, offsetof(struct sandbox_config, member), mask \
    }
    DROP("PrivateDevices", private_devices, BIT(CAP_MKNOD) | BIT(CAP_SYS_RAWIO)),
    DROP("ProtectKernelModules", protect_kernel_modules, BIT(CAP_SYS_MODULE)),
    DROP("ProtectKernelLogs", protect_kernel_logs, BIT(CAP_SYSLOG)),
    DROP("ProtectClock", protect_clock, BIT(CAP_SYS_TIME) | BIT(CAP_WAKE_ALARM)),
#undef DROP
};

static bool is_on(const struct unit_config *c, size_t offset)
{
    return *(const bool *) ((const char *) c->sandbox + offset);
}

uint64_t effective_dropped(const struct unit_config *c, const char *directive)
{
    for (size_t i = 0; i < ELEMENTSOF(drops); i++)
        if (streq(drops[i].directive, directive))
            return is_on(c, drops[i].offset) ? drops[i].dropped : 0;
    return 0;
}

/* The first setting that needs a system call filter, NULL if there is none. */
static const char *wants_seccomp(const struct sandbox_config *s, const struct effective *e)
{
    if (s->system_call_filter)
        return "SystemCallFilter";
    if (s->system_call_log)
        return "SystemCallLog";
    if (s->restrict_address_families.allow_list || s->restrict_address_families.mask)
        return "RestrictAddressFamilies";
    if (s->memory_deny_write_execute)
        return "MemoryDenyWriteExecute";
    if (s->restrict_realtime)
        return "RestrictRealtime";
    if (e->restrict_suid_sgid)
        return "RestrictSUIDSGID";
    if (s->restrict_namespaces != NAMESPACES_ALL)
        return "RestrictNamespaces";
    if (s->protect_clock)
        return "ProtectClock";
    if (s->protect_kernel_tunables)
        return "ProtectKernelTunables";
    if (s->protect_kernel_modules)
        return "ProtectKernelModules";
    if (s->protect_kernel_logs)
        return "ProtectKernelLogs";
    if (s->private_devices)
        return "PrivateDevices";
    if (s->system_call_architectures)
        return "SystemCallArchitectures";
    if (s->lock_personality)
        return "LockPersonality";
    if (s->protect_hostname)
        return "ProtectHostname";
    return NULL;
}

void effective_settings(const struct unit_config *c, bool privileged, struct effective *ret)
{
    const struct sandbox_config *s = c->sandbox;
    struct effective e = {
        .bounding = c->exec->capability_bounding_set,
        .restrict_suid_sgid = s->restrict_suid_sgid,
        .restrict_suid_sgid_by = s->restrict_suid_sgid ? "RestrictSUIDSGID" : NULL,
        .remove_ipc = s->remove_ipc,
        .private_tmp = s->private_tmp,
        .protect_system = s->protect_system,
        .protect_home = s->protect_home,
        .device_policy = c->cgroup->device_policy,
    };

    for (size_t i = 0; i < ELEMENTSOF(drops); i++)
        if (is_on(c, drops[i].offset))
            e.bounding &= ~drops[i].dropped;

    if (s->dynamic_user) {
        /* Nothing of the id may stay behind that the next one to have it could use. */
        if (e.private_tmp == PRIVATE_TMP_NO)
            e.private_tmp = PRIVATE_TMP_DISCONNECTED;
        e.protect_system = PROTECT_SYSTEM_STRICT;
        if (e.protect_home == PROTECT_HOME_NO)
            e.protect_home = PROTECT_HOME_READ_ONLY;
        e.remove_ipc = true;
        if (!e.restrict_suid_sgid)
            e.restrict_suid_sgid_by = "DynamicUser";
        e.restrict_suid_sgid = true;
        e.no_new_privileges_by = "DynamicUser";
    }
    if (s->private_devices && e.device_policy == DEVICE_POLICY_AUTO)
        e.device_policy = DEVICE_POLICY_CLOSED;
    e.devices_restricted = e.device_policy != DEVICE_POLICY_AUTO || c->cgroup->device_allow ||
                           s->protect_clock;

    const char *filter = wants_seccomp(s, &e);
    e.seccomp = filter;
    if (c->exec->no_new_privileges)
        e.no_new_privileges_by = "NoNewPrivileges";
    else if (!e.no_new_privileges_by && !privileged)
        e.no_new_privileges_by = filter;
    e.no_new_privileges = e.no_new_privileges_by;
    *ret = e;
}

/* systemd.exec(5), DynamicUser=: from the unit's name where that can be a user's, else a hash. */
signed char effective_numa_policy(const struct exec_config *e)
{
    const struct cpu_mask *m = e->numa_mask;
    bool any = false;

    for (size_t i = 0; m && i < m->n_words; i++)
        any |= m->words[i] != 0;
    return e->numa_policy < 0 && any ? NUMA_POLICY_PREFERRED : e->numa_policy;
}

char *effective_user_name(const char *unit)
{
    const char *at = strchr(unit, '@'), *suffix = at ? at : strrchr(unit, '.');
    auto_free char *prefix = strndup(unit, suffix ? (size_t) (suffix - unit) : strlen(unit));
    /* systemd's, so that both know a service by the same name. */
    static const uint8_t key[16] = { 0x58, 0x1a, 0xaf, 0xe6, 0x28, 0x58, 0x4e, 0x96,
                                     0xb4, 0x4e, 0xf5, 0x3b, 0x8c, 0x92, 0x07, 0xec };

    if (!prefix)
        return NULL;
    bool valid = *prefix && strlen(prefix) <= 31 && !(*prefix >= '0' && *prefix <= '9') &&
                 *prefix != '-';
    for (const char *p = prefix; *p; p++)
        valid = valid && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                          (*p >= '0' && *p <= '9') || *p == '_' || *p == '-');
    if (valid)
        return take_ptr(prefix);
    return format("_du%016" PRIx64, siphash24(prefix, strlen(prefix), key));
}
