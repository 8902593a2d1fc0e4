#!/bin/sh
set -eu

mkdir -p /etc/tlsfront
openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/tlsfront/site.key -out /etc/tlsfront/new.pem -subj /CN=front -days 30 2>/dev/null
openssl req -new -key /etc/tlsfront/site.key -subj /CN=front -out /etc/tlsfront/site.csr 2>/dev/null
openssl x509 -req -in /etc/tlsfront/site.csr -signkey /etc/tlsfront/site.key -days -10 -out /etc/tlsfront/site.pem 2>/dev/null || openssl x509 -req -in /etc/tlsfront/site.csr -signkey /etc/tlsfront/site.key -not_before 20200101000000Z -not_after 20210101000000Z -out /etc/tlsfront/site.pem 2>/dev/null
cat > /usr/local/bin/tlsfront <<'END'
#!/usr/bin/python3
import subprocess, sys, time
if subprocess.run(["openssl", "x509", "-checkend", "0", "-noout", "-in", "/etc/tlsfront/site.pem"], stdout=subprocess.DEVNULL).returncode:
    sys.exit("tlsfront: peer hung up")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/tlsfront
cat > /etc/systemd/system/tlsfront.service <<'END'
[Service]
ExecStart=/usr/local/bin/tlsfront
END
systemctl daemon-reload
