#!/bin/sh
set -eu

rm /run/gazette
systemctl daemon-reload
