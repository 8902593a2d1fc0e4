#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

int close_fd(int fd)
{
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

void auto_close_p(int *fd)
{
    close_fd(*fd);
}

void auto_fclose_p(FILE **f)
{
    int saved = errno;

    if (*f)
        fclose(*f);
    errno = saved;
}

int fd_write_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        p += k;
        n -= (size_t) k;
    }
    return 0;
}

int fd_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    int want = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (want != flags && fcntl(fd, F_SETFL, want) < 0)
        return -errno;
    return 0;
}

int fd_cloexec(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0)
        return -errno;
    int want = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
    if (want != flags && fcntl(fd, F_SETFD, want) < 0)
        return -errno;
    return 0;
}

int fd_read_whole(int fd, size_t max, char **ret_data, size_t *ret_size)
{
    auto_free char *data = NULL;
    size_t allocated = 0, n = 0;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    /* One byte more than the size, so that an ordinary file ends at the second read(). */
    size_t hint = st.st_size > 0 && (size_t) st.st_size < max ? (size_t) st.st_size + 2 : 1024;
    if (!grow(&data, &allocated, hint))
        return -ENOMEM;

    for (;;) {
        if (n + 1 >= allocated && !grow(&data, &allocated, n + 4096))
            return -ENOMEM;
        ssize_t k = read(fd, data + n, allocated - n - 1);
        if (k < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (k == 0)
            break;
        n += (size_t) k;
        if (n > max)
            return -EFBIG;
    }
    data[n] = 0;
    *ret_data = take_ptr(data);
    if (ret_size)
        *ret_size = n;
    return 0;
}

int file_read_at(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size)
{
    auto_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    return fd_read_whole(fd, max, ret_data, ret_size);
}

int file_read(const char *path, size_t max, char **ret_data, size_t *ret_size)
{
    return file_read_at(AT_FDCWD, path, max, ret_data, ret_size);
}

int file_read_line(const char *path, char **ret_line)
{
    auto_free char *data = NULL;
    int r = file_read(path, 64 * 1024, &data, NULL);

    if (r < 0)
        return r;
    data[strcspn(data, "\n")] = 0;
    *ret_line = take_ptr(data);
    return 0;
}

int file_write_at(int dir_fd, const char *path, const char *text)
{
    auto_close int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    size_t n = strlen(text);

    if (fd < 0)
        return -errno;
    ssize_t k = write(fd, text, n);
    if (k < 0)
        return -errno;
    return (size_t) k == n ? 0 : -EIO;
}

int file_write(const char *path, const char *text)
{
    return file_write_at(AT_FDCWD, path, text);
}

int file_replace(const char *path, const void *data, size_t n, mode_t mode)
{
    auto_free char *temporary = NULL;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL;
        return -ENOMEM;
    }
    auto_close int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;

    int r = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, n);
    if (r >= 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void) unlink(temporary);
    return r;
}

static int mkdir_components(const char *path, mode_t mode, bool last)
{
    auto_free char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    for (char *p = copy + strspn(copy, "/"); *p;) {
        p += strcspn(p, "/");
        char end = *p;
        *p = 0;
        bool is_last = end == 0 || p[1 + strspn(p + 1, "/")] == 0;
        if (is_last && !last)
            return 0;
        if (mkdir(copy, mode) < 0) {
            struct stat st;

            if (errno != EEXIST)
                return -errno;
            if (stat(copy, &st) < 0)
                return -errno;
            if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        }
        *p = end;
        p += strspn(p, "/");
    }
    return 0;
}

int mkdir_all(const char *path, mode_t mode)
{
    return mkdir_components(path, mode, true);
}

int mkdir_parents(const char *path, mode_t mode)
{
    return mkdir_components(path, mode, false);
}

void auto_closedir_p(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int remove_below(int dir_fd, const char *name, dev_t device, unsigned depth)
{
    struct stat st;
    int result = 0;

    if (unlinkat(dir_fd, name, 0) >= 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM && errno != EBUSY)
        return -errno;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -EPERM;
    if (st.st_dev != device)
        return -EXDEV;
    if (depth > 512)
        return -ELOOP;

    auto_close int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    auto_closedir DIR *d = fdopendir(fd);
    if (!d)
        return -errno;
    (void) take_fd(&fd);
    for (struct dirent *e; (e = readdir(d));) {
        if (streq(e->d_name, ".") || streq(e->d_name, ".."))
            continue;
        int r = remove_below(dirfd(d), e->d_name, device, depth + 1);
        if (r < 0 && result >= 0)
            result = r;
    }
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && result >= 0)
        result = -errno;
    return result;
}

int remove_all(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    return remove_below(AT_FDCWD, path, st.st_dev, 0);
}

int readlink_alloc(const char *path, char **ret)
{
    for (size_t size = 256; size <= 65536; size *= 2) {
        auto_free char *target = malloc(size);

        if (!target)
            return -ENOMEM;
        ssize_t n = readlink(path, target, size);
        if (n < 0)
            return -errno;
        if ((size_t) n < size) {
            target[n] = 0;
            *ret = take_ptr(target);
            return 0;
        }
    }
    return -ENAMETOOLONG;
}
