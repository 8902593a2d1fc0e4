/* The table of calls, and the program made from it: interpreted here as the kernel would run it,
 * for every call and arguments at the edges, it has to say what the table says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/syscall_filter.h"
#include "launch/syscall_groups.h"

/* Classic BPF as seccomp(2) takes it. Fails the test where the program leaves its bounds. */
static uint32_t interpret(const struct sock_filter *code, size_t n, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t pc = 0; pc < n; pc++) {
        const struct sock_filter *i = &code[pc];

        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(i->k + 4 <= sizeof *data);
            memcpy(&a, (const char *) data + i->k, 4);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            pc += a & i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            fail_msg("instruction %x", i->code);
        }
    }
    fail_msg("the program has no end");
    return 0;
}

static const uint64_t values[] = { 0,   1,        2,          3,          5,          63,
                                   64,  0x20000,  0x40000000, 0x10000000, 0x4,        0x6,
                                   0x7, 0x410042, 04755,      0x40,       0xffffffff, 0x100000001 };

static void compare_on(const struct syscall_filter *f, const struct sock_filter *code, size_t n,
                       const char *arch, uint32_t audit, const char *name)
{
    int number = syscall_number(arch, name);

    if (number < 0)
        return;
    for (size_t i = 0; i < ELEMENTSOF(values); i++)
        for (size_t k = 0; k < ELEMENTSOF(values); k++) {
            struct seccomp_data data = { .nr = number, .arch = audit };

            for (size_t j = 0; j < 6; j++)
                data.args[j] = j % 2 ? values[k] : values[i];
            uint64_t arguments[6];
            memcpy(arguments, data.args, sizeof arguments);
            uint32_t table = syscall_filter_evaluate(f, arch, name, arguments);
            uint32_t program = interpret(code, n, &data);
            if (table != program)
                fail_msg("%s %s(%jx, %jx): table %x, program %x", arch, name, (uintmax_t) values[i],
                         (uintmax_t) values[k], table, program);
        }
}

static void compare_all(const struct syscall_filter *f)
{
    struct sock_filter *code = NULL;
    size_t n = 0;

    assert_int_equal(syscall_filter_program(f, &code, &n), 0);
    NULSTR_FOREACH(name, syscall_group("@known"))
    {
        for (size_t i = 0; i < syscall_filter_archs(f); i++) {
            const char *arch = syscall_filter_arch(f, i);
            uint32_t audit = streq(arch, "x86") ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;

            compare_on(f, code, n, arch, audit, name);
        }
    }
    free(code);
}

static void program_says_what_the_table_says(void **state)
{
    static const struct call_condition conditions[] = {
        { 0, TEST_NOT_IN_SET, 0x6 },
        { 0, TEST_IN_SET, 0x20006 },
        { 2, TEST_ALL_BITS, 6 },
        { 1, TEST_ANY_BITS, 06000 },
        { 0, TEST_EQUAL, 0 },
        { 0, TEST_NOT_EQUAL, 0xffffffff },
        { 0, TEST_ANY_BITS, 0x7e020080 },
    };
    static const char *const names[] = { "socket", "bind",        "mmap", "chmod",
                                         "setns",  "personality", "clone" };
    struct syscall_filter *f = syscall_filter_new();
    const struct call_condition two[] = { { 1, TEST_ANY_BITS, 0x40 }, { 2, TEST_ANY_BITS, 06000 } };
    struct name_list allow = { 0 };

    (void) state;
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        assert_int_equal(syscall_filter_add(f, names[i], CALL_ERRNO(EPERM), &conditions[i], 1), 0);
    assert_int_equal(syscall_filter_add(f, "open", CALL_ERRNO(EPERM), two, 2), 0);
    assert_int_equal(syscall_filter_add(f, "clone3", CALL_ERRNO(ENOSYS), NULL, 0), 0);
    compare_all(f);

    assert_int_equal(name_list_add(&allow, "@system-service", CALL_ALLOW), 0);
    assert_int_equal(name_list_add(&allow, "@default", CALL_ALLOW), 0);
    assert_int_equal(syscall_filter_allow_list(f, &allow, CALL_KILL), 0);
    compare_all(f);

    char *archs[] = { (char *) "native", NULL };
    assert_int_equal(syscall_filter_only_archs(f, archs, CALL_KILL), 0);
    compare_all(f);
    name_list_done(&allow);
    syscall_filter_free(f);
}

static void lists(void **state)
{
    static const struct {
        const char *name;
        uint32_t action;
    } cases[] = {
        { "read", CALL_ALLOW },
        { "mount", CALL_ERRNO(EACCES) },
        { "execve", CALL_ALLOW },
        { "chmod", CALL_ERRNO(ENOENT) },
        { "kexec_load", CALL_ERRNO(EACCES) },
    };
    struct syscall_filter *f = syscall_filter_new();
    struct name_list l = { 0 };
    const uint64_t none[6] = { 0 };

    (void) state;
    assert_int_equal(name_list_add(&l, "@default", CALL_ALLOW), 0);
    assert_int_equal(name_list_add(&l, "@basic-io", CALL_ALLOW), 0);
    assert_int_equal(name_list_add(&l, "chmod", CALL_ERRNO(ENOENT)), 0);
    assert_int_equal(name_list_add(&l, "mount", CALL_ALLOW), 0);
    name_list_remove(&l, "@mount");
    assert_int_equal(syscall_filter_allow_list(f, &l, CALL_ERRNO(EACCES)), 0);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        uint32_t action = syscall_filter_evaluate(f, "x86-64", cases[i].name, none);

        if (action != cases[i].action)
            fail_msg("%s: %x, not %x", cases[i].name, action, cases[i].action);
    }
    name_list_done(&l);

    /* A call that nobody knows: the program has to answer, the table has no name for it. */
    struct sock_filter *code = NULL;
    size_t n = 0;
    struct seccomp_data data = { .nr = 2000, .arch = AUDIT_ARCH_X86_64 };
    assert_int_equal(syscall_filter_program(f, &code, &n), 0);
    assert_int_equal(interpret(code, n, &data), CALL_ERRNO(ENOSYS));
    free(code);
    syscall_filter_free(f);
}

static void severest_wins(void **state)
{
    struct syscall_filter *f = syscall_filter_new();
    const struct call_condition always = { 0, TEST_EQUAL, 0 };
    const uint64_t none[6] = { 0 };

    (void) state;
    assert_int_equal(syscall_filter_add(f, "reboot", CALL_LOG, NULL, 0), 0);
    assert_int_equal(syscall_filter_add(f, "reboot", CALL_ERRNO(EPERM), &always, 1), 0);
    assert_int_equal(syscall_filter_evaluate(f, "x86-64", "reboot", none), CALL_ERRNO(EPERM));
    assert_int_equal(syscall_filter_add(f, "reboot", CALL_KILL, NULL, 0), 0);
    assert_int_equal(syscall_filter_evaluate(f, "x86-64", "reboot", none), CALL_KILL);
    assert_int_equal(syscall_filter_add(f, "reboot", CALL_ALLOW, NULL, 0), 0);
    assert_int_equal(syscall_filter_evaluate(f, "x86-64", "reboot", none), CALL_KILL);
    compare_all(f);
    syscall_filter_free(f);
}

/* Every member is a call of some architecture or a group that exists. */
static void groups_are_whole(void **state)
{
    size_t n = 0;

    (void) state;
    for (; syscall_group_name(n); n++) {
        const char *group = syscall_group_name(n);

        NULSTR_FOREACH(member, syscall_group(group))
        {
            if (*member == '@' && !syscall_group(member))
                fail_msg("%s: no group %s", group, member);
        }
    }
    assert_int_equal(n, 30);
    assert_true(syscall_number("x86-64", "read") == 0);
    assert_true(syscall_number("x86-64", "mseal") == 462);
    assert_true(syscall_number("x86-64", "no_such_call") == -1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(program_says_what_the_table_says),
    cmocka_unit_test(lists),
    cmocka_unit_test(severest_wins),
    cmocka_unit_test(groups_are_whole),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
