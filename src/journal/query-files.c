/* Which files a query is asked of. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "journal/query-inside.h"

static struct reader *find_reader(const struct journal *j, uint64_t device, uint64_t inode)
{
    for (size_t i = 0; i < j->n; i++) {
        if (j->readers[i]->file->device == device && j->readers[i]->file->inode == inode)
            return j->readers[i];
    }
    return NULL;
}

static int reader_prepare(struct journal *j, struct reader *r)
{
    if (r->states)
        match_states_free(r->states, j->n_nodes);
    r->states = new0(struct match_state, j->n_nodes + 1);
    return r->states ? 0 : -ENOMEM;
}

static int add_file(struct journal *j, int folder, const char *name, const char *path)
{
    struct reader *r = new0(struct reader, 1), *same = NULL;

    if (!r)
        return -ENOMEM;
    int k = journal_file_peek(folder, name, path, &r->file);
    if (k >= 0)
        same = find_reader(j, r->file->device, r->file->inode);
    if (same) {
        same->seen = true;
        reader_free(j, r);
        return -EEXIST;
    }
    if (k >= 0)
        k = reader_prepare(j, r);
    struct reader **heap = k >= 0 ? realloc(j->heap, (j->n + 1) * sizeof *heap) : NULL;
    if (heap)
        j->heap = heap;
    struct reader **later = heap ? realloc(j->later, (j->n + 1) * sizeof *later) : NULL;
    if (later)
        j->later = later;
    if (k >= 0 && (!later || !grow(&j->readers, &j->allocated, j->n + 1)))
        k = -ENOMEM;
    if (k < 0) {
        reader_free(j, r);
        return k;
    }
    r->seen = true;
    j->readers[j->n++] = r;
    if (j->seek == SEEK_NONE)
        reader_join(j, r);
    return 0;
}

int journal_add_file(struct journal *j, const char *path)
{
    return add_file(j, AT_FDCWD, path, path);
}

static bool wanted(const char *name, unsigned flags)
{
    char own[32];

    if (!endswith(name, ".journal") && !endswith(name, ".journal~"))
        return false;
    if ((flags & JOURNAL_ALL) || (flags & (JOURNAL_SYSTEM | JOURNAL_USER)) == 0)
        return true;
    snprintf(own, sizeof own, "user-%u", getuid());
    const char *rest = startswith(name, own);
    if (rest && (*rest == '.' || *rest == '@'))
        return flags & JOURNAL_USER;
    return (flags & JOURNAL_SYSTEM) && startswith(name, "system") &&
           (name[6] == '.' || name[6] == '@');
}

static int scan_folder(struct journal *j, const struct folder *f, int *ret_new)
{
    DIR *d = opendir(f->path);
    auto_strv char **names = NULL;

    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        /* The collector's own socket is named as a file is (io.systemd.journal). */
        if (e->d_type != DT_SOCK && wanted(e->d_name, f->flags))
            (void) strv_add(&names, e->d_name);
    }
    strv_sort(names);
    STRV_FOREACH (name, names) {
        auto_free char *path = path_join(f->path, *name, NULL);
        int r = path ? add_file(j, dirfd(d), *name, path) : -ENOMEM;

        if (r >= 0)
            *ret_new = 1;
        else if (r != -EEXIST && r != -ENODATA && r != -ENOENT && f->problem)
            f->problem(path ? path : f->path, r, f->userdata);
    }
    closedir(d);
    return 0;
}

static int add_folder(struct journal *j, const char *path, unsigned flags, journal_problem problem,
                      void *userdata)
{
    int added = 0;

    if (!grow(&j->folders, &j->folders_allocated, j->n_folders + 1))
        return -ENOMEM;
    struct folder *f = &j->folders[j->n_folders];
    *f = (struct folder){ strdup(path), flags, problem, userdata };
    if (!f->path)
        return -ENOMEM;
    int r = scan_folder(j, f, &added);
    if (r < 0) {
        free(f->path);
        return r;
    }
    j->n_folders++;
    return 0;
}

void journal_set_namespaces(struct journal *j, const char *which)
{
    j->namespaces = which;
}

/* `suffix` is what follows the machine's id: "" or ".NAMESPACE". */
static bool namespace_wanted(const char *which, const char *suffix)
{
    if (isempty(which))
        return !*suffix;
    if (streq(which, "*"))
        return true;
    return *suffix ? streq(suffix + 1, *which == '+' ? which + 1 : which) : *which == '+';
}

int journal_add_directory(struct journal *j, const char *path, unsigned flags, bool machines,
                          const struct id128 *machine, journal_problem problem, void *userdata)
{
    int r = add_folder(j, path, flags, problem, userdata);

    if (r < 0 || !machines)
        return r;
    DIR *d = opendir(path);
    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        struct id128 id;
        char text[ID128_TEXT_MAX] = { 0 };
        size_t n = strcspn(e->d_name, ".");

        if (n != ID128_TEXT_MAX - 1 || !namespace_wanted(j->namespaces, e->d_name + n))
            continue;
        memcpy(text, e->d_name, n);
        if (id128_parse(text, &id) < 0 || (machine && !id128_equal(id, *machine)))
            continue;
        auto_free char *below = path_join(path, e->d_name, NULL);
        int k = below ? add_folder(j, below, flags, problem, userdata) : -ENOMEM;
        if (k < 0 && k != -ENOTDIR && k != -ENOENT && problem)
            problem(below ? below : path, k, userdata);
    }
    closedir(d);
    return 0;
}

int journal_rescan(struct journal *j)
{
    int added = 0;

    for (size_t i = 0; i < j->n; i++)
        j->readers[i]->seen = false;
    for (size_t i = 0; i < j->n_folders; i++)
        (void) scan_folder(j, &j->folders[i], &added);
    return added;
}

size_t journal_n_files(const struct journal *j)
{
    return j->n;
}

struct journal_file *journal_get_file(const struct journal *j, size_t i)
{
    (void) journal_file_map(j->readers[i]->file);
    return j->readers[i]->file;
}

const char *journal_get_directory(const struct journal *j, size_t i)
{
    return i < j->n_folders ? j->folders[i].path : NULL;
}

int journal_set_match(struct journal *j, struct match *m)
{
    unsigned n = match_number(m, 0);

    for (size_t i = 0; i < j->n; i++) {
        struct reader *r = j->readers[i];
        struct match_state *states = new0(struct match_state, n + 1);

        if (!states)
            return -ENOMEM;
        match_states_free(r->states, j->n_nodes);
        r->states = states;
    }
    match_free(j->match);
    j->match = m;
    j->n_nodes = n;
    return 0;
}
