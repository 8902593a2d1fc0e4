#include "unit/config.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/directive.h"
#include "unit/name.h"
#include "unit/presets.h"
#include "unit/value.h"

static const struct {
    size_t size;
    const char *name;
} groups[CONFIG_GROUP_MAX] = {
#define GROUP_INFO(id, tag, member) [id] = { sizeof(struct tag), #member },
    CONFIG_GROUPS(GROUP_INFO)
};

/* Presets. */

static void group_done(struct unit_presets *p, unsigned group)
{
    for (unsigned i = 0; i < n_directives; i++) {
        const struct directive *d = &directives[i];

        if (d->group == group && directive_owns(d) && d->type->clear)
            d->type->clear((char *) p->groups[group] + d->offset);
    }
    free(p->groups[group]);
}

static int parse_preset(void *group, const struct directive *d)
{
    struct assignment a = { .directive = d, .group = group };
    void *value = (char *) group + d->offset;

    value_init(d->type, value);
    if (!*d->preset)
        return 0;
    int r = d->type->parse(&a, d->type, d->preset, value);
    assert(r == -ENOMEM || a.n_faults == 0);
    return r;
}

struct unit_presets *unit_presets_new(bool user)
{
    struct unit_presets *p = new0(struct unit_presets, 1);
    int r = p ? 0 : -ENOMEM;

    if (!p)
        return NULL;
    p->refs = 1;
    p->user = user;
    for (unsigned g = 0; g < CONFIG_GROUP_MAX && r >= 0; g++) {
        p->groups[g] = calloc(1, groups[g].size);
        r = p->groups[g] ? 0 : -ENOMEM;
    }
    for (unsigned i = 0; i < n_directives && r >= 0; i++)
        if (directive_owns(&directives[i]))
            r = parse_preset(p->groups[directives[i].group], &directives[i]);
    if (r >= 0) {
        /* systemd.exec(5), KeyringMode=: services have a keyring of their own, user units none. */
        struct sandbox_config *sandbox = p->groups[GROUP_SANDBOX];

        sandbox->keyring_mode = user ? KEYRING_INHERIT : KEYRING_SHARED;
        p->service_sandbox = *sandbox;
        p->service_sandbox.keyring_mode = user ? KEYRING_INHERIT : KEYRING_PRIVATE;
        return p;
    }
    unit_presets_unref(p);
    return NULL;
}

struct unit_presets *unit_presets_ref(struct unit_presets *p)
{
    if (p)
        p->refs++;
    return p;
}

struct unit_presets *unit_presets_unref(struct unit_presets *p)
{
    if (!p || --p->refs > 0)
        return NULL;
    for (unsigned g = 0; g < CONFIG_GROUP_MAX; g++)
        if (p->groups[g])
            group_done(p, g);
    free(p);
    return NULL;
}

const void *unit_presets_group(const struct unit_presets *p, enum config_group group)
{
    return p->groups[group];
}

/* The presets of the rows alone, made once. */
static struct unit_presets *plain_presets(void)
{
    static struct unit_presets *presets;

    if (!presets)
        presets = unit_presets_new(false);
    return presets;
}

const void *unit_config_preset(const struct unit_config *c, enum config_group group)
{
    /* No row of the sandbox group has a preset with memory of its own, so the copy is safe. */
    if (group == GROUP_SANDBOX && c->type == UNIT_SERVICE)
        return &c->presets->service_sandbox;
    return c->presets->groups[group];
}

/* Configs. */

static const void **group_pointer(struct unit_config *c, unsigned group)
{
    return (const void **) (void *) &c->unit + group;
}

int unit_config_new(const char *name, struct unit_presets *presets, struct unit_config **ret)
{
    if (!unit_name_is_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    if (!presets)
        presets = plain_presets();
    struct unit_config *c = new0(struct unit_config, 1);
    if (!c || !presets) {
        free(c);
        return -ENOMEM;
    }
    c->name = strdup(name);
    if (!c->name) {
        free(c);
        return -ENOMEM;
    }
    c->type = (unsigned char) unit_name_type(name);
    c->presets = unit_presets_ref(presets);
    c->user = presets->user;
    for (unsigned g = 0; g < CONFIG_GROUP_MAX; g++)
        *group_pointer(c, g) = unit_config_preset(c, g);
    *ret = c;
    return 0;
}

static struct own_group *own_group_of(const void *values)
{
    return (struct own_group *) (void *) ((char *) (uintptr_t) values -
                                          offsetof(struct own_group, values));
}

static void clear_values(char *values, unsigned group)
{
    for (unsigned i = 0; i < n_directives; i++) {
        const struct directive *d = &directives[i];

        if (d->group == group && directive_owns(d) && d->type->clear)
            d->type->clear(values + d->offset);
    }
}

/* Nobody who is to come shares it. */
static void forget_recent(struct unit_presets *p, struct own_group *g)
{
    if (g->recent > 0)
        p->recent[g->recent - 1] = NULL;
    g->recent = 0;
}

static void unref_own_group(struct unit_presets *p, void *values, unsigned group)
{
    struct own_group *g = own_group_of(values);

    if (--g->refs > 0)
        return;
    forget_recent(p, g);
    clear_values(values, group);
    free(g);
}

struct unit_config *unit_config_free(struct unit_config *c)
{
    if (!c)
        return NULL;
    for (unsigned g = 0; g < CONFIG_GROUP_MAX; g++)
        if (c->owned & 1u << g)
            unref_own_group(c->presets, (void *) (uintptr_t) *group_pointer(c, g), g);
    for (unsigned i = 0; i < c->n_messages; i++)
        unit_message_done(&c->messages[i]);
    free(c->messages);
    free(c->provenance);
    unit_presets_unref(c->presets);
    free(c->name);
    strv_free(c->names);
    free(c->fragment_path);
    free(c->masked_path);
    strv_free(c->dropin_paths);
    strv_free(c->dependency_paths);
    free(c->load_error);
    free(c);
    return NULL;
}

/* NULL where memory is out. */
static void *copy_group(const char *from, unsigned group)
{
    struct own_group *g = malloc(sizeof *g + groups[group].size);

    if (!g)
        return NULL;
    *g = (struct own_group){ .refs = 1, .group = (uint16_t) group };
    char *to = (char *) g->values;
    memcpy(to, from, groups[group].size);
    /* From here on `to` holds pointers that are not its own: replace each, and where memory runs
     * out clear the rest before freeing. */
    int r = 0;
    for (unsigned i = 0; i < n_directives; i++) {
        const struct directive *d = &directives[i];

        if (d->group != group || !directive_owns(d) || !d->type->copy)
            continue;
        if (r >= 0)
            r = d->type->copy(to + d->offset, from + d->offset);
        if (r < 0)
            memset(to + d->offset, 0, d->type->size);
    }
    if (r >= 0)
        return to;
    clear_values(to, group);
    free(g);
    return NULL;
}

void *unit_config_own(struct unit_config *c, enum config_group group)
{
    void *now = (void *) (uintptr_t) *group_pointer(c, group);
    bool owned = c->owned & 1u << group;

    if (owned && own_group_of(now)->refs == 1) {
        forget_recent(c->presets, own_group_of(now));
        return now;
    }
    void *own = copy_group(now, group);
    if (!own)
        return NULL;
    if (owned)
        unref_own_group(c->presets, now, group);
    *group_pointer(c, group) = own;
    c->owned |= 1u << group;
    return own;
}

static bool is_zero(const char *p, size_t n)
{
    while (n > 0 && !*p)
        p++, n--;
    return n == 0;
}

/* Of what has memory of its own it counts only that it is there. */
static uint64_t digest(const char *values, unsigned group)
{
    uint64_t digest = group;

    for (unsigned i = 0; i < n_directives; i++) {
        const struct directive *d = &directives[i];

        if (d->group != group || !directive_owns(d))
            continue;
        for (unsigned k = 0; k < d->type->size && !d->type->clear; k++)
            digest = digest * 31 + (unsigned char) values[d->offset + k];
        if (d->type->clear)
            digest = digest * 31 + is_zero(values + d->offset, d->type->size);
    }
    /* The upper bits are the well mixed ones. */
    return digest * UINT64_C(0x9e3779b97f4a7c15) >> 32;
}

static bool values_equal(const char *a, const char *b, unsigned group)
{
    for (unsigned i = 0; i < n_directives; i++) {
        const struct directive *d = &directives[i];

        if (d->group == group && directive_owns(d) &&
            memcmp(a + d->offset, b + d->offset, d->type->size) != 0 &&
            !value_equal(d->type, a + d->offset, b + d->offset))
            return false;
    }
    return true;
}

void unit_config_share(struct unit_config *c)
{
    for (unsigned group = 0; group < CONFIG_GROUP_MAX; group++) {
        const char *values = *group_pointer(c, group);

        /* manager/path.c keeps pointers into its list. Pinned by test_equal_paths. */
        if (group == GROUP_PATH || !(c->owned & 1u << group) || own_group_of(values)->refs > 1)
            continue;
        uint64_t place = digest(values, group) % RECENT_GROUPS;
        struct own_group *mine = own_group_of(values), **recent = &c->presets->recent[place];
        if (*recent == mine)
            continue;
        if (*recent && (*recent)->group == group &&
            values_equal(values, (char *) (*recent)->values, group)) {
            (*recent)->refs++;
            *group_pointer(c, group) = (*recent)->values;
            unref_own_group(c->presets, mine->values, group);
            continue;
        }
        if (*recent)
            (*recent)->recent = 0;
        forget_recent(c->presets, mine);
        *recent = mine;
        mine->recent = (uint16_t) (place + 1);
    }
}

const char *unit_config_file(const struct unit_config *c, unsigned file)
{
    size_t n = strv_length(c->dropin_paths), m = strv_length(c->dependency_paths);

    if (file == PROVENANCE_REQUEST)
        return "(set by request)";
    if (file == 0)
        return c->fragment_path ? c->fragment_path : c->builtin ? "(built in)" : c->name;
    file--;
    if (file < n)
        return c->dropin_paths[file];
    return file - n < m ? c->dependency_paths[file - n] : "(unknown)";
}

/* Appends the string to the piece of memory at *p. */
static char *pack(char **p, const char *s)
{
    if (!s)
        return NULL;
    char *start = *p;
    *p = stpcpy(start, s) + 1;
    return start;
}

static size_t packed_size(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

int unit_message_init(struct unit_message *m, int level, const char *file, unsigned line,
                      const char *section, const char *directive, const char *remedy,
                      const char *text)
{
    char *p = malloc(packed_size(text) + packed_size(file) + packed_size(section) +
                     packed_size(directive) + packed_size(remedy));

    if (!p)
        return -ENOMEM;
    *m = (struct unit_message){ .level = level, .line = line };
    m->text = pack(&p, text);
    m->file = pack(&p, file);
    m->section = pack(&p, section);
    m->directive = pack(&p, directive);
    m->remedy = pack(&p, remedy);
    return 0;
}

void unit_message_done(struct unit_message *m)
{
    free(m->text);
}

void unit_config_message(struct unit_config *c, int level, const char *file, unsigned line,
                         const char *section, const char *directive, const char *remedy,
                         const char *fmt, ...)
{
    va_list ap;

    /* A file that is nothing but mistakes does not fill the memory with what is wrong with it. */
    enum { MESSAGES_MAX = 1000 };
    if (c->n_messages >= MESSAGES_MAX)
        return;
    if (c->n_messages == c->allocated_messages) {
        size_t want = c->allocated_messages ? (size_t) c->allocated_messages * 2 : 2;
        struct unit_message *bigger = realloc(c->messages, want * sizeof *bigger);

        if (!bigger)
            return;
        c->messages = bigger;
        c->allocated_messages = (uint16_t) want;
    }
    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (text && unit_message_init(&c->messages[c->n_messages], level, file, line, section,
                                  directive, remedy, text) >= 0)
        c->n_messages++;
}
