#!/usr/bin/env bash
# Runs N random schedules of changes and faults against simulated hosts: hack/simulate.sh [N] [OPTION...]; see --help.
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

hack/install.sh node
if [[ ${1:-} =~ ^[0-9]+$ ]]; then set -- --runs "$@"; fi
exec npm run --silent simulate -- "$@"
