#include "base/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

void strv_free(char **v)
{
    for (char **s = v; s && *s; s++)
        free(*s);
    free(v);
}

void auto_strv_p(char ***v)
{
    int saved = errno;

    strv_free(*v);
    errno = saved;
}

size_t strv_length(char *const *v)
{
    size_t n = 0;

    while (v && v[n])
        n++;
    return n;
}

int strv_push(char ***v, char *s)
{
    if (!s)
        return -ENOMEM;
    size_t n = strv_length(*v);
    /* Room grows in powers of two: a new allocation is due exactly when n + 1 reaches one. */
    if (!*v || ((n + 1) & n) == 0) {
        char **bigger = realloc(*v, sizeof(char *) * MAX((n + 1) * 2, (size_t) 2));
        if (!bigger) {
            free(s);
            return -ENOMEM;
        }
        *v = bigger;
    }
    (*v)[n] = s;
    (*v)[n + 1] = NULL;
    return 0;
}

int strv_add(char ***v, const char *s)
{
    return strv_push(v, strdup(s));
}

int strv_addf(char ***v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *s = vformat(fmt, ap);
    va_end(ap);
    return strv_push(v, s);
}

char **strv_copy(char *const *v)
{
    auto_strv char **copy = new0(char *, 2);

    if (!copy)
        return NULL;
    STRV_FOREACH (s, v)
        if (strv_add(&copy, *s) < 0)
            return NULL;
    return take_ptr(copy);
}

int strv_extend(char ***v, char *const *more, bool unique)
{
    STRV_FOREACH (s, more) {
        if (unique && strv_contains(*v, *s))
            continue;
        if (strv_add(v, *s) < 0)
            return -ENOMEM;
    }
    return 0;
}

bool strv_contains(char *const *v, const char *s)
{
    STRV_FOREACH (i, v)
        if (streq(*i, s))
            return true;
    return false;
}

bool strv_equal(char *const *a, char *const *b)
{
    size_t n = strv_length(a);

    if (n != strv_length(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!streq(a[i], b[i]))
            return false;
    return true;
}

void strv_remove(char **v, const char *s)
{
    char **to = v;

    if (!v)
        return;
    for (char **from = v; *from; from++) {
        if (streq(*from, s))
            free(*from);
        else
            *to++ = *from;
    }
    *to = NULL;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **v)
{
    size_t n = strv_length(v);

    if (n > 1)
        qsort(v, n, sizeof *v, compare_strings);
}

void strv_unique(char **v)
{
    char **to = v;

    if (!v)
        return;
    for (char **from = v; *from; from++) {
        bool seen = false;

        for (char **i = v; i < to && !seen; i++)
            seen = streq(*i, *from);
        if (seen)
            free(*from);
        else
            *to++ = *from;
    }
    *to = NULL;
}

char *strv_join(char *const *v, const char *separator)
{
    auto_strbuf struct strbuf b = {};

    STRV_FOREACH (s, v) {
        if (s != v)
            strbuf_add(&b, separator);
        strbuf_add(&b, *s);
    }
    return strbuf_take(&b);
}

char **strv_split(const char *s, const char *separators)
{
    auto_strv char **v = new0(char *, 2);

    if (!v)
        return NULL;
    for (;;) {
        s += strspn(s, separators);
        size_t n = strcspn(s, separators);
        if (n == 0)
            return take_ptr(v);
        if (strv_push(&v, memdup0(s, n)) < 0)
            return NULL;
        s += n;
    }
}

char **strv_new(const char *first, ...)
{
    auto_strv char **v = new0(char *, 2);
    va_list ap;
    int r = 0;

    if (!v)
        return NULL;
    va_start(ap, first);
    for (const char *s = first; s && r >= 0; s = va_arg(ap, const char *))
        r = strv_add(&v, s);
    va_end(ap);
    return r < 0 ? NULL : take_ptr(v);
}

static size_t env_name_length(const char *assignment)
{
    return strcspn(assignment, "=");
}

int strv_env_set(char ***env, const char *assignment)
{
    size_t n = env_name_length(assignment);

    for (char **e = *env; e && *e; e++)
        if (env_name_length(*e) == n && memcmp(*e, assignment, n) == 0)
            return str_replace(e, assignment);
    return strv_add(env, assignment);
}

const char *strv_env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);

    STRV_FOREACH (e, env)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

void strv_env_unset(char **env, const char *name)
{
    size_t n = strlen(name);
    char **to = env;

    if (!env)
        return;
    for (char **from = env; *from; from++) {
        if (env_name_length(*from) == n && memcmp(*from, name, n) == 0)
            free(*from);
        else
            *to++ = *from;
    }
    *to = NULL;
}
