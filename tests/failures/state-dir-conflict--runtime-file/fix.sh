#!/bin/sh
set -eu

rm -rf /run/gazette
systemctl daemon-reload
