/* launch/report.h -- the child's end of the launch report (the manager's is in spawn.h).
 *
 * One record a write, at most PIPE_BUF bytes, so that records are never mixed. The pipe is
 * close-on-exec: its end is the proof that execve() worked, if the marker came before. */
#pragma once

#include <sys/types.h>

#include "launch/exec_status.h"
#include "launch/spawn.h"

/* A step that failed: what report_failed() sends. Texts belong to whoever fills it in. */
struct failure {
    enum exec_status step;
    int error; /* negative errno; 0: nothing failed */
    enum spawn_exec_failure exec;
    const char *directive;
    char object[4096 - 1024]; /* cut where longer */
    char detail[512];
};

/* fd may be -1: then nothing is written. None of these fails: the manager may be gone. */
void report_step(int fd, enum exec_status step);
void report_degraded(int fd, const char *directive, int error, const char *object);
void report_identity(int fd, uid_t uid, gid_t gid);
void report_dynamic_user(int fd, uid_t uid);
void report_failed(int fd, const struct failure *f);
/* The last record before execve(), and its revocation where that failed is report_failed(). */
void report_execve(int fd);
/* For a child that does its work without execve() (spawn_clean_start()): the same record, written
 * at the end. */
#define report_done(fd) report_execve(fd)
