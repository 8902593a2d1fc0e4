#!/bin/sh
set -eu

gcc -o /usr/local/bin/crossbow /usr/local/share/crossbow.c
systemctl daemon-reload
