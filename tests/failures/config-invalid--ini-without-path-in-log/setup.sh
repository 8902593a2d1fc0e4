#!/bin/sh
set -eu

mkdir -p /opt/pigeon
cat > /opt/pigeon/settings.ini <<'END'
[loft]
size = 12
owner
END
cat > /opt/pigeon/pigeon <<'END'
#!/usr/bin/python3
import configparser, sys, time
c = configparser.ConfigParser()
try:
    c.read_file(open("/opt/pigeon/settings.ini"), "settings")
except configparser.Error as e:
    print("cannot parse settings near line", e.errors[0][0], file=sys.stderr)
    sys.exit(2)
time.sleep(1000000)
END
chmod 755 /opt/pigeon/pigeon
cat > /etc/systemd/system/pigeon.service <<'END'
[Service]
ExecStart=/opt/pigeon/pigeon
END
systemctl daemon-reload
