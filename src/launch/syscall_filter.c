/* launch/syscall_filter.c -- the table of calls and the BPF program made from it. */
#include "launch/syscall_filter.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/syscall_groups.h"

#define X32_BIT 0x40000000u
#define CONDITIONS_MAX 2

struct rule {
    uint32_t action;
    uint8_t n;
    struct call_condition conditions[CONDITIONS_MAX];
};

struct call {
    int number;
    uint32_t action; /* where no rule applies */
    struct rule *rules;
    size_t n_rules;
};

struct arch {
    const char *name;
    uint32_t token; /* libseccomp's */
    uint32_t audit;
    struct call *calls; /* sorted by number once a program is made */
    size_t n, allocated;
    uint32_t other; /* of calls that are not in the table */
    uint32_t whole; /* of every call, by SystemCallArchitectures= */
};

struct syscall_filter {
    struct arch archs[3];
    size_t n_archs;
    uint32_t foreign; /* of architectures that are not in `archs` */
};

/* What this machine runs besides its own. The order is that of numbers in the program. */
static const struct arch known_archs[] = {
#if defined(__x86_64__)
    { .name = "x86-64", .token = SCMP_ARCH_X86_64, .audit = AUDIT_ARCH_X86_64 },
    { .name = "x32", .token = SCMP_ARCH_X32, .audit = AUDIT_ARCH_X86_64 },
    { .name = "x86", .token = SCMP_ARCH_X86, .audit = AUDIT_ARCH_I386 },
#elif defined(__i386__)
    { .name = "x86", .token = SCMP_ARCH_X86, .audit = AUDIT_ARCH_I386 },
#elif defined(__aarch64__)
    { .name = "arm64", .token = SCMP_ARCH_AARCH64, .audit = AUDIT_ARCH_AARCH64 },
    { .name = "arm", .token = SCMP_ARCH_ARM, .audit = AUDIT_ARCH_ARM },
#elif defined(__arm__)
    { .name = "arm", .token = SCMP_ARCH_ARM, .audit = AUDIT_ARCH_ARM },
#elif defined(__riscv) && __riscv_xlen == 64
    { .name = "riscv64", .token = SCMP_ARCH_RISCV64, .audit = AUDIT_ARCH_RISCV64 },
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
    { .name = "ppc64-le", .token = SCMP_ARCH_PPC64LE, .audit = AUDIT_ARCH_PPC64LE },
#elif defined(__s390x__)
    { .name = "s390x", .token = SCMP_ARCH_S390X, .audit = AUDIT_ARCH_S390X },
    { .name = "s390", .token = SCMP_ARCH_S390, .audit = AUDIT_ARCH_S390 },
#else
#error "the system call architectures of this machine are not known yet"
#endif
};

/* Newer than the libseccomp that is built against; from 424 on numbers are the same everywhere. */
static const struct {
    const char *name;
    int number;
} newer[] = {
    { "cachestat", 451 },         { "fchmodat2", 452 },        { "map_shadow_stack", 453 },
    { "futex_wake", 454 },        { "futex_wait", 455 },       { "futex_requeue", 456 },
    { "statmount", 457 },         { "listmount", 458 },        { "lsm_get_self_attr", 459 },
    { "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
    { "setxattrat", 463 },        { "getxattrat", 464 },       { "listxattrat", 465 },
    { "removexattrat", 466 },
};

#if defined(__x86_64__) || defined(__i386__)
/* libseccomp gives those that go by socketcall(2) and ipc(2) no numbers; they have them as well. */
static const struct {
    const char *name;
    int number;
} direct[] = {
    { "recvmmsg", 337 },   { "sendmmsg", 345 },   { "socket", 359 },      { "socketpair", 360 },
    { "bind", 361 },       { "connect", 362 },    { "listen", 363 },      { "accept4", 364 },
    { "getsockopt", 365 }, { "setsockopt", 366 }, { "getsockname", 367 }, { "getpeername", 368 },
    { "sendto", 369 },     { "sendmsg", 370 },    { "recvfrom", 371 },    { "recvmsg", 372 },
    { "shutdown", 373 },   { "semget", 393 },     { "semctl", 394 },      { "shmget", 395 },
    { "shmctl", 396 },     { "shmat", 397 },      { "shmdt", 398 },       { "msgget", 399 },
    { "msgsnd", 400 },     { "msgrcv", 401 },     { "msgctl", 402 },
};
#endif

static int number_on(const struct arch *a, const char *name)
{
    int number = seccomp_syscall_resolve_name_arch(a->token, name);

#if defined(__x86_64__) || defined(__i386__)
    for (size_t i = 0; number < 0 && a->token == SCMP_ARCH_X86 && i < ELEMENTSOF(direct); i++)
        if (streq(direct[i].name, name))
            return direct[i].number;
#endif

    if (number == __NR_SCMP_ERROR)
        for (size_t i = 0; i < ELEMENTSOF(newer); i++)
            if (streq(newer[i].name, name))
                return newer[i].number | (a->token == SCMP_ARCH_X32 ? (int) X32_BIT : 0);
    return number < 0 ? -1 : number;
}

int syscall_number(const char *arch, const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(known_archs); i++)
        if (streq(known_archs[i].name, arch))
            return number_on(&known_archs[i], name);
    return -1;
}

struct syscall_filter *syscall_filter_new(void)
{
    struct syscall_filter *f = new0(struct syscall_filter, 1);

    if (!f)
        return NULL;
    f->n_archs = ELEMENTSOF(known_archs);
    f->foreign = CALL_ALLOW;
    for (size_t i = 0; i < f->n_archs; i++) {
        f->archs[i] = known_archs[i];
        f->archs[i].other = f->archs[i].whole = CALL_ALLOW;
    }
    return f;
}

struct syscall_filter *syscall_filter_free(struct syscall_filter *f)
{
    for (size_t i = 0; f && i < f->n_archs; i++) {
        for (size_t k = 0; k < f->archs[i].n; k++)
            free(f->archs[i].calls[k].rules);
        free(f->archs[i].calls);
    }
    free(f);
    return NULL;
}

bool syscall_filter_is_empty(const struct syscall_filter *f)
{
    bool empty = f->foreign == CALL_ALLOW;

    for (size_t i = 0; i < f->n_archs && empty; i++)
        empty = f->archs[i].n == 0 && f->archs[i].other == CALL_ALLOW &&
                f->archs[i].whole == CALL_ALLOW;
    return empty;
}

size_t syscall_filter_archs(const struct syscall_filter *f)
{
    return f->n_archs;
}

const char *syscall_filter_arch(const struct syscall_filter *f, size_t i)
{
    return f->archs[i].name;
}

/* seccomp(2): the severest of several results. Equal ones: the later. */
static int severity(uint32_t action)
{
    switch (action & 0xffff0000u) {
    case CALL_KILL:
        return 3;
    case 0x00050000u:
        return 2;
    case CALL_LOG:
        return 1;
    default:
        return 0;
    }
}

static uint32_t severer(uint32_t old, uint32_t new)
{
    return severity(new) >= severity(old) ? new : old;
}

static struct call *find_call(struct arch *a, int number)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->calls[i].number == number)
            return &a->calls[i];
    return NULL;
}

static struct call *get_call(struct arch *a, int number)
{
    struct call *c = find_call(a, number);

    if (c)
        return c;
    if (!grow(&a->calls, &a->allocated, a->n + 1))
        return NULL;
    c = &a->calls[a->n++];
    *c = (struct call){ .number = number, .action = a->other };
    return c;
}

static int add_on(struct arch *a, const char *name, uint32_t action,
                  const struct call_condition *conditions, size_t n)
{
    int number = number_on(a, name);

    if (number < 0)
        return 0;
    struct call *c = get_call(a, number);
    if (!c)
        return -ENOMEM;
    if (n == 0) {
        c->action = severer(c->action, action);
        return 0;
    }
    struct rule *rules = reallocarray(c->rules, c->n_rules + 1, sizeof *rules);
    if (!rules)
        return -ENOMEM;
    c->rules = rules;
    struct rule *r = &rules[c->n_rules++];
    *r = (struct rule){ .action = action, .n = (uint8_t) n };
    memcpy(r->conditions, conditions, n * sizeof *conditions);
    return 0;
}

int syscall_filter_add(struct syscall_filter *f, const char *name, uint32_t action,
                       const struct call_condition *conditions, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < f->n_archs && r >= 0; i++)
        r = add_on(&f->archs[i], name, action, conditions, n);
    return r;
}

int syscall_filter_add_arch(struct syscall_filter *f, const char *arch, const char *name,
                            uint32_t action, const struct call_condition *conditions, size_t n)
{
    for (size_t i = 0; i < f->n_archs; i++)
        if (streq(f->archs[i].name, arch))
            return add_on(&f->archs[i], name, action, conditions, n);
    return 0;
}

/* ---- lists ---- */

void name_list_done(struct name_list *l)
{
    strv_free(l->names);
    free(l->actions);
    *l = (struct name_list){ 0 };
}

int name_list_add(struct name_list *l, const char *name, uint32_t action)
{
    if (*name == '@') {
        NULSTR_FOREACH(member, syscall_group(name))
        {
            int r = name_list_add(l, member, action);
            if (r < 0)
                return r;
        }
        return 0;
    }
    for (size_t i = 0; i < l->n; i++)
        if (streq(l->names[i], name)) {
            l->actions[i] = action;
            return 0;
        }
    if (l->n + 2 > l->allocated) {
        size_t allocated = l->allocated ? 2 * l->allocated : 64;
        char **names = reallocarray(l->names, allocated, sizeof *names);

        if (!names)
            return -ENOMEM;
        l->names = names;
        uint32_t *actions = reallocarray(l->actions, allocated, sizeof *actions);
        if (!actions)
            return -ENOMEM;
        l->actions = actions;
        l->allocated = allocated;
    }
    l->names[l->n] = strdup(name);
    l->names[l->n + 1] = NULL;
    if (!l->names[l->n])
        return -ENOMEM;
    l->actions[l->n++] = action;
    return 0;
}

void name_list_remove(struct name_list *l, const char *name)
{
    if (*name == '@') {
        NULSTR_FOREACH(member, syscall_group(name))
        {
            name_list_remove(l, member);
        }
        return;
    }
    for (size_t i = 0; i < l->n; i++)
        if (streq(l->names[i], name)) {
            free(l->names[i]);
            l->n--;
            l->names[i] = l->names[l->n];
            l->names[l->n] = NULL;
            l->actions[i] = l->actions[l->n];
            return;
        }
}

int syscall_filter_deny_list(struct syscall_filter *f, const struct name_list *l)
{
    int r = 0;

    for (size_t i = 0; i < l->n && r >= 0; i++)
        r = syscall_filter_add(f, l->names[i], l->actions[i], NULL, 0);
    return r;
}

struct listed {
    int number;
    uint32_t action;
    bool is_member;
};

static int compare_listed(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    /* Members before those that are merely known. */
    return (int) y->is_member - (int) x->is_member;
}

static int collect_known(const struct arch *a, const char *group, struct listed **list, size_t *n,
                         size_t *allocated)
{
    NULSTR_FOREACH(name, syscall_group(group))
    {
        int number, r = 0;

        if (*name == '@') {
            r = collect_known(a, name, list, n, allocated);
        } else {
            number = number_on(a, name);
            if (number < 0)
                continue;
            if (!grow(list, allocated, *n + 1))
                return -ENOMEM;
            (*list)[(*n)++] = (struct listed){ .number = number };
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* Every known call gets an entry, the rest is `other` of the architecture. */
static int allow_on(struct arch *a, const struct name_list *l, uint32_t other)
{
    auto_free struct listed *list = NULL;
    size_t n = 0, allocated = 0;

    for (size_t i = 0; i < l->n; i++) {
        int number = number_on(a, l->names[i]);

        if (number < 0)
            continue;
        if (!grow(&list, &allocated, n + 1))
            return -ENOMEM;
        list[n++] = (struct listed){ number, l->actions[i], true };
    }
    int r = collect_known(a, "@known", &list, &n, &allocated);
    if (r < 0)
        return r;
    qsort(list, n, sizeof *list, compare_listed);
    if (!grow(&a->calls, &a->allocated, a->n + n))
        return -ENOMEM;

    size_t had = a->n;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && list[i].number == list[i - 1].number)
            continue;
        uint32_t action = list[i].is_member ? list[i].action : other;
        struct call *c = NULL;

        for (size_t k = 0; k < had && !c; k++)
            if (a->calls[k].number == list[i].number)
                c = &a->calls[k];
        if (c)
            c->action = severer(c->action, action);
        else
            a->calls[a->n++] = (struct call){ .number = list[i].number,
                                              .action = severer(a->other, action) };
    }
    /* Entries made before for calls that are not known to this list. */
    a->other = severer(a->other, CALL_ERRNO(ENOSYS));
    return 0;
}

int syscall_filter_allow_list(struct syscall_filter *f, const struct name_list *l, uint32_t other)
{
    int r = 0;

    for (size_t i = 0; i < f->n_archs && r >= 0; i++)
        r = allow_on(&f->archs[i], l, other);
    return r;
}

int syscall_filter_only_archs(struct syscall_filter *f, char *const *archs, uint32_t action)
{
    for (size_t i = 0; i < f->n_archs; i++) {
        bool wanted = strv_contains(archs, f->archs[i].name) ||
                      (i == 0 && strv_contains(archs, "native"));

        if (!wanted)
            f->archs[i].whole = severer(f->archs[i].whole, action);
    }
    f->foreign = severer(f->foreign, action);
    return 0;
}

/* ---- the program ---- */

struct program {
    struct sock_filter *code;
    size_t n, allocated;
    bool failed;
};

static size_t emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
    if (!grow(&p->code, &p->allocated, p->n + 1)) {
        p->failed = true;
        return 0;
    }
    p->code[p->n] = (struct sock_filter){ code, jt, jf, k };
    return p->n++;
}

static void emit_return(struct program *p, uint32_t action)
{
    emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Loads the argument and leaves out what follows unless the condition holds: the jump over the rule
 * is patched by the caller. Returns the number of jumps to patch. */
static size_t emit_condition(struct program *p, const struct call_condition *c, size_t jumps[64])
{
    uint32_t low = (uint32_t) c->mask;
    uint32_t at = (uint32_t) (offsetof(struct seccomp_data, args) + 8 * c->argument);
    size_t n = 0;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    at += 4;
#endif
    emit(p, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
    switch ((enum call_test) c->test) {
    case TEST_NONE:
        break;
    case TEST_ANY_BITS:
        jumps[n++] = emit(p, BPF_JMP | BPF_JSET | BPF_K, low, 0, 0xff);
        break;
    case TEST_ALL_BITS:
        emit(p, BPF_ALU | BPF_AND | BPF_K, low, 0, 0);
        jumps[n++] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, low, 0, 0xff);
        break;
    case TEST_EQUAL:
        jumps[n++] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, low, 0, 0xff);
        break;
    case TEST_NOT_EQUAL:
        jumps[n++] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, low, 0xff, 0);
        break;
    case TEST_NOT_IN_SET:
        for (uint32_t v = 0; v < 64; v++)
            if (c->mask >> v & 1)
                jumps[n++] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, v, 0xff, 0);
        break;
    case TEST_IN_SET: {
        /* Any of them jumps to the match, past the jump that leaves. */
        size_t first = p->n;

        for (uint32_t v = 0; v < 64; v++)
            if (c->mask >> v & 1)
                emit(p, BPF_JMP | BPF_JEQ | BPF_K, v, 0xfe, 0);
        jumps[n++] = emit(p, BPF_JMP | BPF_JA, 0xff, 0, 0);
        for (size_t i = first; !p->failed && i < p->n - 1; i++)
            p->code[i].jt = (uint8_t) (p->n - i - 1);
        break;
    }
    }
    return n;
}

static void patch(struct program *p, size_t from, size_t to)
{
    struct sock_filter *i = &p->code[from];

    if (BPF_OP(i->code) == BPF_JA)
        i->k = (uint32_t) (to - from - 1);
    else if (i->jt == 0xff)
        i->jt = (uint8_t) (to - from - 1);
    else
        i->jf = (uint8_t) (to - from - 1);
}

static void emit_rule(struct program *p, const struct rule *r)
{
    size_t jumps[CONDITIONS_MAX * 64], n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += emit_condition(p, &r->conditions[i], jumps + n);
    emit_return(p, r->action);
    for (size_t i = 0; i < n && !p->failed; i++)
        patch(p, jumps[i], p->n);
}

static int compare_rules(const void *a, const void *b)
{
    const struct rule *x = a, *y = b;

    return severity(y->action) - severity(x->action);
}

/* One call, or a range of calls that get the same. */
struct leaf {
    uint32_t first;
    uint32_t action;
    struct call *call; /* with rules; NULL */
};

static void emit_leaf(struct program *p, const struct leaf *l)
{
    if (l->call) {
        if (l->call->n_rules > 1)
            qsort(l->call->rules, l->call->n_rules, sizeof(struct rule), compare_rules);
        for (size_t i = 0; i < l->call->n_rules; i++)
            if (severity(l->call->rules[i].action) > severity(l->action))
                emit_rule(p, &l->call->rules[i]);
    }
    emit_return(p, l->action);
}

/* A binary search over the ranges. The jump to the upper half may be long. */
static void emit_tree(struct program *p, const struct leaf *leaves, size_t n)
{
    if (n == 1) {
        emit_leaf(p, leaves);
        return;
    }
    size_t half = n / 2;
    emit(p, BPF_JMP | BPF_JGE | BPF_K, leaves[half].first, 0, 1);
    size_t jump = emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
    emit_tree(p, leaves, half);
    if (p->failed)
        return;
    p->code[jump].k = (uint32_t) (p->n - jump - 1);
    emit_tree(p, leaves + half, n - half);
}

static int compare_calls(const void *a, const void *b)
{
    const struct call *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static bool add_leaf(struct leaf **leaves, size_t *n, size_t *allocated, struct leaf l)
{
    struct leaf *last = *n > 0 ? &(*leaves)[*n - 1] : NULL;

    if (last && last->first == l.first) { /* an empty range before it */
        (*n)--;
        last = *n > 0 ? &(*leaves)[*n - 1] : NULL;
    }
    if (last && !last->call && !l.call && last->action == l.action)
        return true;
    if (!grow(leaves, allocated, *n + 1))
        return false;
    (*leaves)[(*n)++] = l;
    return true;
}

static bool has_effect(const struct call *c)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (severity(c->rules[i].action) > severity(c->action))
            return true;
    return false;
}

static int emit_arch(struct program *p, struct arch *a, uint32_t first, uint32_t end)
{
    auto_free struct leaf *leaves = NULL;
    size_t n = 0, allocated = 0;

    if (a->whole != CALL_ALLOW) {
        emit_return(p, a->whole);
        return 0;
    }
    if (a->n > 1)
        qsort(a->calls, a->n, sizeof *a->calls, compare_calls);
    if (!add_leaf(&leaves, &n, &allocated, (struct leaf){ first, a->other, NULL }))
        return -ENOMEM;
    for (size_t i = 0; i < a->n; i++) {
        struct call *c = &a->calls[i];
        uint32_t number = (uint32_t) c->number;

        if (number < first || number >= end)
            continue;
        if (!add_leaf(&leaves, &n, &allocated,
                      (struct leaf){ number, c->action, has_effect(c) ? c : NULL }) ||
            !add_leaf(&leaves, &n, &allocated, (struct leaf){ number + 1, a->other, NULL }))
            return -ENOMEM;
    }
    emit_tree(p, leaves, n);
    return 0;
}

int syscall_filter_program(const struct syscall_filter *f, struct sock_filter **ret, size_t *ret_n)
{
    struct program p = { 0 };
    int r = 0;

    emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    for (size_t i = 0; i < f->n_archs && r >= 0;) {
        struct arch *a = (struct arch *) &f->archs[i];
        bool x32 = i + 1 < f->n_archs && f->archs[i + 1].audit == a->audit;

        emit(&p, BPF_JMP | BPF_JEQ | BPF_K, a->audit, 1, 0);
        size_t skip = emit(&p, BPF_JMP | BPF_JA, 0, 0, 0);
        emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
        if (x32) {
            /* The same architecture to the kernel, told by a bit of the number. */
            emit(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
            size_t jump = emit(&p, BPF_JMP | BPF_JA, 0, 0, 0);
            r = emit_arch(&p, a, 0, X32_BIT);
            if (p.failed || r < 0)
                break;
            p.code[jump].k = (uint32_t) (p.n - jump - 1);
            r = emit_arch(&p, (struct arch *) &f->archs[i + 1], X32_BIT, UINT32_MAX);
        } else {
            r = emit_arch(&p, a, 0, UINT32_MAX);
        }
        if (p.failed || r < 0)
            break;
        p.code[skip].k = (uint32_t) (p.n - skip - 1);
        i += x32 ? 2 : 1;
    }
    emit_return(&p, f->foreign);
    if (p.failed)
        r = -ENOMEM;
    if (r >= 0 && p.n > BPF_MAXINSNS)
        r = -E2BIG;
    if (r < 0) {
        free(p.code);
        return r;
    }
    *ret = p.code;
    *ret_n = p.n;
    return 0;
}

/* ---- asking the table ---- */

static bool holds(const struct call_condition *c, const uint64_t arguments[static 6])
{
    uint32_t v = (uint32_t) arguments[c->argument], mask = (uint32_t) c->mask;
    bool in_set = v < 64 && (c->mask >> v & 1);

    switch ((enum call_test) c->test) {
    case TEST_NONE:
        return true;
    case TEST_ANY_BITS:
        return v & mask;
    case TEST_ALL_BITS:
        return (v & mask) == mask;
    case TEST_EQUAL:
        return v == mask;
    case TEST_NOT_EQUAL:
        return v != mask;
    case TEST_IN_SET:
        return in_set;
    case TEST_NOT_IN_SET:
        return !in_set;
    }
    return false;
}

uint32_t syscall_filter_evaluate(const struct syscall_filter *f, const char *arch, const char *name,
                                 const uint64_t arguments[static 6])
{
    for (size_t i = 0; i < f->n_archs; i++) {
        struct arch *a = (struct arch *) &f->archs[i];

        if (!streq(a->name, arch))
            continue;
        struct call *c = find_call(a, number_on(a, name));
        uint32_t action = severer(a->whole, c ? c->action : a->other);
        for (size_t k = 0; c && k < c->n_rules; k++) {
            bool all = true;

            for (size_t j = 0; j < c->rules[k].n; j++)
                all = all && holds(&c->rules[k].conditions[j], arguments);
            if (all)
                action = severity(c->rules[k].action) > severity(action) ? c->rules[k].action
                                                                         : action;
        }
        return action;
    }
    return f->foreign;
}
