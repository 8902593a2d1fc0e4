#!/usr/bin/python3
"""Records a transcript anew: record.py TRANSCRIPT COMMAND... runs each of its commands by COMMAND... (which runs its
arguments on a machine that real systemd runs, with the units of units/ in /etc/systemd/system) and prints the new one."""
import subprocess
import sys
import pathlib

SKIPPED = "--- not compared\n"

for part in pathlib.Path(sys.argv[1]).read_text().split("=== ")[1:]:
    command, _, expected = part.partition("\n")
    done = subprocess.run([*sys.argv[2:], "env", "COLUMNS=100", "sh", "-c", command], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    text = f"--- rc={done.returncode}\n{done.stdout}" + (f"--- stderr\n{done.stderr}" if done.stderr else "")
    print(f"=== {command}\n{SKIPPED if expected == SKIPPED else text}", end="")
