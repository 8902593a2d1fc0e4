#include "journal/rate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

#define GROUPS_MAX 2048
#define POOLS 5

static const unsigned char pool_of_priority[8] = { 0, 0, 0, 1, 2, 3, 3, 4 };

struct group {
    char *who;
    usec_t used_at;
    struct pool {
        usec_t begin;
        unsigned n, suppressed;
    } pools[POOLS];
};

struct rates {
    struct map groups;
};

unsigned rate_burst(unsigned burst, uint64_t available)
{
    unsigned log2 = available > 0 ? 63 - (unsigned) __builtin_clzll(available) : 0;

    if (log2 <= 20)
        return burst;
    return (unsigned) MIN((uint64_t) burst * (log2 - 16) / 4, (uint64_t) UINT_MAX);
}

struct rates *rates_new(void)
{
    return new0(struct rates, 1);
}

static void group_free(struct group *g)
{
    free(g->who);
    free(g);
}

void rates_free(struct rates *r)
{
    struct group *g;

    if (!r)
        return;
    MAP_FOREACH (g, &r->groups)
        group_free(g);
    map_done(&r->groups);
    free(r);
}

/* Those idle for longest make room. */
static void forget_some(struct rates *r, usec_t now)
{
    struct group *g;
    usec_t oldest = now;

    MAP_FOREACH (g, &r->groups)
        oldest = MIN(oldest, g->used_at);
    MAP_FOREACH (g, &r->groups) {
        if (g->used_at <= oldest + (now - oldest) / 2) {
            map_remove(&r->groups, g->who);
            group_free(g);
        }
    }
}

static struct group *group_get(struct rates *r, const char *who, usec_t now)
{
    struct group *g = map_get(&r->groups, who);

    if (g)
        return g;
    if (r->groups.n >= GROUPS_MAX)
        forget_some(r, now);
    g = new0(struct group, 1);
    if (!g || !(g->who = strdup(who)) || map_put(&r->groups, g->who, g) < 0) {
        if (g)
            group_free(g);
        return NULL;
    }
    return g;
}

unsigned rates_test(struct rates *r, const char *who, int priority, struct rate_settings settings,
                    usec_t now)
{
    if (settings.interval == 0 || settings.burst == 0)
        return 1;
    struct group *g = group_get(r, who, now);
    if (!g)
        return 1;
    struct pool *p = &g->pools[pool_of_priority[priority & 7]];
    g->used_at = now;
    if (p->begin == 0 || usec_add(p->begin, settings.interval) < now) {
        unsigned suppressed = p->suppressed;

        *p = (struct pool){ .begin = now, .n = 1 };
        return 1 + suppressed;
    }
    if (p->n < settings.burst) {
        p->n++;
        return 1;
    }
    p->suppressed++;
    return 0;
}
