/* manager/places.h -- where the manager's own files are, and what makes PID 1's system a booted
 * one. */
#pragma once

struct manager;

/* Chooses and makes the folders: m->runtime_dir, m->socket_dir, m->journal_dir; for PID 1 also
 * mounts what is missing and can be mounted (/proc, a tmpfs on /run). What cannot work is added to
 * the manager's warnings. 0 or a negative errno, logged. */
int manager_find_places(struct manager *m);

/* The machine-id, /dev/log and /run/systemd/system, once it is known that we are PID 1. Fills
 * m->warnings. */
void manager_set_up_system(struct manager *m);

/* PID 1 gives the system the name of /etc/hostname: at the boot, since whoever changes it later
 * means that. */
void manager_name_system(struct manager *m);

/* Adds a line to the manager's warnings and logs it. */
void manager_warn(struct manager *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
