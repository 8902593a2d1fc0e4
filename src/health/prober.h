/* health/prober.h -- makes probes while a service runs, and tells the service manager what they
 * say: READY=1 at the first success, STATUS= with the last answers, WATCHDOG=1 while it is healthy.
 *
 * It ends nothing by itself: a service that is not alive any more is left to its watchdog. */
#pragma once

#include "health/probe.h"

struct prober {
    struct probe *probes;
    size_t n;
    pid_t service;   /* the main process; the prober ends with it */
    int service_fd;  /* its pidfd; -1: looked at once a second */
    int notify_fd;   /* a connected datagram socket of the manager; -1: nobody to tell */
    usec_t watchdog; /* WatchdogSec=; 0: none */
    usec_t hold; /* for how long a machine that is starved excuses what does not answer in time */
    /* In the child that makes a probe: becomes what the service is; NULL: it is that already. */
    int (*enter)(void *userdata);
    void *enter_userdata;
    /* Says a line to people; the text has no newline. NULL: to nobody. */
    void (*say)(int priority, const char *text);
};

/* Runs until the service's main process ends, or a failure of its own (negative errno). */
int prober_run(struct prober *p);
