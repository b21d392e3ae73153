#!/usr/bin/env bash
# Installs what is missing: hack/install.sh node | quickstart | test (each includes the one before).
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/packages.sh
. "$ROOT/hack/lib/packages.sh"
# shellcheck source=hack/lib/machine-engine.sh
. "$ROOT/hack/lib/machine-engine.sh"
trap allow_services EXIT

PROFILE=${1:-test}
case $PROFILE in node | quickstart | test) ;; *) die "usage: hack/install.sh node|quickstart|test" ;; esac

check_node() {
  if ! have node || ! have npm; then die "Node.js 20.19 or newer with npm is needed, and none is in PATH"; fi
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    die "Node.js 20.19 or newer is needed; $(command -v node) is $(node --version)"
}

missing_packages() {
  if ! engine_answers && ! have dockerd; then echo docker.io; fi
  have iptables || echo iptables
  have ip || echo iproute2
  busybox_is_static || echo busybox-static
  have haproxy || echo haproxy
  [ "$PROFILE" = test ] || return 0
  # Private engines and images come from more than one Debian release, so their own root is built from packages.
  have dockerd || echo docker.io
  have mmdebstrap || echo mmdebstrap
  debian_keys || echo debian-archive-keyring
  have openssl || echo openssl
  have systemd-analyze || echo systemd
  # Their completion is tried in them.
  have zsh || echo zsh
  have fish || echo fish
  # An engine that is not Docker's.
  have podman || echo podman
  # Sets the clock of one process.
  compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || echo libfaketime
}

# npm writes this file last, so it is there and newer than the lock file only after a complete install.
install_node_modules() {
  [ "$ROOT/node_modules/.package-lock.json" -nt "$ROOT/package-lock.json" ] && return 0
  say "installing Node packages (npm ci)"
  (cd "$ROOT" && as_owner npm ci --no-audit --no-fund --loglevel=error >&2) || die "npm ci failed"
  # npm keeps the time of unpacked files in some versions; the stamp has to be of now.
  as_owner touch "$ROOT/node_modules/.package-lock.json"
}

check_node
if [ "$PROFILE" != node ]; then
  mapfile -t missing < <(missing_packages | sort -u)
  install_packages "${missing[@]}"
  install_docker_client
fi
install_node_modules
