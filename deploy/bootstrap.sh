#!/bin/sh
# bootstrap.sh run|dev - finds a Python that is new enough and lets it make .venv (deploy/environment.py does the work).
# PYTHON=path names one.
set -eu
cd "$(dirname "$0")/.."

for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    exec "$python" -m deploy.environment "$@"
  fi
done

echo "yukitsuri: Python 3.11 or newer is needed and ${PYTHON:-python3} is not one." >&2
echo "yukitsuri: sudo apt-get install python3 (Debian 12, Ubuntu 24.04 or newer), or name one: make PYTHON=/path/to/python3.12" >&2
exit 1
