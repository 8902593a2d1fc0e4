#include "diagnose/trace-event.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/str.h"

bool trace_error_is_noise(int error)
{
    switch (error) {
    case EAGAIN:
    case EINPROGRESS:
    case EINTR:
    case 512: /* ERESTARTSYS and its like, seen by tracers only */
    case 513:
    case 514:
    case 516:
        return true;
    default:
        return false;
    }
}

bool trace_event_is_of_interest(const struct trace_event *e)
{
    static const char *const folders[] = { "/etc/",  "/opt/",  "/srv/", "/usr/local/etc/",
                                           "/home/", "/root/", "/var/", "/usr/local/share/" };
    static const char *const not_theirs[] = { "/etc/ld.so",    "/etc/passwd",    "/etc/group",
                                              "/etc/nsswitch", "/etc/localtime", "/etc/ssl",
                                              "/etc/host",     "/etc/resolv" };

    /* Peers, and what is told to the manager. */
    if (streq(e->call, "connect"))
        return e->port > 0 || (e->address && strstr(e->address, "notify"));
    if (startswith(e->call, "send"))
        return e->address && strstr(e->address, "notify");
    if (!startswith(e->call, "open"))
        return true;
    for (size_t i = 0; e->path && i < ELEMENTSOF(not_theirs); i++)
        if (startswith(e->path, not_theirs[i]))
            return false;
    /* What it writes to may be full. */
    if (e->path && (e->flags & (O_WRONLY | O_RDWR)) && !startswith(e->path, "/dev/") &&
        !startswith(e->path, "/proc/"))
        return true;
    for (size_t i = 0; e->path && i < ELEMENTSOF(folders); i++)
        if (startswith(e->path, folders[i]))
            return (startswith(e->path, "/var/") || !strstr(e->path, "/lib/")) &&
                   !endswith(e->path, ".py");
    return false;
}

bool trace_event_is_failure(const struct trace_event *e)
{
    return e->error != 0;
}

bool trace_event_is_telling(const struct trace_event *e)
{
    static const char *const optional[] = {
        "/etc/ld.so.preload", "/etc/localtime", "/usr/share/locale",   "/usr/lib/locale",
        "/etc/nsswitch.conf", "/run/nscd/",     "/var/run/nscd/",      "/etc/gnutls",
        "/proc/sys/",         "/sys/",          "/usr/share/zoneinfo", "/etc/sysconfig",
        "/usr/share/nls",
    };

    if (!trace_event_is_failure(e) || e->killed_by_filter)
        return e->killed_by_filter;
    if (e->error == EINPROGRESS)
        return false;
    if (e->error != ENOENT || !e->path)
        return true;
    for (size_t i = 0; i < ELEMENTSOF(optional); i++)
        if (startswith(e->path, optional[i]))
            return false;
    /* Searches that go on after a miss: libraries, modules, programs in $PATH. */
    return !strstr(e->path, "/lib/x86_64-linux-gnu/") && !strstr(e->path, "glibc-hwcaps") &&
           !strstr(e->path, "/site-packages/") && !endswith(e->path, ".pyc");
}
