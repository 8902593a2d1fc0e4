/* control/user_database.c -- who the dynamic users are, from the folder in which their ids are
 * locked: https://systemd.io/USER_GROUP_API. */
#include "control/user_database.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "control/json.h"
#include "control/server.h"
#include "manager/manager.h"

#define SERVICE "io.systemd.DynamicUser"
#define SOCKET_FOLDER "/run/systemd/userdb"
/* launch/dynamic_user.c: "direct:NAME" is a link whose target is the id, and "direct:ID" one whose
 * target is the name. A memory file system: nothing here waits for a disk. */
#define LOCK_FOLDER "/run/systemd/dynamic-uid"

struct user_database {
    struct varlink_server *server;
};

static char *other_of(const char *key)
{
    auto_free char *path = strchr(key, '/') ? NULL : format("%s/direct:%s", LOCK_FOLDER, key);
    char *target = NULL;

    return path && readlink_alloc(path, &target) >= 0 ? target : NULL;
}

/* A user and the group of the same name look alike but for their names' members. */
static json_t *record(bool group, const char *name, uid_t id)
{
    json_t *r = json_pack("{s:s, s:i, s:s, s:s}", group ? "groupName" : "userName", name, "gid",
                          (int) id, "service", SERVICE, "disposition", "dynamic");

    if (r && group)
        json_object_set_new(r, "description", json_string("Dynamic Group"));
    else if (r)
        json_object_update_new(r, json_pack("{s:i, s:s, s:s, s:s, s:b}", "uid", (int) id,
                                            "realName", "Dynamic User", "homeDirectory", "/",
                                            "shell", "/usr/sbin/nologin", "locked", 1));
    return json_pack("{s:o}", "record", r);
}

/* All of them, one a reply. */
static int list(struct varlink_call *c, bool group)
{
    DIR *dir = opendir(LOCK_FOLDER);
    json_t *last = NULL;

    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        uid_t id;
        auto_free char *name = parse_uid(e->d_name, &id) < 0 ? NULL : other_of(e->d_name);

        if (!name)
            continue;
        if (last && varlink_notify(c, last) < 0) {
            closedir(dir);
            return 0;
        }
        last = record(group, name, id);
    }
    if (dir)
        closedir(dir);
    return last ? varlink_reply(c, last) : varlink_error(c, "NoRecordFound", NULL);
}

static int find(struct varlink_call *c, const json_t *in, bool group)
{
    const json_t *number = json_object_get(in, group ? "gid" : "uid");
    const char *asked = json_string_value(json_object_get(in, group ? "groupName" : "userName"));
    auto_free char *text = json_is_integer(number)
                               ? format("%lld", (long long) json_integer_value(number))
                               : NULL;
    uid_t id;

    if (!streq_ptr(json_string_value(json_object_get(in, "service")), SERVICE))
        return varlink_error(c, "BadService", NULL);
    if (!asked && !json_is_integer(number))
        return varlink_call_wants_more(c) ? list(c, group)
                                          : varlink_error(c, "EnumerationNotSupported", NULL);
    /* The id first: its link holds the name. */
    auto_free char *other = other_of(text ? text : strempty(asked));
    if (!other || parse_uid(text ? text : other, &id) < 0)
        return varlink_error(c, "NoRecordFound", NULL);
    if (text && asked && !streq(other, asked))
        return varlink_error(c, "ConflictingRecordFound", NULL);
    return varlink_reply(c, record(group, text ? other : asked, id));
}

static int get_user(struct varlink_call *c, const json_t *in, void *userdata)
{
    return find(c, in, false);
}

static int get_group(struct varlink_call *c, const json_t *in, void *userdata)
{
    return find(c, in, true);
}

/* A dynamic user is in its own group alone. */
static int get_memberships(struct varlink_call *c, const json_t *in, void *userdata)
{
    return varlink_error(c,
                         streq_ptr(json_string_value(json_object_get(in, "service")), SERVICE)
                             ? "NoRecordFound"
                             : "BadService",
                         NULL);
}

static const struct varlink_method methods[] = {
    { "GetUserRecord", NEEDS_READ, false, "(uid: ?int, userName: ?string, service: string)",
      "(record: object, incomplete: ?bool)", "A user by id or name, or all of them.", get_user },
    { "GetGroupRecord", NEEDS_READ, false, "(gid: ?int, groupName: ?string, service: string)",
      "(record: object, incomplete: ?bool)", "A group by id or name, or all of them.", get_group },
    { "GetMemberships", NEEDS_READ, false,
      "(userName: ?string, groupName: ?string, service: string)",
      "(userName: string, groupName: string)", "Who is in which group.", get_memberships },
    { NULL, NEEDS_READ, false, NULL, NULL, NULL, NULL },
};

static const struct varlink_error errors[] = {
    { "NoRecordFound", "()", "There is no such user or group." },
    { "BadService", "()", "Another service was asked for." },
    { "ConflictingRecordFound", "()", "Id and name are not of the same one." },
    { "EnumerationNotSupported", "()", "All of them are given as a stream only." },
    { NULL, NULL, NULL },
};

static const struct idl_type types[] = { { NULL, NULL, NULL } };

static const struct varlink_interface interface = {
    .name = "io.systemd.UserDatabase",
    .doc = "The users of DynamicUser=.",
    .vendor = "reeve",
    .product = "reeve",
    .version = REEVE_VERSION,
    .url = "https://systemd.io/USER_GROUP_API",
    .types = types,
    .methods = methods,
    .errors = errors,
};

int user_database_new(struct manager *m, struct user_database **ret)
{
    *ret = NULL;
    if (manager_role(m) != MANAGER_PID1 || mkdir_all(SOCKET_FOLDER, 0755) < 0)
        return 0;
    struct user_database *d = new0(struct user_database, 1);
    int r = d ? varlink_server_new(manager_loop(m), &interface, d, &d->server) : -ENOMEM;

    if (r >= 0)
        r = varlink_server_listen(d->server, SOCKET_FOLDER "/" SERVICE, 0666);
    if (r < 0) {
        user_database_free(d);
        return r;
    }
    *ret = d;
    return 0;
}

void user_database_free(struct user_database *d)
{
    if (d)
        varlink_server_free(d->server);
    free(d);
}
