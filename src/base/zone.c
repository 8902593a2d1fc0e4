#include "base/zone.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

bool zone_is_valid(const char *name)
{
    char magic[4];

    if (!*name || *name == '/')
        return false;
    for (const char *p = name; *p; p++) {
        if (!isalnum((unsigned char) *p) && !strchr("-_+/", *p))
            return false;
        if (*p == '/' && (p[1] == '/' || !p[1]))
            return false;
    }
    if (streq(name, "UTC")) /* known without a database as well */
        return true;

    auto_free char *path = path_join("/usr/share/zoneinfo", name, NULL);
    auto_close int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    /* tzfile(5) */
    return fd >= 0 && read(fd, magic, sizeof magic) == sizeof magic &&
           memcmp(magic, "TZif", sizeof magic) == 0;
}

static int zone_set(const char *value)
{
    int r = value ? setenv("TZ", value, 1) : unsetenv("TZ");

    tzset();
    return r < 0 ? -ENOMEM : 0;
}

int zone_enter(struct zone_switch *z, const char *name)
{
    const char *before = getenv("TZ");

    *z = (struct zone_switch){};
    tzset();
    if (!name)
        return 0;
    auto_free char *value = format(":%s", name);
    if (!value || (before && !(z->saved = strdup(before))))
        return -ENOMEM;
    z->switched = true;
    return zone_set(value);
}

void zone_leave(struct zone_switch *z)
{
    int saved = errno;

    if (z->switched)
        (void) zone_set(z->saved); /* can only fail by growing the environment, which it does not */
    free(z->saved);
    *z = (struct zone_switch){};
    errno = saved;
}

void zone_fields(time_t t, bool utc, struct tm *ret)
{
    *ret = (struct tm){};
    if (utc)
        gmtime_r(&t, ret);
    else {
        tzset(); /* which localtime_r() need not do */
        localtime_r(&t, ret);
    }
}

time_t zone_time(struct tm *tm, bool utc)
{
    time_t t = utc ? timegm(tm) : mktime(tm);

    return t < 0 ? -1 : t;
}
