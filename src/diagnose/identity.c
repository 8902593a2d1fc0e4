#include "diagnose/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"

void unit_identity_done(struct unit_identity *i)
{
    free(i->groups);
    free(i->user);
    free(i->home);
    *i = (struct unit_identity){};
}

static void add_group(struct unit_identity *i, gid_t gid)
{
    gid_t *more = realloc(i->groups, (i->who.n_groups + 1) * sizeof *more);

    if (!more)
        return;
    i->groups = more;
    i->groups[i->who.n_groups++] = gid;
    i->who.groups = i->groups;
}

static int find_user(const char *name, struct unit_identity *i)
{
    struct users_lookup lookup = {};
    struct user user = {};
    gid_t *groups = NULL;
    int r = user_find(&lookup, name, &user);

    if (r < 0) {
        i->missing = true;
        return r == -ENOMEM ? r : 0;
    }
    i->who.uid = user.uid;
    i->who.gid = user.gid;
    i->user = take_ptr(user.name);
    i->home = take_ptr(user.home);
    r = user_groups(&lookup, i->user, user.gid, &groups);
    for (int k = 0; k < r; k++)
        add_group(i, groups[k]);
    free(groups);
    user_done(&user);
    return 0;
}

int unit_identity(struct facts *f, struct unit_identity *ret)
{
    _cleanup_(unit_identity_done) struct unit_identity i = {};
    const struct exec_config *e = f->config ? f->config->exec : NULL;
    struct users_lookup lookup = {};
    struct group group = {};
    bool own = f->config && f->config->user;
    int r = 0;

    i.who.uid = own ? getuid() : 0;
    i.who.gid = own ? getgid() : 0;
    if (e && !isempty(e->user))
        r = find_user(e->user, &i);
    if (r >= 0 && e && !isempty(e->group)) {
        if (group_find(&lookup, e->group, &group) >= 0)
            i.who.gid = group.gid;
        else
            i.missing = true;
        group_done(&group);
    }
    STRV_FOREACH (name, e ? e->supplementary_groups : NULL) {
        if (group_find(&lookup, *name, &group) >= 0)
            add_group(&i, group.gid);
        else
            i.missing = true;
        group_done(&group);
    }
    if (r < 0)
        return r;
    if (!i.user && !(i.user = strdup(i.who.uid == 0 ? "root" : "the unit's user")))
        return -ENOMEM;
    if (e)
        i.who.capabilities = i.who.uid == 0 ? e->capability_bounding_set : e->ambient_capabilities;
    *ret = i;
    i = (struct unit_identity){};
    return ret->missing ? -ESRCH : 0;
}
