/* Probes of programs, sockets, users, settings of the kernel, processes and units. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"
#include "diagnose/probe.h"
#include "diagnose/program.h"
#include "launch/mount_call.h"
#include "unit/load.h"

static json_t *text(const char *s)
{
    json_t *j = s ? json_string(s) : NULL;

    return j ? j : json_string("");
}

json_t *probe_program(struct facts *f, const char *path)
{
    static const char *const kinds[] = {
        [PROGRAM_ELF] = "elf",
        [PROGRAM_SCRIPT] = "script",
        [PROGRAM_EMPTY] = "empty",
        [PROGRAM_OTHER] = "other",
    };
    _cleanup_(program_done) struct program p = {};
    int r = program_read(NULL, path, &p);

    if (r < 0)
        return json_pack("{s:s, s:s}", "kind", "", "errno", strempty(errno_name(r)));
    return json_pack("{s:s, s:o, s:o, s:o, s:b, s:b, s:s, s:b, s:o, s:b, s:b}", "kind",
                     kinds[p.kind], "first_line", text(p.first_line), "interpreter",
                     text(p.interpreter), "argument", text(p.argument), "carriage_return",
                     p.carriage_return, "byte_order_mark", p.byte_order_mark, "machine",
                     p.kind == PROGRAM_ELF ? program_machine_name(p.machine) : "", "foreign",
                     p.foreign, "loader", text(p.loader), "go", p.go, "library", p.shared_library);
}

/* Whether the inode is one of the process's descriptors: its lines of /proc/PID/net/tcp. */
static void look_at_sockets(pid_t pid, const char *table, unsigned port, bool *listens,
                            bool *connected)
{
    auto_free char *path = format("/proc/%d/net/%s", pid, table);
    auto_fclose FILE *file = path ? fopen(path, "re") : NULL;
    char line[512];

    while (file && fgets(line, sizeof line, file)) {
        unsigned remote, state;
        unsigned long long inode;

        /* sl local:port remote:port st queues timer retransmits uid timeout inode */
        if (sscanf(line, "%*u: %*[0-9A-F]:%*x %*[0-9A-F]:%x %x %*s %*s %*s %*u %*u %llu", &remote,
                   &state, &inode) != 3 ||
            socket_is_held(inode, pid) <= 0)
            continue;
        *listens = *listens || state == 10;
        *connected = *connected || (state != 10 && remote == port);
    }
}

json_t *probe_uses_port(struct facts *f, const char *argument)
{
    int pid;
    unsigned port;
    bool listens = false, connected = false;

    if (sscanf(argument, "%d %u", &pid, &port) != 2 || pid <= 0)
        return json_object();
    look_at_sockets(pid, "tcp", port, &listens, &connected);
    look_at_sockets(pid, "tcp6", port, &listens, &connected);
    return json_pack("{s:b, s:b}", "listens", listens, "connected", connected);
}

/* What a program that notifies contains, in its code or as the name of a library or call. */
json_t *probe_notifies(struct facts *f, const char *path)
{
    static const char *const words[] = { "NOTIFY_SOCKET",  "libsystemd.so", "sd_notify",
                                         "systemd-notify", "reeve notify",  "reeve guard" };
    struct stat st;
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *how = "";

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 4)
        return json_object();
    char *data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return json_object();
    for (size_t i = 0; i < ELEMENTSOF(words) && !*how; i++)
        if (memmem(data, (size_t) st.st_size, words[i], strlen(words[i])))
            how = words[i];
    bool elf = memcmp(data, "\177ELF", 4) == 0;
    munmap(data, (size_t) st.st_size);
    return json_pack("{s:b, s:s, s:b}", "notifies", *how != 0, "how", how, "elf", elf);
}

json_t *probe_libraries(struct facts *f, const char *path)
{
    _cleanup_(program_libraries_done) struct program_libraries l = {};
    const char *library_path = f->config
                                   ? strv_env_get(f->config->exec->environment, "LD_LIBRARY_PATH")
                                   : NULL;
    json_t *missing = json_array(), *versions = json_array();

    if (program_find_libraries(NULL, path, library_path, &l) < 0) {
        json_decref(missing);
        json_decref(versions);
        return NULL;
    }
    for (size_t i = 0; i < l.n; i++)
        if (!l.items[i].path)
            (void) json_array_append_new(missing,
                                         json_pack("{s:o, s:o, s:o}", "name", text(l.items[i].name),
                                                   "wanted_by", text(l.items[i].wanted_by),
                                                   "elsewhere", text(l.items[i].elsewhere)));
    for (size_t i = 0; i < l.n_missing; i++)
        (void) json_array_append_new(
            versions, json_pack("{s:o, s:o, s:o}", "library", text(l.missing_versions[i].library),
                                "version", text(l.missing_versions[i].version), "path",
                                text(l.missing_versions[i].path)));
    return json_pack("{s:o, s:o}", "missing", missing, "versions", versions);
}

json_t *probe_port(struct facts *f, const char *argument)
{
    bool udp = startswith(argument, "udp ");
    const char *where = strchr(argument, ' ');
    union socket_address wanted;
    auto_free struct socket_entry *list = NULL;
    size_t n = 0;
    char address[SOCKET_ADDRESS_TEXT_MAX];

    if (!where || socket_address_parse(where + 1, &wanted) < 0 ||
        sockets_listening(udp ? SOCKET_UDP : SOCKET_TCP, 0, &list, &n) < 0)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct socket_holder h = {};

        if (!socket_addresses_clash(&list[i].local, &wanted))
            continue;
        (void) socket_holder_find(list[i].inode, &h);
        json_t *j = json_pack("{s:b, s:s, s:i, s:o, s:o, s:i, s:I}", "held", true, "address",
                              socket_address_format(&list[i].local, address), "pid", (int) h.pid,
                              "comm", text(h.comm), "unit", text(h.unit), "uid", (int) list[i].uid,
                              "inode", (json_int_t) list[i].inode);
        socket_holder_done(&h);
        return j;
    }
    return json_pack("{s:b}", "held", false);
}

json_t *probe_user(struct facts *f, const char *name)
{
    static const char *const sources[] = { [USERS_NONE] = "nobody",
                                           [USERS_FILES] = "/etc/passwd",
                                           [USERS_GETENT] = "getent",
                                           [USERS_BUILTIN] = "built in" };
    struct users_lookup lookup = {};
    struct user u = {};
    int r = user_find(&lookup, name, &u);
    json_t *j = r < 0 ? json_pack("{s:b, s:s}", "exists", false, "source", sources[lookup.source])
                      : json_pack("{s:b, s:i, s:i, s:o, s:o, s:s}", "exists", true, "uid",
                                  (int) u.uid, "gid", (int) u.gid, "home", text(u.home), "shell",
                                  text(u.shell), "source", sources[lookup.source]);

    user_done(&u);
    return j;
}

json_t *probe_group(struct facts *f, const char *name)
{
    struct users_lookup lookup = {};
    struct group g = {};
    json_t *members = json_array();

    if (group_find(&lookup, name, &g) < 0) {
        json_decref(members);
        return json_pack("{s:b}", "exists", false);
    }
    STRV_FOREACH (m, g.members)
        (void) json_array_append_new(members, text(*m));
    json_t *j = json_pack("{s:b, s:i, s:o}", "exists", true, "gid", (int) g.gid, "members",
                          members);
    group_done(&g);
    return j;
}

json_t *probe_sysctl(struct facts *f, const char *name)
{
    auto_free char *path = format("/proc/sys/%s", name), *line = NULL;

    for (char *p = path ? path + strlen("/proc/sys/") : NULL; p && *p; p++)
        if (*p == '.')
            *p = '/';
    if (!path || strstr(path, "..") || file_read_line(path, &line) < 0)
        return NULL;
    return json_pack("{s:o}", "value", text(line));
}

json_t *probe_process(struct facts *f, const char *argument)
{
    auto_free char *comm = NULL, *command = NULL, *cgroup = NULL;
    struct process_ids ids = {};
    pid_t pid;

    if (parse_pid(argument, &pid) < 0)
        return NULL;
    if (!process_is_alive(pid))
        return json_pack("{s:b}", "alive", false);
    (void) process_comm(pid, &comm);
    (void) process_command_line(pid, &command);
    (void) process_ids(pid, &ids);
    auto_free char *unit = process_cgroup(pid, &cgroup) >= 0 ? cgroup_unit(cgroup) : NULL;
    return json_pack("{s:b, s:o, s:o, s:o, s:i}", "alive", true, "comm", text(comm), "cmdline",
                     text(command), "unit", text(unit), "uid", (int) ids.uid);
}

json_t *probe_unit(struct facts *f, const char *name)
{
    return facts_show(f->source, f->config && f->config->user, name);
}

/* A file where units lie that was meant to be the unit: without its suffix, or with one too many.
 */
static char *stray_unit_file(const char *name)
{
    static const char *const folders[] = { "/etc/systemd/system", "/usr/local/lib/systemd/system",
                                           "/run/systemd/system", "/usr/lib/systemd/system",
                                           "/lib/systemd/system", "/etc/systemd" };
    static const char *const suffixes[] = { "", ".txt", ".bak", ".conf", ".disabled", ".sample" };
    size_t stem = strcspn(name, ".");

    for (size_t i = 0; i < ELEMENTSOF(folders); i++)
        for (size_t k = 0; k < ELEMENTSOF(suffixes); k++) {
            auto_free char *path = format("%s/%.*s%s", folders[i],
                                          (int) (k == 0 ? stem : strlen(name)), name, suffixes[k]);

            if (path && access(path, F_OK) == 0)
                return take_ptr(path);
        }
    auto_free char *path = format("/etc/systemd/%s", name);
    return path && access(path, F_OK) == 0 ? take_ptr(path) : NULL;
}

/* Unit files whose names are a slip away, or templates of that name. */
json_t *probe_near_unit(struct facts *f, const char *name)
{
    auto_free char *stray = stray_unit_file(name);
    json_t *list = json_array();
    struct unit_file file;
    size_t at = 0;

    while (list && f->loader && json_array_size(list) < 5 &&
           unit_loader_next(f->loader, &at, &file))
        if (!streq(file.name, name) && name_is_near(file.name, name))
            (void) json_array_append_new(list, text(file.name));
    return json_pack("{s:o, s:o}", "candidates", list, "stray", text(stray));
}

/* ---- managers and sessions
 * ---------------------------------------------------------------------------- */

/* Whether our root is not that of process 1. */
static bool in_chroot(void)
{
    struct stat own, first;

    return stat("/", &own) == 0 && stat("/proc/1/root/", &first) == 0 &&
           (own.st_ino != first.st_ino || own.st_dev != first.st_dev);
}

/* Whether services get no cgroups: as reeve's manager says; systemd always has them; where neither
 * runs, by what is mounted. */
static bool has_no_cgroup(const struct facts *f)
{
    struct statfs fs;

    if (f->source == FACTS_REEVE)
        return facts_property_is(f, "ReeveTracking", "holder");
    return f->source == FACTS_FILE && (statfs("/sys/fs/cgroup", &fs) < 0 ||
                                       fs.f_type != CGROUP2_SUPER_MAGIC || fs.f_flags & ST_RDONLY);
}

json_t *probe_manager(struct facts *f, const char *which)
{
    bool user = streq(which, "user");
    auto_free char *comm = NULL, *policy = NULL,
                   *folder = format("/run/user/%u", (unsigned) getuid());
    bool running = f->source != FACTS_FILE;

    (void) process_comm(1, &comm);
    (void) file_read_line("/usr/sbin/policy-rc.d", &policy);
    /* systemctl answers for nobody where the user's manager cannot be reached. */
    if (user && f->source == FACTS_SYSTEMD)
        running = json_object_size(f->properties) > 0;
    return json_pack("{s:b, s:o, s:b, s:o, s:o, s:b, s:b, s:b}", "running", running, "pid1",
                     text(comm), "chroot", in_chroot(), "policy", text(policy), "runtime",
                     text(getenv("XDG_RUNTIME_DIR")), "bus", access(strempty(folder), F_OK) == 0,
                     "booted_without", access("/run/systemd/system", F_OK) < 0, "no_cgroup",
                     has_no_cgroup(f));
}

json_t *probe_linger(struct facts *f, const char *argument)
{
    struct users_lookup lookup = {};
    struct user u = {};

    if (user_find_uid(&lookup, getuid(), &u) < 0)
        return NULL;
    auto_free char *path = path_join("/var/lib/systemd/linger", u.name, NULL);
    json_t *j = json_pack("{s:b, s:o}", "enabled", path && access(path, F_OK) == 0, "user",
                          text(u.name));
    user_done(&u);
    return j;
}

json_t *probe_label(struct facts *f, const char *path)
{
    auto_free char *enforce = NULL;
    char label[256];
    ssize_t n = getxattr(path, "security.selinux", label, sizeof label - 1);

    if (n < 0)
        return NULL;
    label[n] = 0;
    (void) file_read_line("/sys/fs/selinux/enforce", &enforce);
    return json_pack("{s:o, s:b}", "label", text(label), "enforcing", streq_ptr(enforce, "1"));
}

/* Tries it in a child. Only root knows what the system's manager may. */
json_t *probe_namespace(struct facts *f, const char *kind)
{
    static const struct {
        const char *name;
        int flag;
    } kinds[] = { { "mount", CLONE_NEWNS },
                  { "network", CLONE_NEWNET },
                  { "ipc", CLONE_NEWIPC },
                  { "uts", CLONE_NEWUTS },
                  { "user", CLONE_NEWUSER } };
    bool user = f->config && f->config->user;
    int flags = user ? CLONE_NEWUSER : 0, status;

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
        if (streq(kind, kinds[i].name))
            flags |= kinds[i].flag;
    if (!user && geteuid() != 0)
        return json_object();
    pid_t pid = fork();
    if (pid == 0) {
        int r = unshare(flags) < 0 ? -errno : 0;

        if (r >= 0 && flags & CLONE_NEWNS)
            r = mount_set_propagation(user ? MS_SLAVE : MS_PRIVATE);
        _exit(-r);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return json_object();
    int error = WEXITSTATUS(status);
    return json_pack("{s:b, s:s}", "allowed", error == 0, "errno",
                     error ? strempty(errno_name(error)) : "");
}
