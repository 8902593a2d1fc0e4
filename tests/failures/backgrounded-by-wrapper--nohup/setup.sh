#!/bin/sh
set -eu

mkdir -p /opt/lighthouse
cat > /opt/lighthouse/start.sh <<'END'
#!/bin/sh
cd /opt/lighthouse
nohup /usr/bin/sleep infinity > /dev/null 2>&1 &
echo "lighthouse is up"
END
chmod 755 /opt/lighthouse/start.sh
cat > /etc/systemd/system/lighthouse.service <<'END'
[Service]
ExecStart=/opt/lighthouse/start.sh
END
systemctl daemon-reload
