/* launch/cgroup.h -- the cgroup v2 tree: finding the part of it that is ours, and working in it.
 *
 * Paths are those that the unit sees in systemd's ControlGroup=: absolute, below the manager's
 * root ("/system.slice/nginx.service"). Only cgroup v2 is used; where the controllers are bound to
 * v1 hierarchies ("hybrid"), processes are tracked in the v2 tree and resource settings have no
 * controller to act on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup_root {
    int fd;               /* the folder that all paths are below; -1 if there is none */
    char *mount;          /* where cgroup2 is mounted: "/sys/fs/cgroup" */
    char *prefix;         /* the manager's own root below the mount, "" or "/a/b" */
    unsigned controllers; /* that can be given to units: bits 1 << CGROUP_CONTROLLER_... of
                             unit/enums.h */
    bool can_kill;        /* the kernel has cgroup.kill (5.14) */
    struct cgroup_disabled *disabled; /* what is not handed on where; NULL */
    char *parent;                     /* of the cgroup made last, with the "/" at its end; NULL */
};

/* Finds the v2 hierarchy of this process, and checks by making and removing a folder that it can
 * be written. Fills *ret (which the caller ends with cgroup_root_done()) and returns 0, or a
 * negative errno: -ENOMEDIUM no v2 hierarchy is mounted, -EROFS, -EACCES or -EPERM it cannot be
 * written. */
int cgroup_root_open(struct cgroup_root *ret);
void cgroup_root_done(struct cgroup_root *r);

/* The manager's own cgroup below the root, and its unit. */
#define MANAGER_CGROUP "init.scope"

/* Moves the manager itself (all processes of the root cgroup, if `all`) to init.scope, and switches
 * the controllers on for the folders below. Returns 0 or a negative errno. */
int cgroup_root_enter(struct cgroup_root *r, bool all);

/* The path of a unit: "/a.slice/a-b.slice/UNIT" for slice "a-b.slice"; of a slice itself if `unit`
 * is NULL. "-.slice" and NULL are the root. The name is escaped where the kernel's files could
 * clash with it (a leading "_" or ".", or a controller's prefix). Returns a new string, or NULL
 * where memory is out. */
char *cgroup_path_of(const char *slice, const char *unit);

/* Makes the cgroup and those above it. Returns a descriptor of its folder in *ret_fd, and 1 if it
 * is new, 0 if it was there, or a negative errno. */
int cgroup_create(struct cgroup_root *r, const char *path, int *ret_fd);
/* DisableControllers=: which controllers no cgroup below this one gets (bits as in `controllers`;
 * 0: all are handed on again). Takes them from those that are there. 0 or a negative errno. */
int cgroup_disable(struct cgroup_root *r, const char *path, unsigned controllers);
/* Removes it and the cgroups below it. -EBUSY where there are processes; a missing one is fine. */
int cgroup_remove(const struct cgroup_root *r, const char *path);

/* Calls found() for the cgroup of each service below the root, with its path, and its name within
 * it. */
void cgroup_each_service(const struct cgroup_root *r,
                         void (*found)(const char *path, const char *unit, void *userdata),
                         void *userdata);

/* The path of a process below the root, a new string. -ENXIO if it is outside of the root. */
int cgroup_of_pid(const struct cgroup_root *r, pid_t pid, char **ret_path);
/* Moves a process. pid 0 is the caller. */
int cgroup_attach(int cgroup_fd, pid_t pid);

/* The processes of the cgroup and of all below it. The array is the caller's. */
int cgroup_pids(int cgroup_fd, pid_t **ret_pids, size_t *ret_n);
/* Whether the folder is still there: it may have been removed while its descriptor was open. */
bool cgroup_exists(int cgroup_fd);
/* 1 if it has live processes, itself or below; 0, also where it has been removed; or a negative
 * errno. */
int cgroup_populated(int cgroup_fd);
/* Kills everything in it and below. -EOPNOTSUPP without cgroup.kill. */
int cgroup_kill_all(int cgroup_fd);
int cgroup_freeze(int cgroup_fd, bool freeze);

/* Reads a file that holds one number ("memory.current"), "max" being UINT64_MAX. -ENOENT where the
 * controller or the file does not exist. */
int cgroup_read_number(int cgroup_fd, const char *file, uint64_t *ret);
/* The number after `key` in a file of "key number" lines ("cpu.stat", "usage_usec"). */
int cgroup_read_keyed(int cgroup_fd, const char *file, const char *key, uint64_t *ret);
/* io.stat, summed over the devices; key is "rbytes", "wbytes", "rios" or "wios". */
int cgroup_read_io(int cgroup_fd, const char *key, uint64_t *ret);
int cgroup_write(int cgroup_fd, const char *file, const char *text);

struct unit_config;

/* What of a unit's resource settings did not take: called once a directive. */
typedef void (*cgroup_refused)(const char *directive, int error, void *userdata);

/* Writes the unit's resource settings (systemd.resource-control(5)) to the files of its cgroup.
 * What has no controller here, or is refused by the kernel, is told to `refused` and does not stop
 * the rest. Used at start, when the cgroup is `fresh` and settings that say what is so anyway need
 * not be written, and again by set-property. `startup`: the system starts or stops, so that the
 * Startup... settings count. `slices`: those above, NULL at the end. */
void cgroup_apply(const struct cgroup_root *r, int cgroup_fd, bool fresh, bool startup,
                  const struct unit_config *config, const struct unit_config *const *slices,
                  cgroup_refused refused, void *userdata);
/* Whether a Startup... setting is made for the unit or, for those below, by it. */
bool cgroup_has_startup(const struct unit_config *config);
