#!/bin/sh
set -eu

cat > /etc/systemd/system/loader.service <<'END'
[Unit]
Description=Loader
After=warehouse.service

[Service]
ExecStart=/usr/bin/sleep infinity
END
cat > /etc/systemd/system/warehouse.service <<'END'
[Unit]
Description=Warehouse
After=invoices.service

[Service]
ExecStart=/usr/bin/sleep infinity
END
cat > /etc/systemd/system/invoices.service <<'END'
[Unit]
Description=Invoices

[Service]
ExecStart=/usr/bin/sleep infinity
END
mkdir -p /etc/systemd/system/loader.service.d
cat > /etc/systemd/system/loader.service.d/20-early.conf <<'END'
[Unit]
Before=invoices.service
END
cat > /etc/systemd/system/depot.target <<'END'
[Unit]
Description=Depot
Requires=warehouse.service invoices.service
Wants=loader.service
END
systemctl daemon-reload
