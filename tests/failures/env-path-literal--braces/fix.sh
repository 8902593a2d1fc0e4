#!/bin/sh
set -eu

sed -i 's/\${PATH}/\/usr\/bin:\/bin/' /etc/systemd/system/mosaic.service
systemctl daemon-reload
