/* launch/runtime.c -- the life of what the commands of a unit share. No disk is touched here. */
#include "launch/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/id128.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/config.h"
#include "unit/effective.h"

static void close_pair(int pair[2])
{
    pair[0] = close_fd(pair[0]);
    pair[1] = close_fd(pair[1]);
}

static struct spawn_runtime *runtime_free(struct spawn_runtime *r)
{
    close_pair(r->netns);
    close_pair(r->ipcns);
    close_pair(r->user);
    spawn_runtime_unref(r->joined);
    free(r->unit);
    free(r->tmp_dir);
    free(r->var_tmp_dir);
    free(r);
    return NULL;
}

struct spawn_runtime *spawn_runtime_ref(struct spawn_runtime *r)
{
    if (r)
        r->references++;
    return r;
}

struct spawn_runtime *spawn_runtime_unref(struct spawn_runtime *r)
{
    if (r && --r->references == 0)
        runtime_free(r);
    return NULL;
}

static struct spawn_runtime *runtime_new(const char *unit)
{
    struct spawn_runtime *r = new0(struct spawn_runtime, 1);

    if (!r)
        return NULL;
    r->references = 1;
    r->netns[0] = r->netns[1] = r->ipcns[0] = r->ipcns[1] = r->user[0] = r->user[1] = -1;
    r->dynamic_uid = (uid_t) -1;
    r->unit = strdup(unit);
    return r->unit ? r : runtime_free(r);
}

static int copy_pair(const int from[2], int to[2])
{
    for (int i = 0; i < 2 && from[0] >= 0; i++) {
        to[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
        if (to[i] < 0)
            return -errno;
    }
    return 0;
}

static int make_pair(int pair[2])
{
    if (pair[0] >= 0)
        return 0;
    return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 ? -errno : 0;
}

/* Names as systemd gives them: whoever cleans up /tmp knows to leave them alone. */
static char *temporary_name(const char *where, const char *unit, uint64_t random)
{
    struct id128 boot = { 0 };
    char id[ID128_TEXT_MAX];

    (void) id128_boot(&boot);
    return format("%s/systemd-private-%s-%s-%06" PRIx64, where, id128_format(boot, id), unit,
                  random & 0xffffff);
}

int spawn_runtime_new(const struct unit_config *config, const char *unit,
                      struct spawn_runtime *joined, struct spawn_runtime **ret)
{
    struct spawn_runtime *r = runtime_new(unit);
    struct effective e;
    int error = 0;

    if (!r)
        return -ENOMEM;
    effective_settings(config, true, &e);
    if (joined) {
        r->joined = spawn_runtime_ref(joined);
        error = copy_pair(joined->netns, r->netns);
        if (error >= 0)
            error = copy_pair(joined->ipcns, r->ipcns);
        if (error >= 0 && joined->tmp_dir && str_replace(&r->tmp_dir, joined->tmp_dir) < 0)
            error = -ENOMEM;
        if (error >= 0 && joined->var_tmp_dir &&
            str_replace(&r->var_tmp_dir, joined->var_tmp_dir) < 0)
            error = -ENOMEM;
    }
    if (error >= 0 && e.private_tmp == PRIVATE_TMP_CONNECTED && !r->tmp_dir) {
        uint64_t random = 0;

        (void) getrandom(&random, sizeof random, GRND_NONBLOCK);
        r->tmp_dir = temporary_name("/tmp", unit, random);
        r->var_tmp_dir = temporary_name("/var/tmp", unit, random >> 24);
        if (!r->tmp_dir || !r->var_tmp_dir)
            error = -ENOMEM;
    }
    if (error >= 0 && (config->sandbox->private_network || config->sandbox->network_namespace_path))
        error = make_pair(r->netns);
    if (error >= 0 && (config->sandbox->private_ipc || config->sandbox->ipc_namespace_path))
        error = make_pair(r->ipcns);
    if (error >= 0 && config->sandbox->dynamic_user)
        error = make_pair(r->user);
    if (error < 0) {
        spawn_runtime_unref(r);
        return error;
    }
    *ret = r;
    return 0;
}

int spawn_runtime_save(const struct spawn_runtime *r, char **ret_text,
                       int ret_fds[static SPAWN_RUNTIME_FDS])
{
    char *text = format("%d %s %s %s", (int) r->dynamic_uid, r->unit, r->tmp_dir ? r->tmp_dir : "-",
                        r->var_tmp_dir ? r->var_tmp_dir : "-");
    const int fds[SPAWN_RUNTIME_FDS] = { r->netns[0], r->netns[1], r->ipcns[0],
                                         r->ipcns[1], r->user[0],  r->user[1] };

    if (!text)
        return -ENOMEM;
    *ret_text = text;
    memcpy(ret_fds, fds, sizeof fds);
    return 0;
}

int spawn_runtime_restore(const char *text, const int fds[static SPAWN_RUNTIME_FDS],
                          struct spawn_runtime **ret)
{
    auto_strv char **words = strv_split(text, " ");
    struct spawn_runtime *r = words && strv_length(words) == 4 ? runtime_new(words[1]) : NULL;

    if (!r) {
        for (int i = 0; i < SPAWN_RUNTIME_FDS; i++)
            close_fd(fds[i]);
        return words && strv_length(words) != 4 ? -EBADMSG : -ENOMEM;
    }
    r->netns[0] = fds[0];
    r->netns[1] = fds[1];
    r->ipcns[0] = fds[2];
    r->ipcns[1] = fds[3];
    r->user[0] = fds[4];
    r->user[1] = fds[5];
    r->dynamic_uid = (uid_t) atoi(words[0]);
    if ((!streq(words[2], "-") && str_replace(&r->tmp_dir, words[2]) < 0) ||
        (!streq(words[3], "-") && str_replace(&r->var_tmp_dir, words[3]) < 0)) {
        spawn_runtime_unref(r);
        return -ENOMEM;
    }
    *ret = r;
    return 0;
}

uid_t spawn_runtime_uid(const struct spawn_runtime *r)
{
    return r ? r->dynamic_uid : (uid_t) -1;
}
