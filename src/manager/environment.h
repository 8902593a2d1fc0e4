/* manager/environment.h -- the environment block. The rest is in manager.h. */
#pragma once

struct manager;

/* Fills it with what the manager was started with. 0 or -ENOMEM. */
int manager_init_environment(struct manager *m);
