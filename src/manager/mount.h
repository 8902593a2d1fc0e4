/* manager/mount.h -- the kernel's table of mounts. */
#pragma once

struct manager;

/* Brings the mount units up to date with /proc/self/mountinfo. */
void manager_read_mounts(struct manager *m);
/* Does so whenever it changes. 0 or a negative errno. */
int manager_watch_mounts(struct manager *m);
