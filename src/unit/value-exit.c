/* Exit statuses, by name and by number, and sets of them. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/parse.h"
#include "unit/value.h"

/* Exit statuses, systemd.exec(5), PROCESS EXIT CODES. */

static const struct {
    int status;
    const char *name;
} exit_names[] = {
    { 0, "SUCCESS" },
    { 1, "FAILURE" },
    { 2, "INVALIDARGUMENT" },
    { 3, "NOTIMPLEMENTED" },
    { 4, "NOPERMISSION" },
    { 5, "NOTINSTALLED" },
    { 6, "NOTCONFIGURED" },
    { 7, "NOTRUNNING" },
    { 64, "USAGE" },
    { 65, "DATAERR" },
    { 66, "NOINPUT" },
    { 67, "NOUSER" },
    { 68, "NOHOST" },
    { 69, "UNAVAILABLE" },
    { 70, "SOFTWARE" },
    { 71, "OSERR" },
    { 72, "OSFILE" },
    { 73, "CANTCREAT" },
    { 74, "IOERR" },
    { 75, "TEMPFAIL" },
    { 76, "PROTOCOL" },
    { 77, "NOPERM" },
    { 78, "CONFIG" },
    { 200, "CHDIR" },
    { 201, "NICE" },
    { 202, "FDS" },
    { 203, "EXEC" },
    { 204, "MEMORY" },
    { 205, "LIMITS" },
    { 206, "OOM_ADJUST" },
    { 207, "SIGNAL_MASK" },
    { 208, "STDIN" },
    { 209, "STDOUT" },
    { 210, "CHROOT" },
    { 211, "IOPRIO" },
    { 212, "TIMERSLACK" },
    { 213, "SECUREBITS" },
    { 214, "SETSCHEDULER" },
    { 215, "CPUAFFINITY" },
    { 216, "GROUP" },
    { 217, "USER" },
    { 218, "CAPABILITIES" },
    { 219, "CGROUP" },
    { 220, "SETSID" },
    { 221, "CONFIRM" },
    { 222, "STDERR" },
    { 224, "PAM" },
    { 225, "NETWORK" },
    { 226, "NAMESPACE" },
    { 227, "NO_NEW_PRIVILEGES" },
    { 228, "SECCOMP" },
    { 229, "SELINUX_CONTEXT" },
    { 230, "PERSONALITY" },
    { 231, "APPARMOR" },
    { 232, "ADDRESS_FAMILIES" },
    { 233, "RUNTIME_DIRECTORY" },
    { 235, "CHOWN" },
    { 236, "SMACK_PROCESS_LABEL" },
    { 237, "KEYRING" },
    { 238, "STATE_DIRECTORY" },
    { 239, "CACHE_DIRECTORY" },
    { 240, "LOGS_DIRECTORY" },
    { 241, "CONFIGURATION_DIRECTORY" },
    { 242, "NUMA_POLICY" },
    { 243, "CREDENTIALS" },
    { 244, "BPF" },
    { 245, "KSM" },
    { 255, "EXCEPTION" },
};

const char *exit_status_name(int status)
{
    for (size_t i = 0; i < ELEMENTSOF(exit_names); i++)
        if (exit_names[i].status == status)
            return exit_names[i].name;
    return NULL;
}

int exit_status_from_name(const char *name)
{
    unsigned n;

    for (size_t i = 0; i < ELEMENTSOF(exit_names); i++)
        if (streq(exit_names[i].name, name))
            return exit_names[i].status;
    return parse_unsigned(name, &n) >= 0 && n <= 255 ? (int) n : -EINVAL;
}

bool exit_status_set_has_status(const struct exit_status_set *set, int status)
{
    return set && status >= 0 && status <= 255 && set->statuses[status / 64] >> (status % 64) & 1;
}

bool exit_status_set_has_signal(const struct exit_status_set *set, int signo)
{
    return set && signo > 0 && signo <= 64 && set->signals >> (signo % 64) & 1;
}

static int parse_exit_status_set(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    struct exit_status_set **set = v;

    if (!*set && !(*set = new0(struct exit_status_set, 1)))
        return -ENOMEM;
    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, 0, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == -ENOMEM)
            return r;
        int status = r == 1 ? exit_status_from_name(word) : -EINVAL;
        int signo = r == 1 && status < 0 ? signal_from_name(word) : -EINVAL;
        if (status >= 0)
            (*set)->statuses[status / 64] |= UINT64_C(1) << (status % 64);
        else if (signo > 0)
            (*set)->signals |= UINT64_C(1) << (signo % 64);
        else if (r == 1)
            assignment_fault(
                a, "write numbers from 0 to 255, names as TEMPFAIL, or signals as SIGKILL",
                "\"%s\" is neither an exit status nor a signal", word);
    }
}

static void format_exit_status_set(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct exit_status_set *set = *(struct exit_status_set *const *) v;
    const char *separator = "";

    for (int i = 0; i <= 255; i++)
        if (exit_status_set_has_status(set, i)) {
            strbuf_addf(out, "%s%d", separator, i);
            separator = " ";
        }
    for (int i = 1; i <= 64; i++)
        if (exit_status_set_has_signal(set, i)) {
            strbuf_addf(out, "%s%s", separator, signal_name(i));
            separator = " ";
        }
}

static void format_exit_status_set_file(const struct value_type *type, const char *name,
                                        const void *v, struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_exit_status_set(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

static void clear_exit_status_set(void *v)
{
    free(*(struct exit_status_set **) v);
}

static int copy_exit_status_set(void *to, const void *from)
{
    const struct exit_status_set *s = *(struct exit_status_set *const *) from;
    struct exit_status_set *copy = s ? memdup0(s, sizeof *s) : NULL;

    if (s && !copy)
        return -ENOMEM;
    *(struct exit_status_set **) to = copy;
    return 0;
}

const struct value_type type_exit_status_set = { .name = "exit_status_set",
                                                 .size = sizeof(struct exit_status_set *),
                                                 .parse = parse_exit_status_set,
                                                 .format = format_exit_status_set,
                                                 .format_file = format_exit_status_set_file,
                                                 .clear = clear_exit_status_set,
                                                 .copy = copy_exit_status_set };
