#!/bin/sh
# Lists the documents of service-registrar as a reader of them sees them, address by address.
#   registrar-documents.sh -2 | -3 [PREFIX]   key, address and port of each document in that store
#   registrar-documents.sh [PREFIX]           both stores side by side; ends with 2 while v2 has something that v3 has not
# v2 and v3 are two stores in one etcd (up to 3.5, with --enable-v2). Login and endpoints: the variables of etcdctl.
set -eu
store=both
case ${1:-} in
  -2 | -3) store=${1#-} && shift ;;
  -*) echo "usage: $0 [-2 | -3] [PREFIX]" >&2 && exit 64 ;;
esac
prefix=${1:-/services}
prefix=${prefix%/}
newline='
'

v3() {
  ETCDCTL_API=3 etcdctl "$@"
}

# The old commands know the variable of the endpoints under another name, and by themselves also ask port 4001.
v2() {
  ETCDCTL_API=2 etcdctl --no-sync --endpoints "${ETCDCTL_ENDPOINTS:-http://127.0.0.1:2379}" "$@"
}

# Nothing there is no mistake; a store that does not answer is.
keys() {
  case $1 in
    3) v3 get --prefix --keys-only "$prefix/" ;;
    2)
      if all=$(v2 ls --recursive --sort -p "$prefix" 2>&1); then
        echo "$all"
        return
      fi
      case $all in *'Key not found'*) ;; *) echo "$all" >&2 && return 1 ;; esac
      ;;
  esac
}

value() {
  case $1 in
    2) v2 get "$2" ;;
    3) v3 get --print-value-only "$2" ;;
  esac
}

# The first ipaddress and the last host_port: between them stands the environment, in which anything may stand.
address() {
  case $1 in '{'*'"ipaddress":"'*'"host_port":"'*) ;; *) return 1 ;; esac
  ip=${1#*'"ipaddress":"'}
  port=${1##*'"host_port":"'}
  printf '%s:%s' "${ip%%\"*}" "${port%%\"*}"
}

documents() {
  all=$(keys "$1") || return 1
  while IFS= read -r key; do
    case $key in '' | */) continue ;; esac
    found=$(address "$(value "$1" "$key")") || continue
    printf '%s %s\n' "$key" "$found"
  done <<END
$all
END
}

if [ "$store" != both ]; then
  documents "$store"
  exit
fi
two=$(documents 2)
three=$(documents 3)
status=0
while IFS= read -r line; do
  [ -n "$line" ] || continue
  case $newline$three$newline in
    *"$newline$line$newline"*) echo "both     $line" ;;
    *) echo "v2 only  $line" && status=2 ;;
  esac
done <<END
$two
END
while IFS= read -r line; do
  [ -n "$line" ] || continue
  case $newline$two$newline in
    *"$newline$line$newline"*) ;;
    *) echo "v3 only  $line" ;;
  esac
done <<END
$three
END
exit $status
