#!/bin/sh
set -eu

printf '#!/bin/sh\nexec /opt/drawbridge/engine.py\n' > /opt/drawbridge/start
systemctl daemon-reload
