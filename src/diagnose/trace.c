#include "diagnose/trace.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/process.h"
#include "base/str.h"
#include "diagnose/trace-decode.h"
#include "diagnose/trace-event.h"
#include "diagnose/trace-filter.h"

#define EVENTS_MAX 4096
/* One traced thread. */
struct thread {
    pid_t tid, pid;
    bool
        unwatched; /* the manager, or a process of it that has not executed a program of the unit */
    bool filtered; /* it has our filter */
    bool inject;   /* it shall get it at the end of its execve() */
    bool held; /* its first stop came before its parent's fork was seen, which says what it is */
    const struct trace_call *call; /* the one it is in, or NULL */
    uint64_t args[6];
    struct trace_event
        *pending;       /* decoded at entry: an execve(), whose memory is gone at its end */
    usec_t executed_at; /* of its last execve(), 0: none */
    usec_t forked_at;
    uint64_t signals; /* that were delivered to it: bit n - 1 is signal n */
    char comm[16];
};

struct tracer {
    bool filter;        /* the root process has installed ours itself */
    bool may_filter;    /* others get it, where they may have it */
    struct map threads; /* tid -> struct thread */
    struct trace_event *events;
    size_t n_events, allocated, dropped;
    struct map known; /* "pid text error" -> index + 1, so that what repeats is counted */
    usec_t started_at;
    pid_t root;
    pid_t manager; /* 0: a program is traced, not a manager */
    int (*wanted)(pid_t pid, void *userdata);
    void *userdata;
    size_t executed, n_filtered;
    struct trace_process *processes;
    size_t n_processes, processes_allocated;
    struct trace_root root_state;
};

static void event_done(struct trace_event *e)
{
    free(e->text);
    free(e->path);
    free(e->address);
}

static void event_free(struct trace_event *e)
{
    if (!e)
        return;
    event_done(e);
    free(e);
}

int tracer_new(struct tracer **ret)
{
    struct tracer *t = new0(struct tracer, 1);

    if (!t)
        return -ENOMEM;
    t->started_at = now_usec(CLOCK_MONOTONIC);
    *ret = t;
    return 0;
}

static void thread_free(struct thread *th)
{
    event_free(th->pending);
    free(th);
}

static void let_go(pid_t tid);

void tracer_let_go(struct tracer *t)
{
    struct thread *th;

    MAP_FOREACH (th, &t->threads) {
        /* Without us the filtered calls would fail with ENOSYS for good. */
        if (th->filtered)
            (void) kill(th->pid, SIGKILL);
        else if (th->held) /* it is stopped, and its stop was waited for */
            (void) ptrace(PTRACE_DETACH, th->tid, NULL, NULL);
        else
            let_go(th->tid);
        thread_free(th);
    }
    map_done(&t->threads);
}

void tracer_free(struct tracer *t)
{
    const char *key;
    size_t at = 0;

    if (!t)
        return;
    tracer_let_go(t);
    while (map_next(&t->known, &at, &key))
        free((char *) key);
    map_done(&t->known);
    for (size_t i = 0; i < t->n_events; i++)
        event_done(&t->events[i]);
    free(t->events);
    for (size_t i = 0; i < t->n_processes; i++)
        free(t->processes[i].command);
    free(t->processes);
    free(t);
}

/* ---- events
 * ------------------------------------------------------------------------------------------- */

static int keep_event(struct tracer *t, struct trace_event *e)
{
    auto_free char *key = format("%d %s %d", (int) e->pid, e->text, e->error);
    size_t seen = key ? (size_t) (uintptr_t) map_get(&t->known, key) : 0;

    if (!key)
        return -ENOMEM;
    if (seen > 0) {
        t->events[seen - 2].count++;
        return 0;
    }
    if (t->n_events >= EVENTS_MAX) {
        t->dropped++;
        return 0;
    }
    if (!grow(&t->events, &t->allocated, t->n_events + 1))
        return -ENOMEM;
    /* + 2, since 1 is the map's own. */
    int r = map_put(&t->known, key, (void *) (uintptr_t) (t->n_events + 2));
    if (r < 0)
        return r;
    (void) take_ptr(key);
    t->events[t->n_events++] = *e;
    *e = (struct trace_event){};
    return 0;
}

static void read_comm(struct thread *th)
{
    auto_free char *comm = NULL;

    if (process_comm(th->tid, &comm) >= 0)
        snprintf(th->comm, sizeof th->comm, "%s", comm);
}

/* Decodes the call that the thread is in. */
static struct trace_event *decode(struct tracer *t, struct thread *th)
{
    struct trace_event *e = new0(struct trace_event, 1);
    usec_t now = now_usec(CLOCK_MONOTONIC);

    if (e)
        e->pid = th->pid;
    if (!e || trace_decode(th->tid, th->call, th->args, e) < 0) {
        event_free(e);
        return NULL;
    }
    read_comm(th);
    e->tid = th->tid;
    memcpy(e->comm, th->comm, sizeof e->comm);
    e->since_start = usec_sub(now, t->started_at);
    e->since_exec = usec_sub(now, th->executed_at ? th->executed_at : t->started_at);
    e->count = 1;
    return e;
}

static const struct trace_call *find_call(uint32_t arch, uint64_t nr)
{
    /* Programs repeat themselves: remember what the last numbers were. */
    static struct {
        uint32_t arch;
        uint64_t nr;
        const struct trace_call *call;
        bool used;
    } cache[64];
    size_t slot = (nr ^ arch) % ELEMENTSOF(cache);

    if (cache[slot].used && cache[slot].arch == arch && cache[slot].nr == nr)
        return cache[slot].call;

    auto_free char *name = seccomp_syscall_resolve_num_arch(arch, (int) nr);
    const struct trace_call *found = NULL;
    for (const struct trace_call *c = trace_calls; name && c->name && !found; c++)
        if (streq(c->name, name))
            found = c;
    cache[slot].arch = arch;
    cache[slot].nr = nr;
    cache[slot].call = found;
    cache[slot].used = true;
    return found;
}

static void call_begins(struct tracer *t, struct thread *th, uint32_t arch, uint64_t nr,
                        const uint64_t args[6])
{
    th->call = find_call(arch, nr);
    if (!th->call)
        return;
    memcpy(th->args, args, sizeof th->args);
    if (startswith(th->call->name, "execve"))
        th->pending = decode(t, th);
}

static void call_ends(struct tracer *t, struct thread *th, int64_t result, bool is_error)
{
    const struct trace_call *call = th->call;
    int error = is_error ? (int) -result : 0;
    struct trace_event *e = take_ptr(th->pending);

    /* EAGAIN is how forks and locks fail in earnest; how a connection in progress ends is not seen,
     * but where it leads is. */
    bool fails = call && error &&
                 (!trace_error_is_noise(error) ||
                  (error == EAGAIN &&
                   (strstr(call->name, "fork") || startswith(call->name, "clone") ||
                    streq(call->name, "flock"))) ||
                  (error == EINPROGRESS && streq(call->name, "connect")));

    if (call && (error ? fails : call->keep)) {
        if (!e)
            e = decode(t, th);
        if (e) {
            e->error = error;
            e->result = result;
            if ((error || trace_event_is_of_interest(e)) && keep_event(t, e) < 0)
                t->dropped++;
        } else {
            t->dropped++;
        }
    }
    event_free(e);
    th->call = NULL;
}

/* ---- stops
 * -------------------------------------------------------------------------------------------- */

static struct thread *thread_get(struct tracer *t, pid_t tid)
{
    struct thread *th = map_get_u64(&t->threads, (uint64_t) tid);

    if (th)
        return th;
    th = new0(struct thread, 1);
    if (!th)
        return NULL;
    th->tid = tid;
    th->pid = tid;
    th->unwatched = t->manager > 0;
    th->filtered = t->filter;
    th->forked_at = now_usec(CLOCK_MONOTONIC);
    if (map_put_u64(&t->threads, (uint64_t) tid, th) < 0) {
        free(th);
        return NULL;
    }
    return th;
}

static pid_t thread_group(pid_t tid)
{
    auto_free char *path = format("/proc/%d/status", (int) tid);
    auto_free char *text = NULL;
    const char *at;
    int tgid = tid;

    if (path && file_read(path, 64 * 1024, &text, NULL) >= 0 && (at = strstr(text, "\nTgid:")))
        (void) sscanf(at, "\nTgid: %d", &tgid);
    return tgid;
}

static void resume(struct tracer *t, struct thread *th, int signal)
{
    /* With the filter, a thread runs freely until the next filtered call; its end has to be asked
     * for. */
    bool to_end = !th->unwatched && (!th->filtered || th->call);

    (void) ptrace(to_end ? PTRACE_SYSCALL : PTRACE_CONT, th->tid, NULL, (void *) (intptr_t) signal);
}

/* From here on it is stopped at few calls only. Without the filter it is at all of them. */
static int inject(struct tracer *t, struct thread *th)
{
    int status = 0;
    int r = trace_filter_inject(th->pid, th->tid, &status);

    th->inject = false;
    th->filtered = r == 0;
    t->n_filtered += r == 0;
    return r == -EINTR ? status : 0;
}

/* Returns 0, or the wait status of what came instead of the end of it. */
static int on_syscall_stop(struct tracer *t, struct thread *th)
{
    struct __ptrace_syscall_info info = {};

    if (ptrace(PTRACE_GET_SYSCALL_INFO, th->tid, (void *) sizeof info, &info) < 0)
        return 0;
    if (info.op == PTRACE_SYSCALL_INFO_SECCOMP && th->filtered) {
        if (info.seccomp.ret_data == TRACE_COOKIE)
            call_begins(t, th, info.arch, info.seccomp.nr, (const uint64_t *) info.seccomp.args);
    } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !th->filtered) {
        call_begins(t, th, info.arch, info.entry.nr, (const uint64_t *) info.entry.args);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        call_ends(t, th, info.exit.rval, info.exit.is_error);
        if (th->inject)
            return inject(t, th);
    }
    return 0;
}

static void add_process(struct tracer *t, const struct thread *th)
{
    char *command = NULL;

    if (!grow(&t->processes, &t->processes_allocated, t->n_processes + 1)) {
        t->dropped++;
        return;
    }
    (void) process_command_line(th->pid, &command);
    t->processes[t->n_processes++] = (struct trace_process){
        .pid = th->pid,
        .command = command,
        .forked = usec_sub(th->forked_at, t->started_at),
        .executed = usec_sub(th->executed_at, t->started_at),
    };
}

static void end_process(struct tracer *t, pid_t pid, int status)
{
    for (size_t i = 0; i < t->n_processes; i++) {
        struct trace_process *p = &t->processes[i];

        if (p->pid != pid || p->over)
            continue;
        p->over = true;
        p->status = status;
        p->ended = usec_sub(now_usec(CLOCK_MONOTONIC), t->started_at);
    }
}

const struct trace_process *tracer_processes(const struct tracer *t, size_t *ret_n)
{
    *ret_n = t->n_processes;
    return t->processes;
}

/* The new process runs on in the thread with the id of the leader: whichever thread called
 * execve(). False: it is to be let go. */
static bool on_exec(struct tracer *t, struct thread *th)
{
    unsigned long former = 0;

    if (ptrace(PTRACE_GETEVENTMSG, th->tid, NULL, &former) == 0 && (pid_t) former != th->tid) {
        struct thread *caller = map_remove_u64(&t->threads, former);

        if (caller) {
            event_free(th->pending);
            th->pending = take_ptr(caller->pending);
            th->call = caller->call;
            thread_free(caller);
        }
    }
    th->executed_at = now_usec(CLOCK_MONOTONIC);
    int wanted = t->manager > 0 ? t->wanted(th->pid, t->userdata) : 1;
    bool is_command = th->unwatched && wanted > 0;
    th->unwatched = wanted <= 0;
    if (!th->unwatched)
        t->executed++;
    th->inject = !th->unwatched && t->may_filter && !th->filtered && trace_filter_fits(th->pid) > 0;
    if (is_command)
        add_process(t, th);
    if (th->pid == t->root)
        t->root_state.executed = true;
    read_comm(th);
    return wanted != 0;
}

static void on_new_process(struct tracer *t, struct thread *parent)
{
    unsigned long tid = 0;

    if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) < 0)
        return;
    struct thread *child = thread_get(t, (pid_t) tid);
    if (!child)
        return;
    child->pid = thread_group((pid_t) tid);
    child->executed_at = parent->executed_at;
    child->unwatched = parent->unwatched;
    child->filtered = parent->filtered;
    if (child->held)
        resume(t, child, 0);
    child->held = false;
}

#ifdef __x86_64__
static long current_syscall(pid_t tid)
{
    struct user_regs_struct regs;
    struct iovec v = { &regs, sizeof regs };

    return ptrace(PTRACE_GETREGSET, tid, (void *) NT_PRSTATUS, &v) < 0 ? -1 : (long) regs.orig_rax;
}
#else
static long current_syscall(pid_t tid)
{
    int nr = -1;
    struct iovec v = { &nr, sizeof nr };

    return ptrace(PTRACE_GETREGSET, tid, (void *) NT_ARM_SYSTEM_CALL, &v) < 0 ? -1 : nr;
}
#endif

/* A process that ends well and leaves others behind, as one does that goes to the background. */
static void on_good_end(struct tracer *t, struct thread *th)
{
    struct trace_event e = { .call = "exit_group", .pid = th->pid, .tid = th->tid, .count = 1 };
    struct thread *other;

    if (th->tid != th->pid || th->unwatched)
        return;
    MAP_FOREACH (other, &t->threads)
        e.result += other->pid != th->pid && other->tid == other->pid && other->tid != t->manager;
    if (e.result == 0)
        return;
    memcpy(e.comm, th->comm, sizeof e.comm);
    e.since_start = usec_sub(now_usec(CLOCK_MONOTONIC), t->started_at);
    e.since_exec = usec_sub(now_usec(CLOCK_MONOTONIC),
                            th->executed_at ? th->executed_at : t->started_at);
    e.text = strdup("exit_group(0)");
    if (!e.text || keep_event(t, &e) < 0)
        t->dropped++;
    event_done(&e);
}

/* A filter that kills leaves no call to look at but the one in the registers. */
static void on_exit_stop(struct tracer *t, struct thread *th)
{
    unsigned long status = 0;
    struct trace_event e = {};

    if (ptrace(PTRACE_GETEVENTMSG, th->tid, NULL, &status) < 0)
        return;
    if (status == 0)
        on_good_end(t, th);
    if (!WIFSIGNALED((int) status) || WTERMSIG((int) status) != SIGSYS)
        return;
    long nr = current_syscall(th->tid);
    auto_free char *name = nr < 0 ? NULL
                                  : seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int) nr);
    static const char unknown[] = "?";

    e.text = format("%s()", name ? name : unknown);
    e.call = unknown;
    for (const struct trace_call *c = trace_calls; name && c->name; c++)
        if (streq(c->name, name))
            e.call = c->name;
    e.killed_by_filter = true;
    e.error = ENOSYS;
    e.result = nr;
    e.pid = th->pid;
    e.tid = th->tid;
    e.count = 1;
    memcpy(e.comm, th->comm, sizeof e.comm);
    e.since_start = usec_sub(now_usec(CLOCK_MONOTONIC), t->started_at);
    e.since_exec = usec_sub(now_usec(CLOCK_MONOTONIC),
                            th->executed_at ? th->executed_at : t->started_at);
    if (!e.text || keep_event(t, &e) < 0)
        t->dropped++;
    event_done(&e);
}

static void on_end(struct tracer *t, pid_t tid, int status)
{
    struct thread *th = map_remove_u64(&t->threads, (uint64_t) tid);

    if (th)
        thread_free(th);
    end_process(t, tid, status);
    if (tid != t->root)
        return;
    t->root_state.end = WIFEXITED(status) ? TRACE_EXITED : TRACE_SIGNALED;
    t->root_state.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    t->root_state.core = WIFSIGNALED(status) && WCOREDUMP(status);
}

static void handle(struct tracer *t, pid_t tid, int status);

static void on_stop(struct tracer *t, pid_t tid, int status)
{
    bool is_new = !map_get_u64(&t->threads, (uint64_t) tid);
    struct thread *th = thread_get(t, tid);
    int signal = WSTOPSIG(status);

    if (th && is_new) {
        th->held = true;
        return;
    }
    if (!th) { /* no memory: let it run on, untraced as far as can be */
        (void) ptrace(PTRACE_CONT, tid, NULL, NULL);
        return;
    }
    switch (status >> 16) {
    case 0:
        if (signal == (SIGTRAP | 0x80)) {
            int other = on_syscall_stop(t, th);

            if (other)
                return handle(t, tid, other);
            signal = 0;
        } else {
            th->signals |= UINT64_C(1) << (signal - 1);
        }
        break;
    case PTRACE_EVENT_SECCOMP:
        (void) on_syscall_stop(t, th);
        signal = 0;
        break;
    case PTRACE_EVENT_EXEC:
        if (!on_exec(t, th)) { /* another unit's: none of our business */
            (void) ptrace(PTRACE_DETACH, tid, NULL, NULL);
            thread_free(map_remove_u64(&t->threads, (uint64_t) tid));
            return;
        }
        signal = 0;
        break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        on_new_process(t, th);
        signal = 0;
        break;
    case PTRACE_EVENT_EXIT:
        on_exit_stop(t, th);
        signal = 0;
        break;
    case PTRACE_EVENT_STOP:
        if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
            (void) ptrace(PTRACE_LISTEN, tid, NULL, NULL);
            return;
        }
        if (th->pid == th->tid && th->tid != t->root)
            th->pid = thread_group(tid);
        signal = 0;
        break;
    default:
        signal = 0;
    }
    resume(t, th, signal);
}

static void handle(struct tracer *t, pid_t tid, int status)
{
    if (WIFSTOPPED(status))
        on_stop(t, tid, status);
    else
        on_end(t, tid, status);
}

#define TRACE_OPTIONS \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | \
     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT)

int tracer_seize_manager(struct tracer *t, pid_t manager, bool filter,
                         int (*wanted)(pid_t pid, void *userdata), void *userdata)
{
    unsigned long options = TRACE_OPTIONS | (filter ? PTRACE_O_TRACESECCOMP : 0);

    t->manager = manager;
    t->may_filter = filter;
    t->wanted = wanted;
    t->userdata = userdata;
    if (!thread_get(t, manager))
        return -ENOMEM;
    if (ptrace(PTRACE_SEIZE, manager, NULL, (void *) options) < 0) {
        int r = -errno;

        thread_free(map_remove_u64(&t->threads, (uint64_t) manager));
        t->manager = 0;
        return r;
    }
    return 0;
}

static void let_go(pid_t tid)
{
    int status;

    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0 || waitpid(tid, &status, __WALL) < 0 ||
        !WIFSTOPPED(status))
        return;
    /* It may have stopped for a signal on its way: that one has to arrive. */
    int signal = status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80) ? WSTOPSIG(status) : 0;
    (void) ptrace(PTRACE_DETACH, tid, NULL, (void *) (intptr_t) signal);
}

void tracer_release_manager(struct tracer *t)
{
    struct thread *th = t->manager > 0 ? map_remove_u64(&t->threads, (uint64_t) t->manager) : NULL;

    if (!th)
        return;
    let_go(th->tid);
    thread_free(th);
}

bool tracer_has_filtered(const struct tracer *t)
{
    return t->n_filtered > 0;
}

size_t tracer_watched(const struct tracer *t, size_t *ret_executed)
{
    struct thread *th;
    size_t n = 0;

    MAP_FOREACH (th, &t->threads)
        n += !th->unwatched;
    *ret_executed = t->executed;
    return n;
}

void tracer_signal_rest(struct tracer *t, int signal)
{
    struct thread *th;

    MAP_FOREACH (th, &t->threads)
        if (!th->unwatched && th->tid == th->pid && !(th->signals & UINT64_C(1) << (signal - 1)))
            (void) kill(th->pid, signal);
}

int tracer_seize(struct tracer *t, pid_t pid, bool filter)
{
    unsigned long options = TRACE_OPTIONS | (filter ? PTRACE_O_TRACESECCOMP : 0);

    t->filter = filter;
    struct thread *th = thread_get(t, pid);
    if (!th)
        return -ENOMEM;
    if (ptrace(PTRACE_SEIZE, pid, NULL, (void *) options) < 0) {
        int r = -errno;

        thread_free(map_remove_u64(&t->threads, (uint64_t) pid));
        return r;
    }
    t->root = pid;
    read_comm(th);
    /* Without the filter calls are seen from the next stop on: bring it about. */
    if (!filter && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
        return -errno;
    return 0;
}

int tracer_run(struct tracer *t, usec_t timeout)
{
    usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
    sigset_t child, old;
    int result = 1;

    /* waitpid() has no timeout: SIGCHLD, blocked, is what is waited for. */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &child, &old) < 0)
        return -errno;
    while (t->threads.n > 0) {
        int status;
        pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

        if (tid < 0 && errno != EINTR) {
            result = errno == ECHILD ? 0 : -errno;
            break;
        }
        if (tid > 0)
            handle(t, tid, status);
        if (tid != 0)
            continue;

        usec_t left = usec_sub(deadline, now_usec(CLOCK_MONOTONIC));
        struct timespec ts = { .tv_sec = (time_t) (left / USEC_PER_SEC),
                               .tv_nsec = (long) (left % USEC_PER_SEC * NSEC_PER_USEC) };
        if (left == 0 || (sigtimedwait(&child, NULL, &ts) < 0 && errno == EAGAIN))
            break;
    }
    if (t->threads.n == 0)
        result = 0;
    (void) sigprocmask(SIG_SETMASK, &old, NULL);
    return result;
}

const struct trace_root *tracer_root(const struct tracer *t)
{
    return &t->root_state;
}

const struct trace_event *tracer_events(const struct tracer *t, size_t *ret_n, size_t *ret_dropped)
{
    *ret_n = t->n_events;
    if (ret_dropped)
        *ret_dropped = t->dropped;
    return t->events;
}

int tracer_adopt(struct trace_event *events, size_t n, struct tracer **ret)
{
    struct tracer *t = new0(struct tracer, 1);

    if (!t) {
        for (size_t i = 0; i < n; i++)
            event_done(&events[i]);
        free(events);
        return -ENOMEM;
    }
    t->events = events;
    t->n_events = t->allocated = n;
    *ret = t;
    return 0;
}
