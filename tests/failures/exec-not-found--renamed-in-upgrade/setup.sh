#!/bin/sh
set -eu

mkdir -p /opt/gauge/bin
cat > /opt/gauge/bin/gauge-server <<'END'
#!/bin/sh
exec sleep infinity
END
chmod 755 /opt/gauge/bin/gauge-server
cat > /etc/systemd/system/gauge.service <<'END'
[Unit]
Description=Gauge

[Service]
ExecStart=/opt/gauge/bin/gauged --port 18401
END
systemctl daemon-reload
