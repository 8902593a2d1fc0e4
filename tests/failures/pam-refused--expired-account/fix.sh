#!/bin/sh
set -eu

usermod --expiredate '' reporter
