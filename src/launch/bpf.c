/* launch/bpf.c -- device, address, port and interface filters, and counters, as eBPF programs. */
#include "launch/bpf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/config.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define PTY_MAJOR 136

/* ---- a program being written ---- */

struct code {
    struct bpf_insn *insns;
    size_t n, allocated;
    bool failed;
};

static void emit(struct code *p, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
    if (!grow(&p->insns, &p->allocated, p->n + 1)) {
        p->failed = true;
        return;
    }
    p->insns[p->n++] = (struct bpf_insn){
        .code = op, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm
    };
}

static void load32(struct code *p, uint8_t dst, uint8_t src, int16_t off)
{
    emit(p, BPF_LDX | BPF_W | BPF_MEM, dst, src, off, 0);
}

static void move(struct code *p, uint8_t dst, uint8_t src)
{
    emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void move_number(struct code *p, uint8_t dst, int32_t value)
{
    emit(p, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

static void finish(struct code *p, int verdict)
{
    move_number(p, BPF_REG_0, verdict);
    emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* A jump out of the rule under way, to be patched when its end is known. */
static void leave_unless_equal(struct code *p, uint8_t reg, uint32_t value)
{
    emit(p, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, INT16_MIN, (int32_t) value);
}

static void end_rule(struct code *p, size_t from)
{
    for (size_t i = from; !p->failed && i < p->n; i++)
        if (p->insns[i].off == INT16_MIN)
            p->insns[i].off = (int16_t) (p->n - i - 1);
}

static int bpf(int command, union bpf_attr *attr)
{
    int r = (int) syscall(SYS_bpf, command, attr, sizeof *attr);

    return r < 0 ? -errno : r;
}

/* A rule's last word. What is let through goes on to be counted, if anything is: to_count() patches
 * the jumps. */
#define TO_COUNT (INT16_MIN + 1)

static void decide(struct code *p, int verdict, bool counts)
{
    if (verdict && counts)
        emit(p, BPF_JMP | BPF_JA, 0, 0, TO_COUNT, 0);
    else
        finish(p, verdict);
}

static void to_count(struct code *p)
{
    for (size_t i = 0; !p->failed && i < p->n; i++)
        if (p->insns[i].off == TO_COUNT)
            p->insns[i].off = (int16_t) (p->n - i - 1);
}

static int load(const struct code *p, enum bpf_prog_type type, enum bpf_attach_type attach)
{
    union bpf_attr attr;

    if (p->failed)
        return -ENOMEM;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = type;
    attr.insns = (uint64_t) (uintptr_t) p->insns;
    attr.insn_cnt = (uint32_t) p->n;
    attr.license = (uint64_t) (uintptr_t) "Apache-2.0";
    attr.expected_attach_type = attach;
    return bpf(BPF_PROG_LOAD, &attr);
}

#define PROGRAMS_MAX 16u

/* The programs attached there, by id. */
static uint32_t query(int cgroup_fd, enum bpf_attach_type attach, uint32_t ids[static PROGRAMS_MAX])
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.query.target_fd = (uint32_t) cgroup_fd;
    attr.query.attach_type = attach;
    attr.query.prog_ids = (uint64_t) (uintptr_t) ids;
    attr.query.prog_cnt = PROGRAMS_MAX;
    return bpf(BPF_PROG_QUERY, &attr) < 0 ? 0 : MIN(attr.query.prog_cnt, PROGRAMS_MAX);
}

static int program_by_id(uint32_t id)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.prog_id = id;
    return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

/* What an earlier bpf_apply() attached goes. */
static void detach_all(int cgroup_fd, enum bpf_attach_type attach)
{
    uint32_t ids[PROGRAMS_MAX], n = query(cgroup_fd, attach, ids);
    union bpf_attr attr;

    for (uint32_t i = 0; i < n; i++) {
        auto_close int program = program_by_id(ids[i]);
        if (program < 0)
            continue;
        memset(&attr, 0, sizeof attr);
        attr.target_fd = (uint32_t) cgroup_fd;
        attr.attach_bpf_fd = (uint32_t) program;
        attr.attach_type = attach;
        (void) bpf(BPF_PROG_DETACH, &attr);
    }
}

static int attach(int cgroup_fd, const struct code *p, enum bpf_prog_type type,
                  enum bpf_attach_type where)
{
    union bpf_attr attr;
    auto_close int program = load(p, type, where);

    if (program < 0)
        return program;
    memset(&attr, 0, sizeof attr);
    attr.target_fd = (uint32_t) cgroup_fd;
    attr.attach_bpf_fd = (uint32_t) program;
    attr.attach_type = where;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return bpf(BPF_PROG_ATTACH, &attr);
}

/* ---- devices ---- */

enum { DEVICE_ANY = -1 };

static void device_rule(struct code *p, int type, int major_number, int minor_number,
                        unsigned access)
{
    size_t from = p->n;

    /* r2 type, r3 access wanted, r4 major, r5 minor */
    leave_unless_equal(p, BPF_REG_2, (uint32_t) type);
    if (access != (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD)) {
        emit(p, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
        emit(p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, (int32_t) (~access & 7));
        leave_unless_equal(p, BPF_REG_1, 0);
    }
    if (major_number != DEVICE_ANY)
        leave_unless_equal(p, BPF_REG_4, (uint32_t) major_number);
    if (minor_number != DEVICE_ANY)
        leave_unless_equal(p, BPF_REG_5, (uint32_t) minor_number);
    finish(p, 1);
    end_rule(p, from);
}

/* "char-pts", "block-*": the majors of the groups in /proc/devices that match. */
static int device_group(struct code *p, const char *group, unsigned access)
{
    bool block = startswith(group, "block-");
    const char *pattern = block ? group + 6 : startswith(group, "char-") ? group + 5 : NULL;
    auto_free char *text = NULL;
    char *save = NULL;
    bool in_block = false;
    int type = block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;

    if (!pattern)
        return -EINVAL;
    if (streq(pattern, "*")) {
        device_rule(p, type, DEVICE_ANY, DEVICE_ANY, access);
        return 0;
    }
    int r = file_read("/proc/devices", 1024 * 1024, &text, NULL);
    if (r < 0)
        return r;
    r = -ENOENT;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        int number, at = 0;

        if (streq(line, "Block devices:"))
            in_block = true;
        if (in_block != block || sscanf(line, " %d %n", &number, &at) != 1 || at == 0)
            continue;
        if (fnmatch(pattern, line + at, 0) == 0) {
            device_rule(p, type, number, DEVICE_ANY, access);
            r = 0;
        }
    }
    return r;
}

static int device_path(struct code *p, const char *path, unsigned access)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
        return -ENODEV;
    device_rule(p, S_ISBLK(st.st_mode) ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR,
                (int) major(st.st_rdev), (int) minor(st.st_rdev), access);
    return 0;
}

static int apply_devices(int cgroup_fd, const struct unit_config *config)
{
    const unsigned all = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD;
    /* null, zero, full, random, urandom, tty, ptmx */
    static const int standard[][2] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 },
                                       { 1, 9 }, { 5, 0 }, { 5, 2 } };
    const struct cgroup_config *g = config->cgroup;
    const struct sandbox_config *s = config->sandbox;
    unsigned char policy = g->device_policy;
    struct code p = { 0 };

    if (s->private_devices && policy == DEVICE_POLICY_AUTO)
        policy = DEVICE_POLICY_CLOSED;
    if (policy == DEVICE_POLICY_AUTO && !g->device_allow && !s->protect_clock)
        return 0;

    load32(&p, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    emit(&p, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
    emit(&p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
    emit(&p, BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    load32(&p, BPF_REG_4, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major));
    load32(&p, BPF_REG_5, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor));
    if (policy != DEVICE_POLICY_STRICT) {
        for (size_t i = 0; i < ELEMENTSOF(standard); i++)
            device_rule(&p, BPF_DEVCG_DEV_CHAR, standard[i][0], standard[i][1], all);
        device_rule(&p, BPF_DEVCG_DEV_CHAR, PTY_MAJOR, DEVICE_ANY,
                    BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE);
    }
    if (s->protect_clock)
        (void) device_group(&p, "char-rtc", BPF_DEVCG_ACC_READ);
    for (const struct device_rule *d = g->device_allow; d; d = d->next) {
        unsigned access = (d->read ? BPF_DEVCG_ACC_READ : 0) |
                          (d->write ? BPF_DEVCG_ACC_WRITE : 0) |
                          (d->mknod ? BPF_DEVCG_ACC_MKNOD : 0);

        /* A device that is not there cannot be used, either: as systemd, without a word. */
        (void) (path_is_absolute(d->path) ? device_path(&p, d->path, access)
                                          : device_group(&p, d->path, access));
    }
    finish(&p, 0);
    int r = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE);
    free(p.insns);
    return r;
}

/* ---- addresses ---- */

static uint32_t prefix_mask(unsigned length)
{
    return length == 0 ? 0 : htonl(UINT32_MAX << (32 - MIN(length, 32u)));
}

/* The address is on the stack, `words` words of it from fp-16 on. Returns true after a rule that
 * always holds: the verifier takes no code that cannot be reached. */
static bool prefix_rules(struct code *p, const struct ip_prefix *list, int family, int verdict,
                         bool counts)
{
    int words = family == AF_INET ? 1 : 4;

    for (const struct ip_prefix *x = list; x; x = x->next) {
        size_t from = p->n;

        if (x->family != family)
            continue;
        for (int i = 0; i < words; i++) {
            int bits = (int) x->length - 32 * i;
            uint32_t mask = prefix_mask(bits < 0 ? 0 : (unsigned) bits), value;

            if (mask == 0)
                break;
            memcpy(&value, x->address + 4 * i, sizeof value);
            load32(p, BPF_REG_1, BPF_REG_10, (int16_t) (-16 + 4 * i));
            emit(p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, (int32_t) mask);
            leave_unless_equal(p, BPF_REG_1, value & mask);
        }
        decide(p, verdict, counts);
        if (x->length == 0)
            return true;
        end_rule(p, from);
    }
    return false;
}

static void address_part(struct code *p, const struct cgroup_config *g,
                         const struct unit_config *const *slices, int family, bool ingress,
                         bool counts)
{
    bool v4 = family == AF_INET, decided;
    size_t from = p->n;

    leave_unless_equal(p, BPF_REG_7, htons(v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6));
    move(p, BPF_REG_1, BPF_REG_6);
    move_number(p, BPF_REG_2, v4 ? (ingress ? 12 : 16) : (ingress ? 8 : 24));
    move(p, BPF_REG_3, BPF_REG_10);
    emit(p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, -16);
    move_number(p, BPF_REG_4, v4 ? 4 : 16);
    emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_load_bytes);
    leave_unless_equal(p, BPF_REG_0, 0);
    /* The jumps so far end here only once the rules within have patched theirs. */
    size_t marked[2], n = 0;
    for (size_t i = from; !p->failed && i < p->n; i++)
        if (p->insns[i].off == INT16_MIN) {
            marked[n++] = i;
            p->insns[i].off = 0;
        }
    decided = prefix_rules(p, g->ip_address_allow, family, 1, counts);
    for (size_t i = 0; !decided && slices[i]; i++)
        decided = prefix_rules(p, slices[i]->cgroup->ip_address_allow, family, 1, counts);
    if (!decided)
        decided = prefix_rules(p, g->ip_address_deny, family, 0, counts);
    for (size_t i = 0; !decided && slices[i]; i++)
        decided = prefix_rules(p, slices[i]->cgroup->ip_address_deny, family, 0, counts);
    for (size_t i = 0; i < n && !p->failed; i++)
        p->insns[marked[i]].off = (int16_t) (p->n - marked[i] - 1);
}

/* ---- traffic ---- */

/* The map of the program that counts: found by the program, so that nobody has to keep it. */
static int find_traffic(int cgroup_fd, bool ingress)
{
    uint32_t ids[PROGRAMS_MAX],
        map = 0,
        n = query(cgroup_fd, ingress ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS, ids);
    union bpf_attr attr;

    for (uint32_t i = 0; i < n; i++) {
        auto_close int program = program_by_id(ids[i]);
        struct bpf_prog_info info = { .nr_map_ids = 1, .map_ids = (uint64_t) (uintptr_t) &map };

        memset(&attr, 0, sizeof attr);
        attr.info.bpf_fd = (uint32_t) program;
        attr.info.info_len = sizeof info;
        attr.info.info = (uint64_t) (uintptr_t) &info;
        if (program < 0 || bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0 || info.nr_map_ids == 0)
            continue;
        memset(&attr, 0, sizeof attr);
        attr.map_id = map;
        return bpf(BPF_MAP_GET_FD_BY_ID, &attr);
    }
    return -ENODATA;
}

static int new_traffic(void)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof attr);
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = sizeof(uint32_t);
    attr.value_size = sizeof(struct ip_traffic);
    attr.max_entries = 1;
    return bpf(BPF_MAP_CREATE, &attr);
}

int bpf_read_traffic(int cgroup_fd, enum traffic direction, struct ip_traffic *ret)
{
    auto_close int map = find_traffic(cgroup_fd, direction == TRAFFIC_IN);
    struct ip_traffic now;
    uint32_t key = 0;
    union bpf_attr attr;

    if (map < 0)
        return map;
    memset(&attr, 0, sizeof attr);
    attr.map_fd = (uint32_t) map;
    attr.key = (uint64_t) (uintptr_t) &key;
    attr.value = (uint64_t) (uintptr_t) &now;
    int r = bpf(BPF_MAP_LOOKUP_ELEM, &attr);
    if (r >= 0)
        *ret = now;
    return r;
}

/* Adds the packet of r6 to the map, and lets it through. */
static void count_part(struct code *p, int map)
{
    size_t from;

    to_count(p);
    emit(p, BPF_ST | BPF_W | BPF_MEM, BPF_REG_10, 0, -20, 0);
    move(p, BPF_REG_2, BPF_REG_10);
    emit(p, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -20);
    emit(p, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map);
    emit(p, 0, 0, 0, 0, 0); /* the upper half of the number */
    emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
    from = p->n;
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, INT16_MIN, 0);
    move_number(p, BPF_REG_1, 1);
    emit(p, BPF_STX | BPF_DW | BPF_XADD, BPF_REG_0, BPF_REG_1, offsetof(struct ip_traffic, packets),
         BPF_ADD);
    load32(p, BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, len));
    emit(p, BPF_STX | BPF_DW | BPF_XADD, BPF_REG_0, BPF_REG_1, offsetof(struct ip_traffic, bytes),
         BPF_ADD);
    end_rule(p, from);
    finish(p, 1);
}

/* systemd.resource-control(5): allowed if an allow list has it, of the unit or of a slice above,
 * refused if a deny list has, else allowed. The lists of a slice are part of the program of each
 * unit in it; its own program only counts. What is let through is counted in `map`, if not -1. */
static int apply_addresses(int cgroup_fd, const struct unit_config *config,
                           const struct unit_config *const *slices, bool ingress, int map)
{
    enum bpf_attach_type where = ingress ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS;
    const struct cgroup_config *g = config->cgroup;
    bool any = g->ip_address_allow || g->ip_address_deny, counts = map >= 0;
    struct code p = { 0 };

    for (size_t i = 0; slices[i]; i++)
        any = any || slices[i]->cgroup->ip_address_allow || slices[i]->cgroup->ip_address_deny;
    any = any && config->type != UNIT_SLICE;
    if (!any && !counts)
        return 0;
    move(&p, BPF_REG_6, BPF_REG_1);
    if (any) {
        load32(&p, BPF_REG_7, BPF_REG_6, offsetof(struct __sk_buff, protocol));
        address_part(&p, g, slices, AF_INET, ingress, counts);
        address_part(&p, g, slices, AF_INET6, ingress, counts);
    }
    if (counts)
        count_part(&p, map);
    else
        finish(&p, 1);
    int r = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_SKB, where);
    free(p.insns);
    return r;
}

static int apply_traffic(int cgroup_fd, const struct unit_config *config,
                         const struct unit_config *const *slices, bool ingress, int old_map)
{
    auto_close int map = -1;

    if (!config->cgroup->ip_accounting)
        return apply_addresses(cgroup_fd, config, slices, ingress, -1);
    if (old_map >= 0)
        return apply_addresses(cgroup_fd, config, slices, ingress, old_map);
    map = new_traffic();
    return map < 0 ? map : apply_addresses(cgroup_fd, config, slices, ingress, map);
}

/* ---- interfaces ---- */

static int apply_interfaces(int cgroup_fd, const struct name_filter *f, bool ingress)
{
    enum bpf_attach_type where = ingress ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS;
    struct code p = { 0 };

    if (!f || !f->names)
        return 0;
    load32(&p, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, ifindex));
    STRV_FOREACH (name, f->names) {
        size_t from = p.n;
        unsigned index = if_nametoindex(*name);

        if (index == 0)
            continue;
        leave_unless_equal(&p, BPF_REG_2, index);
        finish(&p, f->allow_list);
        end_rule(&p, from);
    }
    finish(&p, !f->allow_list);
    int r = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_SKB, where);
    free(p.insns);
    return r;
}

/* ---- ports ---- */

/* Returns as prefix_rules(). */
static bool port_rules(struct code *p, const struct socket_bind *list, int family, int verdict)
{
    for (const struct socket_bind *b = list; b; b = b->next) {
        size_t from = p->n;

        if (b->family != AF_UNSPEC && b->family != family)
            continue;
        if (b->protocol)
            leave_unless_equal(p, BPF_REG_2, b->protocol);
        if (b->n_ports > 0) {
            emit(p, BPF_JMP32 | BPF_JLT | BPF_K, BPF_REG_3, 0, INT16_MIN, b->port_min);
            emit(p, BPF_JMP32 | BPF_JGE | BPF_K, BPF_REG_3, 0, INT16_MIN, b->port_min + b->n_ports);
        }
        finish(p, verdict);
        if (!b->protocol && b->n_ports == 0)
            return true;
        end_rule(p, from);
    }
    return false;
}

static int apply_ports(int cgroup_fd, const struct cgroup_config *g, int family)
{
    enum bpf_attach_type where = family == AF_INET ? BPF_CGROUP_INET4_BIND : BPF_CGROUP_INET6_BIND;
    struct code p = { 0 };

    if (!g->socket_bind_allow && !g->socket_bind_deny)
        return 0;
    load32(&p, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_sock_addr, protocol));
    load32(&p, BPF_REG_3, BPF_REG_1, offsetof(struct bpf_sock_addr, user_port));
    emit(&p, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_3, 0, 0, 16);
    if (!port_rules(&p, g->socket_bind_allow, family, 1) &&
        !port_rules(&p, g->socket_bind_deny, family, 0))
        finish(&p, 1);
    int r = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, where);
    free(p.insns);
    return r;
}

void bpf_apply(int cgroup_fd, bool fresh, const struct unit_config *config,
               const struct unit_config *const *slices, cgroup_refused refused, void *userdata)
{
    static const enum bpf_attach_type used[] = { BPF_CGROUP_DEVICE, BPF_CGROUP_INET_INGRESS,
                                                 BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET4_BIND,
                                                 BPF_CGROUP_INET6_BIND };
    const struct cgroup_config *g = config->cgroup;
    auto_close int in = fresh ? -1 : find_traffic(cgroup_fd, true);
    auto_close int out = fresh ? -1 : find_traffic(cgroup_fd, false);

    for (size_t i = 0; i < ELEMENTSOF(used) && !fresh; i++)
        detach_all(cgroup_fd, used[i]);
    int r = apply_devices(cgroup_fd, config);

    if (r < 0 && refused)
        refused(g->device_allow ? "DeviceAllow" : "DevicePolicy", r, userdata);

    r = apply_traffic(cgroup_fd, config, slices, true, in);
    if (r >= 0)
        r = apply_traffic(cgroup_fd, config, slices, false, out);
    if (r < 0 && refused)
        refused(g->ip_address_deny    ? "IPAddressDeny"
                : g->ip_address_allow ? "IPAddressAllow"
                                      : "IPAccounting",
                r, userdata);

    r = apply_interfaces(cgroup_fd, g->restrict_network_interfaces, true);
    if (r >= 0)
        r = apply_interfaces(cgroup_fd, g->restrict_network_interfaces, false);
    if (r < 0 && refused)
        refused("RestrictNetworkInterfaces", r, userdata);

    r = apply_ports(cgroup_fd, g, AF_INET);
    if (r >= 0)
        r = apply_ports(cgroup_fd, g, AF_INET6);
    if (r < 0 && refused)
        refused(g->socket_bind_deny ? "SocketBindDeny" : "SocketBindAllow", r, userdata);
}
