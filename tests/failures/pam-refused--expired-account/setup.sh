#!/bin/sh
set -eu

id reporter >/dev/null 2>&1 || useradd --no-create-home --shell /bin/sh reporter
usermod --expiredate 2020-01-31 reporter
cat > /etc/pam.d/nightly-report <<'END'
account required pam_unix.so
session required pam_permit.so
END
cat > /etc/systemd/system/nightly-report.service <<'END'
[Unit]
Description=Nightly report

[Service]
Type=exec
User=reporter
PAMName=nightly-report
ExecStart=/bin/sleep infinity
END
systemctl daemon-reload
