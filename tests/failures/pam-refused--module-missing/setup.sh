#!/bin/sh
set -eu

id kiosk >/dev/null 2>&1 || useradd --no-create-home --shell /bin/sh kiosk
cat > /etc/pam.d/desk-kiosk <<'END'
# company rules
account required pam_permit.so
account required pam_kiosk_ldap.so minimum_uid=1000
-session optional pam_not_there_either.so
session required pam_permit.so
END
cat > /etc/systemd/system/desk-kiosk.service <<'END'
[Unit]
Description=Kiosk

[Service]
Type=exec
User=kiosk
PAMName=desk-kiosk
ExecStart=/bin/sleep infinity
END
systemctl daemon-reload
