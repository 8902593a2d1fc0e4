#include "manager/hostname.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#define NAME_FILE_MAX 4096
/* The inode numbers of the first namespaces are fixed (include/linux/proc_ns.h). */
#define FIRST_UTS_NAMESPACE 0xEFFFFFFEU
#define FIRST_PID_NAMESPACE 0xEFFFFFFCU

/* Labels of letters, digits, "-" and "_", with single dots between them. */
static bool is_valid(const char *name)
{
    char before = '.';

    for (const char *s = name; *s; before = *s++) {
        if (*s == '.' || *s == '-') {
            if (before == '.')
                return false;
        } else if (!isalnum((unsigned char) *s) && *s != '_') {
            return false;
        }
    }
    return before != '.' && before != '-' && strlen(name) <= HOST_NAME_MAX;
}

int hostname_read(const char *path, char **ret)
{
    auto_free char *data = NULL;
    char *rest, *line;
    int r = file_read(path, NAME_FILE_MAX, &data, NULL);

    if (r < 0)
        return r;
    for (rest = data; (line = strsep(&rest, "\n"));) {
        line = strstrip(line);
        if (!*line || *line == '#')
            continue;
        size_t n = strlen(line);
        if (line[n - 1] == '.')
            line[n - 1] = 0;
        if (!is_valid(line))
            return -EINVAL;
        char *name = strdup(line);
        if (!name)
            return -ENOMEM;
        *ret = name;
        return 0;
    }
    return -ENOENT;
}

static bool is_first(const char *namespace, ino_t first)
{
    struct stat st;

    return stat(namespace, &st) == 0 && st.st_ino == first;
}

void hostname_set_up(const char *path)
{
    auto_free char *name = NULL;
    struct utsname now;
    int r = hostname_read(path, &name);

    if (r == -EINVAL)
        log_warning("%s has no valid host name; the present one stays", path);
    if (r < 0 || uname(&now) < 0 || streq(now.nodename, name))
        return;
    /* The name is the host's, and the container has none of its own (docker run --uts=host). */
    if (is_first("/proc/self/ns/uts", FIRST_UTS_NAMESPACE) &&
        !is_first("/proc/self/ns/pid", FIRST_PID_NAMESPACE))
        return;
    if (sethostname(name, strlen(name)) == 0)
        log_info("Hostname set to <%s>.", name);
    else if (errno != EPERM)
        log_warning("Cannot set the host name %s: %s", name, strerror(errno));
}
