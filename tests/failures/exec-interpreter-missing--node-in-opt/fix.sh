#!/bin/sh
set -eu

mkdir -p /opt/node18/bin
printf '#!/bin/sh\nexec sleep infinity\n' > /opt/node18/bin/node
chmod 755 /opt/node18/bin/node
systemctl daemon-reload
