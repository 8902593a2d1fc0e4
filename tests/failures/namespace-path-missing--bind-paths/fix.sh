#!/bin/sh
set -eu

mkdir -p /srv/media/films
systemctl daemon-reload
