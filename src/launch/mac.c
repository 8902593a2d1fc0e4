/* launch/mac.c -- labels of security modules: SELinuxContext=, AppArmorProfile=,
 * SmackProcessLabel= (systemd.exec(5)). Where the module is not in force there is nothing to set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/child.h"

static bool apparmor_is_on(void)
{
    auto_free char *text = NULL;

    return file_read_line("/sys/module/apparmor/parameters/enabled", &text) >= 0 &&
           streq(text, "Y");
}

/* A leading "-": a label that cannot be set is no failure. */
static int set(struct child *c, enum exec_status step, const char *directive, const char *label,
               const char *file, const char *prefix)
{
    bool optional = *label == '-';
    auto_free char *text = format("%s%s", prefix, label + optional);
    int r = text ? file_write(file, text) : -ENOMEM;

    if (r < 0 && !optional)
        return child_fail(c, step, r, directive, label);
    return 0;
}

int child_set_labels(struct child *c)
{
    const struct sandbox_config *s = c->sandbox;
    int r = 0;

    if (!c->apply_sandbox)
        return 0;
    if (s->selinux_context && faccessat(AT_FDCWD, "/sys/fs/selinux/enforce", F_OK, 0) == 0)
        r = set(c, EXEC_STATUS_SELINUX_CONTEXT, "SELinuxContext", s->selinux_context,
                "/proc/self/attr/exec", "");
    if (r >= 0 && s->apparmor_profile && apparmor_is_on())
        r = set(c, EXEC_STATUS_APPARMOR, "AppArmorProfile", s->apparmor_profile,
                "/proc/self/attr/exec", "exec ");
    return r;
}

/* Needs CAP_MAC_ADMIN: before the user changes. */
int child_set_smack(struct child *c)
{
    const struct sandbox_config *s = c->sandbox;

    if (!c->apply_sandbox || !s->smack_process_label ||
        faccessat(AT_FDCWD, "/sys/fs/smackfs", F_OK, 0) < 0)
        return 0;
    return set(c, EXEC_STATUS_SMACK_PROCESS_LABEL, "SmackProcessLabel", s->smack_process_label,
               "/proc/self/attr/current", "");
}
