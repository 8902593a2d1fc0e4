#include "diagnose/trace-filter.h"

#include <elf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "diagnose/trace-decode.h"
#include "diagnose/trace.h"

static int add_rule(scmp_filter_ctx filter, const char *name)
{
    int nr = seccomp_syscall_resolve_name(name);

    if (nr == __NR_SCMP_ERROR)
        return 0; /* not on this architecture */
    /* Hot paths stay fast: only datagrams with an address of their own, only executable memory. */
    if (streq(name, "sendto"))
        return seccomp_rule_add(filter, SCMP_ACT_TRACE(TRACE_COOKIE), nr, 1,
                                SCMP_A4(SCMP_CMP_NE, 0));
    if (streq(name, "mmap"))
        return seccomp_rule_add(
            filter, SCMP_ACT_TRACE(TRACE_COOKIE), nr, 1,
            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE));
    if (streq(name, "mprotect"))
        return seccomp_rule_add(filter, SCMP_ACT_TRACE(TRACE_COOKIE), nr, 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    return seccomp_rule_add(filter, SCMP_ACT_TRACE(TRACE_COOKIE), nr, 0);
}

static void auto_filter_p(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static int make_filter(scmp_filter_ctx *ret)
{
    _cleanup_(auto_filter_p) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r;

    if (!filter)
        return -ENOMEM;
    /* The unit's own NoNewPrivileges= decides, not the tracer. */
    r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    if (r >= 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
#ifdef __x86_64__
    if (r >= 0)
        r = seccomp_arch_add(filter, SCMP_ARCH_X86);
    if (r == -EEXIST)
        r = 0;
#endif
    for (const struct trace_call *c = trace_calls; r >= 0 && c->name; c++) {
        int e = add_rule(filter, c->name);

        if (e < 0 && e != -EDOM && e != -EINVAL)
            r = e;
    }
    if (r >= 0)
        *ret = take_ptr(filter);
    return r;
}

int trace_filter_install(void)
{
    _cleanup_(auto_filter_p) scmp_filter_ctx filter = NULL;
    int r = make_filter(&filter);

    return r < 0 ? r : seccomp_load(filter);
}

/* ---- for a program that runs already ---- */

int trace_filter_fits(pid_t pid)
{
    auto_free char *path = format("/proc/%d/status", (int) pid), *text = NULL;
    int r = path ? file_read(path, 64 * 1024, &text, NULL) : -ENOMEM;

    if (r < 0)
        return r;
    const char *mode = strstr(text, "\nSeccomp:"), *nnp = strstr(text, "\nNoNewPrivs:");
    const char *caps = strstr(text, "\nCapEff:");
    if (!mode || !nnp || !caps || strtol(mode + 9, NULL, 10) != 0)
        return 0;
    return strtol(nnp + 12, NULL, 10) == 1 || strtoull(caps + 8, NULL, 16) >> CAP_SYS_ADMIN & 1;
}

#ifdef __x86_64__
#define INSTRUCTION UINT16_C(0x050f) /* syscall */
#define CODE_SEGMENT 0x33            /* of 64-bit programs */
#define RED_ZONE 128
#define SIGNALS_MAX 8

struct injection {
    pid_t pid, tid;
    int signals[SIGNALS_MAX]; /* that came meanwhile */
    unsigned n_signals;
};

/* The filter as the kernel takes it, made once. */
static int filter_program(struct sock_filter **ret, size_t *ret_size)
{
    static struct sock_filter *program;
    static size_t size;
    _cleanup_(auto_filter_p) scmp_filter_ctx filter = NULL;

    if (!program) {
        auto_close int fd = memfd_create("filter", MFD_CLOEXEC);
        int r = fd < 0 ? -errno : make_filter(&filter);

        if (r >= 0)
            r = seccomp_export_bpf(filter, fd);
        off_t end = r < 0 ? 0 : lseek(fd, 0, SEEK_END);
        if (r < 0 || end <= 0)
            return r < 0 ? r : -EIO;
        auto_free void *text = malloc((size_t) end);
        if (!text)
            return -ENOMEM;
        if (pread(fd, text, (size_t) end, 0) != end)
            return -EIO;
        program = take_ptr(text);
        size = (size_t) end;
    }
    *ret = program;
    *ret_size = size;
    return 0;
}

/* On to the next stop at a system call. *ret_status is set with -EINTR. */
static int step(struct injection *i, int *ret_status)
{
    int status;

    for (;;) {
        if (ptrace(PTRACE_SYSCALL, i->tid, NULL, NULL) < 0)
            return -errno;
        if (waitpid(i->tid, &status, __WALL) < 0)
            return -errno;
        if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80))
            return 0;
        /* A signal is about to be delivered. */
        if (WIFSTOPPED(status) && status >> 16 == 0 && i->n_signals < SIGNALS_MAX) {
            i->signals[i->n_signals++] = WSTOPSIG(status);
            continue;
        }
        *ret_status = status;
        return -EINTR;
    }
}

static int registers(int request, pid_t tid, struct user_regs_struct *regs)
{
    struct iovec v = { regs, sizeof *regs };

    if (ptrace(request, tid, (void *) NT_PRSTATUS, &v) < 0)
        return -errno;
    return v.iov_len == sizeof *regs ? 0 : -EOPNOTSUPP;
}

/* Runs seccomp(2) by an instruction at the place where the program would begin. */
static int call_seccomp(struct injection *i, const struct user_regs_struct *before,
                        uint64_t program, int *ret_status)
{
    struct user_regs_struct regs = *before;

    regs.rax = SYS_seccomp;
    regs.orig_rax = (unsigned long long) -1; /* nothing is to be started again */
    regs.rdi = 1;                            /* SECCOMP_SET_MODE_FILTER */
    regs.rsi = 0;
    regs.rdx = program;
    int r = registers(PTRACE_SETREGSET, i->tid, &regs);
    for (int stops = 0; r >= 0 && stops < 2; stops++) /* its beginning and its end */
        r = step(i, ret_status);
    if (r >= 0)
        r = registers(PTRACE_GETREGSET, i->tid, &regs);
    return r < 0 ? r : (int) regs.rax;
}

int trace_filter_inject(pid_t pid, pid_t tid, int *ret_status)
{
    struct injection i = { .pid = pid, .tid = tid };
    struct user_regs_struct before;
    struct sock_filter *program;
    size_t size;
    int r = filter_program(&program, &size);

    if (r >= 0)
        r = registers(PTRACE_GETREGSET, tid, &before);
    if (r >= 0 && before.cs != CODE_SEGMENT)
        r = -EOPNOTSUPP;
    if (r < 0)
        return r;
    /* Below the stack, where nothing is yet. */
    uint64_t at = (before.rsp - RED_ZONE - size - sizeof(struct sock_fprog)) & ~UINT64_C(15);
    struct sock_fprog header = { .len = (unsigned short) (size / sizeof *program),
                                 .filter = (struct sock_filter *) (at + sizeof header) };
    const struct iovec from[] = { { &header, sizeof header }, { program, size } };
    const struct iovec to = { (void *) at, sizeof header + size };
    if (process_vm_writev(tid, from, 2, &to, 1, 0) != (ssize_t) to.iov_len)
        return -EFAULT;
    errno = 0;
    long text = ptrace(PTRACE_PEEKTEXT, tid, (void *) before.rip, NULL);
    if (errno != 0 || ptrace(PTRACE_POKETEXT, tid, (void *) before.rip,
                             (void *) ((text & ~0xffffL) | INSTRUCTION)) < 0)
        return -errno;
    r = call_seccomp(&i, &before, at, ret_status);
    /* A thread that has ended has nothing to be put back. */
    (void) ptrace(PTRACE_POKETEXT, tid, (void *) before.rip, (void *) text);
    (void) registers(PTRACE_SETREGSET, tid, &before);
    for (unsigned k = 0; k < i.n_signals; k++)
        (void) syscall(SYS_tgkill, pid, tid, i.signals[k]);
    return r;
}
#else
int trace_filter_inject(pid_t pid, pid_t tid, int *ret_status)
{
    (void) pid;
    (void) tid;
    (void) ret_status;
    return -EOPNOTSUPP;
}
#endif
