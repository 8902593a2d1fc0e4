/* launch/runtime.h -- what the commands of a unit share (struct spawn_runtime of spawn.h). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "launch/spawn.h"

struct spawn_runtime {
    unsigned references;
    char *unit;
    /* PrivateTmp=connected: folders that the first command makes, and their `tmp` is mounted. */
    char *tmp_dir, *var_tmp_dir;
    /* Each a pair of sockets: the first command puts a namespace in, the others take it out and
     * put it back. Shared with the units of JoinsNamespaceOf=. */
    int netns[2], ipcns[2];
    /* DynamicUser=: the same for the chosen uid with its lock; and what the report told. */
    int user[2];
    uid_t dynamic_uid;
    struct spawn_runtime *joined; /* whose tmp_dir and namespaces these are */
};
