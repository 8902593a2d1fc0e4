#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

struct map_slot {
    union {
        const char *text;
        uint64_t number;
    };
    uint32_t hash; /* its low half: most mismatches are told without looking at the key */
    void *value;   /* NULL: free; DELETED: free, but the search goes on */
};

#define DELETED ((void *) 1)
#define EMPTY_SLOTS_MAX 256

struct key {
    bool is_number;
    const char *text;
    uint64_t number;
    uint64_t hash;
};

static struct key key_of_text(const char *text)
{
    return (struct key){ .text = text, .hash = hash_bytes(text, strlen(text)) };
}

static struct key key_of_number(uint64_t number)
{
    return (struct key){ .is_number = true,
                         .number = number,
                         .hash = hash_bytes(&number, sizeof number) };
}

static bool slot_live(const struct map_slot *s)
{
    return s->value && s->value != DELETED;
}

static bool slot_matches(const struct map_slot *s, const struct key *k)
{
    if (s->hash != (uint32_t) k->hash)
        return false;
    return k->is_number ? s->number == k->number : streq(s->text, k->text);
}

static struct map_slot *find(const struct map *m, const struct key *k)
{
    if (m->n == 0)
        return NULL;
    assert(m->numbers == k->is_number);
    for (size_t i = k->hash & (m->n_slots - 1);; i = (i + 1) & (m->n_slots - 1)) {
        struct map_slot *s = &m->slots[i];

        if (!s->value)
            return NULL;
        if (s->value != DELETED && slot_matches(s, k))
            return s;
    }
}

static void insert(struct map_slot *slots, size_t n_slots, struct map_slot slot, uint64_t hash)
{
    size_t i = hash & (n_slots - 1);

    while (slot_live(&slots[i]))
        i = (i + 1) & (n_slots - 1);
    slots[i] = slot;
}

static int rehash(struct map *m, size_t n_slots)
{
    struct map_slot *slots = calloc(n_slots, sizeof *slots);

    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < m->n_slots; i++) {
        struct map_slot *s = &m->slots[i];

        if (slot_live(s))
            insert(slots, n_slots, *s,
                   (m->numbers ? key_of_number(s->number) : key_of_text(s->text)).hash);
    }
    free(m->slots);
    m->slots = slots;
    m->n_slots = n_slots;
    m->n_deleted = 0;
    return 0;
}

int map_reserve(struct map *m)
{
    size_t want = 8;

    /* At most three quarters full, tombstones included, so that every search ends at a free slot.
     */
    if ((m->n + m->n_deleted + 1) * 4 <= m->n_slots * 3)
        return 0;
    while ((m->n + 1) * 2 > want)
        want *= 2;
    return rehash(m, want);
}

static int put(struct map *m, struct key k, void *value)
{
    assert(value && value != DELETED);
    if (m->n == 0)
        m->numbers = k.is_number;

    struct map_slot *s = find(m, &k);
    if (s) {
        s->value = value;
        if (!k.is_number)
            s->text = k.text; /* the old key may be freed together with the old value */
        return 0;
    }
    int r = map_reserve(m);
    if (r < 0)
        return r;

    struct map_slot slot = { .hash = (uint32_t) k.hash, .value = value };
    if (k.is_number)
        slot.number = k.number;
    else
        slot.text = k.text;
    size_t i = k.hash & (m->n_slots - 1);
    while (slot_live(&m->slots[i]))
        i = (i + 1) & (m->n_slots - 1);
    if (m->slots[i].value == DELETED)
        m->n_deleted--;
    m->slots[i] = slot;
    m->n++;
    return 0;
}

static void *take(struct map *m, struct key k)
{
    struct map_slot *s = find(m, &k);

    if (!s)
        return NULL;
    void *value = s->value;
    s->value = DELETED;
    m->n--;
    m->n_deleted++;
    /* A map that was large for a moment does not stay so. */
    if (m->n == 0 && m->n_slots > EMPTY_SLOTS_MAX)
        map_done(m);
    return value;
}

static void *get(const struct map *m, struct key k)
{
    struct map_slot *s = find(m, &k);

    return s ? s->value : NULL;
}

void map_done(struct map *m)
{
    free(m->slots);
    *m = (struct map){};
}

int map_put(struct map *m, const char *key, void *value)
{
    return put(m, key_of_text(key), value);
}

int map_put_u64(struct map *m, uint64_t key, void *value)
{
    return put(m, key_of_number(key), value);
}

void *map_get(const struct map *m, const char *key)
{
    return m->n == 0 ? NULL : get(m, key_of_text(key));
}

void *map_get_u64(const struct map *m, uint64_t key)
{
    return m->n == 0 ? NULL : get(m, key_of_number(key));
}

void *map_remove(struct map *m, const char *key)
{
    return m->n == 0 ? NULL : take(m, key_of_text(key));
}

void *map_remove_u64(struct map *m, uint64_t key)
{
    return m->n == 0 ? NULL : take(m, key_of_number(key));
}

void *map_next(const struct map *m, size_t *position, void *ret_key)
{
    while (*position < m->n_slots) {
        struct map_slot *s = &m->slots[(*position)++];

        if (!slot_live(s))
            continue;
        if (ret_key && m->numbers)
            *(uint64_t *) ret_key = s->number;
        else if (ret_key)
            *(const char **) ret_key = s->text;
        return s->value;
    }
    return NULL;
}
