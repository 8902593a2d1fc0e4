#include "cli/state_names.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>

#include "base/macro.h"
#include "base/names.h"
#include "unit/enums.h"

/* The states of org.freedesktop.systemd1(5), in its order. */
static const struct {
    const char *title, *states;
} lists[] = {
    { "unit load states", "stub\nloaded\nnot-found\nbad-setting\nerror\nmerged\nmasked\n" },
    { "unit active states", "active\nreloading\ninactive\nfailed\nactivating\ndeactivating\n"
                            "maintenance\nrefreshing\n" },
    { "unit file states",
      "enabled\nenabled-runtime\nlinked\nlinked-runtime\nalias\nmasked\n"
      "masked-runtime\nstatic\ndisabled\nindirect\ngenerated\ntransient\nbad\n" },
    { "automount unit substates", "dead\nwaiting\nrunning\nfailed\n" },
    { "device unit substates", "dead\ntentative\nplugged\n" },
    { "mount unit substates", "dead\nmounting\nmounting-done\nmounted\nremounting\nunmounting\n"
                              "remounting-sigterm\nremounting-sigkill\nunmounting-sigterm\n"
                              "unmounting-sigkill\nfailed\ncleaning\n" },
    { "path unit substates", "dead\nwaiting\nrunning\nfailed\n" },
    { "scope unit substates", "dead\nstart-chown\nrunning\nabandoned\nstop-sigterm\nstop-sigkill\n"
                              "failed\n" },
    { "service unit substates",
      "dead\ncondition\nstart-pre\nstart\nstart-post\nrunning\nexited\nreload\n"
      "reload-signal\nreload-notify\nmounting\nstop\nstop-watchdog\n"
      "stop-sigterm\nstop-sigkill\nstop-post\nfinal-watchdog\nfinal-sigterm\n"
      "final-sigkill\nfailed\ndead-before-auto-restart\n"
      "failed-before-auto-restart\ndead-resources-pinned\nauto-restart\n"
      "auto-restart-queued\ncleaning\n" },
    { "slice unit substates", "dead\nactive\n" },
    { "socket unit substates",
      "dead\nstart-pre\nstart-chown\nstart-post\nlistening\nrunning\nstop-pre\n"
      "stop-pre-sigterm\nstop-pre-sigkill\nstop-post\nfinal-sigterm\n"
      "final-sigkill\nfailed\ncleaning\n" },
    { "swap unit substates", "dead\nactivating\nactivating-done\nactive\ndeactivating\n"
                             "deactivating-sigterm\ndeactivating-sigkill\nfailed\ncleaning\n" },
    { "target unit substates", "dead\nactive\n" },
    { "timer unit substates", "dead\nwaiting\nrunning\nelapsed\nfailed\n" },
};

void print_unit_types(void)
{
    printf("Available unit types:\n");
    for (int t = 0; t < UNIT_TYPE_MAX; t++)
        printf("%s\n", unit_type_to_string(t));
}

void print_unit_states(void)
{
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        printf("%sAvailable %s:\n%s", i > 0 ? "\n" : "", lists[i].title, lists[i].states);
}

void print_signals(bool numbers)
{
    if (numbers)
        printf("SIGNAL NAME\n");
    for (int s = 1; s <= SIGRTMAX; s++)
        if (numbers)
            printf("%-6d SIG%s\n", s, signal_name(s));
        else
            printf("%s\n", signal_name(s));
}
