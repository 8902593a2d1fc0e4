/* launch/spawn.c -- the manager's side of a launch: fork, pidfd, report pipe. */
#include "launch/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/capability.h"
#include "launch/child.h"
#include "launch/fork.h"
#include "launch/slice.h"

/* A child with more than these gets a copy of all descriptors. */
#define SPAWN_PASSED_FEW 7

static bool is_control(enum spawn_phase phase)
{
    return phase != SPAWN_START;
}

/* systemd.exec(5), StandardInput=: a terminal goes to what comes before and to the service. Pinned
 * by tests/differential, stdio/terminal-phases. */
static bool gets_terminal(enum spawn_phase phase)
{
    return phase == SPAWN_START || phase == SPAWN_CONDITION || phase == SPAWN_START_PRE;
}

/* Control commands run beside the service's own cgroups where it was given its cgroup to manage:
 * systemd.resource-control(5), Delegate=. */
static const char *subgroup(const struct spawn_request *q)
{
    const struct cgroup_config *g = q->config->cgroup;

    if (!g->delegate.enabled)
        return NULL;
    if (is_control(q->phase) && q->phase != SPAWN_CONDITION && q->phase != SPAWN_START_PRE)
        return ".control";
    return g->delegate_subgroup;
}

static void fill_child(struct child *c, const struct spawn_request *q)
{
    const struct unit_config *u = q->config;
    unsigned flags = q->command->flags;

    *c = (struct child){ .request = q,
                         .manager = q->manager,
                         .config = u,
                         .service = u->service,
                         .exec = u->exec,
                         .limits = u->limits,
                         .sandbox = u->sandbox,
                         .cgroup = u->cgroup,
                         .root = isempty(u->exec->root_directory) ||
                                         streq(u->exec->root_directory, "/")
                                     ? NULL
                                     : u->exec->root_directory,
                         .control = is_control(q->phase),
                         .report_fd = -1,
                         .cgroup_fd = tracker_cgroup_fd(q->tracker),
                         .program_fd = -1,
                         .netns_fd = -1,
                         .ipcns_fd = -1,
                         .uid = (uid_t) -1,
                         .gid = (gid_t) -1 };
    bool permissions = !(c->control && u->service->permissions_start_only);
    c->apply_sandbox = permissions && !(flags & COMMAND_FULL_PRIVILEGES);
    c->apply_identity = permissions && !(flags & (COMMAND_FULL_PRIVILEGES | COMMAND_NO_SETUID));
    c->apply_root = !(c->control && u->service->root_directory_start_only) &&
                    !(flags & COMMAND_FULL_PRIVILEGES);
    c->apply_tty = gets_terminal(q->phase);
    c->ambient = c->apply_sandbox ? u->exec->ambient_capabilities : 0;
}

/* The child of spawn_start(). */
static int run(void *userdata)
{
    return child_run(userdata);
}

static int report_pipe(int ret[2])
{
    return pipe2(ret, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

void spawn_init(void)
{
    fork_reserve_slots();
    slice_shorten();
}

/* All that a child that may share has of the caller's descriptors. */
struct childs_fds {
    struct spawn_request request; /* the child's, with the numbers of the slots */
    int passed[SPAWN_PASSED_FEW], stdio[3];
};

static bool move_to_slots(struct child *c, struct childs_fds *f)
{
    int *fds[SPAWN_PASSED_FEW + 3 + 5];
    size_t n = 0;

    if (c->request->n_fds > SPAWN_PASSED_FEW)
        return false;
    f->request = *c->request;
    fds[n++] = &c->report_fd;
    fds[n++] = &c->cgroup_fd;
    fds[n++] = &f->request.stream_fd;
    fds[n++] = &f->request.stderr_stream_fd;
    fds[n++] = &f->request.socket_fd;
    for (size_t i = 0; i < f->request.n_fds; i++) {
        f->passed[i] = f->request.fds[i];
        fds[n++] = &f->passed[i];
    }
    f->request.fds = f->passed;
    if (f->request.stdio) {
        memcpy(f->stdio, f->request.stdio, sizeof f->stdio);
        for (size_t i = 0; i < ELEMENTSOF(f->stdio); i++)
            fds[n++] = &f->stdio[i];
        f->request.stdio = f->stdio;
    }
    if (!fork_fill_slots(fds, n))
        return false;
    c->request = &f->request;
    return true;
}

int spawn_start(const struct spawn_request *q, struct spawn *ret)
{
    struct childs_fds fds;
    int pipe_fds[2], pidfd = -1;
    pid_t pid = 0;
    struct child c;
    int r = report_pipe(pipe_fds);

    if (r < 0)
        return r;
    auto_close int report = pipe_fds[0], childs = pipe_fds[1];
    fill_child(&c, q);
    c.report_fd = childs;
    unsigned flags = child_wants_pids(&c) && capability_effective(CAP_SYS_ADMIN) ? FORK_NEW_PIDS
                                                                                 : 0;
    if (fork_shares() && child_may_share(&c))
        flags |= FORK_SHARE | (move_to_slots(&c, &fds) ? FORK_SLOTS : 0);
    r = tracker_fork(q->tracker, subgroup(q), flags, run, &c, &pid, &pidfd);
    fork_empty_slots();
    child_done(&c);
    if (r < 0)
        return r;
    *ret = (struct spawn){ pid, pidfd, take_fd(&report) };
    return 0;
}

bool spawn_waits(const struct unit_config *config, enum spawn_phase phase)
{
    return config->exec->environment_file || (phase == SPAWN_START && config->service->open_file) ||
           config->exec->standard_input.kind == EXEC_INPUT_FD ||
           config->exec->standard_output.kind == EXEC_OUTPUT_FD ||
           config->exec->standard_error.kind == EXEC_OUTPUT_FD;
}
