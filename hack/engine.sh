#!/usr/bin/env bash
# A private Docker engine in namespaces of its own, beside the machine's (which it never touches). Needs root.
#   hack/engine.sh up NAME [SUITE]   start it, with the machine's dockerd or that of a Debian suite; prints its socket
#   hack/engine.sh stop|kill|start NAME   TERM and wait | kill -9 | start again with the same images and containers
#   hack/engine.sh load NAME TAR...  load images
#   hack/engine.sh cut|heal NAME     pull the cable of the engine's host | plug it in again
#   hack/engine.sh wire | unwire     let the hosts of private engines reach each other | no longer, unless there are any
#   hack/engine.sh subnet NAME       the N of 10.91.N.0/24: .1 is the engine's host, .254 this machine
#   hack/engine.sh down NAME         remove it and everything it owned, also after a crash
#   hack/engine.sh down-all | sweep  remove all | those of test processes that are gone
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/rootfs.sh
. "$ROOT/hack/lib/rootfs.sh"
# shellcheck source=hack/lib/private-engine.sh
. "$ROOT/hack/lib/private-engine.sh"

[ "$(id -u)" = 0 ] || die "hack/engine.sh needs root"
COMMAND=${1:-} NAME=${2:-}

# The unpacked packages are cached as one tar; the root of an engine is a copy of it that goes away with the engine.
unpack_suite() { # SUITE
  local tar=$CACHE/engines/$1.tar work
  if [ ! -e "$tar" ]; then
    say "unpacking the Docker engine of Debian $1"
    work=$(mktemp -d)
    debian_root "$1" docker.io,containerd,runc,iptables "$work/root"
    # No package is configured, so nobody has chosen an iptables.
    for tool in iptables ip6tables iptables-save iptables-restore ip6tables-save ip6tables-restore; do
      ln -sf xtables-nft-multi "$work/root/usr/sbin/$tool"
    done
    rm -rf "$work"/root/usr/share/{doc,man,locale} "$work"/root/var/{cache,lib}/apt
    mkdir -p "$CACHE/engines"
    tar -C "$work/root" -cf "$tar.new" .
    mv "$tar.new" "$tar"
    rm -rf "$work"
  fi
  mkdir -p "$WORK/root"
  tar -C "$WORK/root" -xf "$tar"
}

up() { # [SUITE]
  if engine_alive && engine_ready; then return 0; fi
  remove_engine
  mkdir -p "$STATE" "$WORK/data"
  if [ -n "${1:-}" ]; then
    unpack_suite "$1"
    echo "$WORK/root" >"$STATE/root"
    ENGINE_ROOT=$WORK/root
  fi
  choose_subnet
  read_subnet
  make_network
  make_mounts
  start_engine
}

stop_engine() { # SIGNAL
  local pid
  pid=$(engine_pid) && engine_alive || return 0
  kill "-$1" "$pid"
  wait_until 40 engine_dead || die "the engine does not end"
}

down() {
  [ ! -e "$STATE" ] || stop_engine KILL
  remove_engine
}

# Tests call their engines tPID-N.
left_over() { [[ $1 =~ ^t([0-9]+)-[0-9]+$ ]] && process_gone "${BASH_REMATCH[1]}"; }
every() { true; }

down_each() { # CONDITION
  local folder name
  for folder in /run/portolan-test/*/ /var/lib/portolan-test/*/; do
    name=$(basename "$folder")
    if [ ! -d "$folder" ] || ! "$1" "$name"; then continue; fi
    say "removing the private engine $name"
    name_engine "$name"
    down
  done
}

mkdir -p /run/portolan-test /var/lib/portolan-test
case $COMMAND in
  down-all)
    down_each every
    rmdir /run/portolan-test/.subnet-* 2>/dev/null || true
    unwire
    exit 0
    ;;
  wire | unwire)
    "$COMMAND"
    exit 0
    ;;
  sweep)
    down_each left_over
    unwire
    exit 0
    ;;
esac
name_engine "$NAME"
case $COMMAND in
  up)
    up "${3:-}"
    echo "$SOCKET"
    ;;
  start) start_engine ;;
  stop) stop_engine TERM ;;
  kill) stop_engine KILL ;;
  cut) cut_link ;;
  heal) heal_link ;;
  subnet) cat "$STATE/subnet" ;;
  load) for tar in "${@:3}"; do docker -H "unix://$SOCKET" load -q -i "$tar" >&2; done ;;
  down) down ;;
  *) die "usage: hack/engine.sh up|start|stop|kill|cut|heal|load|subnet|down NAME, or wire|unwire|down-all|sweep" ;;
esac
