#include "journal/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

#define REFRESH_AFTER (USEC_PER_SEC)
#define SENDERS_MAX 512
#define COMMAND_LINE_MAX (32u * 1024)

static void sender_free(struct sender *s)
{
    field_group_done(&s->self);
    field_group_done(&s->place);
    free(s->unit);
    free(s);
}

void senders_done(struct senders *all)
{
    struct sender *s;

    MAP_FOREACH (s, &all->by_pid)
        sender_free(s);
    map_done(&all->by_pid);
}

/* ---- /proc ---- */

static int proc_read(int proc, const char *name, char **ret, size_t *ret_n)
{
    return file_read_at(proc, name, COMMAND_LINE_MAX, ret, ret_n);
}

static void add_first_line(struct sender *s, int proc, const char *name, const char *field)
{
    auto_free char *text = NULL;

    if (proc_read(proc, name, &text, NULL) < 0)
        return;
    text[strcspn(text, "\n")] = 0;
    if (*text)
        field_add(&s->self, field, text);
}

static void add_exe(struct sender *s, int proc)
{
    char path[4096];
    ssize_t n = readlinkat(proc, "exe", path, sizeof path - 1);

    if (n <= 0)
        return;
    path[n] = 0;
    char *deleted = (char *) endswith(path, " (deleted)");
    if (deleted)
        *deleted = 0;
    field_add(&s->self, "_EXE", path);
}

/* Whether the argument can stand without quotes. */
static bool plain_argument(const char *a)
{
    return *a && !strpbrk(a, "\"\\`$ \t\n\r'");
}

/* The arguments as a shell would take them: with quotes where one needs them. */
static void add_command_line(struct sender *s, int proc)
{
    auto_free char *raw = NULL;
    auto_strbuf struct strbuf text = { 0 };
    size_t n;

    if (proc_read(proc, "cmdline", &raw, &n) < 0 || n == 0)
        return;
    while (n > 0 && raw[n - 1] == 0)
        n--;
    for (size_t at = 0; at <= n; at += strlen(raw + at) + 1) {
        const char *argument = raw + at;

        if (at > 0)
            strbuf_add_char(&text, ' ');
        if (plain_argument(argument)) {
            strbuf_add(&text, argument);
            continue;
        }
        strbuf_add_char(&text, '"');
        for (const char *p = argument; *p; p++) {
            if (strchr("\"\\`$", *p))
                strbuf_add_char(&text, '\\');
            strbuf_add_char(&text, *p);
        }
        strbuf_add_char(&text, '"');
    }
    if (!text.failed)
        field_add(&s->self, "_CMDLINE", strbuf_text(&text));
}

static void add_capabilities(struct sender *s, int proc)
{
    auto_free char *status = NULL;

    if (proc_read(proc, "status", &status, NULL) < 0)
        return;
    char *line = strstr(status, "\nCapEff:");
    if (!line)
        return;
    line += strlen("\nCapEff:");
    line += strspn(line, " \t");
    line[strcspn(line, "\n")] = 0;
    /* Without leading zeros, as the journal has it. */
    line += strspn(line, "0");
    field_add(&s->self, "_CAP_EFFECTIVE", *line ? line : "0");
}

static void add_audit(struct sender *s, int proc)
{
    auto_free char *session = NULL, *login = NULL;

    if (proc_read(proc, "sessionid", &session, NULL) >= 0 && *session &&
        !streq(session, "4294967295"))
        field_add(&s->self, "_AUDIT_SESSION", session);
    if (proc_read(proc, "loginuid", &login, NULL) >= 0 && *login && !streq(login, "4294967295"))
        field_add(&s->self, "_AUDIT_LOGINUID", login);
}

static char *read_cgroup(int proc)
{
    auto_free char *text = NULL;

    if (proc_read(proc, "cgroup", &text, NULL) < 0)
        return NULL;
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');

        if (end)
            *end = 0;
        const char *path = startswith(line, "0::");
        if (path)
            return strdup(path);
        line = end ? end + 1 : NULL;
    }
    return NULL;
}

/* ---- cgroup paths ---- */

void cgroup_place_done(struct cgroup_place *p)
{
    free(p->unit);
    free(p->slice);
    free(p->user_unit);
    free(p->user_slice);
    free(p->session);
    *p = (struct cgroup_place){ .owner = (uid_t) -1 };
}

static bool is_slice(const char *component, size_t n)
{
    return n > 6 && memcmp(component + n - 6, ".slice", 6) == 0;
}

static bool is_unit(const char *component, size_t n)
{
    static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
        size_t k = strlen(suffixes[i]);

        if (n > k && memcmp(component + n - k, suffixes[i], k) == 0)
            return true;
    }
    return false;
}

/* One level: slices, then a unit. Returns where the rest begins. */
static const char *parse_level(const char *p, char **ret_unit, char **ret_slice)
{
    auto_free char *slice = NULL;

    while (*p == '/')
        p++;
    while (*p) {
        size_t n = strcspn(p, "/");

        /* A leading "_" keeps names of the kernel's files apart. */
        const char *name = *p == '_' ? p + 1 : p;
        size_t length = n - (size_t) (name - p);
        if (is_slice(name, length)) {
            free(slice);
            slice = strndup(name, length);
        } else if (is_unit(name, length)) {
            *ret_unit = strndup(name, length);
            *ret_slice = slice ? take_ptr(slice) : strdup("-.slice");
            return p + n;
        } else {
            break;
        }
        p += n;
        while (*p == '/')
            p++;
    }
    *ret_slice = take_ptr(slice);
    return p;
}

int cgroup_place_parse(const char *cgroup, struct cgroup_place *ret)
{
    struct cgroup_place p = { .owner = (uid_t) -1 };
    const char *rest = parse_level(cgroup, &p.unit, &p.slice);
    const char *number;

    if (p.slice && (number = startswith(p.slice, "user-")) && *number >= '0' && *number <= '9')
        p.owner = (uid_t) strtoul(number, NULL, 10);
    if (p.unit && startswith(p.unit, "user@")) {
        rest = parse_level(rest, &p.user_unit, &p.user_slice);
        if (p.user_unit && !p.user_slice)
            p.user_slice = strdup("-.slice");
    }
    const char *session = p.unit ? startswith(p.unit, "session-") : NULL;
    const char *end = session ? endswith(session, ".scope") : NULL;
    if (end)
        p.session = strndup(session, (size_t) (end - session));
    *ret = p;
    return 0;
}

/* ---- pidfds ---- */

/* linux/pidfd.h, which is newer than the headers that this is built with. */
struct pidfd_info {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};
#define PIDFD_GET_INFO _IOWR(0xff, 11, struct pidfd_info)
#define PIDFD_INFO_CGROUP (1u << 2)
#define PIDFD_INFO_EXIT (1u << 3)

/* Gone for good: nobody waits for it any more, and its number is free. */
static bool is_reaped(int pidfd)
{
    return pidfd_signal(pidfd, 0) == -ESRCH;
}

static uint64_t identity_of(int pidfd)
{
    struct stat st;

    return pidfd >= 0 && fstat(pidfd, &st) >= 0 ? (uint64_t) st.st_ino : 0;
}

/* The path of the cgroup with this number, if it is there still. */
static char *cgroup_path(uint64_t number)
{
    static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
    struct {
        struct file_handle head;
        uint64_t number;
    } handle = { { .handle_bytes = sizeof number, .handle_type = 0xfe }, number };
    char link[32], path[4096];

    for (size_t i = 0; i < ELEMENTSOF(mounts); i++) {
        auto_close int mount = open(mounts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_close int fd = mount < 0 ? -1
                                      : open_by_handle_at(mount, &handle.head, O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        if (n <= 0)
            continue;
        path[n] = 0;
        const char *below = startswith(path, mounts[i]);
        return below && *below == '/' ? strdup(below) : NULL;
    }
    return NULL;
}

/* Where the process was when it ended (Linux 6.15). */
static char *last_cgroup(int pidfd)
{
    struct pidfd_info info = { .mask = PIDFD_INFO_EXIT | PIDFD_INFO_CGROUP };

    if (pidfd < 0 || ioctl(pidfd, PIDFD_GET_INFO, &info) < 0 || !(info.mask & PIDFD_INFO_CGROUP))
        return NULL;
    return cgroup_path(info.cgroup);
}

/* ---- the cache ---- */

/* The process's folder in /proc, if it is there still; *comm is its name then. */
static int open_process(pid_t pid, int pidfd, char **comm)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%d", pid);
    auto_close int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* Asked after the folder was opened, which is that of one process for good. */
    if (proc < 0 || (pidfd >= 0 && is_reaped(pidfd)) || proc_read(proc, "comm", comm, NULL) < 0)
        return -1;
    return take_fd(&proc);
}

static void sender_read(struct senders *all, struct sender *s, const struct ucred *who)
{
    auto_free char *comm = NULL;
    auto_close int pidfd = all->pidfd ? all->pidfd(all->userdata) : -1;
    auto_close int proc = open_process(who->pid, pidfd, &comm);
    uint64_t identity = identity_of(pidfd);

    s->gone = proc < 0;
    if (s->gone && s->self.n > 0 && s->uid == who->uid &&
        (identity == 0 || s->identity == 0 || identity == s->identity)) {
        /* It has ended: what it was a moment ago is what it is now. */
        if (!s->marked)
            field_add(&s->self, SENDER_GONE, "1");
        s->marked = true;
        return;
    }

    auto_free char *cgroup = proc >= 0 ? read_cgroup(proc) : last_cgroup(pidfd);
    s->uid = who->uid;
    s->identity = identity;
    field_group_clear(&s->self);
    field_addf(&s->self, "_PID", "%d", who->pid);
    field_addf(&s->self, "_UID", "%u", who->uid);
    field_addf(&s->self, "_GID", "%u", who->gid);
    s->marked = s->gone;
    if (s->gone)
        field_add(&s->self, SENDER_GONE, "1");
    if (proc >= 0) {
        comm[strcspn(comm, "\n")] = 0;
        field_add(&s->self, "_COMM", comm);
        add_exe(s, proc);
        add_command_line(s, proc);
        add_capabilities(s, proc);
        add_first_line(s, proc, "attr/current", "_SELINUX_CONTEXT");
        add_audit(s, proc);
    }
    field_group_clear(&s->place);
    s->unit = (free(s->unit), NULL);
    if (all->place)
        all->place(s, cgroup, all->userdata);
}

/* Half of them, those that were not seen for longest, so that it is done seldom. */
static void forget_some(struct senders *all, usec_t now)
{
    struct sender *s;
    usec_t oldest = now;

    MAP_FOREACH (s, &all->by_pid)
        oldest = MIN(oldest, s->used_at);
    usec_t limit = oldest + (now - oldest) / 2;
    MAP_FOREACH (s, &all->by_pid) {
        if (s->used_at <= limit) {
            map_remove_u64(&all->by_pid, (uint64_t) s->pid);
            sender_free(s);
        }
    }
}

struct sender *sender_get(struct senders *all, const struct ucred *who, usec_t now)
{
    if (who->pid <= 0)
        return NULL;
    struct sender *s = map_get_u64(&all->by_pid, (uint64_t) who->pid);
    if (!s) {
        if (all->by_pid.n >= SENDERS_MAX)
            forget_some(all, now);
        s = new0(struct sender, 1);
        if (!s || map_put_u64(&all->by_pid, (uint64_t) who->pid, s) < 0) {
            free(s);
            return NULL;
        }
        s->pid = who->pid;
        s->read_at = 0;
    }
    s->used_at = now;
    if (s->read_at == 0 || now - s->read_at > REFRESH_AFTER || s->uid != who->uid) {
        sender_read(all, s, who);
        s->read_at = now;
    }
    return s;
}
