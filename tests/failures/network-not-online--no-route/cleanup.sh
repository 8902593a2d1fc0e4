#!/bin/sh
set -eu

for p in /proc/[0-9]*; do if tr '\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'python3 -c import socket,time.*18414'; then kill "${p#/proc/}"; fi; done || true
ip address del 192.0.2.10/32 dev lo 2>/dev/null || true
