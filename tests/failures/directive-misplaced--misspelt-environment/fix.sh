#!/bin/sh
set -eu

sed -i s/Enviroment/Environment/ /etc/systemd/system/stencil.service
systemctl daemon-reload
