/* reeve journald: the collector (journal/collector.h). */
#include "base/log.h"
#include "cli/verbs.h"
#include "journal/collector.h"

int verb_journald(int argc, char **argv)
{
    log_set_prefix("reeve journald");
    return journal_collector_main(argc, argv);
}
