# shellcheck shell=bash
# Sourced by the scripts of hack/: where the repository is, messages, privileges, waiting.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=$ROOT/.cache
export ROOT CACHE

# Debian keeps daemons and network tools in sbin, which a plain user's PATH lacks.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Messages go to stderr, so that a script can still print a result on stdout.
say() { printf '==> %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "'$*' needs root: run this script as root, or install sudo"
  fi
}

# Runs as the owner of the checkout, so that `sudo hack/...` leaves no root-owned node_modules behind.
as_owner() {
  local owner
  owner=$(stat -c %U "$ROOT")
  if [ "$(id -u)" = 0 ] && [ "$owner" != root ] && [ "$owner" != UNKNOWN ]; then
    runuser -u "$owner" -- env "HOME=$(getent passwd "$owner" | cut -d: -f6)" "PATH=$PATH" "$@"
  else
    "$@"
  fi
}

# What root made in somebody's checkout becomes theirs.
give_back() {
  if [ "$(id -u)" != 0 ] || [ "$(stat -c %u "$ROOT")" = 0 ]; then return 0; fi
  find "$ROOT" -xdev -uid 0 -exec chown -h --reference="$ROOT" {} +
}

# Starts the calling script again as root. PATH goes along: Node may come from a version manager.
become_root() {
  [ "$(id -u)" = 0 ] && return 0
  have sudo || die "this needs root: run it as root, or install sudo"
  say "root is needed from here on: going on through sudo"
  exec sudo env "PATH=$PATH" bash "$@"
}

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails once the time is over.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

process_gone() { ! kill -0 "$1" 2>/dev/null; }

# stop_process SECONDS PID: asks first, then insists.
stop_process() {
  kill "$2" 2>/dev/null || return 0
  wait_until "$1" process_gone "$2" || kill -9 "$2" 2>/dev/null || true
}
