#!/bin/sh
set -eu

mkdir -p /etc/tlsfront/ca
cd /etc/tlsfront/ca
openssl genrsa -out ../site.key 2048 2>/dev/null
openssl req -new -x509 -key ../site.key -subj /CN=front -days 30 -out ../new.pem
openssl req -new -key ../site.key -subj /CN=front -out site.csr
: > index.txt
echo 01 > serial
cat > ca.conf <<'END'
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = supplied
END
openssl ca -batch -notext -config ca.conf -selfsign -keyfile ../site.key -in site.csr -startdate 20200101000000Z -enddate 20210101000000Z -out ../site.pem 2>/dev/null
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
