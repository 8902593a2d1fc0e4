#include "unit/cycle.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/config.h"
#include "unit/load.h"

enum mark { NEW, OPEN, DONE };

struct node {
    struct unit_config *config; /* borrowed for the unit itself */
    const char *name;
    struct node **after;
    size_t n_after, allocated;
    enum mark mark;
    struct node *from; /* of the walk that is on */
};

struct graph {
    struct unit_loader *loader;
    struct node **nodes;
    size_t n, allocated;
    struct map by_name;
    char **missing;
};

static void graph_done(struct graph *g)
{
    for (size_t i = 0; i < g->n; i++) {
        if (i > 0)
            unit_config_free(g->nodes[i]->config);
        free(g->nodes[i]->after);
        free(g->nodes[i]);
    }
    free(g->nodes);
    map_done(&g->by_name);
    strv_free(g->missing);
}

static int add_node(struct graph *g, const struct unit_config *c)
{
    struct node *n = new0(struct node, 1);

    if (!n || !grow(&g->nodes, &g->allocated, g->n + 1)) {
        free(n);
        return -ENOMEM;
    }
    n->config = (struct unit_config *) c;
    n->name = c->name;
    g->nodes[g->n++] = n;
    return map_put(&g->by_name, n->name, n);
}

/* What a unit pulls in, and whether it fails without it. */
static int pull_in(struct graph *g, const struct unit_config *from, char *const *names, bool needed)
{
    STRV_FOREACH (name, names) {
        struct unit_config *c;
        int r;

        if (map_get(&g->by_name, *name))
            continue;
        r = unit_load(g->loader, *name, &c);
        if (r == -EINVAL)
            continue;
        if (r < 0)
            return r;
        bool there = c->load_state == LOAD_LOADED;
        /* Devices, mounts and the like come to be without a file. */
        bool file = c->type == UNIT_SERVICE || c->type == UNIT_SOCKET || c->type == UNIT_TARGET ||
                    c->type == UNIT_TIMER || c->type == UNIT_PATH;
        if (needed && file && (c->load_state == LOAD_NOT_FOUND || c->load_state == LOAD_MASKED))
            r = strv_addf(&g->missing, "%s %s", from->name, *name);
        if (there && !map_get(&g->by_name, c->name))
            r = r < 0 ? r : add_node(g, c);
        else
            unit_config_free(c);
        if (r < 0)
            return r;
    }
    return 0;
}

static int gather(struct graph *g, const struct unit_config *c)
{
    int r = add_node(g, c);

    for (size_t i = 0; r >= 0 && i < g->n; i++) {
        const struct unit_config *from = g->nodes[i]->config;
        const struct unit_section *u = from->unit;

        r = pull_in(g, from, u->requires, true);
        if (r >= 0)
            r = pull_in(g, from, u->binds_to, true);
        if (r >= 0)
            r = pull_in(g, from, u->requisite, true);
        if (r >= 0)
            r = pull_in(g, from, u->wants, false);
        if (r >= 0)
            r = pull_in(g, from, u->upholds, false);
    }
    return r;
}

static struct node *find(const struct graph *g, const char *name)
{
    struct node *n = map_get(&g->by_name, name);

    for (size_t i = 0; !n && i < g->n; i++)
        if (strv_contains(g->nodes[i]->config->names, name))
            n = g->nodes[i];
    return n;
}

static int add_after(struct node *n, struct node *earlier)
{
    if (!n || !earlier || n == earlier)
        return 0;
    if (!grow(&n->after, &n->allocated, n->n_after + 1))
        return -ENOMEM;
    n->after[n->n_after++] = earlier;
    return 0;
}

static int order_by_default(struct graph *g, struct node *n)
{
    const struct unit_section *u = n->config->unit;
    char *const *const lists[] = { u->requires, u->requisite, u->binds_to, u->wants };
    int r = 0;

    if (!u->default_dependencies)
        return 0;
    if (n->config->type != UNIT_TARGET) {
        if (n->config->type != UNIT_SLICE && n->config->type != UNIT_MOUNT)
            r = add_after(n, find(g, "sysinit.target"));
        return r >= 0 && n->config->type == UNIT_SERVICE ? add_after(n, find(g, "basic.target"))
                                                         : r;
    }
    /* A target is there once all that it pulls in is, unless that is ordered the other way. */
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        STRV_FOREACH (name, lists[i]) {
            struct node *m = find(g, *name);

            if (r >= 0 && m && m->config->unit->default_dependencies &&
                !strv_contains(m->config->unit->after, n->name) && !strv_contains(u->before, *name))
                r = add_after(n, m);
        }
    return r;
}

static int order(struct graph *g)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < g->n; i++) {
        struct node *n = g->nodes[i];

        STRV_FOREACH (name, n->config->unit->after)
            if (r >= 0)
                r = add_after(n, find(g, *name));
        STRV_FOREACH (name, n->config->unit->before)
            if (r >= 0)
                r = add_after(find(g, *name), n);
        if (r >= 0)
            r = order_by_default(g, n);
    }
    return r;
}

/* The circle that ends with the edge from `last` back to `first`, which lead to each other by
 * `from`. */
static int tell_cycle(struct node *first, struct node *last, char ***ret)
{
    char **names = NULL;
    int r = strv_add(&names, first->name);

    for (struct node *n = last; r >= 0 && n != first; n = n->from)
        r = strv_add(&names, n->name);
    if (r >= 0)
        r = strv_add(&names, first->name);
    if (r < 0) {
        strv_free(names);
        return r;
    }
    /* Found from the end on. */
    for (size_t i = 0, k = strv_length(names) - 1; i < k; i++, k--) {
        char *name = names[i];

        names[i] = names[k];
        names[k] = name;
    }
    *ret = names;
    return 0;
}

static int walk(struct node *n, char ***ret)
{
    n->mark = OPEN;
    for (size_t i = 0; i < n->n_after && !*ret; i++) {
        struct node *next = n->after[i];
        int r = 0;

        if (next->mark == OPEN)
            r = tell_cycle(next, n, ret);
        else if (next->mark == NEW) {
            next->from = n;
            r = walk(next, ret);
        }
        if (r < 0)
            return r;
    }
    n->mark = DONE;
    return 0;
}

int unit_find_cycle(struct unit_loader *l, const struct unit_config *c, char ***ret)
{
    _cleanup_(graph_done) struct graph g = { .loader = l };
    char **found = NULL;
    int r = gather(&g, c);

    if (r >= 0)
        r = order(&g);
    if (r >= 0 && g.n > 0)
        r = walk(g.nodes[0], &found);
    if (r < 0)
        strv_free(found);
    else
        *ret = found;
    return r;
}

int unit_find_missing(struct unit_loader *l, const struct unit_config *c, char ***ret)
{
    _cleanup_(graph_done) struct graph g = { .loader = l };
    int r = gather(&g, c);

    if (r >= 0)
        *ret = take_ptr(g.missing);
    return r;
}
