#!/bin/sh
set -eu

mkdir -p /srv/vault
touch /srv/vault/key
systemctl daemon-reload
