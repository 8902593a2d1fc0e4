#!/bin/sh
# walk.sh FOLDER -- in a throw-away machine: a start that fails, why, the fix that is tried and applied, and the check that
# would have caught it.
set -eu
cp "$1/notes" /usr/local/bin/
cp "$1/notes.service" /etc/systemd/system/

say() { printf '\n== %s\n' "$*"; }
# run STATUS COMMAND...: shows the command, and has it end with that status
run() {
    wanted=$1 status=0
    shift
    printf '$ %s\n' "$*"
    "$@" 2>&1 || status=$?
    [ "$status" -eq "$wanted" ] || { echo "walk.sh: it ended with $status, not with $wanted" >&2; exit 1; }
}

say "another unit, whose start fails"
run 0 cat /etc/systemd/system/notes.service
run 1 reeve start notes
say "why, and what mends it"
run 0 reeve why notes
say "the fix is tried in a copy of the machine, and applied"
if reeve why --try-fix notes 2>&1 | grep -q 'the fixes: .*\(cannot be\|can be laid\|no mount\)'; then
    echo "(this machine lets nobody make a copy of it: the fix is not tried)"
    exit
fi
run 0 reeve why --apply --yes notes
run 0 reeve is-active notes
say "the check that would have caught it, once the fix is taken back"
run 0 reeve why --undo --yes notes
run 1 reeve check notes.service
