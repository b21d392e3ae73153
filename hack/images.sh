#!/usr/bin/env bash
# Builds the test and demo images without a registry: hack/images.sh [bb-1] [etcd-3.4] [etcd-3.5] [node-20] [libc-1]
# [haproxy-2.6] (default: all).
# Each is also kept as .cache/images/NAME.tar, for `docker load` into private engines.
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/rootfs.sh
. "$ROOT/hack/lib/rootfs.sh"

# A changed recipe makes a new image: what is cached carries the recipe's hash.
RECIPE=$(cat "$ROOT/hack/images.sh" "$ROOT/hack/lib/rootfs.sh" | sha256sum | cut -c1-12)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir -p "$CACHE/images"

current() { [ "$(docker image inspect -f '{{index .Config.Labels "testing.portolan.recipe"}}' "$1" 2>/dev/null)" = "$RECIPE" ]; }

busybox_root() {
  empty_root "$WORK/root"
  cp "$(command -v busybox)" "$WORK/root/usr/bin/busybox"
  ln -s busybox "$WORK/root/usr/bin/sh"
}

etcd_root() { # SUITE
  debian_root "$1" etcd-server,etcd-client,busybox-static "$WORK/full"
  empty_root "$WORK/root"
  local program
  for program in /usr/bin/etcd /usr/bin/etcdctl /bin/busybox; do copy_program "$WORK/full" "$WORK/root" "$program"; done
  ln -s busybox "$WORK/root/usr/bin/sh"
}

haproxy_root() {
  debian_root bookworm haproxy,busybox-static "$WORK/full"
  empty_root "$WORK/root"
  local program
  for program in /usr/sbin/haproxy /bin/busybox; do copy_program "$WORK/full" "$WORK/root" "$program"; done
  ln -s busybox "$WORK/root/usr/bin/sh"
}

# What images of Node.js have of it: this machine's, with npm and the authorities that this machine trusts.
node_root() {
  local node npm authorities=/etc/ssl/certs/ca-certificates.crt
  node=$(readlink -f "$(command -v node)")
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  busybox_root
  copy_program / "$WORK/root" "$node"
  [ "$node" = /usr/bin/node ] || ln -s "$node" "$WORK/root/usr/bin/node"
  mkdir -p "$WORK/root/usr/lib/node_modules"
  cp -r "$npm" "$WORK/root/usr/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$WORK/root/usr/bin/npm"
  ln -s busybox "$WORK/root/usr/bin/env"
  if [ -e "$authorities" ]; then
    mkdir -p "$WORK/root/etc/ssl/certs"
    cp -L "$authorities" "$WORK/root$authorities"
  fi
}

# The C and C++ libraries that Node.js needs, and no Node.js.
libc_root() {
  local node
  node=$(readlink -f "$(command -v node)")
  busybox_root
  copy_program / "$WORK/root" "$node"
  rm "$WORK/root$node"
}

build() { # NAME
  local image=portolan-test/${1/-/:} tar=$CACHE/images/$1.tar
  local -a config=(-c "LABEL testing.portolan.recipe=$RECIPE" -c 'ENV PATH=/usr/bin')
  if current "$image" && [ -e "$tar" ]; then return 0; fi
  if [ -e "$tar" ] && docker load -q -i "$tar" >/dev/null && current "$image"; then return 0; fi
  say "building $image"
  case $1 in
    bb-1) busybox_root; config+=(-c 'EXPOSE 80 7001' -c 'CMD ["busybox","sleep","2147483647"]') ;;
    etcd-3.4) etcd_root bookworm ;;
    etcd-3.5) etcd_root trixie ;;
    node-20) node_root; config+=(-c 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' -c 'ENTRYPOINT ["node"]') ;;
    libc-1) libc_root ;;
    haproxy-2.6) haproxy_root; config+=(-c 'CMD ["/usr/sbin/haproxy","-f","/usr/local/etc/haproxy/haproxy.cfg"]') ;;
    *) die "no such image: $1" ;;
  esac
  case $1 in etcd-*) config+=(-c 'ENTRYPOINT ["/usr/bin/etcd"]' -c 'EXPOSE 2379 2380') ;; esac
  tar -C "$WORK/root" -c . | docker import "${config[@]}" - "$image" >/dev/null
  docker save "$image" >"$tar.new"
  mv "$tar.new" "$tar"
  rm -rf "${WORK:?}"/*
}

[ $# -gt 0 ] || set -- bb-1 etcd-3.4 etcd-3.5 node-20 libc-1 haproxy-2.6
for name in "$@"; do build "$name"; done
