#!/bin/sh
set -eu

useradd --system --no-create-home svc_relay
systemctl daemon-reload
