#!/bin/sh
set -eu

systemctl daemon-reload
systemctl daemon-reload
