#include "journal/tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"

#define PART_MAX (64u * 1024)
#define CHUNK_MAX 4096u
#define CHUNK_FIRST 512u
#define INVOCATIONS_MAX 4 /* of one unit, the first failing one not counted */

/* Lines, one after the other; never split over two chunks. */
struct chunk {
    struct chunk *next;
    uint32_t used, size;
    char data[];
};

struct record {
    uint64_t realtime, monotonic;
    int32_t pid;
    uint32_t length;
    uint8_t priority, identifier_length; /* 0: that of the invocation */
};

struct chunks {
    struct chunk *first, *last;
    size_t size; /* allocated */
};

struct tail_unit {
    char *name;
    struct tail_invocation *newest; /* ->older; the first failing one among them */
    struct tail_invocation *first_failing;
    bool series_open; /* first_failing is of the series that goes on */
};

struct tail_invocation {
    struct tail_unit *unit;
    struct tail_invocation *older;       /* of the unit */
    struct tail_invocation *prev, *next; /* of all: next is older by last line */
    struct id128 id;
    char *identifier;
    bool ended, failed, head_full;
    struct chunks head, tail;
};

void tails_init(struct tails *t, size_t limit)
{
    *t = (struct tails){ .limit = limit };
}

static void chunks_pop(struct tails *t, struct chunks *c)
{
    struct chunk *first = c->first;

    c->first = first->next;
    if (!c->first)
        c->last = NULL;
    c->size -= sizeof *first + first->size;
    t->size -= sizeof *first + first->size;
    free(first);
}

static void chunks_clear(struct tails *t, struct chunks *c)
{
    while (c->first)
        chunks_pop(t, c);
}

/* ---- the list of all invocations, by last line ---- */

static void list_remove(struct tails *t, struct tail_invocation *v)
{
    *(v->prev ? &v->prev->next : &t->newest) = v->next;
    *(v->next ? &v->next->prev : &t->oldest) = v->prev;
    v->prev = v->next = NULL;
}

static void list_push(struct tails *t, struct tail_invocation *v)
{
    v->next = t->newest;
    *(t->newest ? &t->newest->prev : &t->oldest) = v;
    t->newest = v;
}

static void unit_free(struct tails *t, struct tail_unit *u)
{
    map_remove(&t->units, u->name);
    t->size -= sizeof *u;
    free(u->name);
    free(u);
}

static void invocation_free(struct tails *t, struct tail_invocation *v)
{
    struct tail_unit *u = v->unit;
    struct tail_invocation **p = &u->newest;

    while (*p != v)
        p = &(*p)->older;
    *p = v->older;
    if (u->first_failing == v)
        u->first_failing = NULL;
    list_remove(t, v);
    chunks_clear(t, &v->head);
    chunks_clear(t, &v->tail);
    t->size -= sizeof *v;
    free(v->identifier);
    free(v);
    if (!u->newest)
        unit_free(t, u);
}

void tails_done(struct tails *t)
{
    while (t->newest)
        invocation_free(t, t->newest);
    map_done(&t->units);
}

/* ---- staying within the limit ---- */

static size_t held(const struct tail_invocation *v)
{
    return v->head.size + v->tail.size;
}

/* Frees something, not of `keep` if it can be helped. False: there is nothing to free. */
static bool make_room(struct tails *t, struct tail_invocation *keep)
{
    struct tail_invocation *largest = NULL, *idle = NULL;

    for (struct tail_invocation *v = t->oldest; v; v = v->prev) {
        if (v->tail.first != v->tail.last && (!largest || held(v) > held(largest)))
            largest = v;
        if (!idle && v != keep && v->ended && v != v->unit->first_failing)
            idle = v;
    }
    if (largest && held(largest) > 2 * CHUNK_MAX)
        chunks_pop(t, &largest->tail);
    else if (idle)
        invocation_free(t, idle);
    else if (largest)
        chunks_pop(t, &largest->tail);
    else if (t->oldest && t->oldest != keep)
        invocation_free(t, t->oldest);
    else
        return false;
    return true;
}

static struct chunk *chunks_room(struct tails *t, struct tail_invocation *v, struct chunks *c,
                                 size_t need)
{
    if (c->last && c->last->size - c->last->used >= need)
        return c->last;
    size_t size = MAX(need, c->first ? CHUNK_MAX : CHUNK_FIRST);
    while (t->size + size > t->limit && make_room(t, v))
        ;
    struct chunk *fresh = malloc(sizeof *fresh + size);
    if (!fresh)
        return NULL;
    *fresh = (struct chunk){ .size = (uint32_t) size };
    *(c->last ? &c->last->next : &c->first) = fresh;
    c->last = fresh;
    c->size += sizeof *fresh + size;
    t->size += sizeof *fresh + size;
    return fresh;
}

/* ---- adding ---- */

static struct tail_unit *unit_get(struct tails *t, const char *name)
{
    struct tail_unit *u = map_get(&t->units, name);

    if (u)
        return u;
    u = new0(struct tail_unit, 1);
    if (!u || !(u->name = strdup(name)) || map_put(&t->units, u->name, u) < 0) {
        if (u)
            free(u->name);
        free(u);
        return NULL;
    }
    t->size += sizeof *u;
    return u;
}

static struct tail_invocation *invocation_find(struct tail_unit *u, struct id128 id)
{
    for (struct tail_invocation *v = u->newest; v; v = v->older) {
        if (id128_equal(v->id, id))
            return v;
    }
    return NULL;
}

static void forget_old(struct tails *t, struct tail_unit *u)
{
    size_t n = 0;

    for (struct tail_invocation *v = u->newest, *older; v; v = older) {
        older = v->older;
        if (v != u->first_failing && ++n > INVOCATIONS_MAX)
            invocation_free(t, v);
    }
}

static struct tail_invocation *invocation_get(struct tails *t, struct tail_unit *u, struct id128 id,
                                              const char *identifier)
{
    struct tail_invocation *v = id128_is_null(id) ? u->newest : invocation_find(u, id);

    if (v)
        return v;
    v = new0(struct tail_invocation, 1);
    if (!v || !(v->identifier = strdup(strempty(identifier)))) {
        free(v);
        if (!u->newest)
            unit_free(t, u);
        return NULL;
    }
    v->unit = u;
    v->id = id;
    v->older = u->newest;
    u->newest = v;
    list_push(t, v);
    t->size += sizeof *v;
    forget_old(t, u);
    return v;
}

static bool chunk_write(struct tails *t, struct tail_invocation *v, struct chunks *c,
                        const struct entry *e, size_t max)
{
    size_t identifier = e->identifier && !streq(e->identifier, v->identifier)
                            ? MIN(strlen(e->identifier), (size_t) UINT8_MAX)
                            : 0;
    size_t length = MIN(e->message_length, CHUNK_MAX - sizeof(struct record) - identifier);
    size_t need = sizeof(struct record) + identifier + length;

    if (max > 0 && c->size + need > max)
        return false;
    struct chunk *chunk = chunks_room(t, v, c, need);
    if (!chunk)
        return false;
    struct record r = {
        .realtime = e->time.realtime,
        .monotonic = e->time.monotonic,
        .pid = e->pid,
        .length = (uint32_t) length,
        .priority = (uint8_t) e->priority,
        .identifier_length = (uint8_t) identifier,
    };
    memcpy(chunk->data + chunk->used, &r, sizeof r);
    if (identifier > 0)
        memcpy(chunk->data + chunk->used + sizeof r, e->identifier, identifier);
    memcpy(chunk->data + chunk->used + sizeof r + identifier, e->message, length);
    chunk->used += (uint32_t) need;
    return true;
}

void tails_add(struct tails *t, const struct entry *e)
{
    if (!e->unit || !e->message)
        return;
    struct tail_unit *u = unit_get(t, e->unit);
    struct tail_invocation *v = u ? invocation_get(t, u, e->invocation, e->identifier) : NULL;
    if (!v)
        return;
    if (t->newest != v) {
        list_remove(t, v);
        list_push(t, v);
    }
    /* The beginning first; what does not fit there goes to the end, which loses its oldest. */
    if (!v->head_full) {
        if (chunk_write(t, v, &v->head, e, PART_MAX))
            return;
        v->head_full = true;
    }
    if (!chunk_write(t, v, &v->tail, e, 0))
        return;
    while (v->tail.size > PART_MAX && v->tail.first != v->tail.last)
        chunks_pop(t, &v->tail);
}

void tails_ended(struct tails *t, const char *unit, struct id128 invocation, bool failed)
{
    struct tail_unit *u = map_get(&t->units, unit);
    struct tail_invocation *v = u ? invocation_find(u, invocation) : NULL;

    if (!v)
        return;
    v->ended = true;
    v->failed = failed;
    if (!failed || (u->series_open && u->first_failing))
        return;
    u->first_failing = v;
    u->series_open = true;
    forget_old(t, u);
}

void tails_series_end(struct tails *t, const char *unit)
{
    struct tail_unit *u = map_get(&t->units, unit);

    if (u)
        u->series_open = false;
}

/* ---- asking ---- */

struct walk {
    unsigned skip; /* lines to leave out at the beginning */
    unsigned left; /* lines still wanted */
    int (*fn)(const struct collector_line *line, void *userdata);
    void *userdata;
};

static unsigned chunks_count(const struct chunks *c)
{
    unsigned n = 0;

    for (const struct chunk *k = c->first; k; k = k->next) {
        for (uint32_t at = 0; at < k->used; n++) {
            struct record r;

            memcpy(&r, k->data + at, sizeof r);
            at += (uint32_t) sizeof r + r.identifier_length + r.length;
        }
    }
    return n;
}

static int give_line(const struct tail_invocation *v, const struct record *r, const char *data,
                     struct walk *w)
{
    char identifier[UINT8_MAX + 1];
    auto_free char *text = memdup0(data + r->identifier_length, r->length);

    if (!text)
        return -ENOMEM;
    memcpy(identifier, data, r->identifier_length);
    identifier[r->identifier_length] = 0;
    struct collector_line line = {
        .realtime = r->realtime,
        .monotonic = r->monotonic,
        .priority = r->priority,
        .pid = r->pid,
        .identifier = r->identifier_length > 0 ? identifier : v->identifier,
        .invocation = v->id,
        .text = text,
        .length = r->length,
    };
    return w->fn(&line, w->userdata);
}

static int chunks_walk(const struct tail_invocation *v, const struct chunks *c, struct walk *w)
{
    for (const struct chunk *k = c->first; k; k = k->next) {
        for (uint32_t at = 0; at < k->used;) {
            struct record r;

            memcpy(&r, k->data + at, sizeof r);
            const char *data = k->data + at + sizeof r;
            at += (uint32_t) sizeof r + r.identifier_length + r.length;
            if (w->skip > 0) {
                w->skip--;
                continue;
            }
            if (w->left == 0)
                return 0;
            w->left--;
            int n = give_line(v, &r, data, w);
            if (n < 0)
                return n;
        }
    }
    return 0;
}

int tails_query(const struct tails *t, const char *unit, struct id128 invocation,
                enum collector_tail_part part, unsigned max_lines,
                int (*fn)(const struct collector_line *line, void *userdata), void *userdata)
{
    struct tail_unit *u = map_get(&t->units, unit);
    struct tail_invocation *v = NULL;

    if (u && part == COLLECTOR_TAIL_FIRST_FAILING)
        v = u->first_failing;
    else if (u)
        v = id128_is_null(invocation) ? u->newest : invocation_find(u, invocation);
    if (!v)
        return -ENOENT;

    unsigned all = chunks_count(&v->head) + chunks_count(&v->tail);
    struct walk w = { .left = max_lines > 0 ? max_lines : all, .fn = fn, .userdata = userdata };
    if (part != COLLECTOR_TAIL_HEAD && all > w.left)
        w.skip = all - w.left;
    int r = chunks_walk(v, &v->head, &w);
    return r < 0 ? r : chunks_walk(v, &v->tail, &w);
}
