#include "control/idl.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

/* Walks the text of a type and a value side by side. */
struct checker {
    const char *at;
    const struct idl_type *types;
    unsigned depth;
    bool broken; /* the type, not the value, is wrong */
};

static bool check_value(struct checker *c, const json_t *value);

static void skip_space(struct checker *c)
{
    while (*c->at && strchr(WHITESPACE, *c->at))
        c->at++;
}

static bool skip(struct checker *c, const char *text)
{
    const char *rest;

    skip_space(c);
    rest = startswith(c->at, text);
    if (rest)
        c->at = rest;
    return rest;
}

/* A word of letters, digits and underscores; cut to the size, which no known word reaches. */
static bool take_word(struct checker *c, char word[static IDL_MEMBER_MAX])
{
    size_t n = 0;

    skip_space(c);
    for (; isalnum((unsigned char) *c->at) || *c->at == '_'; c->at++)
        if (n < IDL_MEMBER_MAX - 1)
            word[n++] = *c->at;
    word[n] = '\0';
    return n > 0;
}

/* Moves past a type without a value to check. */
static void skip_type(struct checker *c)
{
    char word[IDL_MEMBER_MAX];

    while (skip(c, "?") || skip(c, "[string]") || skip(c, "[]"))
        ;
    if (skip(c, "(")) {
        for (unsigned open = 1; open > 0 && *c->at; c->at++)
            open += (*c->at == '(') - (*c->at == ')');
    } else if (!take_word(c, word))
        c->broken = true;
}

/* (a, b, c): one of these strings. */
static bool check_enum(struct checker *c, const json_t *value)
{
    const char *text = json_string_value(value);
    char word[IDL_MEMBER_MAX];
    bool found = false;

    do {
        if (!take_word(c, word)) {
            c->broken = true;
            return false;
        }
        /* A dash cannot be part of a name in Varlink: "_" stands for it in values as well. */
        if (text && streq(text, word))
            found = true;
    } while (skip(c, ","));
    if (!skip(c, ")"))
        c->broken = true;
    return found;
}

/* (name: type, ...). `member` gets the name of the wrong member. */
static bool check_struct(struct checker *c, const json_t *value, char member[static IDL_MEMBER_MAX])
{
    size_t known = 0;

    *member = '\0';
    if (value && !json_is_object(value))
        return false;
    if (!skip(c, ")")) {
        do {
            const json_t *v;
            bool optional;

            if (!take_word(c, member) || !skip(c, ":")) {
                c->broken = true;
                return false;
            }
            v = json_object_get(value, member);
            known += v != NULL;
            skip_space(c);
            optional = *c->at == '?';
            if (!v && optional)
                skip_type(c);
            else if (!v || !check_value(c, v))
                return false;
        } while (skip(c, ","));
        if (!skip(c, ")"))
            c->broken = true;
    }
    if (!value || json_object_size(value) == known)
        return !c->broken;

    /* Some member is not in the type: the caller finds out which. */
    *member = '\0';
    return false;
}

/* Whether a struct follows the opening parenthesis (else an enum). */
static bool looks_like_struct(const struct checker *c)
{
    struct checker ahead = *c;
    char word[IDL_MEMBER_MAX];

    if (skip(&ahead, ")"))
        return true;
    return take_word(&ahead, word) && skip(&ahead, ":");
}

static bool check_named(struct checker *c, const char *name, const json_t *value)
{
    for (const struct idl_type *t = c->types; t && t->name; t++) {
        struct checker inner = { t->text, c->types, c->depth + 1, false };
        bool ok;

        if (!streq(t->name, name))
            continue;
        if (inner.depth > 16) {
            c->broken = true;
            return false;
        }
        ok = check_value(&inner, value);
        c->broken |= inner.broken;
        return ok;
    }
    c->broken = true;
    return false;
}

static bool check_elements(struct checker *c, const json_t *value, bool map)
{
    const char *element = c->at;
    const char *key;
    json_t *v;
    size_t i;

    skip_type(c);
    const char *behind = c->at;

    if (map ? !json_is_object(value) : !json_is_array(value))
        return false;
    if (map) {
        json_object_foreach((json_t *) value, key, v)
        {
            c->at = element;
            if (!check_value(c, v))
                return false;
        }
    } else {
        json_array_foreach(value, i, v)
        {
            c->at = element;
            if (!check_value(c, v))
                return false;
        }
    }
    c->at = behind;
    return true;
}

static bool check_value(struct checker *c, const json_t *value)
{
    char word[IDL_MEMBER_MAX];

    if (skip(c, "?")) {
        if (json_is_null(value)) {
            skip_type(c);
            return true;
        }
        return check_value(c, value);
    }
    if (skip(c, "[string]"))
        return check_elements(c, value, true);
    if (skip(c, "[]"))
        return check_elements(c, value, false);
    if (skip(c, "(")) {
        if (looks_like_struct(c))
            return check_struct(c, value, word);
        return check_enum(c, value);
    }
    if (!take_word(c, word)) {
        c->broken = true;
        return false;
    }
    if (streq(word, "string"))
        return json_is_string(value);
    if (streq(word, "int"))
        return json_is_integer(value);
    if (streq(word, "bool"))
        return json_is_boolean(value);
    if (streq(word, "float"))
        return json_is_number(value);
    if (streq(word, "object"))
        return true;
    return check_named(c, word, value);
}

int idl_check(const char *type, const struct idl_type *types, const json_t *value,
              char ret_member[static IDL_MEMBER_MAX])
{
    struct checker c = { type, types, 0, false };
    char member[IDL_MEMBER_MAX];
    bool ok = skip(&c, "(") && check_struct(&c, value, member);
    const char *key;
    json_t *v;

    if (ok)
        return 0;
    if (c.broken || !startswith(type, "("))
        return -EPROTO;
    /* No known member was wrong: name one that the type does not have. */
    if (!*member && json_is_object(value))
        json_object_foreach((json_t *) value, key, v)
        {
            struct checker names = { type, types, 0, false };
            char word[IDL_MEMBER_MAX];
            bool found = false;

            skip(&names, "(");
            while (!found && take_word(&names, word) && skip(&names, ":")) {
                found = streq(word, key);
                skip_type(&names);
                if (!skip(&names, ","))
                    break;
            }
            if (!found) {
                snprintf(member, sizeof member, "%s", key);
                break;
            }
        }
    memcpy(ret_member, member, sizeof member);
    return -EINVAL;
}
