/* health/enter.h -- to see the world as a running service does: its namespaces, root, user and
 * environment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct service_context {
    int namespaces; /* CLONE_NEW*: those that are not ours */
    int pidfd, root_fd;
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t n_groups;
    uint64_t bounding; /* capabilities that it may ever have */
    bool no_new_privileges;
    char **environment;
};

/* Looks at the process. Returns 0 or a negative errno. */
int service_context_read(pid_t pid, struct service_context *ret);
void service_context_done(struct service_context *c);
/* Becomes it, for good, as far as the caller is another; takes a struct service_context *. Returns
 * 0 or a negative errno: then the caller is nothing to make probes with. */
int service_context_enter(void *context);
