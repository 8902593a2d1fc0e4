/* launch/syscall_filter.h -- all of a unit's system call restrictions as one BPF program.
 *
 * Each setting adds to a table of calls, per architecture; where several have a say the severest
 * wins, as the kernel decides over several filters. One program for all of them is built and loaded
 * at once: cheaper to set up, and to run on every call, than a filter a setting and architecture.
 * Pure: nothing is loaded here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

/* What is done with a call; the kernel's SECCOMP_RET_ values, an errno in the low bits. */
#define CALL_ALLOW 0x7fff0000u
#define CALL_LOG 0x7ffc0000u
#define CALL_ERRNO(e) (0x00050000u | (uint32_t) (e))
#define CALL_KILL 0x80000000u

/* On the low 32 bits of an argument: all arguments that are looked at are ints. */
enum call_test {
    TEST_NONE,
    TEST_ANY_BITS, /* value & mask != 0 */
    TEST_ALL_BITS, /* value & mask == mask */
    TEST_EQUAL,    /* value == mask */
    TEST_NOT_EQUAL,
    TEST_IN_SET, /* value < 64 and its bit is in mask */
    TEST_NOT_IN_SET,
};
struct call_condition {
    uint8_t argument;
    uint8_t test; /* enum call_test */
    uint64_t mask;
};

/* What SystemCallFilter= and SystemCallLog= come to, as systemd shows it: the calls, sorted, each
 * with its error where it has one of its own; after a "~" all but these. NULL where memory is out.
 */
char *syscall_filter_text(char *const *setting);
char *syscall_log_text(char *const *setting);

struct syscall_filter;

struct syscall_filter *syscall_filter_new(void);
/* Whether it lets everything pass. */
bool syscall_filter_is_empty(const struct syscall_filter *f);
struct syscall_filter *syscall_filter_free(struct syscall_filter *f);

/* The architectures in the program: those that this machine runs. Their names as systemd has them
 * ("x86-64", "x86", "x32"). */
size_t syscall_filter_archs(const struct syscall_filter *f);
const char *syscall_filter_arch(const struct syscall_filter *f, size_t i);

/* The call by name, on every architecture that has it. With conditions (all of n have to hold) only
 * then. Unknown names are ignored: 0, or -ENOMEM. */
int syscall_filter_add(struct syscall_filter *f, const char *name, uint32_t action,
                       const struct call_condition *conditions, size_t n);
/* The same on one architecture. */
int syscall_filter_add_arch(struct syscall_filter *f, const char *arch, const char *name,
                            uint32_t action, const struct call_condition *conditions, size_t n);

/* A list of names and @groups: `names` are those in it, each with an action of its own in `actions`
 * (CALL_ALLOW in an allow list). What is not in an allow list gets `other`, and a call that nobody
 * knows ENOSYS, so that programs try older ones. */
struct name_list {
    char **names;
    uint32_t *actions;
    size_t n, allocated;
};
void name_list_done(struct name_list *l);
/* Adds a name, or the members of a group, replacing what is there; or removes them. */
int name_list_add(struct name_list *l, const char *name, uint32_t action);
void name_list_remove(struct name_list *l, const char *name);

int syscall_filter_deny_list(struct syscall_filter *f, const struct name_list *l);
int syscall_filter_allow_list(struct syscall_filter *f, const struct name_list *l, uint32_t other);

/* Only these architectures ("native" and names); others get `action`. */
int syscall_filter_only_archs(struct syscall_filter *f, char *const *archs, uint32_t action);

/* The program; the caller frees *ret. -E2BIG where it is longer than the kernel takes. */
int syscall_filter_program(const struct syscall_filter *f, struct sock_filter **ret, size_t *ret_n);

/* What the program would do, for tests and `check`: the table's answer for a call that has these
 * arguments. `number` is that of the architecture. */
uint32_t syscall_filter_evaluate(const struct syscall_filter *f, const char *arch, const char *name,
                                 const uint64_t arguments[static 6]);

/* The number of a call on an architecture ("x86-64"), or -1. */
int syscall_number(const char *arch, const char *name);
