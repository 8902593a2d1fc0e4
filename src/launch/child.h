/* launch/child.h -- what the steps of the child share. Private to launch/.
 *
 * Every step is a function of `struct child` that returns 0, or a negative errno after child_fail()
 * has recorded what failed: the first record is what the launch report says. What they leave in
 * `struct child` is not freed here: the process ends in execve() or _exit(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/macro.h"
#include "launch/report.h"
#include "launch/spawn.h"
#include "unit/config.h"
#include "unit/effective.h"

/* The five families of systemd.exec(5), RuntimeDirectory= and so on. */
enum directory_kind {
    DIRECTORY_RUNTIME,
    DIRECTORY_STATE,
    DIRECTORY_CACHE,
    DIRECTORY_LOGS,
    DIRECTORY_CONFIGURATION,
    DIRECTORY_KIND_MAX,
};

/* What happens in the child, spawn.c forks it. Returns only on failure, the exit status. */
struct child;
int child_run(struct child *c);

/* Whether the child may use the manager's memory, who waits for it meanwhile (share.c): far cheaper
 * than a fork, which copies the tables of all its pages. */
bool child_may_share(const struct child *c);
/* Frees what such a child has left in it. */
void child_done(struct child *c);

struct child {
    const struct spawn_request *request;
    const struct spawn_manager *manager;
    const struct unit_config *config;
    const struct service_config *service;
    const struct exec_config *exec;
    const struct limits_config *limits;
    const struct sandbox_config *sandbox;
    const struct cgroup_config *cgroup;

    /* What applies to this command: its prefixes, its phase, PermissionsStartOnly= and so on. */
    bool control;        /* not the main process */
    bool apply_sandbox;  /* everything but credentials */
    bool apply_identity; /* User= and so on */
    bool apply_root;     /* RootDirectory= */
    bool apply_tty;      /* StandardInput= other than null */
    const char *root;    /* RootDirectory=; NULL where that is / */
    bool is_root;        /* started with uid 0 in its user namespace */

    struct effective effective;

    int report_fd;
    int cgroup_fd; /* the folder of the unit's cgroup; -1 */
    struct failure failure;

    /* The identity, once determined. */
    bool has_user, has_group; /* change to it; else the one we have stays */
    uid_t uid;
    gid_t gid;
    char *user, *home, *shell; /* NULL where unknown */
    gid_t *groups;
    size_t n_groups, n_login_groups; /* the user's own come first */
    bool set_groups;                 /* supplementary groups are to be set */
    bool dynamic_user;               /* the uid is one of DynamicUser= */
    uint64_t ambient;                /* capabilities */

    /* The environment, "NAME=VALUE", and what goes into it from the steps. */
    char **environment;
    char **path_search;                         /* where a bare program name is looked up */
    char **directory_paths[DIRECTORY_KIND_MAX]; /* absolute, as the process sees them */
    char *credentials_path;                     /* as the process sees it; NULL: none */
    bool stdout_is_journal, stderr_is_journal;
    bool wants_term;

    int *fds; /* passed: request->fds and those of OpenFile= */
    char **fd_names;
    size_t n_fds;

    char *program; /* the absolute path that is executed */
    int program_fd;
    char **argv;

    struct rlimit files; /* of descriptors, to come */
    bool limits_files;

    int netns_fd, ipcns_fd; /* of the *NamespacePath= settings, opened early; -1 */
    char *mac_label;        /* SELinux context, with no "-"; NULL */
    bool new_user_namespace;
    bool mounted_root;      /* the root folder was entered by the mount namespace */
    bool mount_namespace;   /* one was made */
    bool mdwe_by_kernel;    /* MemoryDenyWriteExecute= is set by prctl(2) */
    char *private_tmp_path; /* PrivateTmp=disconnected: the tmpfs, before it is bound */
    uint64_t keep_caps;     /* capabilities needed after the change of user, for seccomp */
};

/* Records a failure and returns `error`. `object` and `detail` may be NULL. A second failure does
 * not replace the first. */
int child_fail(struct child *c, enum exec_status step, int error, const char *directive,
               const char *object);
int child_fail_detail(struct child *c, enum exec_status step, int error, const char *directive,
                      const char *object, const char *detail_fmt, ...) _printf_(6, 7);

/* Tells that a hardening setting is left out. Returns 0 if the policy allows leaving it out, else
 * records the failure and returns `error`. `class` is a CLASS_... of unit/enums.h; `optional_here`:
 * PrivateNetwork= and PrivateTmp=, which need --sandbox=best-effort. */
int child_degrade(struct child *c, enum exec_status step, int error, unsigned char class,
                  bool only_best_effort, const char *directive, const char *object);

/* Announces a step that can take long. */
void child_step(struct child *c, enum exec_status step);

/* ---- the steps, each in a file of its name ---- */

/* identity.c */
int child_find_identity(struct child *c);      /* USER, GROUP, CHDIR (home of "~") */
int child_drop_groups(struct child *c);        /* GROUP */
int groups_set(size_t n, const gid_t *groups); /* 0, or -1 and errno */
int child_set_bounding(struct child *c);       /* CAPABILITIES */
int child_set_user(struct child *c);           /* USER, CAPABILITIES */
int child_set_securebits(struct child *c);     /* SECUREBITS, NO_NEW_PRIVILEGES */

/* stdio.c */
int child_setup_stdio(struct child *c);    /* STDIN, STDOUT, STDERR */
int child_chown_terminal(struct child *c); /* STDIN */
int child_open_files(struct child *c);     /* FDS: OpenFile= */
/* The terminal that is reset and given to the user of the unit, NULL where there is none; and what
 * happens to it when the unit has ended. */
const char *terminal_touched(const struct exec_config *e);
void terminal_release(const struct exec_config *e);
int child_pass_fds(struct child *c); /* FDS */

/* limits.c */
int child_apply_scheduling(struct child *c); /* OOM_ADJUST .. PERSONALITY */
int child_apply_limits(struct child *c);     /* LIMITS */
/* The limit of descriptors: raised at once, while that is allowed, and lowered last, since the
 * child has copies of all those of the manager, and still needs some. */
int child_want_files(struct child *c, const struct rlimit *wanted); /* 0 or a negative errno */
int child_limit_files(struct child *c);                             /* LIMITS */

/* directories.c */
int child_make_directories(struct child *c); /* RUNTIME_DIRECTORY .. */
extern const char *const directory_variables[DIRECTORY_KIND_MAX];
extern const char *const directory_directives[DIRECTORY_KIND_MAX];
const struct exec_directory *directory_list(const struct exec_config *e, enum directory_kind k);
const char *directory_prefix(const struct spawn_manager *m, enum directory_kind k);
/* Whether it is below `private` for DynamicUser=. */
bool directory_is_private(const struct unit_config *config, enum directory_kind k);

/* namespace.c */
int child_enter_user_namespace(
    struct child *c);                     /* USER: without privileges, so that the rest can be */
int child_enter_network(struct child *c); /* NETWORK */
int child_enter_ipc(struct child *c);     /* NAMESPACE */
int child_enter_mounts(struct child *c);  /* NAMESPACE */
int child_enter_uts(struct child *c);     /* NAMESPACE */
int child_private_users(struct child *c); /* USER */
/* PrivatePIDs=: the child is forked as the first process of a PID namespace. */
bool child_wants_pids(const struct child *c);
int child_check_pids(struct child *c); /* NAMESPACE */
/* Whether the unit needs a mount namespace. */
bool child_needs_mounts(const struct child *c);

/* pam.c */
int child_open_pam_session(struct child *c); /* PAM: after the limits, which its modules change */

/* keyring.c, mac.c, delegate.c */
int child_join_keyring(struct child *c);    /* KEYRING */
int child_set_smack(struct child *c);       /* SMACK_PROCESS_LABEL */
int child_set_labels(struct child *c);      /* SELINUX_CONTEXT, APPARMOR_PROFILE */
int child_delegate_cgroup(struct child *c); /* CGROUP */
int child_tell_missing(struct child *c);    /* BPF, NAMESPACE: what is not there yet */

/* seccomp.c */
int child_plan_seccomp(struct child *c); /* before the user changes */
int child_load_seccomp(struct child *c); /* SECCOMP, ADDRESS_FAMILIES */

/* environment.c */
int child_build_environment(struct child *c); /* MEMORY, 0 */
int child_expand_command(struct child *c);    /* MEMORY */

/* program.c */
int child_locate(struct child *c);           /* EXEC, locate */
int child_execute(struct child *c);          /* EXEC, execute */
int child_change_root(struct child *c);      /* CHROOT */
int child_change_directory(struct child *c); /* CHDIR */
