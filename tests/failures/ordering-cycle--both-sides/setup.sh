#!/bin/sh
set -eu

cat > /etc/systemd/system/catalog.service <<'END'
[Unit]
Description=Catalog

[Service]
ExecStart=/usr/bin/sleep infinity
END
cat > /etc/systemd/system/reindex.service <<'END'
[Unit]
Description=Index
Before=catalog.service nightly.target
After=local-fs.target catalog.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/true
END
cat > /etc/systemd/system/nightly.target <<'END'
[Unit]
Description=Nightly
Requires=catalog.service
Wants=reindex.service
END
systemctl daemon-reload
