/* launch/identity.c -- who the process is: user, groups, capabilities, no_new_privs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/securebits.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/users.h"
#include "launch/capability.h"
#include "launch/child.h"
#include "launch/dynamic_user.h"

/* ---- looking up ---- */

static struct users_lookup lookup_of(const struct child *c)
{
    return (struct users_lookup){ .root = c->manager->root,
                                  .timeout = (usec_t) c->manager->user_lookup_timeout_sec *
                                             USEC_PER_SEC };
}

static const char *source_text(enum users_source source)
{
    switch (source) {
    case USERS_GETENT:
        return "neither /etc/passwd, /etc/group nor getent knows it";
    case USERS_FILES:
        return "/etc/passwd and /etc/group do not know it, getent(1) is not to be had";
    case USERS_NONE:
    case USERS_BUILTIN:
        break;
    }
    return "nobody knows it";
}

static int lookup_failed(struct child *c, enum exec_status step, int error, const char *directive,
                         const char *name, enum users_source source)
{
    if (error == -ETIMEDOUT)
        return child_fail_detail(c, step, error, directive, name, "getent did not answer in time");
    if (error == -ESRCH)
        return child_fail_detail(c, step, error, directive, name, "%s", source_text(source));
    return child_fail(c, step, error, directive, name);
}

/* Shells that are none: $SHELL is not set to them. */
static bool is_placeholder_shell(const char *shell)
{
    const char *name = path_basename(shell);

    return isempty(shell) || streq(name, "nologin") || streq(name, "false") || streq(name, "true");
}

static int find_user(struct child *c, const char *name, bool change)
{
    struct users_lookup l = lookup_of(c);
    struct user u = { 0 };
    int r = user_find(&l, name, &u);

    if (r < 0)
        return lookup_failed(c, EXEC_STATUS_USER, r, "User", name, l.source);
    c->user = u.name;
    /* As systemd, which looks nobody up nowhere: that user has no home. A home of "/" and a shell
     * that is none are as good as not there. */
    if (!isempty(u.home) && !streq(u.home, "/") && !streq(u.name, "nobody"))
        c->home = u.home;
    if (!is_placeholder_shell(u.shell))
        c->shell = u.shell;
    if (!change)
        return 0;
    c->has_user = c->has_group = true;
    c->uid = u.uid;
    c->gid = u.gid;
    return 0;
}

static int find_group(struct child *c, const char *name, const char *directive, gid_t *ret)
{
    struct users_lookup l = lookup_of(c);
    struct group g = { 0 };
    int r = group_find(&l, name, &g);

    /* A bare number needs no entry. */
    if (r == -ESRCH && parse_uid(name, ret) >= 0)
        return 0;
    if (r < 0)
        return lookup_failed(c, EXEC_STATUS_GROUP, r, directive, name, l.source);
    *ret = g.gid;
    return 0;
}

/* The groups that the user has as a login, then those of SupplementaryGroups=. Without User=, or
 * with a primary group of root, the manager's own stay unless SupplementaryGroups= is set. */
static int find_groups(struct child *c)
{
    size_t more = 0, n = 0;
    auto_free gid_t *groups = NULL;

    if (c->has_user && c->user && c->gid != 0) {
        struct users_lookup l = lookup_of(c);
        int r = c->dynamic_user ? 0 : user_groups(&l, c->user, c->gid, &groups);

        if (r < 0)
            return lookup_failed(c, EXEC_STATUS_GROUP, r, "User", c->user, l.source);
        n = (size_t) r;
        if (c->dynamic_user) {
            groups = new0(gid_t, 1);
            if (!groups)
                return child_fail(c, EXEC_STATUS_GROUP, -ENOMEM, NULL, NULL);
            groups[n++] = c->gid;
        }
        c->set_groups = true;
    }
    c->n_login_groups = n;
    for (char **s = c->exec->supplementary_groups; s && *s; s++)
        more++;
    if (more > 0) {
        gid_t *all = reallocarray(groups, n + more, sizeof *all);

        if (!all)
            return child_fail(c, EXEC_STATUS_GROUP, -ENOMEM, NULL, NULL);
        groups = all;
        for (char **s = c->exec->supplementary_groups; *s; s++) {
            int r = find_group(c, *s, "SupplementaryGroups", &groups[n]);
            if (r < 0)
                return r;
            n++;
        }
        c->set_groups = true;
    }
    c->groups = take_ptr(groups);
    c->n_groups = n;
    return 0;
}

static bool wants_login_environment(const struct child *c)
{
    const struct exec_config *e = c->exec;

    if (e->set_login_environment >= 0)
        return e->set_login_environment;
    return e->user || c->sandbox->dynamic_user || c->sandbox->pam_name;
}

int child_find_identity(struct child *c)
{
    const struct exec_config *e = c->exec;
    int r = 0;

    if (c->sandbox->dynamic_user && c->request->runtime) {
        child_step(c, EXEC_STATUS_USER);
        r = dynamic_user_acquire(c);
    } else {
        if (e->user) {
            r = find_user(c, e->user, true);
        } else if (!c->manager->user && (wants_login_environment(c) || e->working_directory.home)) {
            r = find_user(c, "root", false);
        } else if (!c->manager->user) {
            c->user = strdup("root");
        } else if (e->working_directory.home) {
            char id[16];

            snprintf(id, sizeof id, "%u", getuid());
            r = find_user(c, id, false);
        }
        if (r >= 0 && e->group) {
            r = find_group(c, e->group, "Group", &c->gid);
            c->has_group = true;
        }
    }
    if (r < 0)
        return r;
    if (!wants_login_environment(c) && !e->working_directory.home) {
        c->home = NULL;
        c->shell = NULL;
    }
    return find_groups(c);
}

/* ---- changing to it ---- */

/* Not by <grp.h>, which has a struct group of its own and, in glibc, tells threads we do not have.
 */
int groups_set(size_t n, const gid_t *groups)
{
#ifdef SYS_setgroups32
    return (int) syscall(SYS_setgroups32, n, groups);
#else
    return (int) syscall(SYS_setgroups, n, groups);
#endif
}

static bool setgroups_denied(void)
{
    auto_free char *text = NULL;

    return file_read_line("/proc/self/setgroups", &text) >= 0 && streq(text, "deny");
}

int child_drop_groups(struct child *c)
{
    if (!c->apply_identity) {
        /* As systemd: a command with the prefix + or ! has the groups of User= all the same. Pinned
         * by tests/differential, language/prefix-plus. */
        if (c->n_login_groups > 0 && groups_set(c->n_login_groups, c->groups) < 0 && errno != EPERM)
            return child_fail(c, EXEC_STATUS_GROUP, -errno, "User", c->user);
        return 0;
    }
    /* In a user namespace without the right to it the groups are what they are: as systemd. */
    if (c->set_groups && groups_set(c->n_groups, c->groups) < 0 &&
        !(errno == EPERM && setgroups_denied()))
        return child_fail(c, EXEC_STATUS_GROUP, -errno,
                          c->exec->supplementary_groups ? "SupplementaryGroups" : "User", c->user);
    if (c->has_group && setresgid(c->gid, c->gid, c->gid) < 0)
        return child_fail(c, EXEC_STATUS_GROUP, -errno, c->exec->group ? "Group" : "User",
                          c->exec->group ? c->exec->group : c->user);
    return 0;
}

int child_set_bounding(struct child *c)
{
    uint64_t set = c->effective.bounding;
    int refused = 0;

    if (!c->apply_sandbox)
        return 0;
    int r = capability_drop_bounding(set, &refused);
    if (r < 0)
        return child_fail(c, EXEC_STATUS_CAPABILITIES, r, "CapabilityBoundingSet",
                          capability_label(refused));
    /* As systemd leaves them where another user gets a filter of system calls. */
    if (c->effective.seccomp && c->apply_identity && c->has_user && c->uid != 0)
        capability_add_inheritable(set &
                                   (UINT64_C(1) << CAP_SETPCAP | UINT64_C(1) << CAP_SYS_ADMIN));
    if (c->ambient != 0) {
        r = capability_set_ambient(c->ambient & set, true, &refused);
        if (r < 0)
            return child_fail(c, EXEC_STATUS_CAPABILITIES, r, "AmbientCapabilities",
                              capability_label(refused));
    }
    return 0;
}

int child_set_user(struct child *c)
{
    int refused = 0;

    if (!c->apply_identity || !c->has_user)
        return 0;
    bool keep = c->uid != 0 && (c->ambient != 0 || c->exec->secure_bits != 0 || c->keep_caps);
    if (keep && prctl(PR_SET_KEEPCAPS, 1) < 0)
        return child_fail(c, EXEC_STATUS_USER, -errno, "User", c->user);
    if (setresuid(c->uid, c->uid, c->uid) < 0)
        return child_fail(c, EXEC_STATUS_USER, -errno, c->dynamic_user ? "DynamicUser" : "User",
                          c->user);
    if (c->uid == 0)
        return 0;
    if (keep) {
        /* Permitted ones were kept, effective ones not; no more than are needed to go on. */
        uint64_t needed = c->ambient;

        if (c->exec->secure_bits != 0)
            needed |= UINT64_C(1) << CAP_SETPCAP;
        if (c->keep_caps)
            needed |= c->keep_caps;
        int r = capability_reduce(needed);
        if (r < 0)
            return child_fail(c, EXEC_STATUS_CAPABILITIES, r, "User", c->user);
    }
    if (c->ambient != 0) {
        int r = capability_set_ambient(c->ambient & c->effective.bounding, false, &refused);
        if (r < 0)
            return child_fail(c, EXEC_STATUS_CAPABILITIES, r, "AmbientCapabilities",
                              capability_label(refused));
    }
    return 0;
}

int child_set_securebits(struct child *c)
{
    if (!c->apply_sandbox)
        return 0;
    /* Reading is free, setting needs CAP_SETPCAP. KEEP_CAPS goes at execve() by itself. */
    int bits = prctl(PR_GET_SECUREBITS);
    int wanted = c->exec->secure_bits;
    if (bits < 0)
        return child_fail(c, EXEC_STATUS_SECUREBITS, -errno, "SecureBits", NULL);
    if ((bits & ~SECBIT_KEEP_CAPS) != wanted && prctl(PR_SET_SECUREBITS, wanted) < 0)
        return child_fail(c, EXEC_STATUS_SECUREBITS, -errno, "SecureBits", NULL);
    if (c->effective.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return child_fail(c, EXEC_STATUS_NO_NEW_PRIVILEGES, -errno,
                          c->effective.no_new_privileges_by, NULL);
    return 0;
}
