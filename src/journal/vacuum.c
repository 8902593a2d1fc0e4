#include "journal/vacuum.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "journal/file-format.h"

struct archived {
    char *name;
    uint64_t size, realtime; /* of the last entry, or what the name says */
};

static bool is_journal(const char *name)
{
    return endswith(name, ".journal") || endswith(name, ".journal~");
}

/* What follows NAME in the name of an archived file. */
static bool is_archive_suffix(const char *s)
{
    const char *end = *s == '@' ? s + 1 + strspn(s + 1, "0123456789abcdef-") : s;

    return (end - s == 1 + 32 + 1 + 16 + 1 + 16 && streq(end, ".journal")) ||
           (end - s == 1 + 16 + 1 + 16 && streq(end, ".journal~"));
}

bool journal_name_is_archived(const char *file)
{
    const char *at = strrchr(file, '@');

    return at && is_archive_suffix(at);
}

bool journal_name_is_of(const char *file, const char *name)
{
    const char *rest = startswith(file, name);

    return rest && (streq(rest, ".journal") || is_archive_suffix(rest));
}

/* The times in the file's header tell how old it is; the modification time where they do not. */
static uint64_t file_realtime(int dir, const char *name, const struct stat *st)
{
    struct journal_header h;
    auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    if (fd >= 0 && pread(fd, &h, sizeof h, 0) >= JOURNAL_HEADER_MIN &&
        memcmp(h.signature, JOURNAL_SIGNATURE, sizeof h.signature) == 0 &&
        h.tail_entry_realtime > 0)
        return h.tail_entry_realtime;
    return (uint64_t) st->st_mtim.tv_sec * USEC_PER_SEC;
}

static int compare_age(const void *a, const void *b)
{
    const struct archived *x = a, *y = b;

    return x->realtime < y->realtime ? -1 : x->realtime > y->realtime;
}

static void archived_free(struct archived *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(files[i].name);
    free(files);
}

uint64_t journal_directory_use(const char *path)
{
    DIR *d = opendir(path);
    uint64_t use = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;

        if (is_journal(e->d_name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
            use += (uint64_t) st.st_blocks * 512;
    }
    if (d)
        closedir(d);
    return use;
}

int vacuum_directory(const char *path, const struct vacuum_limits *limits,
                     void (*deleted)(const char *path, uint64_t size, void *userdata),
                     void *userdata, uint64_t *ret_freed)
{
    DIR *d = opendir(path);
    struct archived *files = NULL;
    size_t n = 0, allocated = 0;
    uint64_t use = 0, count = 0, freed = 0;
    int r = 0;

    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;

        if (!is_journal(e->d_name) ||
            (limits->meant && !limits->meant(e->d_name, limits->userdata)) ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        uint64_t size = (uint64_t) st.st_blocks * 512;
        use += size;
        count++;
        if (!journal_name_is_archived(e->d_name))
            continue; /* in use */
        if (!grow(&files, &allocated, n + 1) || !(files[n].name = strdup(e->d_name))) {
            r = -ENOMEM;
            break;
        }
        files[n].size = size;
        files[n].realtime = file_realtime(dirfd(d), e->d_name, &st);
        n++;
    }
    if (n > 0)
        qsort(files, n, sizeof *files, compare_age);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        bool over = (limits->max_use > 0 && use > limits->max_use) ||
                    (limits->max_files > 0 && count > limits->max_files) ||
                    (limits->not_before > 0 && files[i].realtime < limits->not_before);

        if (!over)
            break;
        if (unlinkat(dirfd(d), files[i].name, 0) < 0)
            continue;
        auto_free char *whole = path_join(path, files[i].name, NULL);
        if (deleted && whole)
            deleted(whole, files[i].size, userdata);
        use -= files[i].size;
        freed += files[i].size;
        count--;
    }
    archived_free(files, n);
    closedir(d);
    if (r >= 0 && ret_freed)
        *ret_freed = freed;
    return r;
}
