/* launch/dynamic_user.c -- DynamicUser= (systemd.exec(5)). */
#include "launch/dynamic_user.h"

#include <errno.h>

#include "launch/child.h"

int dynamic_user_acquire(struct child *c)
{
    return child_fail(c, EXEC_STATUS_USER, -EOPNOTSUPP, "DynamicUser", c->request->unit);
}
