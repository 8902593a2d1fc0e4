/* reeve log, and journalctl: what is in the journal. */
#include "cli/log.h"

#include "base/strv.h"
#include "cli/term.h"
#include "cli/verbs.h"

static int run(const struct log_options *o, struct journal *j)
{
    struct match *match;

    /* These concern the collector, not files. */
    if (o->action >= ACTION_SYNC && o->action <= ACTION_SMART_RELINQUISH)
        return log_info(o, j);
    if (o->action == ACTION_LIST_NAMESPACES)
        return log_list_namespaces(o);
    if (log_open(o, j) < 0)
        return 1;
    if (o->action != ACTION_SHOW && o->action != ACTION_TOP)
        return log_info(o, j);
    if (log_build_match(o, j, &match) < 0)
        return 1;
    if (journal_set_match(j, match) < 0) {
        match_free(match);
        return 1;
    }
    if (!o->no_pager && !o->follow)
        term_pager_open();
    return o->action == ACTION_TOP ? log_top(o, j) : log_show(o, j);
}

int verb_log(int argc, char **argv)
{
    struct log_options o;
    int r = log_parse_options(&o, argc, argv);

    if (r < 0) {
        struct journal *j = journal_new();

        journal_file_survive_truncation();
        r = j ? run(&o, j) : 1;
        journal_free(j);
        term_pager_close();
    }
    strv_free(o.files);
    strv_free(o.units);
    strv_free(o.user_units);
    strv_free(o.identifiers);
    strv_free(o.not_identifiers);
    strv_free(o.matches);
    return r;
}
