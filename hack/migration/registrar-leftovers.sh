#!/bin/sh
# Removes the documents that service-registrar left of one host, once it runs there no more.
#   registrar-leftovers.sh [--delete] [--v2] HOST [PREFIX]
# HOST is its name in them ("host":"..."). Without --delete it only says what it would remove. A record of Portolan is never
# removed, nor what changes meanwhile, nor what is no such document. --v2: in the v2 store, where Portolan has nothing.
# Login and endpoints: the variables of etcdctl.
set -eu
delete=no
api=3
while :; do
  case ${1:-} in
    --delete) delete=yes && shift ;;
    --v2) api=2 && shift ;;
    *) break ;;
  esac
done
case ${1:-} in
  '' | -* | *[!A-Za-z0-9._-]*) echo "usage: $0 [--delete] [--v2] HOST [PREFIX]" >&2 && exit 64 ;;
esac
host=$1
prefix=${2:-/services}
prefix=${prefix%/}
case $prefix in /?*) ;; *) echo "$prefix is no prefix such as /services" >&2 && exit 64 ;; esac
case $prefix/ in /portolan/*) echo "below /portolan is bookkeeping" >&2 && exit 64 ;; esac
newline='
'

v3() {
  ETCDCTL_API=3 etcdctl "$@"
}

# The old commands know the variable of the endpoints under another name, and by themselves also ask port 4001.
v2() {
  ETCDCTL_API=2 etcdctl --no-sync --endpoints "${ETCDCTL_ENDPOINTS:-http://127.0.0.1:2379}" "$@"
}

# A document begins with id, host and ipaddress, in this order; what stands in its environment does not count.
is_of_host() {
  rest=${1#'{"id":"'}
  id=${rest%%\"*}
  case $id in '' | *[!0-9a-f]*) return 1 ;; esac
  case $1 in "{\"id\":\"$id\",\"host\":\"$host\",\"ipaddress\":\""*) ;; *) return 1 ;; esac
}

keys() {
  case $api in
    2) v2 ls --recursive --sort -p "$prefix" ;;
    3) v3 get --prefix --keys-only "$prefix/" ;;
  esac
}

value() {
  case $api in
    2) v2 get "$1" ;;
    3) v3 get --print-value-only "$1" ;;
  esac
}

# Read before the value, so that a change in between is seen.
revision() {
  [ "$api" = 3 ] || return 0
  v3 get -w fields "$1" | while IFS= read -r line; do
    case $line in '"ModRevision" : '*) echo "${line#'"ModRevision" : '}" ;; esac
  done
}

remove() {
  case $api in
    2) v2 rm --with-value "$2" "$1" >/dev/null ;;
    3) printf 'mod("%s") = "%s"\n\ndel "%s"\n\n\n' "$1" "$3" "$1" | v3 txn | grep -q SUCCESS ;;
  esac
}

# What a ledger names is a record of some Portolan; it looks the same.
owned=
[ "$api" = 2 ] || owned=$newline$(v3 get --prefix --print-value-only /portolan/owners/)$newline

all=$(keys)
status=0
while IFS= read -r key; do
  case $key in '' | */) continue ;; esac
  case $owned in *"$newline$key$newline"*) continue ;; esac
  case $key in "$prefix"/*) ;; *) continue ;; esac
  case $key in *[!A-Za-z0-9._~:@%+=/-]*) echo "left alone, for its name is unusual: $key" && continue ;; esac
  modified=$(revision "$key")
  found=$(value "$key")
  is_of_host "$found" || continue
  if [ "$delete" = no ]; then
    echo "would remove $key"
  elif remove "$key" "$found" "$modified"; then
    echo "removed $key"
  else
    echo "not removed, for it has changed or etcd refused: $key"
    status=1
  fi
done <<END
$all
END
exit $status
