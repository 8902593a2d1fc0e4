"""Wrong command lines: one form and one exit status for all verbs; --help, completion and what a verb takes agree."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

REEVE = os.environ.get("REEVE")
CLI = pathlib.Path(__file__).resolve().parents[2] / "src" / "cli"
NONE = "--no-such-option"

pytestmark = pytest.mark.skipif(not REEVE, reason="REEVE does not name the binary")

ROWS = dict(re.findall(r'^VERB\("([a-z-]+)",\s*(\w+)', (CLI / "verbs.def").read_text(), re.M))
CONTROLS = re.findall(r'^CONTROL\("([a-z-]+)",(?:(?!\n(?:CONTROL|VERB)).)*?"[^"]*"\)$', (CLI / "verbs.def").read_text(), re.M | re.S)
OPTIONS = re.compile(r"--([a-z][a-z0-9-]+)")
# Words in place of options, and the collector, which the manager starts.
WITHOUT_OPTIONS = {"help", "completion", "journald"}
TOOLS = ["systemctl", "journalctl", "systemd-run", "systemd-notify", "systemd-cat", "systemd-escape", "systemd-analyze"]


def run(*argv, name=None, **kw):
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "REEVE_CONTROL": "/nonexistent"}
    return subprocess.run([name or REEVE, *argv], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, **kw)


def listed():
    """The verbs of `reeve help`."""
    return re.findall(r"^  ([a-z-]+) {2,}\S", run("help").stdout, re.M) if REEVE else []


def help_options(verb):
    done = run(verb, "--help")
    assert done.returncode == 0, done.stderr
    return set(OPTIONS.findall(done.stdout.partition("\n")[2]))


def taken(verb):
    """The long options in the verb's tables; what is passed over for the sake of other tools is left out."""
    if verb in CONTROLS:
        files = [CLI / "systemctl_options.c"]
    else:
        own = next(f for f in CLI.glob("*.c") if re.search(rf"^int {ROWS[verb]}\(", f.read_text(), re.M))
        files = [own, own.with_name(f"{own.stem}_options.c")]
    tables = "".join(f.read_text() for f in files if f.exists())
    rows = re.findall(r'\{\s*"([a-z0-9-]+)",\s*(?:no|required|optional)_argument,\s*NULL,\s*(\S+)\s*\}', tables)
    return {name for name, value in rows if not re.search("IGNORED|HIDDEN", value)}


def test_the_table_is_read_right():
    verbs = set(listed())
    assert verbs <= set(ROWS) | set(CONTROLS) and len(verbs) > 70


@pytest.mark.parametrize("verb", listed())
def test_wrong_option(verb):
    if verb in WITHOUT_OPTIONS:
        pytest.skip("takes none")
    done = run(verb, NONE)
    assert done.stderr == f"reeve {verb}: unrecognized option '{NONE}'\nTry 'reeve {verb} --help'.\n"
    assert done.returncode == (64 if verb in ("preflight", "guard") else 2)


def test_near_options_are_named():
    assert "Did you mean --working-directory? Try 'reeve run --help'." in run("run", "--workin-directory=/").stderr
    assert "reeve check: option '--output' requires an argument\nTry" in run("check", "--output").stderr
    assert "reeve stop: invalid option -- 'Z'\nTry 'reeve stop --help'." in run("stop", "-Z").stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_use_their_words(tool, tmp_path):
    (tmp_path / tool).symlink_to(pathlib.Path(REEVE).resolve())
    done = run(NONE, name=str(tmp_path / tool))
    assert (done.returncode, done.stderr) == (1, f"{tool}: unrecognized option '{NONE}'\n")


@pytest.mark.parametrize("verb", [v for v in listed() if v not in WITHOUT_OPTIONS])
def test_help_has_every_option(verb):
    missing = taken(verb) - help_options(verb) - {"help", "version"}
    assert missing == set()


@pytest.mark.parametrize("verb", [v for v in listed() if v in ROWS and v not in WITHOUT_OPTIONS] + ["status"])
def test_every_option_of_the_help_is_taken(verb):
    """What it takes a value or none: the wrong option behind it ends it in any case."""
    refused = [o for o in help_options(verb) - {"help", "version"}
               if re.search(rf"(unrecognized|ambiguous).*'--{o}'|'--{o}' is ambiguous", run(verb, f"--{o}", NONE, NONE).stderr)]
    assert refused == []


@pytest.fixture(scope="session")
def complete(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reeve")
    (folder / "reeve").symlink_to(pathlib.Path(REEVE).resolve())
    return lambda *words: completed(folder, *words)


def completed(folder, *words):
    """What bash offers for the last word."""
    script = ('eval "$(reeve completion bash)"\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n_reeve\n'
              'printf "%s\\n" "${COMPREPLY[@]}"')
    env = {"PATH": f"{folder}:/usr/bin:/bin", "REEVE_CONTROL": "/nonexistent"}
    done = subprocess.run(["bash", "-c", script, "bash", "reeve", *words], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return set(done.stdout.split())


def test_completion_offers_every_verb(complete):
    assert set(listed()) <= complete("")


@pytest.mark.parametrize("verb", [v for v in listed() if v not in WITHOUT_OPTIONS])
def test_completion_offers_every_option(complete, verb):
    offered = {w.removeprefix("--").removesuffix("=") for w in complete(verb, "--")}
    assert help_options(verb) <= offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script(shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    done = subprocess.run([shell, "-n", "/dev/stdin"], input=run("completion", shell).stdout, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
