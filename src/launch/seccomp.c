/* launch/seccomp.c -- the settings of systemd.exec(5) that are system call filters, loaded as one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/seccomp.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/capability.h"
#include "launch/child.h"
#include "launch/syscall_filter.h"
#include "launch/syscall_groups.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define MDWE_REFUSE_EXEC_GAIN 1
#define SHM_EXECUTE 0100000
#define NAMESPACE_FLAGS \
    (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | \
     CLONE_NEWUTS)

/* ---- one function a setting ---- */

static int add_one(struct syscall_filter *f, const char *name, uint32_t action, uint8_t argument,
                   enum call_test test, uint64_t mask)
{
    const struct call_condition c = { argument, (uint8_t) test, mask };

    return syscall_filter_add(f, name, action, &c, 1);
}

static int deny_group(struct syscall_filter *f, const char *group, uint32_t action)
{
    struct name_list l = { 0 };
    int r = name_list_add(&l, group, action);

    if (r >= 0)
        r = syscall_filter_deny_list(f, &l);
    name_list_done(&l);
    return r;
}

static int restrict_address_families(struct syscall_filter *f, const struct address_families *a)
{
    return add_one(f, "socket", CALL_ERRNO(EAFNOSUPPORT), 0,
                   a->allow_list ? TEST_NOT_IN_SET : TEST_IN_SET, a->mask);
}

/* The kernel's own way covers what a filter cannot see; it is set by child_apply_mdwe(). */
static int deny_write_execute(struct syscall_filter *f)
{
    const uint32_t deny = CALL_ERRNO(EPERM);
    int r = add_one(f, "mmap2", deny, 2, TEST_ALL_BITS, PROT_EXEC | PROT_WRITE);

    /* On x86 mmap takes a pointer to its arguments. */
    if (r >= 0)
        r = syscall_filter_add_arch(f, "x86", "mmap", deny, NULL, 0);
    for (size_t i = 0; i < syscall_filter_archs(f) && r >= 0; i++) {
        const struct call_condition c = { 2, TEST_ALL_BITS, PROT_EXEC | PROT_WRITE };

        if (!streq(syscall_filter_arch(f, i), "x86"))
            r = syscall_filter_add_arch(f, syscall_filter_arch(f, i), "mmap", deny, &c, 1);
    }
    if (r >= 0)
        r = add_one(f, "mprotect", deny, 2, TEST_ANY_BITS, PROT_EXEC);
    if (r >= 0)
        r = add_one(f, "pkey_mprotect", deny, 2, TEST_ANY_BITS, PROT_EXEC);
    if (r >= 0)
        r = add_one(f, "shmat", deny, 2, TEST_ANY_BITS, SHM_EXECUTE);
    return r;
}

static int restrict_realtime(struct syscall_filter *f)
{
    const uint64_t harmless = UINT64_C(1) << SCHED_OTHER | UINT64_C(1) << SCHED_BATCH |
                              UINT64_C(1) << SCHED_IDLE;

    return add_one(f, "sched_setscheduler", CALL_ERRNO(EPERM), 1, TEST_NOT_IN_SET, harmless);
}

static int restrict_suid_sgid(struct syscall_filter *f)
{
    static const struct {
        const char *name;
        uint8_t mode, flags; /* which argument; flags 0xff: none */
    } calls[] = {
        { "chmod", 1, 0xff },     { "fchmod", 1, 0xff },  { "fchmodat", 2, 0xff },
        { "fchmodat2", 2, 0xff }, { "mkdir", 1, 0xff },   { "mkdirat", 2, 0xff },
        { "mknod", 1, 0xff },     { "mknodat", 2, 0xff }, { "creat", 1, 0xff },
        { "open", 2, 1 },         { "openat", 3, 2 },
    };
    const uint32_t deny = CALL_ERRNO(EPERM);
    /* The mode is in memory, out of a filter's sight: programs fall back to openat. */
    int r = syscall_filter_add(f, "openat2", CALL_ERRNO(ENOSYS), NULL, 0);

    for (size_t i = 0; i < ELEMENTSOF(calls) && r >= 0; i++) {
        struct call_condition c[2] = { { calls[i].mode, TEST_ANY_BITS, S_ISUID | S_ISGID } };

        if (calls[i].flags == 0xff) {
            r = syscall_filter_add(f, calls[i].name, deny, c, 1);
            continue;
        }
        c[1] = (struct call_condition){ calls[i].flags, TEST_ANY_BITS, O_CREAT };
        r = syscall_filter_add(f, calls[i].name, deny, c, 2);
        c[1] = (struct call_condition){ calls[i].flags, TEST_ALL_BITS, O_TMPFILE };
        if (r >= 0)
            r = syscall_filter_add(f, calls[i].name, deny, c, 2);
    }
    return r;
}

static int restrict_namespaces(struct syscall_filter *f, uint32_t allowed)
{
    const uint32_t deny = CALL_ERRNO(EPERM);
    uint64_t refused = (uint64_t) NAMESPACE_FLAGS & ~(uint64_t) allowed;
    /* Its flags are in memory: programs fall back to clone. */
    int r = syscall_filter_add(f, "clone3", CALL_ERRNO(ENOSYS), NULL, 0);

    if (refused == 0)
        return r;
    if (r >= 0 && (allowed & NAMESPACE_FLAGS) == 0)
        r = syscall_filter_add(f, "setns", deny, NULL, 0);
    /* setns(fd, 0) takes any kind. */
    if (r >= 0)
        r = add_one(f, "setns", deny, 1, TEST_EQUAL, 0);
    if (r >= 0)
        r = add_one(f, "setns", deny, 1, TEST_ANY_BITS, refused);
    if (r >= 0)
        r = add_one(f, "unshare", deny, 0, TEST_ANY_BITS, refused);
    if (r >= 0)
        r = add_one(f, "clone", deny, 0, TEST_ANY_BITS, refused);
    return r;
}

static int lock_personality(struct syscall_filter *f, const struct sandbox_config *s)
{
    unsigned now = s->personality != UINT32_MAX ? s->personality
                                                : (unsigned) personality(0xffffffff);

    return add_one(f, "personality", CALL_ERRNO(EPERM), 0, TEST_NOT_EQUAL, now);
}

/* "[~]NAME[:ERRNO]" in the order of the file; the first decides whether the list allows. */
static int fill_list(struct name_list *l, char *const *entries, bool allow, uint32_t action)
{
    int r = 0;

    STRV_FOREACH (s, entries) {
        bool inverted = **s == '~';
        auto_free char *name = strdup(*s + inverted);
        uint32_t own = action;

        if (!name)
            return -ENOMEM;
        char *colon = strchr(name, ':');
        if (colon) {
            *colon++ = 0;
            int e = streq(colon, "kill") ? -1 : errno_from_name(colon);
            own = e < 0 ? CALL_KILL : CALL_ERRNO(e);
        }
        /* An allowed call that has an errno is one that is refused with it. */
        if (inverted == allow) {
            if (allow && colon)
                r = name_list_add(l, name, own);
            else
                name_list_remove(l, name);
        } else {
            r = name_list_add(l, name, allow && !colon ? CALL_ALLOW : own);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static int system_call_filter(struct syscall_filter *f, const struct sandbox_config *s)
{
    bool allow = **s->system_call_filter != '~';
    uint32_t negative = s->system_call_error_number == SYSCALL_KILL
                            ? CALL_KILL
                            : CALL_ERRNO(s->system_call_error_number);
    struct name_list l = { 0 };
    int r = 0;

    if (allow)
        r = name_list_add(&l, "@default", CALL_ALLOW);
    if (r >= 0)
        r = fill_list(&l, s->system_call_filter, allow, negative);
    /* The launch report is still to be written. */
    if (r >= 0 && allow)
        r = name_list_add(&l, "write", CALL_ALLOW);
    if (r >= 0)
        r = allow ? syscall_filter_allow_list(f, &l, negative) : syscall_filter_deny_list(f, &l);
    name_list_done(&l);
    return r;
}

/* Calls that are listed are logged; with "~" first, all the others. */
static int system_call_log(struct syscall_filter *f, const struct sandbox_config *s)
{
    struct name_list l = { 0 };
    bool others = **s->system_call_log == '~';
    int r = others ? name_list_add(&l, "@known", CALL_LOG) : 0;

    STRV_FOREACH (name, s->system_call_log) {
        if (**name == '~')
            name_list_remove(&l, *name + 1);
        else if (r >= 0)
            r = name_list_add(&l, *name, CALL_LOG);
    }
    if (r >= 0)
        r = syscall_filter_deny_list(f, &l);
    name_list_done(&l);
    return r;
}

#define NO_OWN_ERROR CALL_LOG /* a mark */

static char *list_text(const struct name_list *l, bool allow)
{
    auto_strv char **words = NULL;

    for (size_t i = 0; i < l->n; i++) {
        uint32_t action = l->actions[i];
        int r = 0;

        /* One that is refused with an error of its own is none of those allowed. */
        if (!syscall_is_shown(l->names[i]) || (allow && action != CALL_ALLOW))
            continue;
        if (allow || action == NO_OWN_ERROR)
            r = strv_add(&words, l->names[i]);
        else
            r = strv_addf(&words, "%s:%s", l->names[i],
                          action == CALL_KILL ? "kill" : errno_name((int) (action & 0xffff)));
        if (r < 0)
            return NULL;
    }
    strv_sort(words);
    auto_free char *joined = strv_join(words, " ");
    return joined ? format("%s%s", allow ? "" : "~", joined) : NULL;
}

static char *setting_text(char *const *setting, const char *first)
{
    bool allow = setting && *setting && **setting != '~';
    struct name_list l = { 0 };
    char *text = NULL;

    if ((!allow || !first || name_list_add(&l, first, CALL_ALLOW) >= 0) &&
        fill_list(&l, setting, allow, NO_OWN_ERROR) >= 0)
        text = list_text(&l, allow);
    name_list_done(&l);
    return text;
}

char *syscall_filter_text(char *const *setting)
{
    return setting_text(setting, "@default");
}

char *syscall_log_text(char *const *setting)
{
    return setting_text(setting, NULL);
}

/* Adds what each setting asks for. */
static int compile(struct child *c, struct syscall_filter *f)
{
    const struct sandbox_config *s = c->sandbox;
    const uint32_t deny = CALL_ERRNO(EPERM);
    int r = 0;

    if (s->restrict_address_families.allow_list || s->restrict_address_families.mask)
        r = restrict_address_families(f, &s->restrict_address_families);
    if (r >= 0 && s->memory_deny_write_execute && !c->mdwe_by_kernel)
        r = deny_write_execute(f);
    if (r >= 0 && s->restrict_realtime)
        r = restrict_realtime(f);
    if (r >= 0 && c->effective.restrict_suid_sgid)
        r = restrict_suid_sgid(f);
    if (r >= 0 && s->restrict_namespaces != NAMESPACES_ALL)
        r = restrict_namespaces(f, s->restrict_namespaces);
    if (r >= 0 && s->protect_hostname)
        r = syscall_filter_add(f, "sethostname", deny, NULL, 0);
    if (r >= 0 && s->protect_hostname)
        r = syscall_filter_add(f, "setdomainname", deny, NULL, 0);
    if (r >= 0 && s->protect_kernel_tunables)
        r = syscall_filter_add(f, "_sysctl", deny, NULL, 0);
    if (r >= 0 && s->protect_kernel_modules)
        r = deny_group(f, "@module", deny);
    if (r >= 0 && s->protect_kernel_logs)
        r = syscall_filter_add(f, "syslog", deny, NULL, 0);
    if (r >= 0 && s->protect_clock)
        r = deny_group(f, "@clock", deny);
    if (r >= 0 && s->private_devices)
        r = deny_group(f, "@raw-io", deny);
    if (r >= 0 && s->lock_personality)
        r = lock_personality(f, s);
    if (r >= 0 && s->system_call_architectures)
        r = syscall_filter_only_archs(f, s->system_call_architectures, CALL_KILL);
    if (r >= 0 && s->system_call_log)
        r = system_call_log(f, s);
    if (r >= 0 && s->system_call_filter)
        r = system_call_filter(f, s);
    return r;
}

static int load(const struct sock_filter *code, size_t n)
{
    struct sock_fprog program = { (unsigned short) n, (struct sock_filter *) (uintptr_t) code };

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) >= 0)
        return 0;
    if (errno != ENOSYS)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static const char *first_directive(const struct child *c)
{
    const struct sandbox_config *s = c->sandbox;

    return s->system_call_filter                      ? "SystemCallFilter"
           : s->restrict_namespaces != NAMESPACES_ALL ? "RestrictNamespaces"
           : s->restrict_realtime                     ? "RestrictRealtime"
           : c->effective.restrict_suid_sgid          ? c->effective.restrict_suid_sgid_by
           : s->memory_deny_write_execute             ? "MemoryDenyWriteExecute"
           : s->system_call_architectures             ? "SystemCallArchitectures"
           : s->lock_personality                      ? "LockPersonality"
           : s->system_call_log                       ? "SystemCallLog"
           : s->private_devices                       ? "PrivateDevices"
           : s->protect_clock                         ? "ProtectClock"
           : s->protect_kernel_modules                ? "ProtectKernelModules"
           : s->protect_kernel_logs                   ? "ProtectKernelLogs"
           : s->protect_kernel_tunables               ? "ProtectKernelTunables"
           : s->protect_hostname                      ? "ProtectHostname"
                                                      : "RestrictAddressFamilies";
}

int child_load_seccomp(struct child *c)
{
    if (!c->apply_sandbox || !c->effective.seccomp)
        return 0;
    /* Where the kernel can do it, it does it better. Needs no privilege, stays over execve(). */
    if (c->sandbox->memory_deny_write_execute)
        c->mdwe_by_kernel = prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) >= 0;

    struct syscall_filter *f = syscall_filter_new();
    auto_free struct sock_filter *code = NULL;
    size_t n = 0;
    int r = f ? compile(c, f) : -ENOMEM;
    bool empty = r >= 0 && syscall_filter_is_empty(f); /* MemoryDenyWriteExecute= by the kernel */
    if (r >= 0 && !empty)
        r = syscall_filter_program(f, &code, &n);
    if (r >= 0 && !empty)
        r = load(code, n);
    syscall_filter_free(f);
    if (r >= 0)
        return 0;

    const char *directive = first_directive(c);
    return child_fail(c,
                      streq(directive, "RestrictAddressFamilies") ? EXEC_STATUS_ADDRESS_FAMILIES
                                                                  : EXEC_STATUS_SECCOMP,
                      r, directive, NULL);
}

/* Without no_new_privs only CAP_SYS_ADMIN may load a filter: it is kept over the change of user,
 * and gone with execve(). */
int child_plan_seccomp(struct child *c)
{
    if (c->apply_sandbox && c->effective.seccomp && !c->effective.no_new_privileges &&
        c->apply_identity && c->has_user && c->uid != 0 && capability_effective(CAP_SYS_ADMIN))
        c->keep_caps |= UINT64_C(1) << CAP_SYS_ADMIN;
    return 0;
}
