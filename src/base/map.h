/* base/map.h -- a hash map from strings, or from 64-bit numbers, to pointers.
 *
 * Open addressing with keyed hashing, so that outsiders who choose the keys (unit names, pids)
 * cannot choose the collisions. Iteration is in no order; entries may be removed, not added, during
 * it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t n, n_deleted, n_slots;
    bool numbers; /* keys are numbers; set on the first put */
};

/* Frees the table, not the values. The map is empty afterwards. String keys are never copied: they
 * have to live as long as their entry, usually as a member of the value. */
void map_done(struct map *m);

/* Adds or replaces. Returns 0, or -ENOMEM changing nothing. `value` may not be NULL. */
int map_put(struct map *m, const char *key, void *value);
int map_put_u64(struct map *m, uint64_t key, void *value);
/* Has the next of them need no memory. Returns 0 or -ENOMEM. */
int map_reserve(struct map *m);

/* The value, or NULL. */
void *map_get(const struct map *m, const char *key);
void *map_get_u64(const struct map *m, uint64_t key);

/* Removes and returns the value, or NULL. */
void *map_remove(struct map *m, const char *key);
void *map_remove_u64(struct map *m, uint64_t key);

/* Walks all entries: start with *position = 0; NULL at the end. ret_key (a const char * or a
 * uint64_t *, as the map's keys are) may be NULL. */
void *map_next(const struct map *m, size_t *position, void *ret_key);

#define MAP_FOREACH(value, m) for (size_t map_i = 0; ((value) = map_next((m), &map_i, NULL));)
