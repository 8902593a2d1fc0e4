#include "control/manager_service.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/users.h"
#include "control/methods.h"
#include "control/server.h"
#include "control/user_database.h"
#include "unit/name.h"

#define FLUSH_USEC (100 * USEC_PER_MSEC)
/* Everybody may connect: what they may do is decided by their credentials. */
#define SOCKET_MODE 0666

struct manager_service {
    struct manager *manager;
    struct varlink_server *server;
    struct user_database *users;
    gid_t output_groups[2];
    size_t n_output_groups;
};

/* ---- the table ---- */

static const struct idl_type types[] = {
#define TYPE(name, text, doc) { #name, text, doc },
#include "control/methods.def"
#undef TYPE
    { 0 },
};

static const struct varlink_error errors[] = {
#define ERROR(name, parameters, doc) { #name, parameters, doc },
#include "control/methods.def"
#undef ERROR
    { 0 },
};

static const struct varlink_method methods[] = {
#define METHOD(name, function, access, more, in, out, doc) \
    { #name, access, more, in, out, doc, method_##function },
#include "control/methods.def"
#undef METHOD
    { 0 },
};

const struct varlink_interface manager_interface = {
    .name = "io.reeve.Manager",
    .doc = "The service manager: units, jobs, the environment, the manager itself.\n"
           "States are for everyone who can connect; output, records and environments for root,\n"
           "the manager's own uid and the groups adm and systemd-journal; changes for root and\n"
           "the manager's uid. Names of states, modes and results are those of systemctl(1).",
    .vendor = "reeve",
    .product = "reeve",
    .version = REEVE_VERSION,
    .url = "",
    .types = types,
    .methods = methods,
    .errors = errors,
};

/* ---- life ---- */

/* Looks the groups up in /etc/group alone: the manager waits for no name service. */
static void find_output_groups(struct manager_service *s)
{
    static const char *const names[] = { "adm", "systemd-journal" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        struct users_lookup lookup = { .files_only = true };
        struct group g = { 0 };

        if (group_find(&lookup, names[i], &g) >= 0)
            s->output_groups[s->n_output_groups++] = g.gid;
        group_done(&g);
    }
}

static bool may_read_output(gid_t gid, void *userdata)
{
    const struct manager_service *s = userdata;

    for (size_t i = 0; i < s->n_output_groups; i++)
        if (s->output_groups[i] == gid)
            return true;
    return false;
}

int manager_service_new(struct manager *m, struct manager_service **ret)
{
    struct manager_service *s = new0(struct manager_service, 1);
    auto_free char *path = path_join(manager_socket_dir(m), "io.reeve.Manager", NULL);
    int r = -ENOMEM;

    if (!s || !path) {
        free(s);
        return -ENOMEM;
    }
    s->manager = m;
    find_output_groups(s);
    r = varlink_server_new(manager_loop(m), &manager_interface, m, &s->server);
    if (r >= 0) {
        varlink_server_set_output_groups(s->server, may_read_output, s);
        r = mkdir_parents(path, 0755);
    }
    if (r >= 0)
        r = varlink_server_listen(s->server, path, SOCKET_MODE);
    /* Without it names of dynamic users are not known to programs: no reason not to start. */
    if (r >= 0)
        (void) user_database_new(m, &s->users);
    if (r < 0) {
        manager_service_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

int manager_service_add_client(struct manager_service *s, int fd)
{
    return varlink_server_add_client(s->server, fd);
}

void manager_service_free(struct manager_service *s)
{
    if (!s)
        return;
    user_database_free(s->users);
    varlink_server_free(s->server);
    free(s);
}

void manager_service_flush(struct manager_service *s)
{
    varlink_server_flush(s->server, FLUSH_USEC);
}

/* ---- what the methods share ---- */

json_t *describe_unit(const struct unit *u)
{
    json_t *job_id = u->job ? json_integer(u->job->id) : json_null();
    json_t *job_type = u->job ? json_string(job_type_name(u->job->type)) : json_null();

    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:o}", "id", u->id, "description",
                     json_text(unit_description(u)), "load", load_state_to_string(u->load_state),
                     "active", active_state_name(unit_active_state(u)), "sub", unit_sub_state(u),
                     "job", job_id, "job_type", job_type);
}

json_t *describe_job(const struct job *j)
{
    const struct dual_time *since = j->state == JOB_RUNNING ? &j->begin_running : &j->begin;

    return json_pack("{s:I, s:s, s:s, s:s, s:o}", "id", (json_int_t) j->id, "unit", j->unit->id,
                     "type", job_type_name(j->type), "state", job_state_name(j->state), "since",
                     json_u64(since->realtime));
}

int reply_refused(struct varlink_call *c, int r, const struct op_error *e)
{
    const char *message = e->message ? e->message : strerror(-r);

    if (!e->name)
        return varlink_error(c, "Failed", json_pack("{s:s, s:i}", "message", message, "errno", -r));
    if (streq(e->name, "NoSuchUnit") || streq(e->name, "NoSuchJob"))
        return varlink_error(c, e->name, json_pack("{s:s}", "message", message));
    return varlink_error(
        c, "Refused",
        json_pack("{s:s, s:s, s:i}", "message", message, "reason", e->name, "errno", -r));
}

json_t *describe_refusal(const char *unit, int r, const struct op_error *e)
{
    return json_pack("{s:s, s:s, s:s, s:i}", "unit", unit, "error", e->name ? e->name : "Failed",
                     "message", e->message ? e->message : strerror(-r), "errno", -r);
}

int reply_result(struct varlink_call *c, int r, const struct op_error *e)
{
    return r < 0 ? reply_refused(c, r, e) : varlink_reply(c, NULL);
}

int method_unit(struct varlink_call *c, const json_t *in, struct manager *m, struct unit **ret)
{
    const char *name = json_string_value(json_object_get(in, "unit"));
    auto_op_error struct op_error e = { 0 };
    struct unit *u = manager_unit(m, name);
    int r = 0;

    /* systemd takes an invocation id here as well, and says so. */
    if (!u && !unit_name_is_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        r = op_error_set(&e, -EINVAL, "InvalidArgs",
                         "Unit name %s is neither a valid invocation ID nor unit name.", name);
    else if (!u)
        r = manager_load_unit(m, name, &u, &e);
    if (r < 0)
        return reply_refused(c, r, &e);
    *ret = unit_follow_merge(u);
    return 1;
}

int method_loaded_unit(struct varlink_call *c, const json_t *in, struct manager *m,
                       struct unit **ret)
{
    const char *name = json_string_value(json_object_get(in, "unit"));
    struct unit *u = manager_unit(m, name);
    char message[512];

    if (!u) {
        snprintf(message, sizeof message, "Unit %s not loaded.", name);
        return varlink_error(c, "NoSuchUnit", json_pack("{s:s}", "message", message));
    }
    *ret = unit_follow_merge(u);
    return 1;
}

bool is_one_of(const json_t *texts, const char *text)
{
    json_t *t;
    size_t i;

    json_array_foreach(texts, i, t)
    {
        if (streq(json_string_value(t), text))
            return true;
    }
    return false;
}

bool matches_any(const json_t *patterns, const char *text)
{
    json_t *p;
    size_t i;

    if (!json_is_array(patterns))
        return true;
    json_array_foreach(patterns, i, p)
    {
        if (fnmatch(json_string_value(p), text, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}
