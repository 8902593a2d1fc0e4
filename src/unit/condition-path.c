/* Conditions about files and folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/time.h"
#include "unit/condition-private.h"
#include "unit/env-file.h"

static char *below_root(const struct condition_context *ctx, const char *path)
{
    return isempty(ctx->root) ? strdup(path) : path_join(ctx->root, path, NULL);
}

/* 1 and the file's status, 0 if there is no such file. */
static int file_status(const char *path, const struct condition_context *ctx, bool follow,
                       struct stat *ret)
{
    auto_free char *full = below_root(ctx, path);

    if (!full)
        return -ENOMEM;
    return (follow ? stat(full, ret) : lstat(full, ret)) >= 0;
}

int test_path_exists(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *full = below_root(ctx, parameter);

    return full ? access(full, F_OK) >= 0 : -ENOMEM;
}

int test_path_exists_glob(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *full = below_root(ctx, parameter);
    auto_strv char **found = NULL;
    int r = full ? path_glob(full, &found) : -ENOMEM;

    return r < 0 ? r : r > 0;
}

int test_path_is_directory(const char *parameter, const struct condition_context *ctx)
{
    struct stat st;
    int r = file_status(parameter, ctx, true, &st);

    return r > 0 ? S_ISDIR(st.st_mode) : r;
}

int test_path_is_symbolic_link(const char *parameter, const struct condition_context *ctx)
{
    struct stat st;
    int r = file_status(parameter, ctx, false, &st);

    return r > 0 ? S_ISLNK(st.st_mode) : r;
}

int test_path_is_mount_point(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *full = below_root(ctx, parameter);
    struct statx sx, parent;

    if (!full)
        return -ENOMEM;
    if (streq(full, "/"))
        return 1;
    if (statx(AT_FDCWD, full, AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, &sx) < 0)
        return 0;
    if (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
        return !!(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
    /* Before Linux 5.8: another device than the folder above. */
    auto_free char *above = path_join(full, "..", NULL);
    if (!above)
        return -ENOMEM;
    if (statx(AT_FDCWD, above, AT_NO_AUTOMOUNT, STATX_INO, &parent) < 0)
        return 0;
    return sx.stx_dev_major != parent.stx_dev_major || sx.stx_dev_minor != parent.stx_dev_minor;
}

int test_path_is_read_write(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *full = below_root(ctx, parameter);
    struct statvfs vfs;

    if (!full)
        return -ENOMEM;
    if (statvfs(full, &vfs) < 0)
        return errno != ENOENT;
    return !(vfs.f_flag & ST_RDONLY);
}

/* Whether the block device, or one of those below it, is dm-crypt's. */
static int device_is_encrypted(const char *sysfs, unsigned depth)
{
    auto_free char *uuid_path = path_join(sysfs, "dm/uuid", NULL);
    auto_free char *slaves = path_join(sysfs, "slaves", NULL);
    auto_free char *uuid = NULL;

    if (!uuid_path || !slaves)
        return -ENOMEM;
    if (file_read_line(uuid_path, &uuid) >= 0 && startswith(uuid, "CRYPT-"))
        return 1;
    DIR *d = depth < 8 ? opendir(slaves) : NULL;
    int r = 0;
    for (struct dirent *de; d && r == 0 && (de = readdir(d));) {
        auto_free char *path = *de->d_name == '.' ? NULL : path_join(slaves, de->d_name, NULL);

        if (path)
            r = device_is_encrypted(path, depth + 1);
    }
    if (d)
        closedir(d);
    return r;
}

int test_path_is_encrypted(const char *parameter, const struct condition_context *ctx)
{
    struct stat st;
    int r = file_status(parameter, ctx, true, &st);

    if (r <= 0)
        return r;
    auto_free char *sysfs = format("/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
    return sysfs ? device_is_encrypted(sysfs, 0) : -ENOMEM;
}

int test_directory_not_empty(const char *parameter, const struct condition_context *ctx)
{
    auto_free char *full = below_root(ctx, parameter);
    bool found = false;

    if (!full)
        return -ENOMEM;
    DIR *d = opendir(full);
    if (!d)
        return errno != ENOENT && errno != ENOTDIR;
    for (struct dirent *de; !found && (de = readdir(d));)
        found = !streq(de->d_name, ".") && !streq(de->d_name, "..");
    closedir(d);
    return found;
}

int test_file_not_empty(const char *parameter, const struct condition_context *ctx)
{
    struct stat st;
    int r = file_status(parameter, ctx, true, &st);

    return r > 0 ? S_ISREG(st.st_mode) && st.st_size > 0 : r;
}

int test_file_is_executable(const char *parameter, const struct condition_context *ctx)
{
    struct stat st;
    int r = file_status(parameter, ctx, true, &st);

    return r > 0 ? S_ISREG(st.st_mode) && (st.st_mode & 0111) : r;
}

/* A boolean on the kernel's command line: 1, 0, or -ENXIO where it is not there. */
static int kernel_boolean(const char *name)
{
    auto_free char *line = NULL;

    if (file_read_line("/proc/cmdline", &line) < 0)
        return -ENXIO;
    int found = -ENXIO;
    for (char *save, *word = strtok_r(line, WHITESPACE, &save); word;
         word = strtok_r(NULL, WHITESPACE, &save)) {
        const char *rest = startswith(word, name);

        if (rest && *rest == '=')
            found = parse_boolean(rest + 1);
        else if (rest && !*rest)
            found = 1;
    }
    return found < 0 ? -ENXIO : found;
}

static int nsec_in_stamp(const char *path, uint64_t *ret)
{
    auto_free char *text = NULL;
    int r = env_file_get(NULL, path, "TIMESTAMP_NSEC", &text);

    return r < 0 ? r : parse_u64(text, ret);
}

/* systemd.unit(5), ConditionNeedsUpdate=: .updated in the folder is older than /usr. */
int test_needs_update(const char *parameter, const struct condition_context *ctx)
{
    int forced = kernel_boolean("systemd.condition-needs-update"), r;
    auto_free char *stamp = path_join(parameter, ".updated", NULL);
    struct stat usr, updated;

    if (forced >= 0)
        return forced;
    if (!stamp)
        return -ENOMEM;
    if (!path_is_absolute(parameter) || access("/etc/initrd-release", F_OK) >= 0)
        return path_is_absolute(parameter) ? 0 : 1;
    r = test_path_is_read_write(parameter, ctx);
    if (r <= 0)
        return r;
    r = file_status("/usr", ctx, false, &usr);
    if (r <= 0)
        return r < 0 ? r : 1;
    r = file_status(stamp, ctx, true, &updated);
    if (r <= 0)
        return r < 0 ? r : 1;
    if (usr.st_mtim.tv_sec != updated.st_mtim.tv_sec)
        return usr.st_mtim.tv_sec > updated.st_mtim.tv_sec;
    /* A file system without nanoseconds: the file's text tells the exact time. */
    uint64_t exact, now = timespec_usec(&usr.st_mtim) * NSEC_PER_USEC;
    auto_free char *full = below_root(ctx, stamp);
    if (full && updated.st_mtim.tv_nsec == 0 && nsec_in_stamp(full, &exact) >= 0)
        return now > exact;
    return usr.st_mtim.tv_nsec > updated.st_mtim.tv_nsec;
}

int test_first_boot(const char *parameter, const struct condition_context *ctx)
{
    int forced = kernel_boolean("systemd.condition-first-boot"), wanted = parse_boolean(parameter);

    if (forced >= 0)
        return forced == (wanted > 0);
    if (wanted < 0)
        return wanted;
    return (ctx->first_boot || access("/run/systemd/first-boot", F_OK) >= 0) == wanted;
}

int test_credential(const char *parameter, const struct condition_context *ctx)
{
    static const char *const folders[] = { NULL, "/run/credentials/@system",
                                           "/run/credentials/@encrypted" };

    if (!*parameter || strchr(parameter, '/') || streq(parameter, ".") || streq(parameter, ".."))
        return -EINVAL;
    for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
        const char *own = ctx->credentials ? ctx->credentials : getenv("CREDENTIALS_DIRECTORY");
        const char *folder = i == 0 ? own : folders[i];
        auto_free char *path = folder ? path_join(folder, parameter, NULL) : NULL;

        if (path && access(path, F_OK) >= 0)
            return 1;
    }
    return 0;
}
