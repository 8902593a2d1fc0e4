#include <stdio.h>

#include "base/str.h"
#include "cli/usage.h"
#include "cli/verbs.h"

/* Each shell gets: the verbs, and for each kind of argument the list of verbs that take it. The
 * words themselves are asked of reeve at completion time. */
struct shell {
    const char *name;
    void (*print)(void);
};

/* The words for each kind of argument, as a command that prints them one a line; "" for none. */
#define FIRST_WORD " 2>/dev/null | sed 's/^ *//; s/ .*//'"
static const char *const sources[] = {
    [COMPLETE_NONE] = "",
    [COMPLETE_UNITS] = "reeve list-units --all --plain --no-legend --full" FIRST_WORD,
    [COMPLETE_UNIT_FILES] = "reeve list-unit-files --no-legend --full" FIRST_WORD,
    [COMPLETE_PATHS] = "",
    [COMPLETE_UNITS_PATHS] = "reeve list-unit-files --no-legend --full" FIRST_WORD,
    [COMPLETE_JOBS] = "reeve list-jobs --no-legend" FIRST_WORD,
    [COMPLETE_TARGETS] = "reeve list-unit-files --type=target --no-legend --full" FIRST_WORD,
    [COMPLETE_VARIABLES] = "reeve show-environment 2>/dev/null | sed 's/=.*/=/'",
    [COMPLETE_VERBS] = "",
    [COMPLETE_SHELLS] = "printf '%s\\n' bash zsh fish",
    [COMPLETE_COMMANDS] = "",
};
static_assert(ELEMENTSOF(sources) == VERB_COMPLETION_MAX, "a source for every kind");

/* Options are those that a verb's help names. */
#define OPTIONS "--help 2>/dev/null | grep -oE -e '--[a-z][a-z0-9-]+=?' | sort -u"

static void print_verbs(const char *separator)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (v->help)
            printf("%s%s", v == verbs ? "" : separator, v->name);
}

/* The verbs that take this kind of argument. Returns whether there is one. */
static bool print_verbs_of(enum verb_completion kind, const char *separator)
{
    bool any = false;

    for (const struct verb *v = verbs; v->name; v++)
        if (v->completion == kind && v->help) {
            printf("%s%s", any ? separator : "", v->name);
            any = true;
        }
    return any;
}

static bool has_verbs(enum verb_completion kind)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (v->completion == kind)
            return true;
    return false;
}

static bool takes_paths(enum verb_completion kind)
{
    return kind == COMPLETE_PATHS || kind == COMPLETE_UNITS_PATHS;
}

static void print_bash(void)
{
    printf("# bash completion for reeve\n_reeve() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} verb= w words= verbs=\"");
    print_verbs(" ");
    printf("\"\n    for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case $w in -*) ;; *) verb=$w; break ;; esac\n    done\n"
           "    if [ -z \"$verb\" ]; then\n"
           "        COMPREPLY=($(compgen -W \"$verbs --help --version --user --system\" -- "
           "\"$cur\"))\n"
           "        return\n    fi\n"
           "    if [[ $cur == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$(reeve \"$verb\" " OPTIONS ")\" -- \"$cur\"))\n"
           "        [[ ${#COMPREPLY[@]} -ne 1 || $COMPREPLY != *= ]] || compopt -o nospace "
           "2>/dev/null\n"
           "        return\n    fi\n    case $verb in\n");
    for (enum verb_completion k = COMPLETE_NONE + 1; k < VERB_COMPLETION_MAX; k++) {
        if (!has_verbs(k))
            continue;
        printf("    ");
        print_verbs_of(k, "|");
        printf(")\n");
        if (k == COMPLETE_VERBS)
            printf("        words=$verbs ;;\n");
        else if (*sources[k])
            printf("        words=$(%s) ;;\n", sources[k]);
        else
            printf("        COMPREPLY=($(compgen -%s -- \"$cur\")); return ;;\n",
                   k == COMPLETE_COMMANDS ? "c" : "f");
    }
    printf("    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\n"
           "complete -o filenames -F _reeve reeve\n");
}

/* In single quotes of a POSIX shell or of fish. */
static void print_quoted(const char *s)
{
    putchar('\'');
    for (; *s; s++)
        if (*s == '\'')
            printf("'\\''");
        else
            putchar(*s);
    putchar('\'');
}

static void print_zsh(void)
{
    printf("#compdef reeve\n# zsh completion for reeve\n_reeve() {\n    local -a verbs\n"
           "    local verb w\n    verbs=(\n");
    for (const struct verb *v = verbs; v->name; v++) {
        auto_strbuf struct strbuf b = { 0 };

        if (!v->help)
            continue;
        strbuf_addf(&b, "%s:%s", v->name, v->help);
        printf("        ");
        print_quoted(strbuf_text(&b));
        printf("\n");
    }
    printf("    )\n"
           "    for w in ${(@)words[2,CURRENT-1]}; do\n"
           "        [[ $w == -* ]] || { verb=$w; break }\n    done\n"
           "    if [[ -z $verb ]]; then\n        _describe verb verbs\n        return\n    fi\n"
           "    if [[ $words[CURRENT] == -* ]]; then\n"
           "        compadd -S '' -- ${(f)\"$(reeve $verb " OPTIONS ")\"}\n        return\n    fi\n"
           "    case $verb in\n");
    for (enum verb_completion k = COMPLETE_NONE + 1; k < VERB_COMPLETION_MAX; k++) {
        if (!has_verbs(k))
            continue;
        printf("    ");
        print_verbs_of(k, "|");
        printf(")\n");
        if (k == COMPLETE_VERBS)
            printf("        _describe verb verbs ;;\n");
        else if (*sources[k])
            printf("        compadd -- ${(f)\"$(%s)\"}%s ;;\n", sources[k],
                   takes_paths(k) ? "; _files" : "");
        else
            printf("        %s ;;\n", k == COMPLETE_COMMANDS ? "_command_names -e" : "_files");
    }
    printf("    esac\n}\n_reeve \"$@\"\n");
}

static void print_fish(void)
{
    printf("# fish completion for reeve\ncomplete -c reeve -f\nset -l verbs ");
    print_verbs(" ");
    printf("\n");
    for (const struct verb *v = verbs; v->name; v++) {
        if (!v->help)
            continue;
        printf("complete -c reeve -n \"not __fish_seen_subcommand_from $verbs\" -a %s -d ",
               v->name);
        print_quoted(v->help);
        printf("\n");
    }
    printf("complete -c reeve -n \"__fish_seen_subcommand_from $verbs; and string match -q -- '-*' "
           "(commandline -ct)\" -a \"(reeve (commandline -opc)[2] " OPTIONS ")\"\n");
    for (enum verb_completion k = COMPLETE_NONE + 1; k < VERB_COMPLETION_MAX; k++) {
        if (!has_verbs(k))
            continue;
        printf("complete -c reeve -n \"__fish_seen_subcommand_from ");
        print_verbs_of(k, " ");
        printf("\"");
        if (takes_paths(k))
            printf(" -F");
        if (k == COMPLETE_VERBS)
            printf(" -a \"$verbs\"");
        else if (k == COMPLETE_COMMANDS)
            printf(" -a '(__fish_complete_command)'");
        else if (*sources[k])
            printf(" -a \"(%s)\"", sources[k]);
        printf("\n");
    }
}

static const struct shell shells[] = {
    { "bash", print_bash },
    { "zsh", print_zsh },
    { "fish", print_fish },
};

int verb_completion(int argc, char **argv)
{
    if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h")))
        return verb_print_help(argv[0],
                               "For example, in ~/.bashrc: eval \"$(reeve completion bash)\"\n");
    for (size_t i = 0; argc == 2 && i < ELEMENTSOF(shells); i++)
        if (streq(argv[1], shells[i].name)) {
            shells[i].print();
            return 0;
        }
    return usage_error("completion", "name one shell: bash, zsh or fish");
}
