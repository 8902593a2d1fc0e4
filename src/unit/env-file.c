#include "unit/env-file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

#define ENV_FILE_SIZE_MAX (16u << 20)

int env_name_is_valid(const char *name)
{
    if (!*name || isdigit((unsigned char) *name))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char) *p) && *p != '_')
            return false;
    return true;
}

int env_assignment_is_valid(const char *assignment)
{
    const char *eq = strchr(assignment, '=');

    if (!eq || eq == assignment || isdigit((unsigned char) *assignment))
        return false;
    for (const char *p = assignment; p < eq; p++)
        if (!isalnum((unsigned char) *p) && *p != '_')
            return false;
    for (const char *p = eq + 1; *p; p++)
        if (((unsigned char) *p < ' ' && !strchr("\t\n\r", *p)) || *p == 127)
            return false;
    return utf8_is_valid(eq + 1);
}

struct parser {
    const char *p, *end;
    unsigned line;
    char ***env;
    struct env_file_fault *faults;
    unsigned max_faults, n_faults;
};

static void note_fault(struct parser *x, unsigned line, const char *text)
{
    if (x->n_faults < x->max_faults)
        x->faults[x->n_faults] = (struct env_file_fault){ line, text };
    x->n_faults++;
}

static int peek(const struct parser *x)
{
    return x->p < x->end ? (unsigned char) *x->p : EOF;
}

static int next(struct parser *x)
{
    int c = peek(x);

    if (c != EOF)
        x->p++;
    if (c == '\n')
        x->line++;
    return c;
}

static bool at_line_end(int c)
{
    return c == EOF || c == '\n' || c == '\r';
}

/* Since v254 a backslash at the end of a comment no longer joins the next line to it. */
static void skip_comment(struct parser *x)
{
    while (!at_line_end(peek(x)))
        next(x);
}

/* The characters between quotes. In "..." a backslash escapes ", \, ` and $, and joins lines; in
 * '...' nothing is special. */
static void parse_quoted(struct parser *x, char quote, struct strbuf *value)
{
    for (int c; (c = next(x)) != EOF && c != quote;) {
        if (c == '\\' && quote == '"') {
            int e = next(x);

            if (e == '\n' || e == EOF)
                continue;
            if (!strchr("\"\\`$", e))
                strbuf_add_char(value, '\\');
            c = e;
        }
        strbuf_add_char(value, (char) c);
    }
}

/* The value up to the end of its line. Quotes count before its first ordinary character only, white
 * space around quoted parts and at the end does not. */
static void parse_value(struct parser *x, struct strbuf *value)
{
    bool ordinary = false;
    size_t cut = SIZE_MAX; /* where white space at the end begins */

    while (!at_line_end(peek(x))) {
        int c = next(x);

        if (c == '\\') {
            int e = next(x);

            if (e == '\r' && peek(x) == '\n')
                e = next(x);
            if (e != '\n' && e != EOF)
                strbuf_add_char(value, (char) e);
            ordinary = true;
        } else if (!ordinary && (c == '"' || c == '\'')) {
            parse_quoted(x, (char) c, value);
        } else if (c != ' ' && c != '\t') {
            strbuf_add_char(value, (char) c);
            ordinary = true;
            cut = SIZE_MAX;
        } else if (ordinary) {
            cut = MIN(cut, value->length);
            strbuf_add_char(value, (char) c);
        }
    }
    if (cut < value->length) {
        value->length = cut;
        value->text[cut] = 0;
    }
}

/* One line that is no comment, from its first character that is no space. */
static int parse_assignment(struct parser *x)
{
    auto_strbuf struct strbuf text = {}, value = {};
    unsigned line = x->line;

    while (!at_line_end(peek(x)) && peek(x) != '=')
        strbuf_add_char(&text, (char) next(x));
    if (peek(x) != '=') {
        note_fault(x, line, "there is no \"=\"");
        return text.failed ? -ENOMEM : 0;
    }
    next(x);
    parse_value(x, &value);

    char *name = text.text ? strstrip(text.text) : text.text;
    if (text.failed || value.failed)
        return -ENOMEM;
    if (isempty(name) || !env_name_is_valid(name)) {
        note_fault(x, line,
                   name && startswith(name, "export ") ? "\"export\" is no part of this format"
                                                       : "this is no name of a variable");
        return 0;
    }
    if (!utf8_is_valid(strbuf_text(&value))) {
        note_fault(x, line, "the value is not valid UTF-8");
        return 0;
    }
    auto_free char *assignment = format("%s=%s", name, strbuf_text(&value));
    return assignment ? strv_env_set(x->env, assignment) : -ENOMEM;
}

int env_file_parse(const char *data, size_t size, char ***env, struct env_file_fault *faults,
                   unsigned n_faults, unsigned *ret_n_faults)
{
    auto_strv char **work = strv_copy(*env);
    struct parser x = { .p = data,
                        .end = data + size,
                        .line = 1,
                        .env = &work,
                        .faults = faults,
                        .max_faults = n_faults };

    if (!work)
        return -ENOMEM;
    if (memchr(data, 0, size))
        return -EBADMSG;
    while (peek(&x) != EOF) {
        int c = peek(&x), r = 0;

        if (strchr(WHITESPACE, c))
            next(&x);
        else if (c == '#' || c == ';')
            skip_comment(&x);
        else
            r = parse_assignment(&x);
        if (r < 0)
            return r;
    }
    if (ret_n_faults)
        *ret_n_faults = x.n_faults;
    strv_free(*env);
    *env = take_ptr(work);
    return 0;
}

int env_file_read(const char *root, const char *path, char ***env, struct env_file_fault *faults,
                  unsigned n_faults, unsigned *ret_n_faults)
{
    auto_free char *full = isempty(root) ? strdup(path) : path_join(root, path, NULL);
    auto_free char *data = NULL;
    size_t size;

    if (!full)
        return -ENOMEM;
    int r = file_read(full, ENV_FILE_SIZE_MAX, &data, &size);
    return r < 0 ? r : env_file_parse(data, size, env, faults, n_faults, ret_n_faults);
}

int env_file_get(const char *root, const char *path, const char *name, char **ret)
{
    auto_strv char **env = NULL;
    int r = env_file_read(root, path, &env, NULL, 0, NULL);

    if (r < 0)
        return r;
    const char *value = strv_env_get(env, name);
    if (!value)
        return -ENXIO;
    char *copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    return 0;
}
