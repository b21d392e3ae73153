#!/usr/bin/env bash
# Unpacks HAProxy of several Debian releases for the tests, each with its own libraries: hack/haproxy.sh [2.6] [3.0] [3.2]
# (default: all). .cache/haproxy/VERSION/haproxy runs it; nothing is installed. Needs root.
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/rootfs.sh
. "$ROOT/hack/lib/rootfs.sh"

# A changed recipe unpacks anew.
RECIPE=$(cat "$ROOT/hack/haproxy.sh" "$ROOT/hack/lib/rootfs.sh" | sha256sum | cut -c1-12)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# The name it was started by is the wrapper's: a master that executes itself again at a reload comes by here too.
wrapper() { # ROOT_FOLDER LOADER
  cat <<END
#!/bin/sh
exec '$1/$2' --argv0 "\$0" --library-path '$1/usr/lib:$1/usr/lib/$(uname -m)-linux-gnu' '$1/usr/sbin/haproxy' "\$@"
END
}

unpack() { # VERSION SUITE
  local folder=$CACHE/haproxy/$1 loader said
  if [ "$(cat "$folder/recipe" 2>/dev/null)" = "$RECIPE $folder" ]; then return 0; fi
  say "unpacking HAProxy $1"
  debian_root "$2" haproxy,busybox-static "$WORK/full"
  rm -rf "$folder"
  empty_root "$folder/root"
  copy_program "$WORK/full" "$folder/root" /usr/sbin/haproxy
  loader=$(cd "$folder/root" && find usr/lib usr/lib64 -maxdepth 2 -name 'ld-linux*.so.*' | head -n 1)
  wrapper "$folder/root" "$loader" >"$folder/haproxy"
  chmod 755 "$folder/haproxy"
  said=$("$folder/haproxy" -v)
  case $said in *"version $1."*) ;; *) die "what $2 ships is not HAProxy $1: ${said%%$'\n'*}" ;; esac
  echo "$RECIPE $folder" >"$folder/recipe"
  rm -rf "${WORK:?}"/*
}

[ $# -gt 0 ] || set -- 2.6 3.0 3.2
for version in "$@"; do
  case $version in
    2.6) unpack 2.6 bookworm ;;
    3.0) unpack 3.0 trixie ;;
    3.2) unpack 3.2 sid ;;
    *) die "no such version: $version" ;;
  esac
done
