/* What the judges make of recorded facts: tests/corpus/facts/ says for each document which cause it
 * has (null: nothing that could be named), and what has to stand in its proof. Some are what no
 * machine shows at will, some have logs that mislead. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "diagnose/cause.h"
#include "diagnose/facts.h"
#include "diagnose/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void judge(const char *name, json_t *document)
{
    _cleanup_(facts_done) struct facts facts = {};
    _cleanup_(verdict_done) struct verdict v = {};
    const char *wanted = json_string_value(json_object_get(document, "cause"));
    json_t *must = json_object_get(document, "must"), *text;
    size_t i;

    if (facts_load(document, &facts) < 0 || verdict_reach(&facts, &v) < 0)
        fail_msg("%s: cannot be loaded", name);
    const struct finding *cause = verdict_cause(&v);
    if (!streq_ptr(cause ? cause->cause->id : NULL, wanted))
        fail_msg("%s: %s in place of %s", name, cause ? cause->cause->id : "unknown",
                 wanted ? wanted : "unknown");
    json_t *report = report_json(&facts, &v);
    auto_free char *proof = json_dumps(json_object_get(report, "cause"), JSON_ENCODE_ANY);
    json_array_foreach(must, i, text) if (!strstr(strempty(proof), json_string_value(text)))
        fail_msg("%s: %s is not in %s", name, json_string_value(text), strempty(proof));
    if (cause)
        assert_true(json_array_size(cause->fixes) > 0 && json_array_size(cause->evidence) > 0);
    json_decref(report);
}

static void recorded_facts(void **state)
{
    auto_closedir DIR *d = opendir(CORPUS_DIR "/facts");
    unsigned n = 0;

    (void) state;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (!endswith(e->d_name, ".json"))
            continue;
        auto_free char *path = format("%s/facts/%s", CORPUS_DIR, e->d_name);
        json_t *document = path ? json_load_file(path, 0, NULL) : NULL;

        if (!document)
            fail_msg("%s is no JSON", e->d_name);
        judge(e->d_name, document);
        json_decref(document);
        n++;
    }
    assert_true(n > 0);
}

static void every_cause_has_its_row(void **state)
{
    (void) state;
    for (const struct cause *c = causes; c->id; c++) {
        assert_non_null(c->judge);
        assert_ptr_equal(cause_find(c->id), c);
    }
    assert_null(cause_find("no-such-cause"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cause_has_its_row),
        cmocka_unit_test(recorded_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
