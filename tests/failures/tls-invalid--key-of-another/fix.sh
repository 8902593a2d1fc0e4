#!/bin/sh
set -eu

cp /etc/tlsgate/right.pk /etc/tlsgate/gate.key
systemctl daemon-reload
