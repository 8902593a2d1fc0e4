/* launch/pressure.c -- $MEMORY_PRESSURE_WATCH and its threshold. */
#include "launch/pressure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "launch/child.h"

#define PRESSURE_WINDOW (2 * USEC_PER_SEC)

/* systemd: in 2 s, the threshold of MemoryPressureThresholdSec=; the NUL belongs to it. */
static char *base64(const char *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((n + 2) / 3 * 4 + 1), *p = text;

    for (size_t i = 0; text && i < n; i += 3) {
        unsigned v = (unsigned) (unsigned char) data[i] << 16 |
                     (i + 1 < n ? (unsigned) (unsigned char) data[i + 1] << 8 : 0) |
                     (i + 2 < n ? (unsigned) (unsigned char) data[i + 2] : 0);

        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *p++ = i + 2 < n ? digits[v & 63] : '=';
    }
    if (text)
        *p = 0;
    return text;
}

int pressure_variables(struct child *c, char **ret_watch, char **ret_write)
{
    unsigned char watch = c->cgroup->memory_pressure_watch;
    const struct track_host *host = c->manager->tracking;
    char text[128];

    if (watch == PRESSURE_WATCH_OFF) {
        char *off = strdup("/dev/null");

        if (!off)
            return -ENOMEM;
        *ret_watch = off;
        return 1;
    }
    if (watch == PRESSURE_WATCH_SKIP || c->cgroup_fd < 0)
        return 0;
    /* As systemd, "auto" says nothing where the kernel has no such file, or memory is not counted.
     */
    if (faccessat(c->cgroup_fd, "memory.pressure", F_OK, 0) < 0 ||
        (watch == PRESSURE_WATCH_AUTO && !c->cgroup->memory_accounting))
        return 0;
    if (c->has_user)
        (void) fchownat(c->cgroup_fd, "memory.pressure", c->uid, c->gid, 0);

    char *path = path_join(host->cgroup.mount, host->cgroup.prefix,
                           tracker_cgroup(c->request->tracker), "memory.pressure", NULL);
    int n = snprintf(text, sizeof text, "some %ju %ju",
                     (uintmax_t) c->cgroup->memory_pressure_threshold_sec,
                     (uintmax_t) PRESSURE_WINDOW);
    char *encoded = base64(text, (size_t) n + 1);
    if (!path || !encoded) {
        free(path);
        free(encoded);
        return -ENOMEM;
    }
    *ret_watch = path;
    *ret_write = encoded;
    return 1;
}
