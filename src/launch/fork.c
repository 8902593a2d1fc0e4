/* launch/fork.c -- clone3 with a pidfd and into a cgroup, where the kernel has it. */
#include "launch/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/close_range.h>
#include <linux/sched.h>

#include "base/fd.h"
#include "base/time.h"
#include "launch/cgroup.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* ---- the slots ---- */

#define SLOTS_BEGIN 32
#define SLOTS_END 48 /* a listening socket or two, the streams, the report, and room */

static int slot_filler = -1; /* what is in a slot that nobody uses; -1: there are none */
static int slots_used;

void fork_reserve_slots(void)
{
    auto_close int filler = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    /* Descriptors that nobody shares stay as they are. */
    if (filler < 0 || slot_filler >= 0 || close_range(~0U, ~0U, CLOSE_RANGE_UNSHARE) < 0)
        return;
    for (int slot = SLOTS_BEGIN; slot < SLOTS_END; slot++) {
        int flags = fcntl(slot, F_GETFL);

        /* What a manager that executed itself anew leaves of its own slots is such a filler. */
        if (slot == filler || (flags >= 0 && !(flags & O_PATH)))
            return;
    }
    /* The last one first: below a limit of descriptors none is made. */
    for (int slot = SLOTS_END - 1; slot >= SLOTS_BEGIN; slot--)
        if (dup3(filler, slot, O_CLOEXEC) < 0)
            return;
    slot_filler = SLOTS_END - 1;
}

bool fork_fill_slots(int *const *fds, size_t n)
{
    if (slot_filler < 0 || n > SLOTS_END - SLOTS_BEGIN - 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        int slot = SLOTS_BEGIN + slots_used;

        if (*fds[i] < 0)
            continue;
        /* Cannot fail: the number is in use, and so is the other one. */
        (void) dup3(*fds[i], slot, O_CLOEXEC);
        *fds[i] = slot;
        slots_used++;
    }
    return true;
}

void fork_empty_slots(void)
{
    while (slots_used > 0)
        (void) dup3(slot_filler, SLOTS_BEGIN + --slots_used, O_CLOEXEC);
}

/* ---- a process that shares our memory ---- */

#define UNSHARED_FORKS 32U /* after two long waits; a fork costs a tenth of one */

static unsigned unshared_forks;

bool fork_shares(void)
{
    return unshared_forks == 0;
}

/* AddressSanitizer keeps notes on the stack, which a process that never returns leaves behind. */
#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER
#endif

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(HAS_ADDRESS_SANITIZER)

#define STACK_SIZE (256UL * 1024)
#define STACK_GUARD 4096UL
/* The command below a holder is started by a process that shares our memory already. */
#define STACKS_MAX 2

/* Not by syscall(2): its return address would be on the new stack, which is empty. */
#if defined(__x86_64__)
static long clone_with_stack(struct clone_args *args, fork_function f, void *userdata)
{
    long r;
    register fork_function function __asm__("r8") = f;
    register void *argument __asm__("r9") = userdata;

    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t" /* the end, for who walks the stack */
                     "movq %%r9, %%rdi\n\t"
                     "callq *%%r8\n\t"
                     "movl %%eax, %%edi\n\t"
                     "movl %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(r)
                     : "0"((long) SYS_clone3), "D"(args), "S"(sizeof *args), "r"(function),
                       "r"(argument), [exit] "i"(SYS_exit_group)
                     : "rcx", "r11", "memory");
    return r;
}
#else
static long clone_with_stack(struct clone_args *args, fork_function f, void *userdata)
{
    register long number __asm__("x8") = SYS_clone3;
    register long r __asm__("x0") = (long) (uintptr_t) args;
    register size_t size __asm__("x1") = sizeof *args;
    register fork_function function __asm__("x9") = f;
    register void *argument __asm__("x10") = userdata;

    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t" /* the end, for who walks the stack */
                     "mov x30, xzr\n\t"
                     "mov x0, x10\n\t"
                     "blr x9\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(r)
                     : "r"(number), "r"(size), "r"(function),
                       "r"(argument), [exit] "i"(SYS_exit_group)
                     : "memory");
    return r;
}
#endif

struct with_slots {
    fork_function run;
    void *userdata;
};

/* Until then the descriptors are the caller's, too. */
static int run_with_slots(void *userdata)
{
    const struct with_slots *w = userdata;

    if (close_range(SLOTS_END, ~0U, CLOSE_RANGE_UNSHARE) < 0 && unshare(CLONE_FILES) < 0)
        return EXIT_FAILURE;
    return w->run(w->userdata);
}

#define LONG_WAIT (2 * USEC_PER_MSEC) /* many times what it takes where a processor is idle */

/* One may be long by chance. Where the machine has been found busy, one more is enough. */
static void note_wait(usec_t wait)
{
    static bool was_long;

    if (wait > LONG_WAIT && was_long)
        unshared_forks = UNSHARED_FORKS;
    was_long = wait > LONG_WAIT;
}

static pid_t fork_sharing(struct clone_args args, bool slots, fork_function f, void *userdata)
{
    struct with_slots with = { f, userdata };
    static char *stacks[STACKS_MAX];
    static int depth;

    if (depth >= STACKS_MAX)
        return -ENOSYS;
    char *stack = stacks[depth];
    if (!stack) {
        stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED)
            return -errno;
        (void) mprotect(stack, STACK_GUARD, PROT_NONE);
        stacks[depth] = stack;
    }
    args.flags |= CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND | (slots ? CLONE_FILES : 0);
    args.stack = (uint64_t) (uintptr_t) stack;
    args.stack_size = STACK_SIZE;
    /* The process changes it, too, and may be killed before it has set it back. */
    int before = depth++;
    usec_t begin = now_usec(CLOCK_MONOTONIC);
    long r = slots ? clone_with_stack(&args, run_with_slots, &with)
                   : clone_with_stack(&args, f, userdata);
    depth = before;
    note_wait(now_usec(CLOCK_MONOTONIC) - begin);
    return (pid_t) r;
}

#else

static pid_t fork_sharing(struct clone_args args, bool slots, fork_function f, void *userdata)
{
    (void) args;
    (void) slots;
    (void) f;
    (void) userdata;
    return -ENOSYS;
}

#endif

/* ---- an ordinary one ---- */

/* A fork copies an entry for each page, and with thousands of units loaded that takes longer than
 * all else: the heap becomes one of huge pages then, where the kernel has them. */
static void use_huge_pages(void)
{
    const uintptr_t huge = 2UL * 1024 * 1024, worth_it = 4 * huge;
    extern char _end; /* of the program's data; the heap begins somewhere above */
    static uintptr_t done;
    uintptr_t begin = ((uintptr_t) &_end + huge - 1) & ~(huge - 1),
              end = (uintptr_t) sbrk(0) & ~(huge - 1);

    if (end < begin + worth_it || end <= done)
        return;
    if (done < begin)
        done = begin;
    (void) madvise((void *) done, end - done, MADV_HUGEPAGE);
    (void) madvise((void *) done, end - done, MADV_COLLAPSE);
    done = end;
}

/* One process more below a folder that we write ourselves into: kernels before 5.7, and seccomp
 * filters of container runtimes that refuse clone3. */
static pid_t fork_and_move(int cgroup_fd, unsigned long flags, fork_function f, void *userdata,
                           int *ret_pidfd)
{
    int gate[2] = { -1, -1 };

    if (cgroup_fd >= 0 && pipe2(gate, O_CLOEXEC) < 0)
        return -errno;
    auto_close int gate_read = gate[0], gate_write = gate[1];

    pid_t pid = (pid_t) syscall(SYS_clone, SIGCHLD | flags, NULL, NULL, NULL, NULL);
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        char ready;

        gate_write = close_fd(gate_write);
        /* Moved by the parent before anything runs, so that a failure is the parent's. */
        if (cgroup_fd >= 0 && read(gate_read, &ready, 1) != 1)
            _exit(1);
        _exit(f(userdata));
    }

    int r = cgroup_fd >= 0 ? cgroup_attach(cgroup_fd, pid) : 0;
    int pidfd = r < 0 ? -1 : (int) syscall(SYS_pidfd_open, pid, 0);
    if (r >= 0 && pidfd < 0)
        r = -errno;
    if (r >= 0 && cgroup_fd >= 0 && write(gate_write, "", 1) != 1)
        r = -errno;
    if (r < 0) {
        close_fd(pidfd);
        kill(pid, SIGKILL); /* reaped by the manager as any child that nobody knows */
        return r;
    }
    *ret_pidfd = pidfd;
    return pid;
}

/* ENOSYS and EPERM: refused by a filter; E2BIG and EINVAL: too old for the cgroup. EACCES: the
 * process that made the folder may write it, the mount may not. */
static bool is_missing(pid_t error, int cgroup_fd)
{
    return error == -ENOSYS || error == -EPERM || error == -E2BIG || error == -EINVAL ||
           (error == -EACCES && cgroup_fd >= 0);
}

pid_t fork_process(int cgroup_fd, unsigned flags, fork_function f, void *userdata, int *ret_pidfd)
{
    int pidfd = -1;
    unsigned long new_pids = flags & FORK_NEW_PIDS ? CLONE_NEWPID : 0;
    struct clone_args args = {
        .flags = CLONE_PIDFD | new_pids | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t) (uintptr_t) &pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup_fd >= 0 ? (uint64_t) cgroup_fd : 0,
    };
    bool share = flags & FORK_SHARE && fork_shares();
    pid_t pid = share ? fork_sharing(args, flags & FORK_SLOTS, f, userdata) : -ENOSYS;

    if (is_missing(pid, cgroup_fd)) {
        if (unshared_forks > 0)
            unshared_forks--;
        use_huge_pages();
        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
            pid = -errno;
    }
    if (pid == 0)
        _exit(f(userdata));
    if (is_missing(pid, cgroup_fd))
        return fork_and_move(cgroup_fd, new_pids, f, userdata, ret_pidfd);
    if (pid > 0)
        *ret_pidfd = pidfd;
    return pid;
}
