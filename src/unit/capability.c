/* Capabilities and secure bits, capabilities(7). */
#include <errno.h>
#include <inttypes.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/prctl.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/quote.h"
#include "unit/value.h"

static const char *const capability_names[] = {
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
};

const char *capability_name(int cap)
{
    return cap >= 0 && cap < (int) ELEMENTSOF(capability_names) ? capability_names[cap] : NULL;
}

int capability_from_name(const char *name)
{
    unsigned n;

    for (size_t i = 0; i < ELEMENTSOF(capability_names); i++)
        if (strcasecmp(capability_names[i], name) == 0)
            return (int) i;
    return parse_unsigned(name, &n) >= 0 && n <= 62 ? (int) n : -EINVAL;
}

int capability_last(void)
{
    static int last = -1;
    auto_free char *text = NULL;
    unsigned n;

    if (last >= 0)
        return last;
    if (file_read_line("/proc/sys/kernel/cap_last_cap", &text) >= 0 &&
        parse_unsigned(text, &n) >= 0 && n <= 62)
        return last = (int) n;
    /* Without /proc: the kernel refuses to read the bounding set past its last one. */
    for (last = 0; last < 62 && prctl(PR_CAPBSET_READ, last + 1) >= 0;)
        last++;
    return last;
}

static uint64_t all_capabilities(void)
{
    return (UINT64_C(1) << (capability_last() + 1)) - 1;
}

/* systemd.exec(5), CapabilityBoundingSet=: "~" inverts the line. Lines add up: a line without "~"
 * adds its capabilities, one with "~" takes them away; the first line starts from nothing, or from
 * all if it has "~". */
static int parse_set(struct assignment *a, const char *text, bool fresh, uint64_t *set)
{
    bool invert = *text == '~';
    uint64_t mask = 0;

    text += invert;
    for (;;) {
        auto_free char *word = NULL;
        int r = quote_next_word(&text, &word, NULL, QUOTE_UNQUOTE);

        if (r == -ENOMEM)
            return r;
        if (r < 0)
            return assignment_fault(a, NULL, "unbalanced quotes");
        if (r == 0)
            break;
        int cap = capability_from_name(word);
        if (cap < 0)
            assignment_fault(a, "write names as CAP_NET_BIND_SERVICE", "\"%s\" is no capability",
                             word);
        else
            mask |= UINT64_C(1) << cap;
    }
    if (fresh)
        *set = invert ? ~mask : mask;
    else
        *set = invert ? *set & ~mask : *set | mask;
    return 0;
}

static int parse_capabilities(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    return parse_set(a, text, *(uint64_t *) v == 0, v);
}

/* The preset is everything; an empty assignment means nothing at all. */
static int parse_capabilities_bounding(struct assignment *a, const struct value_type *type,
                                       const char *text, void *v)
{
    if (!*text) {
        *(uint64_t *) v = 0;
        return 0;
    }
    return parse_set(a, text, *(uint64_t *) v == UINT64_MAX, v);
}

static void format_set(uint64_t set, struct strbuf *out)
{
    const char *separator = "";

    for (int i = 0; i <= capability_last(); i++) {
        if (!(set >> i & 1))
            continue;
        if (capability_name(i))
            strbuf_addf(out, "%s%s", separator, capability_name(i));
        else
            strbuf_addf(out, "%s%d", separator, i);
        separator = " ";
    }
}

static void format_capabilities(const struct value_type *type, const void *v, struct strbuf *out)
{
    format_set(*(const uint64_t *) v, out);
}

static void format_capabilities_file(const struct value_type *type, const char *name, const void *v,
                                     struct strbuf *out)
{
    uint64_t set = *(const uint64_t *) v;
    auto_strbuf struct strbuf text = {};

    if (set == (type == &type_capabilities ? 0 : UINT64_MAX))
        return;
    /* Capabilities that this kernel does not know must survive as well. */
    bool invert = (set & ~all_capabilities()) != 0;
    if (invert)
        strbuf_add_char(&text, '~');
    format_set(invert ? ~set : set, &text);
    format_line(out, name, strbuf_text(&text));
}

const struct value_type type_capabilities = { .name = "capabilities",
                                              .size = sizeof(uint64_t),
                                              .parse = parse_capabilities,
                                              .format = format_capabilities,
                                              .format_file = format_capabilities_file };
const struct value_type type_capabilities_bounding = { .name = "capabilities_bounding",
                                                       .size = sizeof(uint64_t),
                                                       .flags = VALUE_PARSES_EMPTY,
                                                       .unset = -1,
                                                       .parse = parse_capabilities_bounding,
                                                       .format = format_capabilities,
                                                       .format_file = format_capabilities_file };

static const struct {
    const char *name;
    int bit;
} secure_bits[] = { { "keep-caps", SECBIT_KEEP_CAPS },
                    { "keep-caps-locked", SECBIT_KEEP_CAPS_LOCKED },
                    { "no-setuid-fixup", SECBIT_NO_SETUID_FIXUP },
                    { "no-setuid-fixup-locked", SECBIT_NO_SETUID_FIXUP_LOCKED },
                    { "noroot", SECBIT_NOROOT },
                    { "noroot-locked", SECBIT_NOROOT_LOCKED } };

static int parse_secure_bits(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    *(unsigned char *) v = 0; /* each line replaces the one before */
    for (;;) {
        auto_free char *word = NULL;
        size_t i = 0;
        int r = quote_next_word(&text, &word, NULL, QUOTE_UNQUOTE);

        if (r <= 0)
            return r == -EINVAL ? assignment_fault(a, NULL, "unbalanced quotes") : r;
        while (i < ELEMENTSOF(secure_bits) && !streq(secure_bits[i].name, word))
            i++;
        if (i == ELEMENTSOF(secure_bits))
            assignment_fault(
                a, "write keep-caps, no-setuid-fixup, noroot, or one of them with -locked",
                "\"%s\" is no secure bit", word);
        else
            *(unsigned char *) v |= (unsigned char) secure_bits[i].bit;
    }
}

static void format_secure_bits(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%d", *(const unsigned char *) v);
}

static void format_secure_bits_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    if (*(const unsigned char *) v == 0)
        return;
    strbuf_addf(out, "%s=", name);
    const char *separator = "";
    for (size_t i = 0; i < ELEMENTSOF(secure_bits); i++)
        if (*(const unsigned char *) v & secure_bits[i].bit) {
            strbuf_addf(out, "%s%s", separator, secure_bits[i].name);
            separator = " ";
        }
    strbuf_add_char(out, '\n');
}

const struct value_type type_secure_bits = { .name = "secure_bits",
                                             .size = sizeof(unsigned char),
                                             .parse = parse_secure_bits,
                                             .format = format_secure_bits,
                                             .format_file = format_secure_bits_file };
