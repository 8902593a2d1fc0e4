#!/bin/sh
set -eu

rm -f /usr/local/lib/libquartz.so.3
ldconfig
