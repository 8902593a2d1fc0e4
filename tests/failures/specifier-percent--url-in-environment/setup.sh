#!/bin/sh
set -eu

cat > /usr/local/bin/couriermail <<'END'
#!/usr/bin/perl
die "couriermail: login refused\n" unless ($ENV{MAIL_URL} // '') =~ m{p%40ss%2Fword};
sleep 1 while 1;
END
chmod 755 /usr/local/bin/couriermail
cat > /etc/systemd/system/couriermail.service <<'END'
[Service]
Environment=MAIL_URL=smtp://bot:p%40ss%2Fword@mail.example
ExecStart=/usr/local/bin/couriermail
END
systemctl daemon-reload
