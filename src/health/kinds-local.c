/* Checks of this machine: identity, capabilities, files, ports, space, units. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/users.h"
#include "health/command.h"
#include "health/connect.h"
#include "health/kinds.h"

/* ---- identity
 * ----------------------------------------------------------------------------------------- */

const char *refuse_is_user(const char *name)
{
    return strchr(name, ':') ? "is no user name" : NULL;
}

void check_is_user(const char *name, const struct check_context *context, usec_t deadline,
                   struct check_outcome *o)
{
    struct users_lookup lookup = { .timeout = usec_sub(deadline, now_usec(CLOCK_MONOTONIC)) };
    struct user user = {};
    uid_t uid;
    int r = user_find(&lookup, name, &user);

    if (r == -ESRCH && parse_uid(name, &uid) >= 0) {
        user.uid = uid;
        r = 0;
    }
    if (r < 0)
        check_fail(o, CHECK_IDENTITY, false, "create it (useradd --system), or correct the name",
                   "there is no user %s", name);
    else if (user.uid != context->identity.uid)
        check_fail(o, CHECK_IDENTITY, false, "set User= in the unit", "running as %s (uid %u)",
                   context->user, context->identity.uid);
    else
        check_pass(o, "uid %u", user.uid);
    user_done(&user);
}

/* capabilities(7), in the order of their numbers. */
static const char *const capability_names[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};

static int capability_from_name(const char *name)
{
    if (strncasecmp(name, "cap_", 4) == 0)
        name += 4;
    for (size_t i = 0; i < ELEMENTSOF(capability_names); i++)
        if (strcasecmp(name, capability_names[i]) == 0)
            return (int) i;
    return -EINVAL;
}

const char *refuse_cap(const char *name)
{
    return capability_from_name(name) < 0 ? "is no capability (see capabilities(7))" : NULL;
}

void check_cap(const char *name, const struct check_context *context, usec_t deadline,
               struct check_outcome *o)
{
    int capability = capability_from_name(name);

    if (context->identity.capabilities & UINT64_C(1) << capability) {
        check_pass(o, "in the effective set of %s", context->user);
        return;
    }
    auto_free char *upper = format("AmbientCapabilities=CAP_%s", capability_names[capability]);
    for (char *p = upper ? strchr(upper, '=') + 1 : NULL; p && *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char) (*p - 'a' + 'A') : *p;
    bool bounded = prctl(PR_CAPBSET_READ, capability) == 0;
    check_fail(o, CHECK_IDENTITY, false,
               bounded ? "add it to CapabilityBoundingSet=, or to the container (--cap-add)"
                       : upper,
               bounded ? "not even in the bounding set" : "%s has it not", context->user);
}

/* ---- files
 * -------------------------------------------------------------------------------------------- */

/* Splits "PATH:rwx"; without the suffix `want` stays. Returns the length of the path. */
static size_t path_and_bits(const char *argument, int *want)
{
    const char *colon = strrchr(argument, ':');
    int bits = 0;

    if (!colon || colon[1] == 0 || colon[1 + strspn(colon + 1, "rwx")] != 0)
        return strlen(argument);
    for (const char *p = colon + 1; *p; p++)
        bits |= *p == 'r' ? ACCESS_READ : *p == 'w' ? ACCESS_WRITE : ACCESS_EXECUTE;
    *want = bits;
    return (size_t) (colon - argument);
}

/* The name of an owner where the files know it, else its number. */
static char *owner_name(const struct access_result *a)
{
    struct users_lookup lookup = { .files_only = true };
    struct user user = {};
    struct group group = {};
    bool u = user_find_uid(&lookup, a->uid, &user) >= 0;
    bool g = group_find_gid(&lookup, a->gid, &group) >= 0;
    auto_free char *uid = format("%u", a->uid), *gid = format("%u", a->gid);
    char *text = uid && gid ? format("%s:%s", u ? user.name : uid, g ? group.name : gid) : NULL;

    user_done(&user);
    group_done(&group);
    return text;
}

static void explain_access(const char *path, const struct access_result *a,
                           const struct check_context *context, enum check_class class,
                           struct check_outcome *o)
{
    auto_free char *owner = owner_name(a), *remedy = NULL;
    unsigned mode = a->mode & 07777;

    switch (a->verdict) {
    case ACCESS_OK:
        check_pass(o, "%s mode %04o", strempty(owner), mode);
        return;
    case ACCESS_MISSING:
    case ACCESS_DANGLING:
        check_fail(o, class, true, NULL,
                   streq(a->object, path) ? "%s does not exist" : "%s is missing", a->object);
        return;
    case ACCESS_NOT_DIRECTORY:
        check_fail(o, class, false, NULL, "%s is no folder", a->object);
        return;
    case ACCESS_NO_SEARCH:
        remedy = format("chmod o+x %s, or move the file elsewhere", a->object);
        check_fail(o, CHECK_IDENTITY, false, remedy, "%s may not pass the folder %s (%s mode %04o)",
                   context->user, a->object, strempty(owner), mode);
        return;
    case ACCESS_NO_PERMISSION:
        remedy = format("chown or chmod %s", a->object);
        check_fail(o, CHECK_IDENTITY, false, remedy, "%s lacks %s on %s (%s mode %04o%s)",
                   context->user, access_bits_text(a->missing_bits), a->object, strempty(owner),
                   mode, a->acl ? ", access list" : "");
        return;
    case ACCESS_READ_ONLY:
        remedy = format("ReadWritePaths=%s, or StateDirectory=", a->object);
        check_fail(o, CHECK_FILE, false, remedy, "%s is on a read-only file system", a->object);
        return;
    case ACCESS_NO_EXEC:
        check_fail(o, CHECK_FILE, false, "move the program, or mount the file system with exec",
                   "%s is on a file system mounted noexec", a->object);
        return;
    case ACCESS_LOOP:
        check_fail(o, class, false, NULL, "too many symbolic links at %s", a->object);
        return;
    case ACCESS_ERROR:
    case ACCESS_VERDICT_MAX:
        break;
    }
    check_fail(o, class, false, NULL, "%s: %s", a->object, strerror(a->error));
}

/* Evaluates, explains, and says whether all is well so far. */
static bool accessible(const char *path, int want, const struct check_context *context, mode_t type,
                       struct check_outcome *o)
{
    struct access_result a = {};

    if (access_evaluate(NULL, path, &context->identity, want, &a) < 0) {
        check_fail(o, CHECK_RESOURCE, false, NULL, "out of memory");
        return false;
    }
    if (a.verdict == ACCESS_OK && type && (a.mode & S_IFMT) != type)
        check_fail(o, CHECK_FILE, false, NULL, "%s is no %s", path,
                   type == S_IFDIR ? "folder" : "regular file");
    else
        explain_access(path, &a, context, CHECK_FILE, o);
    access_result_done(&a);
    return o->class == CHECK_OK;
}

const char *refuse_file(const char *argument)
{
    return *argument == '/' ? NULL : "takes an absolute path";
}

const char *refuse_dir(const char *argument)
{
    return refuse_file(argument);
}

const char *refuse_exec(const char *argument)
{
    return refuse_file(argument);
}

static void check_path(const char *argument, int want, mode_t type,
                       const struct check_context *context, struct check_outcome *o)
{
    auto_free char *path = memdup0(argument, path_and_bits(argument, &want));

    if (path)
        (void) accessible(path, want, context, type, o);
}

void check_file(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    check_path(argument, ACCESS_READ, 0, context, o);
}

void check_dir(const char *argument, const struct check_context *context, usec_t deadline,
               struct check_outcome *o)
{
    check_path(argument, ACCESS_READ | ACCESS_EXECUTE, S_IFDIR, context, o);
}

/* The interpreter that the kernel runs for the file: of its "#!" line, or a dynamic program's
 * loader. NULL: none. *ret_problem is set where it cannot be run at all. */
static char *interpreter_of(const char *path, const char **ret_problem)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    unsigned char head[256] = {};
    ssize_t n = fd >= 0 ? pread(fd, head, sizeof head - 1, 0) : -1;

    *ret_problem = NULL;
    if (n < 2)
        *ret_problem = n < 0 ? NULL : "it is empty";
    else if (memcmp(head, "#!", 2) == 0) {
        char *line = (char *) head + 2;

        line[strcspn(line, "\n")] = 0;
        line += strspn(line, " \t");
        line[strcspn(line, " \t")] = 0;
        return strdup(line);
    } else if (memcmp(head, "\xef\xbb\xbf", 3) == 0)
        *ret_problem = "it begins with a byte order mark, not with #!";
    else if (n >= 4 && memcmp(head, "\177ELF", 4) != 0)
        *ret_problem = "it is neither a program nor begins with #!";
    return NULL;
}

void check_exec(const char *path, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    const char *problem;

    if (!accessible(path, ACCESS_EXECUTE, context, S_IFREG, o))
        return;
    auto_free char *interpreter = interpreter_of(path, &problem);
    if (problem) {
        check_fail(o, CHECK_FILE, false, "begin a script with #!/bin/sh or the like", "%s: %s",
                   path, problem);
        return;
    }
    if (!interpreter)
        return;
    size_t n = strlen(interpreter);
    if (n > 0 && interpreter[n - 1] == '\r') {
        check_fail(o, CHECK_FILE, false, "remove the carriage returns (dos2unix)",
                   "its first line ends with a carriage return: the kernel looks for \"%.*s\\r\"",
                   (int) n - 1, interpreter);
        return;
    }
    struct access_result a = {};
    if (access_evaluate(NULL, interpreter, &context->identity, ACCESS_EXECUTE, &a) >= 0) {
        if (a.verdict == ACCESS_MISSING || a.verdict == ACCESS_DANGLING)
            check_fail(o, CHECK_FILE, false, "install it, or correct the first line",
                       "its interpreter %s does not exist", interpreter);
        else if (a.verdict != ACCESS_OK)
            explain_access(interpreter, &a, context, CHECK_FILE, o);
        access_result_done(&a);
    }
}

/* ---- ports
 * -------------------------------------------------------------------------------------------- */

const char *port_argument_parse(const char *argument, bool *ret_udp, union socket_address *ret)
{
    const char *slash = strrchr(argument, '/');
    auto_free char *text = memdup0(argument,
                                   slash ? (size_t) (slash - argument) : strlen(argument));

    if (slash && !streq(slash, "/udp") && !streq(slash, "/tcp"))
        return "takes [ADDR:]PORT, [ADDR:]PORT/tcp or [ADDR:]PORT/udp";
    *ret_udp = slash && streq(slash, "/udp");
    if (!text || socket_address_parse(text, ret) < 0)
        return "takes [ADDR:]PORT with PORT from 1 to 65535 (an IPv6 ADDR in brackets)";
    return NULL;
}

const char *refuse_port(const char *argument)
{
    union socket_address a;
    bool udp;

    return port_argument_parse(argument, &udp, &a);
}

static void explain_port_in_use(const union socket_address *a, bool udp, struct check_outcome *o)
{
    auto_free struct socket_entry *list = NULL;
    struct socket_holder holder = {};
    auto_free char *remedy = NULL;
    char text[SOCKET_ADDRESS_TEXT_MAX];
    size_t n = 0;
    const struct socket_entry *e = NULL;

    (void) sockets_listening(udp ? SOCKET_UDP : SOCKET_TCP, 0, &list, &n);
    for (size_t i = 0; i < n && !e; i++)
        if (socket_addresses_clash(&list[i].local, a))
            e = &list[i];
    if (!e) {
        check_fail(o, CHECK_PORT, true, NULL, "in use, by a socket that cannot be seen from here");
        return;
    }
    socket_address_format(&e->local, text);
    if (socket_holder_find(e->inode, &holder) < 0) {
        check_fail(o, CHECK_PORT, true, NULL, "%s is held by a process of uid %u (inode %llu)",
                   text, e->uid, (unsigned long long) e->inode);
        return;
    }
    remedy = holder.unit ? format("stop %s, or take another port", holder.unit)
                         : format("end pid %d, or take another port", (int) holder.pid);
    check_fail(o, CHECK_PORT, true, remedy, "held by pid %d (%s%s%s)", (int) holder.pid,
               holder.comm, holder.unit ? ", " : "", strempty(holder.unit));
    socket_holder_done(&holder);
}

void check_port(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    union socket_address a;
    bool udp;
    auto_free char *limit = NULL;
    unsigned privileged = 1024;
    int on = 1;

    (void) port_argument_parse(argument, &udp, &a);
    if (file_read_line("/proc/sys/net/ipv4/ip_unprivileged_port_start", &limit) >= 0)
        (void) parse_unsigned(limit, &privileged);
    if (socket_address_port(&a) < privileged &&
        !(context->identity.capabilities & UINT64_C(1) << CAP_NET_BIND_SERVICE)) {
        check_fail(o, CHECK_IDENTITY, false, "AmbientCapabilities=CAP_NET_BIND_SERVICE",
                   "%s may not bind ports below %u", context->user, privileged);
        return;
    }
    auto_close int fd = socket(a.any.sa_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        check_fail(o, CHECK_PORT, false, NULL, "no such socket can be made: %s", strerror(errno));
        return;
    }
    /* As servers do: connections that linger in TIME_WAIT are no obstacle. */
    if (!udp)
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &a.any, socket_address_size(&a)) < 0 || (!udp && listen(fd, 1) < 0)) {
        if (errno == EADDRINUSE)
            explain_port_in_use(&a, udp, o);
        else if (errno == EADDRNOTAVAIL)
            check_fail(o, CHECK_PORT, true, "After=network-online.target, or FreeBind",
                       "the address is not one of this machine's");
        else if (errno == EACCES && context->evaluated)
            check_pass(o, "free, as far as can be told without the privilege to bind it");
        else
            check_fail(o, CHECK_PORT, false, NULL, "%s", strerror(errno));
        return;
    }
    check_pass(o, "free");
}

/* ---- space
 * -------------------------------------------------------------------------------------------- */

static const char *disk_argument(const char *argument, char **ret_path, uint64_t *ret_size)
{
    const char *colon = strrchr(argument, ':');

    if (*argument != '/' || !colon || parse_size(colon + 1, 1024, ret_size) < 0)
        return "takes PATH:SIZE, such as /var/lib:500M";
    *ret_path = memdup0(argument, (size_t) (colon - argument));
    return *ret_path ? NULL : "out of memory";
}

const char *refuse_disk(const char *argument)
{
    auto_free char *path = NULL;
    uint64_t size;

    return disk_argument(argument, &path, &size);
}

void check_disk(const char *argument, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    auto_free char *path = NULL;
    uint64_t size = 0;
    struct statvfs fs;

    (void) disk_argument(argument, &path, &size);
    if (!path || statvfs(path, &fs) < 0) {
        check_fail(o, CHECK_FILE, true, NULL, "%s: %s", strempty(path), strerror(errno));
        return;
    }
    bool root = context->identity.uid == 0;
    uint64_t space = (uint64_t) (root ? fs.f_bfree : fs.f_bavail) * fs.f_frsize;
    uint64_t inodes = root ? fs.f_ffree : fs.f_favail;

    if (space < size)
        check_fail(o, CHECK_RESOURCE, true, "free space there", "%.1f MiB free, %.1f MiB wanted",
                   (double) space / 1048576, (double) size / 1048576);
    else if (fs.f_files > 0 && inodes == 0)
        check_fail(o, CHECK_RESOURCE, true, "delete files there", "no inodes are left");
    else
        check_pass(o, "%.1f MiB free", (double) space / 1048576);
}

/* ---- units
 * -------------------------------------------------------------------------------------------- */

const char *refuse_unit(const char *name)
{
    return strchr(name, '.') && *name != '-' ? NULL : "takes a unit name, such as nginx.service";
}

void check_unit(const char *name, const struct check_context *context, usec_t deadline,
                struct check_outcome *o)
{
    const char *const words[] = { "is-active", "--", name, NULL };
    auto_free char *answer = NULL;
    int status = command_ask_manager(words, &answer);

    if (status == 0)
        check_pass(o, "%s", answer);
    else if (status > 0 && *answer)
        check_fail(o, CHECK_DEPENDENCY, true, NULL, "it is %s", answer);
    else
        check_fail(o, CHECK_DEPENDENCY, status > 0,
                   status < 0 ? NULL : "ask as root (ExecStartPre=+), or let D-Bus run",
                   "no service manager %s", status < 0 ? "can be asked" : "answers this user");
}
