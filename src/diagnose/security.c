#include "diagnose/security.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/syscall_groups.h"
#include "unit/config.h"
#include "unit/effective.h"

struct judged {
    const struct unit_config *c;
    const struct sandbox_config *s;
    struct effective e;
    bool offline, is_root;
    struct map calls; /* that the filter names */
    bool calls_allowed;
};

struct kind {
    const char *name, *json, *phrase, *call_group;
    uint64_t (*judge)(const struct judged *j, uint64_t parameter);
    uint64_t parameter;
    uint16_t weight, range, flag; /* flag: offset of a boolean of the sandbox, if judge is NULL */
    bool boot;
};

static uint64_t judge_user(const struct judged *j, uint64_t parameter)
{
    if (j->s->dynamic_user)
        return 0;
    return j->is_root ? 10 : streq(j->c->exec->user, "nobody") ? 9 : 0;
}

static uint64_t judge_groups(const struct judged *j, uint64_t parameter)
{
    return j->is_root ? SECURITY_UNKNOWN : strv_length(j->c->exec->supplementary_groups) > 0;
}

static uint64_t judge_remove_ipc(const struct judged *j, uint64_t parameter)
{
    return j->is_root ? SECURITY_UNKNOWN : !j->e.remove_ipc;
}

static uint64_t judge_private_mounts(const struct judged *j, uint64_t parameter)
{
    if (j->offline)
        return j->s->private_mounts == 0;
    return j->s->private_mounts <= 0 && j->e.private_tmp == PRIVATE_TMP_NO &&
           j->e.protect_system == PROTECT_SYSTEM_NO && j->e.protect_home == PROTECT_HOME_NO &&
           !j->s->private_devices && !j->s->protect_kernel_tunables && !j->c->exec->root_directory;
}

static uint64_t judge_private_tmp(const struct judged *j, uint64_t parameter)
{
    return j->e.private_tmp == PRIVATE_TMP_NO;
}

static uint64_t judge_private_users(const struct judged *j, uint64_t parameter)
{
    return j->s->private_users == PRIVATE_USERS_NO;
}

static uint64_t judge_control_groups(const struct judged *j, uint64_t parameter)
{
    return j->s->protect_control_groups == PROTECT_CONTROL_GROUPS_NO;
}

static uint64_t judge_protect_home(const struct judged *j, uint64_t parameter)
{
    static const unsigned char bad[] = { [PROTECT_HOME_NO] = 10,
                                         [PROTECT_HOME_READ_ONLY] = 5,
                                         [PROTECT_HOME_TMPFS] = 1,
                                         [PROTECT_HOME_YES] = 0 };

    return bad[j->e.protect_home];
}

static uint64_t judge_protect_system(const struct judged *j, uint64_t parameter)
{
    static const unsigned char bad[] = { [PROTECT_SYSTEM_NO] = 10,
                                         [PROTECT_SYSTEM_YES] = 5,
                                         [PROTECT_SYSTEM_FULL] = 3,
                                         [PROTECT_SYSTEM_STRICT] = 0 };

    return bad[j->e.protect_system];
}

static uint64_t judge_root(const struct judged *j, uint64_t parameter)
{
    const char *root = j->c->exec->root_directory;

    return !j->s->root_image && (isempty(root) || streq(root, "/"));
}

static uint64_t judge_no_new_privileges(const struct judged *j, uint64_t parameter)
{
    return !j->e.no_new_privileges;
}

static uint64_t judge_suid(const struct judged *j, uint64_t parameter)
{
    return !j->e.restrict_suid_sgid;
}

static uint64_t judge_capability(const struct judged *j, uint64_t parameter)
{
    return (j->e.bounding & parameter) != 0;
}

static uint64_t judge_ambient(const struct judged *j, uint64_t parameter)
{
    return j->c->exec->ambient_capabilities != 0;
}

static uint64_t judge_umask(const struct judged *j, uint64_t parameter)
{
    mode_t left = ~j->c->exec->umask;

    return left & 0002 ? 10 : left & 0004 ? 5 : left & 0020 ? 2 : left & 0040 ? 1 : 0;
}

static uint64_t judge_keyring(const struct judged *j, uint64_t parameter)
{
    return j->s->keyring_mode != KEYRING_PRIVATE;
}

static uint64_t judge_proc(const struct judged *j, uint64_t parameter)
{
    return j->s->protect_proc == PROTECT_PROC_DEFAULT    ? 3
           : j->s->protect_proc == PROTECT_PROC_NOACCESS ? 1
                                                         : 0;
}

static uint64_t judge_proc_subset(const struct judged *j, uint64_t parameter)
{
    return j->s->proc_subset == PROC_SUBSET_ALL;
}

static uint64_t judge_notify_access(const struct judged *j, uint64_t parameter)
{
    return j->c->service->notify_access == NOTIFY_ACCESS_ALL;
}

static uint64_t judge_delegate(const struct judged *j, uint64_t parameter)
{
    return j->c->cgroup->delegate.enabled;
}

static uint64_t judge_namespaces(const struct judged *j, uint64_t parameter)
{
    return (j->s->restrict_namespaces & parameter) != 0;
}

/* Parameter 0: whatever is not one of the usual families. */
static uint64_t judge_families(const struct judged *j, uint64_t parameter)
{
    const struct address_families *f = &j->s->restrict_address_families;
    static const uint64_t usual = 1 << AF_INET | 1 << AF_INET6 | 1 << AF_UNIX | 1 << AF_NETLINK |
                                  1 << AF_PACKET;

    if (parameter == 0)
        return f->allow_list ? (f->mask & ~usual) != 0 : (f->mask & ~usual) == 0;
    return f->allow_list ? (f->mask & parameter) != 0 : (f->mask & parameter) != parameter;
}

static uint64_t judge_architectures(const struct judged *j, uint64_t parameter)
{
    char *const *list = j->s->system_call_architectures;

    if (strv_length(list) == 0)
        return 10;
    return strv_length(list) == 1 && streq(list[0], "native") ? 0 : 8;
}

static bool covers_all(const struct ip_prefix *list, unsigned char family)
{
    for (; list; list = list->next)
        if (list->family == family && list->length == 0)
            return true;
    return false;
}

static bool is_local(const struct ip_prefix *p)
{
    static const unsigned char six[16] = { [15] = 1 };

    return p->family == AF_INET ? p->address[0] == 127 && p->length >= 8
                                : memcmp(p->address, six, 16) == 0 && p->length == 128;
}

static uint64_t judge_ip(const struct judged *j, uint64_t parameter)
{
    const struct cgroup_config *g = j->c->cgroup;

    if (strv_length(g->ip_ingress_filter_path) > 0 || strv_length(g->ip_egress_filter_path) > 0)
        return 0;
    if (!covers_all(g->ip_address_deny, AF_INET) || !covers_all(g->ip_address_deny, AF_INET6))
        return 10;
    for (const struct ip_prefix *p = g->ip_address_allow; p; p = p->next)
        if (!is_local(p))
            return 5;
    return g->ip_address_allow ? 2 : 0;
}

static uint64_t judge_devices(const struct judged *j, uint64_t parameter)
{
    if (j->e.device_policy == DEVICE_POLICY_AUTO)
        return 10;
    return j->c->cgroup->device_allow ? 5 : 0;
}

/* ---- the system call filter ---- */

/* Adds or takes out what an entry of the filter names. */
static int change_calls(struct map *calls, const char *name, bool add)
{
    static char present;
    const char *group = *name == '@' ? syscall_group(name) : NULL;
    int r = 0;

    if (*name != '@') {
        if (add)
            return map_put(calls, name, &present);
        map_remove(calls, name);
    }
    NULSTR_FOREACH(member, group)
    if (r >= 0)
        r = change_calls(calls, member, add);
    return r;
}

/* Keys are pieces of memory that live as long as `names`. */
static int collect_calls(struct judged *j, char **names)
{
    int r = 0;

    j->calls_allowed = names && **names != '~';
    for (char **n = names; r >= 0 && n && *n; n++) {
        bool negative = **n == '~';
        char *colon = strchr(*n, ':');

        if (colon)
            *colon = 0;
        r = change_calls(&j->calls, *n + negative, negative != j->calls_allowed);
    }
    return r;
}

static bool any_call(const struct map *calls, const char *name, bool present)
{
    const char *group = *name == '@' ? syscall_group(name) : NULL;

    if (*name != '@')
        return (map_get(calls, name) != NULL) == present;
    NULSTR_FOREACH(member, group)
    if (any_call(calls, member, present))
        return true;
    return false;
}

static uint64_t judge_calls(const struct judged *j, const char *group)
{
    if (strv_length(j->s->system_call_filter) == 0)
        return 10;
    if (j->calls_allowed)
        return any_call(&j->calls, group, true) ? 9 : 0;
    return any_call(&j->calls, group, false) ? 10 : 0;
}

/* ---- all of it ---- */

static const struct kind kinds[] = {
#define SECURE(kind, parameter, name, json, weight, range, phrase) \
    { name, json, phrase, NULL, judge_##kind, parameter, weight, range, 0, false },
#define BOOT(kind, parameter, name, json, weight, range, phrase) \
    { name, json, phrase, NULL, judge_##kind, parameter, weight, range, 0, true },
#define FLAG(member, name, json, weight, phrase) \
    { \
        name, json, phrase, NULL, NULL, 0, weight, 1, offsetof(struct sandbox_config, member), false \
    },
#define CALLS(group, json, weight) \
    { "SystemCallFilter=~@" group, \
      "SystemCallFilter_" json, \
      "@" group, \
      "@" group, \
      NULL, \
      0, \
      weight, \
      10, \
      0, \
      false },
#include "diagnose/security.def"
#undef SECURE
#undef BOOT
#undef FLAG
#undef CALLS
};

static uint64_t judge(const struct judged *j, const struct kind *k)
{
    if (k->boot && !j->c->unit->default_dependencies)
        return SECURITY_UNKNOWN;
    if (k->call_group)
        return judge_calls(j, k->call_group);
    if (k->judge)
        return k->judge(j, k->parameter);
    return !*(const bool *) ((const char *) j->s + k->flag);
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static void weigh(struct security *s)
{
    uint64_t weights = 0, sum = 0;

    for (unsigned i = 0; i < s->n; i++)
        if (s->rows[i].badness != SECURITY_UNKNOWN) {
            weights += s->rows[i].weight;
            sum += divide_up(s->rows[i].badness * s->rows[i].weight, s->rows[i].range);
        }
    for (unsigned i = 0; i < s->n; i++)
        if (s->rows[i].badness != SECURITY_UNKNOWN)
            s->rows[i].exposure = (unsigned) divide_up(s->rows[i].badness * s->rows[i].weight * 100,
                                                       weights * s->rows[i].range);
    s->exposure = (unsigned) divide_up(sum * 100, weights);
}

/* Members of another type say nothing, as with systemd. */
static void take_number(const json_t *policy, const char *name, unsigned *value)
{
    const json_t *number = json_object_get(policy, name);

    if (json_is_integer(number) && json_integer_value(number) >= 0)
        *value = (unsigned) MIN(json_integer_value(number), (json_int_t) 1000000000);
}

/* What a policy says of a row. */
static int apply_policy(const json_t *policy, struct security_row *row)
{
    take_number(policy, "weight", &row->weight);
    take_number(policy, "range", &row->range);
    row->excluded = row->weight == 0;
    if (row->excluded)
        row->badness = SECURITY_UNKNOWN;
    row->text = json_string_value(json_object_get(policy, row->badness == SECURITY_UNKNOWN
                                                              ? "description_na"
                                                          : row->badness ? "description_bad"
                                                                         : "description_good"));
    return row->range == 0 || (row->badness != SECURITY_UNKNOWN && row->badness > row->range)
               ? -ERANGE
               : 0;
}

int security_assess(const struct unit_config *c, bool offline, const json_t *policy,
                    struct security *ret, struct security_row *ret_wrong)
{
    struct judged j = { .c = c, .s = c->sandbox, .offline = offline };
    struct security s = { .rows = new0(struct security_row, ELEMENTSOF(kinds)),
                          .n = ELEMENTSOF(kinds) };
    auto_strv char **names = strv_copy(c->sandbox->system_call_filter);
    const char *user = c->exec->user;
    int r;

    if (!s.rows || !names) {
        free(s.rows);
        return -ENOMEM;
    }
    effective_settings(c, true, &j.e);
    j.is_root = !c->sandbox->dynamic_user &&
                (isempty(user) || streq(user, "root") || streq(user, "0"));
    r = *names ? collect_calls(&j, names) : 0;
    for (unsigned i = 0; r >= 0 && i < s.n; i++) {
        s.rows[i] = (struct security_row){
            .name = kinds[i].name,
            .json = kinds[i].json,
            .phrase = kinds[i].phrase,
            .call_group = kinds[i].call_group,
            .badness = judge(&j, &kinds[i]),
            .weight = kinds[i].weight,
            .range = kinds[i].range,
        };
        r = apply_policy(json_object_get(policy, kinds[i].json), &s.rows[i]);
        if (r < 0 && ret_wrong)
            *ret_wrong = s.rows[i];
    }
    map_done(&j.calls);
    if (r < 0) {
        free(s.rows);
        return r;
    }
    weigh(&s);
    *ret = s;
    return 0;
}

void security_done(struct security *s)
{
    free(s->rows);
    *s = (struct security){};
}

const char *security_level(unsigned exposure, bool emoji, const char **ret_face)
{
    static const struct {
        unsigned least;
        const char *name, *emoji, *ascii;
    } levels[] = { { 100, "DANGEROUS", "🤢", ":-[" }, { 90, "UNSAFE", "😨", ":-{" },
                   { 75, "EXPOSED", "🙁", ":-(" },    { 50, "MEDIUM", "😐", ":-|" },
                   { 10, "OK", "🙂", ":-)" },         { 0, "PERFECT", "😇", ":-]" } };
    size_t i = 0;

    while (exposure < levels[i].least)
        i++;
    *ret_face = emoji ? levels[i].emoji : levels[i].ascii;
    return levels[i].name;
}
