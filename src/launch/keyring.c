/* launch/keyring.c -- KeyringMode= (systemd.exec(5)): a kernel session keyring of its own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "base/id128.h"
#include "launch/child.h"

/* keyctl_setperm(3): whoever possesses it, and its owner, may view, read and search it. */
#define KEY_READ_ONLY 0x0b0b0000u

static long keyctl(int command, unsigned long a, unsigned long b, unsigned long c)
{
    return syscall(SYS_keyctl, command, a, b, c, 0UL);
}

/* Kernels and containers without keyrings, and exhausted quotas, are no reason not to start. */
static bool is_harmless(int error)
{
    return error == ENOSYS || error == EACCES || error == EPERM || error == EDQUOT;
}

/* The invocation's id, which only root can change: a proof to others (systemd.exec(5)). */
static void add_invocation(const struct child *c, long keyring)
{
    if (id128_is_null(c->request->invocation))
        return;
    long key = syscall(SYS_add_key, "user", "invocation_id", &c->request->invocation,
                       sizeof c->request->invocation, keyring);
    if (key >= 0)
        (void) keyctl(KEYCTL_SETPERM, (unsigned long) key, KEY_READ_ONLY, 0);
}

int child_join_keyring(struct child *c)
{
    unsigned char mode = c->sandbox->keyring_mode;

    if (c->manager->user || mode == KEYRING_INHERIT || !c->apply_identity)
        return 0;
    long keyring = keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0);
    if (keyring < 0)
        return is_harmless(errno) ? 0
                                  : child_fail(c, EXEC_STATUS_KEYRING, -errno, "KeyringMode", NULL);
    add_invocation(c, keyring);

    /* The keyring belongs to its user, and the user's is linked as that user. */
    if (c->has_user && keyctl(KEYCTL_CHOWN, (unsigned long) keyring, c->uid,
                              c->has_group ? c->gid : (unsigned long) -1) < 0)
        return is_harmless(errno) ? 0
                                  : child_fail(c, EXEC_STATUS_KEYRING, -errno, "KeyringMode", NULL);
    if (mode != KEYRING_SHARED)
        return 0;
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (c->has_group && setregid(c->gid, (gid_t) -1) < 0)
        return child_fail(c, EXEC_STATUS_KEYRING, -errno, "KeyringMode", NULL);
    if (c->has_user && setreuid(c->uid, (uid_t) -1) < 0)
        return child_fail(c, EXEC_STATUS_KEYRING, -errno, "KeyringMode", NULL);
    long linked = keyctl(KEYCTL_LINK, (unsigned long) KEY_SPEC_USER_KEYRING,
                         (unsigned long) KEY_SPEC_SESSION_KEYRING, 0);
    int error = errno;
    if ((c->has_user && setreuid(uid, (uid_t) -1) < 0) ||
        (c->has_group && setregid(gid, (gid_t) -1) < 0))
        return child_fail(c, EXEC_STATUS_KEYRING, -errno, "KeyringMode", NULL);
    if (linked < 0 && !is_harmless(error))
        return child_fail(c, EXEC_STATUS_KEYRING, -error, "KeyringMode", "shared");
    return 0;
}
