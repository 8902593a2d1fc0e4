#!/bin/sh
set -eu

echo x > /etc/brochures/layout.tmpl
systemctl daemon-reload
