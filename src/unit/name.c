#include "unit/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/str.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_CHARS DIGITS LETTERS ":-_.\\"

int unit_name_type(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? unit_type_from_string(dot + 1) : -EINVAL;
}

bool unit_name_is_valid(const char *name, unsigned forms)
{
    if (isempty(name) || strlen(name) >= UNIT_NAME_MAX || unit_name_type(name) < 0)
        return false;

    const char *dot = strrchr(name, '.');
    const char *at = strchr(name, '@');
    if (dot == name || at == name)
        return false;
    if (at && at > dot)
        return false;
    for (const char *p = name; p < dot; p++)
        if (*p != '@' && !strchr(NAME_CHARS, *p))
            return false;
    if (!at)
        return forms & UNIT_NAME_PLAIN;
    return forms & (at + 1 == dot ? UNIT_NAME_TEMPLATE : UNIT_NAME_INSTANCE);
}

int unit_name_instance(const char *name, char **ret)
{
    if (!unit_name_is_valid(name, UNIT_NAME_ANY))
        return -EINVAL;

    const char *dot = strrchr(name, '.'), *at = strchr(name, '@');
    char *instance = NULL;
    int form = !at ? UNIT_NAME_PLAIN : at + 1 == dot ? UNIT_NAME_TEMPLATE : UNIT_NAME_INSTANCE;

    if (form == UNIT_NAME_INSTANCE && ret) {
        instance = memdup0(at + 1, (size_t) (dot - at - 1));
        if (!instance)
            return -ENOMEM;
    }
    if (ret)
        *ret = instance;
    return form;
}

/* prefix[0..n) + middle + suffix, checked against the limit. */
static int join_name(const char *prefix, size_t n, const char *middle, const char *suffix,
                     char **ret)
{
    if (n + strlen(middle) + strlen(suffix) >= UNIT_NAME_MAX)
        return -ENAMETOOLONG;
    char *name = format("%.*s%s%s", (int) n, prefix, middle, suffix);
    if (!name)
        return -ENOMEM;
    *ret = name;
    return 0;
}

int unit_name_template(const char *name, char **ret)
{
    if (!unit_name_is_valid(name, UNIT_NAME_INSTANCE | UNIT_NAME_TEMPLATE))
        return -EINVAL;
    return join_name(name, (size_t) (strchr(name, '@') - name) + 1, "", strrchr(name, '.'), ret);
}

int unit_name_with_instance(const char *template, const char *instance, char **ret)
{
    auto_free char *name = NULL;

    if (!unit_name_is_valid(template, UNIT_NAME_INSTANCE | UNIT_NAME_TEMPLATE))
        return -EINVAL;
    int r = join_name(template, (size_t) (strchr(template, '@') - template) + 1, instance,
                      strrchr(template, '.'), &name);
    if (r < 0)
        return r;
    if (!unit_name_is_valid(name, UNIT_NAME_INSTANCE))
        return -EINVAL;
    *ret = take_ptr(name);
    return 0;
}

static int copy_until(const char *name, const char *end, char **ret)
{
    char *copy = memdup0(name, (size_t) (end - name));

    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

int unit_name_prefix(const char *name, char **ret)
{
    if (!unit_name_is_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    const char *at = strchr(name, '@');
    return copy_until(name, at ? at : strrchr(name, '.'), ret);
}

int unit_name_prefix_and_instance(const char *name, char **ret)
{
    if (!unit_name_is_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    return copy_until(name, strrchr(name, '.'), ret);
}

int unit_name_change_suffix(const char *name, const char *suffix, char **ret)
{
    if (!unit_name_is_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    return join_name(name, (size_t) (strrchr(name, '.') - name), "", suffix, ret);
}

int unit_name_from_path(const char *path, const char *suffix, char **ret)
{
    auto_free char *escaped = NULL, *name = NULL;
    int r = name_escape_path(path, &escaped);

    if (r >= 0)
        r = join_name(escaped, strlen(escaped), "", suffix, &name);
    if (r < 0)
        return r;
    if (!unit_name_is_valid(name, UNIT_NAME_PLAIN))
        return -EINVAL;
    *ret = take_ptr(name);
    return 0;
}

int unit_name_to_path(const char *name, char **ret)
{
    auto_free char *prefix = NULL;
    int r = unit_name_prefix(name, &prefix);

    return r < 0 ? r : name_unescape_path(prefix, ret);
}

/* Characters that are no part of a unit name as "\xNN", "/" as "-". */
static char *mangle_characters(const char *text, bool glob)
{
    auto_strbuf struct strbuf b = {};

    for (const char *p = text; *p; p++) {
        if (*p == '/')
            strbuf_add_char(&b, '-');
        else if (strchr(NAME_CHARS "@", *p) || (glob && strchr("*?[]!", *p)))
            strbuf_add_char(&b, *p);
        else
            strbuf_addf(&b, "\\x%02x", (unsigned char) *p);
    }
    return strbuf_take(&b);
}

static int replace_result(char *result, const char *text, char **ret)
{
    if (!result)
        return -ENOMEM;
    *ret = result;
    return !streq(result, text);
}

int unit_name_mangle(const char *text, bool glob, const char *suffix, char **ret)
{
    if (isempty(text))
        return -EINVAL;
    if (unit_name_is_valid(text, UNIT_NAME_ANY))
        return replace_result(strdup(text), text, ret);
    if (glob && strpbrk(text, "*?[")) {
        bool has_suffix = unit_name_type(text) >= 0 || strchr(text, '.');
        char *pattern = has_suffix || endswith(text, "*") ? strdup(text)
                                                          : format("%s%s", text, suffix);
        return replace_result(pattern, text, ret);
    }
    if (path_is_absolute(text)) {
        char *name = NULL;
        bool device = !isempty(path_startswith(text, "/dev")) ||
                      !isempty(path_startswith(text, "/sys"));
        int r = unit_name_from_path(text, device ? ".device" : ".mount", &name);

        if (r >= 0) {
            *ret = name;
            return 1;
        }
        if (r != -EINVAL)
            return r;
    }

    auto_free char *mangled = mangle_characters(text, glob);
    if (!mangled)
        return -ENOMEM;
    bool complete = unit_name_is_valid(mangled, UNIT_NAME_ANY); /* ".service" is not */
    char *name = complete ? strdup(mangled) : format("%s%s", mangled, suffix);
    if (!name)
        return -ENOMEM;
    if (!unit_name_is_valid(name, UNIT_NAME_ANY)) {
        free(name);
        return -EINVAL;
    }
    return replace_result(name, text, ret);
}

bool slice_name_is_valid(const char *name)
{
    if (!unit_name_is_valid(name, UNIT_NAME_PLAIN) || !endswith(name, ".slice"))
        return false;
    if (streq(name, "-.slice"))
        return true;

    const char *dot = strrchr(name, '.');
    bool dash = true; /* not at the start, not doubled, not at the end */
    for (const char *p = name; p < dot; p++) {
        if (*p == '-' && dash)
            return false;
        dash = *p == '-';
    }
    return !dash;
}

int slice_name_parent(const char *slice, char **ret)
{
    if (!slice_name_is_valid(slice))
        return -EINVAL;
    if (streq(slice, "-.slice")) {
        *ret = NULL;
        return 0;
    }

    const char *dash = strrchr(slice, '-');
    char *parent = dash ? format("%.*s.slice", (int) (dash - slice), slice) : strdup("-.slice");
    if (!parent)
        return -ENOMEM;
    *ret = parent;
    return 0;
}

int unit_default_slice(const char *name, bool user, char **ret)
{
    const char *base = user ? "app" : "system";
    int type = unit_name_type(name);
    char *slice = NULL;

    if (type == UNIT_SLICE)
        return slice_name_parent(name, ret);
    bool has_slice = type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_MOUNT ||
                     type == UNIT_SWAP || type == UNIT_SCOPE;
    const char *at = strchr(name, '@');
    if (has_slice && at) {
        auto_free char *prefix = memdup0(name, (size_t) (at - name));
        auto_free char *escaped = prefix ? name_escape(prefix) : NULL;

        slice = escaped ? format("%s-%s.slice", base, escaped) : NULL;
    } else if (has_slice) {
        slice = format("%s.slice", base);
    }
    if (has_slice && !slice)
        return -ENOMEM;
    *ret = slice;
    return 0;
}
