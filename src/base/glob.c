#include "base/glob.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

/* "{a{b,c},d}" nests; more would only be an attack. */
#define BRACES_MAX 1024

/* Adds what matches of `rest` (without leading slash) below `folder` ("" for the current one). */
static int match_below(const char *folder, const char *rest, char ***list)
{
    size_t n = strcspn(rest, "/");
    const char *more = rest + n + strspn(rest + n, "/");
    auto_free char *part = memdup0(rest, n);
    struct stat st;

    if (!part)
        return -ENOMEM;
    if (!strpbrk(part, "*?[\\")) {
        auto_free char *path = path_join(folder, part, NULL);

        if (!path)
            return -ENOMEM;
        if (*more)
            return match_below(path, more, list);
        return lstat(path, &st) < 0 ? 0 : strv_add(list, path);
    }
    auto_closedir DIR *d = opendir(*folder ? folder : ".");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
            fnmatch(part, e->d_name, FNM_PERIOD | FNM_PATHNAME) != 0)
            continue;
        auto_free char *path = path_join(folder, e->d_name, NULL);
        int r = !path ? -ENOMEM : *more ? match_below(path, more, list) : strv_add(list, path);
        if (r < 0)
            return r;
    }
    return 0;
}

static int match_pattern(const char *pattern, char ***list)
{
    bool absolute = path_is_absolute(pattern);
    const char *rest = pattern + strspn(pattern, "/");

    if (!*rest)
        return absolute ? strv_add(list, "/") : 0;
    return match_below(absolute ? "/" : "", rest, list);
}

/* The brace that ends the one at `open`, or NULL. */
static const char *closing_brace(const char *open)
{
    unsigned depth = 0;

    for (const char *p = open; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '{')
            depth++;
        else if (*p == '}' && --depth == 0)
            return p;
    }
    return NULL;
}

/* Expands the first braces, and each result again. */
static int expand(const char *pattern, unsigned *left, char ***list)
{
    const char *open = strchr(pattern, '{');
    const char *close = open && open[1] != '}' ? closing_brace(open) : NULL;

    if (!close || *left == 0)
        return match_pattern(pattern, list);
    for (const char *begin = open + 1; begin <= close;) {
        const char *end = begin;

        for (unsigned depth = 0; end < close && (depth > 0 || *end != ','); end++)
            depth += (*end == '{') - (*end == '}' && depth > 0);
        auto_free char *one = format("%.*s%.*s%s", (int) (open - pattern), pattern,
                                     (int) (end - begin), begin, close + 1);
        --*left;
        int r = one ? expand(one, left, list) : -ENOMEM;
        if (r < 0)
            return r;
        begin = end + 1;
        if (*left == 0)
            break;
    }
    return 0;
}

int path_glob(const char *pattern, char ***ret)
{
    auto_strv char **list = new0(char *, 2);
    unsigned left = BRACES_MAX;
    int r = list ? expand(pattern, &left, &list) : -ENOMEM;

    if (r < 0)
        return r;
    strv_sort(list);
    *ret = take_ptr(list);
    return (int) strv_length(*ret);
}
