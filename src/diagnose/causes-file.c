/* Causes that a failed call on a file shows; the live machine is asked whether it is so. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/identity.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

static const char *first(json_t *answer)
{
    return strempty(json_string_value(json_array_get(json_object_get(answer, "candidates"), 0)));
}

static bool is_secret(const char *path)
{
    static const char *const words[] = { ".key",  ".pem",        "privkey",  "/private/",  "secret",
                                         "token", "letsencrypt", "password", "credential", ".crt" };

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strstr(path, words[i]))
            return true;
    return false;
}

/* The denied call that weighs most: the last one on a path. */
static const struct trace_event *denied_path(const struct facts *facts)
{
    const struct trace_event *found = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->family == AF_UNIX ? e->address : NULL;

        if ((e->error != EACCES && e->error != EPERM) || !path || streq(e->call, "execve") ||
            startswith(path, "/proc") || startswith(path, "/sys"))
            continue;
        found = e;
    }
    return found;
}

static bool writes(const struct trace_event *e)
{
    return (e->flags & O_ACCMODE) != O_RDONLY || (e->flags & O_CREAT) ||
           !startswith(e->call, "open");
}

/* What the unit's user lacks there, and on what. */
static json_t *judge_access(struct facts *facts, const struct trace_event *e, const char *path)
{
    bool open = startswith(e->call, "open");
    const char *want = !open                                ? "w"
                       : (e->flags & O_ACCMODE) == O_RDWR   ? "rw"
                       : (e->flags & O_ACCMODE) == O_WRONLY ? "w"
                                                            : "r";
    json_t *p = facts_probe(facts, "path", "%s %s", want, path);

    /* What is to be made needs its folder. */
    if (streq(probe_text(p, "verdict"), "missing")) {
        auto_free char *folder = strndup(path, (size_t) (path_basename(path) - path));

        if (folder && *folder)
            p = facts_probe(facts, "path", "wx %s", folder);
    }
    return p;
}

static void directories_fix(struct finding *f, const char *object)
{
    static const struct {
        const char *prefix, *directive;
    } kinds[] = { { "/var/lib/", "StateDirectory" },
                  { "/var/log/", "LogsDirectory" },
                  { "/var/cache/", "CacheDirectory" },
                  { "/run/", "RuntimeDirectory" } };

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        const char *rest = startswith(object, kinds[i].prefix);

        if (rest && *rest)
            find_fix_dropin(f, "let the manager make and own the folder", "[Service]\n%s=%.*s\n",
                            kinds[i].directive, (int) strcspn(rest, "/"), rest);
    }
}

/* Whether the invocations of the series ended in different ways: then the rerun tells of the last
 * one, and not of the first. */
static bool series_changed(const struct facts *facts)
{
    const struct facts_exit *first = facts_failed_exit(facts_explained(facts));
    const struct facts_exit *last = facts->n_invocations > 0
                                        ? facts_failed_exit(&facts->invocations[0])
                                        : NULL;

    return first && last && (first->status != last->status || first->code != last->code);
}

/* Without a call that was seen to fail: the files that the script names are looked at in its user's
 * place. */
static void judge_named_files(struct facts *facts, struct finding *f)
{
    static const char *const folders[] = { "/var/lib/", "/var/log/", "/var/cache/", "/srv/",
                                           "/opt/",     "/etc/",     "/var/spool/" };
    const struct exec_command *c = facts->config->service->exec_start;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!facts_failed_exit(facts_explained(facts)) || isempty(facts->config->exec->user) ||
        facts->recorded || (facts->traced && !series_changed(facts)))
        return;
    STRV_FOREACH (a, c ? c->argv : NULL) {
        const char *script = a == c->argv ? c->path : *a;
        auto_free char *text = NULL;

        if (*script != '/' || file_read(script, 1 << 20, &text, NULL) < 0 || text[0] == 0x7f)
            continue;
        for (const char *p = text; (p = strchr(p, '/')); p++) {
            size_t n = strcspn(p, " \t\r\n\"'`,;:()[]<>$*?{}|&");
            auto_free char *path = strndup(p, n);
            bool ours = false;

            for (size_t i = 0; path && i < ELEMENTSOF(folders); i++)
                ours = ours || startswith(path, folders[i]);
            json_t *r = ours ? facts_probe(facts, "path", "r %s", path) : NULL;
            if (r && (streq(probe_text(r, "verdict"), "no-permission") ||
                      streq(probe_text(r, "verdict"), "not-searchable"))) {
                (void) unit_identity(facts, &id);
                find(f, SURE_LIKELY + 0.1,
                     "the user %s may not use %s: it belongs to %s:%s, mode %s", strempty(id.user),
                     path, probe_text(r, "owner"), probe_text(r, "group"), probe_text(r, "mode"));
                find_fact(f, "path", path);
                find_fact(f, "user", id.user);
                find_evidence(f, EVIDENCE_PROBE, "%s, which %s names, is %s:%s mode %s",
                              probe_text(r, "object"), script, probe_text(r, "owner"),
                              probe_text(r, "group"), probe_text(r, "mode"));
                if (series_changed(facts))
                    find_evidence(f, EVIDENCE_EXIT,
                                  "the first run ended otherwise than the last: that one only met "
                                  "what the first left behind");
                find_setting(f, facts, "Service", "User");
                find_fix_command(f, "give it to the user", "chown %s: %s", strempty(id.user), path);
                directories_fix(f, path);
                return;
            }
            p += n > 0 ? n - 1 : 0;
        }
    }
}

void judge_state_permission(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = denied_path(facts);
    const char *path = e ? e->path ? e->path : e->address : NULL;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!e && facts->config) {
        judge_named_files(facts, f);
        return;
    }
    if (!e || startswith(path, "/dev/") || streq(e->call, "connect"))
        return;
    if (!writes(e) && is_secret(path))
        return;
    json_t *p = judge_access(facts, e, path);
    const char *verdict = probe_text(p, "verdict"), *object = probe_text(p, "object");
    if (streq(verdict, "ok"))
        return;
    (void) unit_identity(facts, &id);
    find(f,
         streq(verdict, "no-permission") || streq(verdict, "not-searchable") ? SURE_PROVEN
                                                                             : SURE_LIKELY,
         "the user %s may not use %s: it belongs to %s:%s, mode %s", strempty(id.user),
         *object ? object : path, probe_text(p, "owner"), probe_text(p, "group"),
         probe_text(p, "mode"));
    find_fact(f, "path", path);
    find_fact(f, "object", object);
    find_fact(f, "user", id.user);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s: %s lacks %s", object,
                  probe_text(p, "owner"), probe_text(p, "group"), probe_text(p, "mode"),
                  strempty(id.user), probe_text(p, "missing"));
    find_setting(f, facts, "Service", "User");
    find_fix_command(f, "give it to the user", "chown %s: %s", strempty(id.user),
                     *object ? object : path);
    directories_fix(f, *object ? object : path);
    find_prevent(f, "ExecStartPre=reeve preflight --file=%s:rw", path);
}

void judge_secret_unreadable(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = denied_path(facts);
    const char *path = e ? e->path : NULL;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!path || writes(e) || !is_secret(path))
        return;
    json_t *p = facts_probe(facts, "path", "r %s", path);
    if (streq(probe_text(p, "verdict"), "ok"))
        return;
    (void) unit_identity(facts, &id);
    find(f, SURE_PROVEN, "the user %s may not read %s (%s:%s mode %s)", strempty(id.user), path,
         probe_text(p, "owner"), probe_text(p, "group"), probe_text(p, "mode"));
    find_fact(f, "path", path);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s", probe_text(p, "object"),
                  probe_text(p, "owner"), probe_text(p, "group"), probe_text(p, "mode"));
    find_fix_dropin(f, "hand it over as a credential (below $CREDENTIALS_DIRECTORY)",
                    "[Service]\nLoadCredential=%s:%s\n", path_basename(path), path);
    find_fix_command(f, "or let the group read it", "chgrp %s %s && chmod g+r %s",
                     strempty(id.user), path, path);
    find_not(f, "making a secret readable for all");
}

/* Whether the group of what the call was denied on may what the user may not: with sockets and
 * devices that is what groups are for, else where root owns it and it is only read. */
static bool is_meant_for_group(const struct trace_event *e, json_t *p)
{
    const char *type = probe_text(p, "type"), *mode = probe_text(p, "mode");
    const char *verdict = probe_text(p, "verdict"), *missing = probe_text(p, "missing");
    bool search = streq(verdict, "not-searchable");
    unsigned bits = strlen(mode) == 4 ? (unsigned) (mode[2] - '0') : 0;

    if ((!search && !streq(verdict, "no-permission")) || streq(probe_text(p, "group"), "root"))
        return false;
    if (streq(type, "socket") || streq(type, "device"))
        return !search && bits >= 6;
    return streq(probe_text(p, "owner"), "root") && startswith(e->call, "open") && !writes(e) &&
           (search || strchr(missing, 'x') ? bits & 1 : bits & 4);
}

void judge_group_not_member(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = judge_last_call(facts, "connect", EACCES);
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!e)
        e = denied_path(facts);
    const char *path = !e ? NULL : e->family == AF_UNIX && e->address ? e->address : e->path;
    if (!path)
        return;
    bool reads = startswith(e->call, "open") && !writes(e);
    json_t *p = facts_probe(facts, "path",
                            reads                       ? "r %s"
                            : streq(e->call, "connect") ? "w %s"
                                                        : "rw %s",
                            path);
    if (!e->error || !is_meant_for_group(e, p))
        return;
    const char *mode = probe_text(p, "mode"), *group = probe_text(p, "group");
    const char *object = probe_text(p, "object");
    path = *object ? object : path;
    (void) unit_identity(facts, &id);
    find(f, SURE_PROVEN + 0.01, "%s is for the group %s, which the user %s is not in", path, group,
         strempty(id.user));
    find_fact(f, "path", path);
    find_fact(f, "group", group);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s", path, probe_text(p, "owner"), group,
                  mode);
    find_fix_dropin(f, "let the unit have the group", "[Service]\nSupplementaryGroups=%s\n", group);
    find_fix_command(f, "or make the user a member, then restart", "usermod -a -G %s %s", group,
                     strempty(id.user));
}

/* The setting that makes the path read-only. */
static const char *protecting_setting(const struct facts *facts, const char *path)
{
    static const struct {
        const char *prefix, *directive;
    } kinds[] = { { "/sys/fs/cgroup", "ProtectControlGroups" },
                  { "/proc", "ProtectKernelTunables" },
                  { "/sys", "ProtectKernelTunables" },
                  { "/home", "ProtectHome" },
                  { "/root", "ProtectHome" },
                  { "/run/user", "ProtectHome" },
                  { "/", "ReadOnlyPaths" },
                  { "/", "ProtectSystem" },
                  { "/", "DynamicUser" } };

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
        if (path_startswith(path, kinds[i].prefix) && judge_is_set(facts, kinds[i].directive))
            return kinds[i].directive;
    return NULL;
}

void judge_fs_readonly_protect(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = judge_last_call(facts, NULL, EROFS);
    const char *directive = e && e->path ? protecting_setting(facts, e->path) : NULL;

    if (!directive)
        return;
    auto_free char *folder = strndup(e->path, (size_t) (path_basename(e->path) - e->path));
    if (folder && strlen(folder) > 1)
        folder[strlen(folder) - 1] = 0;
    json_t *disk = facts_probe(facts, "disk", "%s", e->path);
    if (probe_true(disk, "read_only"))
        return;
    find(f, SURE_PROVEN, "%s is read-only for the unit, though not on the machine: %s= makes it so",
         e->path, directive);
    find_fact(f, "path", e->path);
    find_fact(f, "directive", directive);
    find_call(f, e);
    find_setting(f, facts, "Service", directive);
    find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is writable (%s)",
                  probe_text(disk, "mount"), probe_text(disk, "type"));
    directories_fix(f, e->path);
    if (startswith(directive, "ProtectKernel") || startswith(directive, "ProtectControl"))
        find_fix_dropin(f, "let it change the kernel's settings", "[Service]\n%s=no\n", directive);
    else
        find_fix_dropin(f, "let it write there", "[Service]\nReadWritePaths=%s\n",
                        strempty(folder));
    find_not(f, "chmod and chown: permissions are not what forbids it");
}

void judge_disk_full(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = judge_last_call(facts, NULL, ENOSPC);

    if (!e)
        e = judge_last_call(facts, NULL, EDQUOT);
    if (e && startswith(e->call, "inotify"))
        return;
    auto_free char *said = e ? NULL : judge_path_after(facts, "No space left on device");
    const char *path = e ? e->path : said;
    /* write() is not watched, but what it writes to is known. */
    for (size_t i = 0; !path && i < facts->n_trace; i++) {
        const struct trace_event *t = &facts->trace[i];
        json_t *d = !t->error && t->path && (t->flags & O_ACCMODE) != O_RDONLY
                        ? facts_probe(facts, "disk", "%s", t->path)
                        : NULL;

        if (d && probe_number(d, "total_bytes") > 0 &&
            (probe_number(d, "free_bytes") < 65536 ||
             probe_number(d, "free_bytes") * 100 < probe_number(d, "total_bytes"))) {
            e = t;
            path = t->path;
        }
    }
    if (!path || *path != '/')
        return;
    json_t *disk = facts_probe(facts, "disk", "%s", path);
    bool inodes = probe_number(disk, "total_inodes") > 0 && probe_number(disk, "free_inodes") == 0;
    long long mib = probe_number(disk, "free_bytes") >> 20;
    if (!inodes && !e && mib > 16)
        return;
    find(f, SURE_PROVEN,
         inodes ? "the file system %s has no inodes left (%s): no file can be made there"
                : "the file system %s is full (%s)",
         probe_text(disk, "mount"), path);
    find_fact(f, "path", path);
    find_fact(f, "mount", probe_text(disk, "mount"));
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s (%s): %lld MiB free, %lld of %lld inodes free",
                  probe_text(disk, "mount"), probe_text(disk, "type"), mib,
                  probe_number(disk, "free_inodes"), probe_number(disk, "total_inodes"));
    find_fix(f, inodes ? "delete files there, or make a file system with more inodes"
                       : "free space there, or make it larger");
    find_prevent(f, "ExecStartPre=reeve preflight --disk=%s:100M", probe_text(disk, "mount"));
}

void judge_run_dir_missing(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->family == AF_UNIX ? e->address : NULL;
        const char *rest = path ? startswith(path, "/run/") : NULL;

        if (!rest && path)
            rest = startswith(path, "/var/run/");
        if (e->error != ENOENT || !rest || !strchr(rest, '/') || startswith(rest, "nscd/") ||
            startswith(rest, "systemd/") || streq(e->call, "connect") ||
            (startswith(e->call, "open") && !(e->flags & O_CREAT)) || strstr(e->call, "stat") ||
            strstr(e->call, "unlink") || strstr(e->call, "access") || strstr(e->call, "readlink"))
            continue;
        auto_free char *folder = strndup(path, (size_t) (rest - path) + strcspn(rest, "/"));
        if (!folder ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", folder), "verdict"),
                   "missing"))
            continue;
        find(f, SURE_PROVEN, "the folder %s does not exist: /run is empty after every boot",
             folder);
        find_fact(f, "path", folder);
        find_call(f, e);
        find_evidence(f, EVIDENCE_PROBE, "%s does not exist", folder);
        find_fix_dropin(f, "let the manager make it at every start",
                        "[Service]\nRuntimeDirectory=%.*s\n", (int) strcspn(rest, "/"), rest);
        find_fix(f, "or a line for tmpfiles.d: d %s 0755 USER GROUP", folder);
        find_not(f, "mkdir by hand: it is gone after the next boot");
        return;
    }
}

static bool is_config_name(const char *path)
{
    static const char *const ends[] = { ".conf",   ".cfg", ".json",   ".yaml", ".yml",
                                        ".toml",   ".ini", ".xml",    ".env",  ".properties",
                                        ".config", ".db",  ".sqlite", ".pem",  ".html" };

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        if (endswith(path, ends[i]))
            return true;
    return false;
}

/* A file the program looked for by a path relative to its current folder, which is /. */
void judge_cwd_is_root(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    if (!c || judge_is_set(facts, "WorkingDirectory"))
        return;
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *quote = e->text ? strchr(e->text, '"') : NULL;

        if (e->error != ENOENT || !e->path || !quote || quote[1] == '/' || !*e->path)
            continue;
        auto_free char *relative = strndup(quote + 1, strcspn(quote + 1, "\""));
        /* Beside the program, or beside the script that an interpreter runs. */
        for (size_t k = 0;
             relative && *relative && (k == 0 || (c->argv && k < strv_length(c->argv))); k++) {
            const char *program = k == 0 ? c->path : c->argv[k];
            auto_free char *folder = *program == '/'
                                         ? strndup(program,
                                                   (size_t) (path_basename(program) - program))
                                         : NULL;

            for (unsigned up = 0; folder && up < 2; up++) {
                auto_free char *path = path_join(folder, relative, NULL);

                if (path &&
                    streq(probe_text(facts_probe(facts, "root-path", "- %s", path), "verdict"),
                          "ok")) {
                    size_t n = strlen(folder);

                    if (n > 1 && folder[n - 1] == '/')
                        folder[n - 1] = 0;
                    find(f, SURE_PROVEN,
                         "it looks for %s in its working directory, which is /; the file is %s",
                         relative, path);
                    find_fact(f, "path", relative);
                    find_fact(f, "found", path);
                    find_call(f, e);
                    find_evidence(f, EVIDENCE_PROBE, "%s exists", path);
                    find_evidence(f, EVIDENCE_UNIT, "WorkingDirectory= is not set: units run in /");
                    find_fix_dropin(f, "start it where its files are",
                                    "[Service]\nWorkingDirectory=%s\n", folder);
                    return;
                }
                size_t n = strlen(folder);
                while (n > 1 && folder[n - 1] == '/')
                    folder[--n] = 0;
                char *slash = strrchr(folder, '/');
                if (!slash || slash == folder)
                    break;
                slash[1] = 0;
            }
        }
    }
}

/* What runtimes look for beside themselves on every start. */
static bool is_runtime_search(const char *path)
{
    static const char *const ends[] = { "pyvenv.cfg",     "._pth",       ".zip",
                                        "pybuilddir.txt", "Setup.local", "openssl.cnf",
                                        "gai.conf",       ".so",         ".pyc" };

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        if (endswith(path, ends[i]))
            return true;
    return startswith(path, "/usr/") || startswith(path, "/lib") || startswith(path, "/bin/") ||
           startswith(path, "/var/lib/gems/") || endswith(path, "/package.json");
}

void judge_file_missing(struct facts *facts, struct finding *f)
{
    const struct trace_event *found = NULL;
    bool said = false;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *quote = e->text ? strchr(e->text, '"') : NULL;

        if (e->error != ENOENT || !e->path || !startswith(e->call, "open") ||
            (e->flags & O_CREAT) || !trace_event_is_telling(e) || !quote || quote[1] != '/' ||
            startswith(e->path, "/run/") || startswith(e->path, "/proc/") ||
            startswith(e->path, "/dev/"))
            continue;
        bool named = judge_said(facts, e->path);
        if (!named && (is_runtime_search(e->path) || said || (e->flags & O_DIRECTORY)))
            continue;
        found = e;
        said = named;
    }
    if (!found || !facts_failed_exit(facts_explained(facts)) ||
        !streq(probe_text(facts_probe(facts, "root-path", "- %s", found->path), "verdict"),
               "missing"))
        return;
    json_t *near = facts_probe(facts, "near-file", "%s", found->path);
    find(f,
         said                                 ? SURE_PROVEN - 0.05
         : !judge_gave_up_after(facts, found) ? SURE_POSSIBLE
         : is_config_name(found->path)        ? SURE_LIKELY
                                              : SURE_ENOUGH,
         *first(near) ? "the file %s does not exist; there is %s" : "the file %s does not exist",
         found->path, first(near));
    find_fact(f, "path", found->path);
    if (*first(near))
        find_fact(f, "candidate", first(near));
    find_call(f, found);
    judge_last_words(facts, f, 2);
    find_fix(f, *first(near) ? "put it there, or point the program to %s" : "put the file %s there",
             *first(near) ? first(near) : found->path);
    find_prevent(f, "ExecStartPre=reeve preflight --file=%s", found->path);
}

/* What it wants lies in the private /tmp of another unit. */
static void judge_peer_tmp(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; i < facts->n_trace && !facts->recorded; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->address;
        const char *rest = path ? startswith(path, "/tmp/") : NULL;
        auto_strv char **found = NULL;

        if (e->error != ENOENT || isempty(rest))
            continue;
        auto_free char *pattern = format("/tmp/systemd-private-*/tmp/%s", rest);
        if (!pattern || path_glob(pattern, &found) <= 0)
            continue;
        /* systemd-private-BOOTID-UNIT-XXXXXX */
        const char *unit = found[0] + strlen("/tmp/systemd-private-") + 33;
        auto_free char *name = strndup(unit, strcspn(unit, "/"));
        char *dash = name ? strrchr(name, '-') : NULL;
        if (!dash)
            continue;
        *dash = 0;
        find(f, SURE_DECISIVE,
             "%s is in the own /tmp of %s (PrivateTmp=), where this unit does not see it", path,
             name);
        find_fact(f, "path", path);
        find_fact(f, "unit", name);
        find_call(f, e);
        find_evidence(f, EVIDENCE_PROBE, "%s is there: PrivateTmp= of %s", found[0], name);
        find_fix_dropin(f, "share its /tmp",
                        "[Unit]\nJoinsNamespaceOf=%s\n[Service]\nPrivateTmp=yes\n", name);
        find_fix(f, "or meet in /run: RuntimeDirectory= of %s", name);
        return;
    }
}

void judge_private_tmp_split(struct facts *facts, struct finding *f)
{
    judge_peer_tmp(facts, f);
    if (f->confidence > 0 ||
        (!judge_is_set(facts, "PrivateTmp") && !judge_is_set(facts, "DynamicUser")))
        return;
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->address;

        if (e->error != ENOENT || !path ||
            (!startswith(path, "/tmp/") && !startswith(path, "/var/tmp/")) ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", path), "verdict"), "ok"))
            continue;
        find(f, SURE_DECISIVE, "%s exists, but not in the unit's own /tmp (PrivateTmp=)", path);
        find_fact(f, "path", path);
        find_call(f, e);
        bool implied = facts->config && facts->config->sandbox->dynamic_user;
        find_setting(f, facts, "Service", implied ? "DynamicUser" : "PrivateTmp");
        find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is there", path);
        if (implied)
            find_evidence(f, EVIDENCE_UNIT, "DynamicUser= implies PrivateTmp=");
        find_fix(f, "meet in /run instead: RuntimeDirectory= of the one who makes it");
        find_fix_dropin(f, implied ? "or show it to the unit" : "or share the machine's /tmp",
                        implied ? "[Service]\nBindPaths=%s\n" : "[Service]\nPrivateTmp=no\n", path);
        find_fix(f, "or JoinsNamespaceOf= the unit that makes it, if that has PrivateTmp=yes");
        return;
    }
}

void judge_device_denied(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        bool gone = e->error == ENOENT && judge_is_set(facts, "PrivateDevices");

        if (!e->path || !startswith(e->path, "/dev/") || startswith(e->path, "/dev/shm/") ||
            startswith(e->path, "/dev/pts/") || (!gone && e->error != EPERM) ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", e->path), "type"), "device"))
            continue;
        find(f, SURE_PROVEN,
             gone ? "the device %s exists, but PrivateDevices= hides it from the unit"
                  : "the unit's device policy forbids %s",
             e->path);
        find_fact(f, "path", e->path);
        find_call(f, e);
        find_setting(f, facts, "Service", "PrivateDevices");
        find_setting(f, facts, "Service", "DevicePolicy");
        find_setting(f, facts, "Service", "DeviceAllow");
        find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is there", e->path);
        find_fix_dropin(f, gone ? "show the devices, but only this one" : "allow it",
                        "[Service]\nPrivateDevices=no\nDevicePolicy=closed\nDeviceAllow=%s rw\n",
                        e->path);
        return;
    }
}

/* A lock or pid file that the program read, and gave up then. */
static const struct trace_event *lock_read(const struct facts *facts)
{
    for (size_t i = facts->n_trace; i > 0; i--) {
        const struct trace_event *e = &facts->trace[i - 1];

        if (!e->error && e->path && startswith(e->call, "open") &&
            (e->flags & O_ACCMODE) == O_RDONLY &&
            (endswith(e->path, ".pid") || strcasestr(path_basename(e->path), "lock")) &&
            judge_gave_up_after(facts, e))
            return e;
    }
    return NULL;
}

void judge_stale_lock(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *t = &facts->trace[i];

        if (t->error == EEXIST && t->path &&
            ((startswith(t->call, "open") && (t->flags & O_EXCL)) || startswith(t->call, "link") ||
             startswith(t->call, "symlink") ||
             (startswith(t->call, "mkdir") && strstr(t->path, "lock"))))
            e = t;
    }
    auto_free char *said = e ? NULL : judge_lock_in_output(facts);
    const struct trace_event *read = e || said ? NULL : lock_read(facts);
    const char *path = e ? e->path : said ? said : read ? read->path : NULL;
    if (!path || !facts_failed_exit(facts_explained(facts)))
        return;
    json_t *lock = facts_probe(facts, "lock", "%s", path);
    if (!probe_true(lock, "exists"))
        return;
    const char *content = probe_text(lock, "content");
    long pid = strtol(content, NULL, 10);
    json_t *process = facts_probe(facts, "process", "%ld", pid);
    bool alive = pid > 0 && probe_true(process, "alive");
    /* The number may have gone to another program since. */
    bool reused = alive && !streq(probe_text(process, "unit"), facts->unit) && facts->config &&
                  facts->config->service->exec_start &&
                  !strstr(probe_text(process, "cmdline"),
                          path_basename(facts->config->service->exec_start->path));
    if (reused)
        alive = false;
    if (alive || probe_number(lock, "pid") > 0) {
        long holder = probe_number(lock, "pid") > 0 ? (long) probe_number(lock, "pid") : pid;

        find(f, SURE_LIKELY, "%s is held by pid %ld: it runs already", path, holder);
        find_fact(f, "path", path);
        find_call(f, e);
        find_fix_command(f, "end the other one", "kill %ld", holder);
        return;
    }
    /* In a restart series a later run may fail over what the first one left behind. */
    bool first_said = judge_said(facts, "lock") || judge_said(facts, "already") ||
                      facts->n_invocations < 2;
    find(f, first_said ? SURE_PROVEN : SURE_LIKELY - 0.1,
         reused    ? "the lock file %s was left behind: its pid %ld is another program's by now"
         : pid > 0 ? "the lock file %s was left behind by pid %ld, which is gone"
                   : "the lock file %s was left behind",
         path, pid);
    if (reused)
        find_evidence(f, EVIDENCE_PROBE, "pid %ld is %s", pid, probe_text(process, "comm"));
    find_call(f, read);
    find_fact(f, "path", path);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE,
                  reused    ? "%s says pid %ld"
                  : pid > 0 ? "%s says pid %ld; there is no such process"
                            : "%s exists and nobody holds it",
                  path, pid);
    judge_last_words(facts, f, 1);
    find_fix_command(f, "remove it", "rm %s", path);
    find_fix(f, "keep it in RuntimeDirectory=, which is emptied when the unit stops");
}
