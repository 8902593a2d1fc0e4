#!/bin/sh
set -eu

groupadd --system plugdevs
systemctl daemon-reload
