#!/bin/sh
set -eu

systemctl daemon-reload
systemctl start broker18.service
sleep 1
systemctl daemon-reload
