#include "base/names.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"

/* signal(7) */
static const struct {
    int number;
    const char *name;
} signals[] = {
#define S(name) \
    { \
        SIG##name, #name \
    }
    S(HUP),  S(INT),    S(QUIT), S(ILL),   S(TRAP), S(ABRT), S(BUS),  S(FPE),
    S(KILL), S(USR1),   S(SEGV), S(USR2),  S(PIPE), S(ALRM), S(TERM), S(STKFLT),
    S(CHLD), S(CONT),   S(STOP), S(TSTP),  S(TTIN), S(TTOU), S(URG),  S(XCPU),
    S(XFSZ), S(VTALRM), S(PROF), S(WINCH), S(IO),   S(PWR),  S(SYS),
#undef S
};

/* "+3" behind RTMIN, "-3" behind RTMAX, or nothing. */
static int realtime_signal(const char *offset, char sign, int from)
{
    unsigned n = 0;

    if (*offset) {
        if (*offset != sign || offset[1] < '0' || offset[1] > '9')
            return -EINVAL;
        int r = parse_unsigned(offset + 1, &n);
        if (r < 0)
            return r;
    }
    if (n > (unsigned) (SIGRTMAX - SIGRTMIN))
        return -ERANGE;
    return sign == '+' ? from + (int) n : from - (int) n;
}

int signal_from_name(const char *name)
{
    const char *rest;
    int number;

    if (*name >= '0' && *name <= '9') {
        int r = parse_int(name, &number);
        if (r < 0)
            return r;
        return number > 0 && number <= SIGRTMAX ? number : -ERANGE;
    }
    if ((rest = startswith(name, "SIG")))
        name = rest;
    for (size_t i = 0; i < ELEMENTSOF(signals); i++)
        if (streq(signals[i].name, name))
            return signals[i].number;
    if ((rest = startswith(name, "RTMIN")))
        return realtime_signal(rest, '+', SIGRTMIN);
    if ((rest = startswith(name, "RTMAX")))
        return realtime_signal(rest, '-', SIGRTMAX);
    return -EINVAL;
}

const char *signal_name(int signo)
{
    static char realtime[_NSIG][24];

    for (size_t i = 0; i < ELEMENTSOF(signals); i++)
        if (signals[i].number == signo)
            return signals[i].name;
    /* The text of each number is always the same, so writing it again harms nobody. */
    if (signo < 0 || signo >= _NSIG)
        return "?";
    if (signo >= SIGRTMIN && signo <= SIGRTMAX)
        snprintf(realtime[signo], sizeof realtime[signo], "RTMIN+%d", signo - SIGRTMIN);
    else
        snprintf(realtime[signo], sizeof realtime[signo], "%d", signo);
    return realtime[signo];
}

/* errno(3); the first name of a number is the one that is shown. */
static const struct {
    int number;
    const char *name;
} errors[] = {
#define E(name) \
    { \
        name, #name \
    }
    E(EPERM),
    E(ENOENT),
    E(ESRCH),
    E(EINTR),
    E(EIO),
    E(ENXIO),
    E(E2BIG),
    E(ENOEXEC),
    E(EBADF),
    E(ECHILD),
    E(EAGAIN),
    E(ENOMEM),
    E(EACCES),
    E(EFAULT),
    E(ENOTBLK),
    E(EBUSY),
    E(EEXIST),
    E(EXDEV),
    E(ENODEV),
    E(ENOTDIR),
    E(EISDIR),
    E(EINVAL),
    E(ENFILE),
    E(EMFILE),
    E(ENOTTY),
    E(ETXTBSY),
    E(EFBIG),
    E(ENOSPC),
    E(ESPIPE),
    E(EROFS),
    E(EMLINK),
    E(EPIPE),
    E(EDOM),
    E(ERANGE),
    E(EDEADLK),
    E(ENAMETOOLONG),
    E(ENOLCK),
    E(ENOSYS),
    E(ENOTEMPTY),
    E(ELOOP),
    E(ENOMSG),
    E(EIDRM),
    E(ECHRNG),
    E(EL2NSYNC),
    E(EL3HLT),
    E(EL3RST),
    E(ELNRNG),
    E(EUNATCH),
    E(ENOCSI),
    E(EL2HLT),
    E(EBADE),
    E(EBADR),
    E(EXFULL),
    E(ENOANO),
    E(EBADRQC),
    E(EBADSLT),
    E(EBFONT),
    E(ENOSTR),
    E(ENODATA),
    E(ETIME),
    E(ENOSR),
    E(ENONET),
    E(ENOPKG),
    E(EREMOTE),
    E(ENOLINK),
    E(EADV),
    E(ESRMNT),
    E(ECOMM),
    E(EPROTO),
    E(EMULTIHOP),
    E(EDOTDOT),
    E(EBADMSG),
    E(EOVERFLOW),
    E(ENOTUNIQ),
    E(EBADFD),
    E(EREMCHG),
    E(ELIBACC),
    E(ELIBBAD),
    E(ELIBSCN),
    E(ELIBMAX),
    E(ELIBEXEC),
    E(EILSEQ),
    E(ERESTART),
    E(ESTRPIPE),
    E(EUSERS),
    E(ENOTSOCK),
    E(EDESTADDRREQ),
    E(EMSGSIZE),
    E(EPROTOTYPE),
    E(ENOPROTOOPT),
    E(EPROTONOSUPPORT),
    E(ESOCKTNOSUPPORT),
    E(EOPNOTSUPP),
    E(EPFNOSUPPORT),
    E(EAFNOSUPPORT),
    E(EADDRINUSE),
    E(EADDRNOTAVAIL),
    E(ENETDOWN),
    E(ENETUNREACH),
    E(ENETRESET),
    E(ECONNABORTED),
    E(ECONNRESET),
    E(ENOBUFS),
    E(EISCONN),
    E(ENOTCONN),
    E(ESHUTDOWN),
    E(ETOOMANYREFS),
    E(ETIMEDOUT),
    E(ECONNREFUSED),
    E(EHOSTDOWN),
    E(EHOSTUNREACH),
    E(EALREADY),
    E(EINPROGRESS),
    E(ESTALE),
    E(EUCLEAN),
    E(ENOTNAM),
    E(ENAVAIL),
    E(EISNAM),
    E(EREMOTEIO),
    E(EDQUOT),
    E(ENOMEDIUM),
    E(EMEDIUMTYPE),
    E(ECANCELED),
    E(ENOKEY),
    E(EKEYEXPIRED),
    E(EKEYREVOKED),
    E(EKEYREJECTED),
    E(EOWNERDEAD),
    E(ENOTRECOVERABLE),
    E(ERFKILL),
    E(EHWPOISON),
    /* second names */
    E(EDEADLOCK),
    E(ENOTSUP),
    E(EWOULDBLOCK),
#undef E
};

const char *errno_name(int error)
{
    if (error < 0 && error > INT_MIN)
        error = -error;
    for (size_t i = 0; i < ELEMENTSOF(errors); i++)
        if (errors[i].number == error)
            return errors[i].name;
    return NULL;
}

int errno_from_name(const char *name)
{
    int number;

    for (size_t i = 0; i < ELEMENTSOF(errors); i++)
        if (streq(errors[i].name, name))
            return errors[i].number;
    if (parse_int(name, &number) < 0 || number <= 0 || number > 4095)
        return -EINVAL;
    return number;
}
