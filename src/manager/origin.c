#include "manager/origin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/unit.h"
#include "unit/directive.h"

/* Whether `word` stands between separators in the text. */
static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = text; (p = strstr(p, word)); p++)
        if ((p == text || strchr(WHITESPACE "=\"'", p[-1])) &&
            (!p[n] || strchr(WHITESPACE "\"'\\", p[n])))
            return true;
    return false;
}

/* Whether the assignment at that line of the file, its continuation lines included, names the
 * unit. A name with specifiers in it is not recognised. */
static bool line_names(const char *path, unsigned line, const struct unit *u)
{
    auto_fclose FILE *f = fopen(path, "re");
    auto_free char *text = NULL;
    size_t allocated = 0;
    bool inside = false;

    if (!f)
        return false;
    for (unsigned at = 1;; at++) {
        ssize_t n = getline(&text, &allocated, f);

        if (n < 0)
            return false;
        if (at < line)
            continue;
        inside |= at == line;
        if (has_word(text, u->id))
            return true;
        STRV_FOREACH (alias, u->aliases)
            if (has_word(text, *alias))
                return true;
        while (n > 0 && strchr(WHITESPACE, text[n - 1]))
            n--;
        if (inside && (n == 0 || text[n - 1] != '\\'))
            return false;
    }
}

#define PROVENANCE_SEEN 64

/* Looks for DIRECTIVE=named in u's files. */
static int find_assignment(const struct unit *u, const char *directive, const struct unit *named,
                           char **ret)
{
    const struct provenance *seen[PROVENANCE_SEEN];
    const struct directive *d;

    if (!u->config)
        return -ENOENT;
    d = directive_find((enum unit_type) u->type, "Unit", directive, NULL);
    if (!d)
        return -ENOENT;

    unsigned n = directive_provenance(u->config, d, false, seen, ELEMENTSOF(seen));
    for (unsigned i = 0; i < n; i++) {
        const char *file = unit_config_file(u->config, seen[i]->file);

        if (!file || (n > 1 && !line_names(file, seen[i]->line, named)) ||
            (n == 1 && path_is_absolute(file) && !line_names(file, seen[i]->line, named)))
            continue;
        char *text = format("%s:%u %s=%s", file, seen[i]->line, directive, named->id);
        if (!text)
            return -ENOMEM;
        *ret = text;
        return 0;
    }
    return -ENOENT;
}

int order_origin(const struct unit *u, const struct unit *after, char **ret)
{
    static const uint64_t implying[] = { DEP_BIT(DEP_REQUIRES), DEP_BIT(DEP_WANTS),
                                         DEP_BIT(DEP_BINDS_TO), DEP_BIT(DEP_REQUISITE) };

    if (!dependency_has(u, DEP_BIT(DEP_BEFORE), after))
        return -ENOENT;
    int r = find_assignment(u, "Before", after, ret);
    if (r == -ENOENT)
        r = find_assignment(after, "After", u, ret);
    if (r != -ENOENT)
        return r;

    for (size_t i = 0; i < ELEMENTSOF(implying); i++)
        if (after->type == UNIT_TARGET && dependency_has(after, implying[i], u)) {
            *ret = format("implied by %s=%s of %s",
                          dependency_infos[__builtin_ctzll(implying[i])].name, u->id, after->id);
            return *ret ? 0 : -ENOMEM;
        }
    *ret = format("default dependency of %s", u->type == UNIT_TARGET ? after->id : u->id);
    return *ret ? 0 : -ENOMEM;
}
