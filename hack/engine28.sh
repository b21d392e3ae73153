#!/usr/bin/env bash
# The current Docker engine (28, of Debian sid) as a private engine: hack/engine28.sh up (prints its socket) | down
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/engine.sh" "${1:-}" engine28 sid
