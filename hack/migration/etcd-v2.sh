#!/bin/sh
# Lists what stands in the v2 store of an etcd and in its v3 store, which know nothing of each other, and says which keys
# are only in v2: those are of somebody who has not been switched over. Ends with 1 while there are any. It writes nothing.
#
#   etcd-v2.sh [PREFIX...]                    default: /announce /services
#
# It needs an etcd that serves v2 (3.4 and 3.5 with --enable-v2) and an etcdctl that speaks both (up to 3.5).
# The endpoint comes from ETCDCTL_ENDPOINTS (default http://127.0.0.1:2379).
set -eu

endpoints=${ETCDCTL_ENDPOINTS:-http://127.0.0.1:2379}
unset ETCDCTL_ENDPOINTS
[ $# -gt 0 ] || set -- /announce /services
nl='
'

# Only the shell itself is used: images of etcd have little else.
v2_keys() { # PREFIX
  if ! listed=$(ETCDCTL_API=2 etcdctl --no-sync --endpoints "$endpoints" ls --recursive --sort -p "$1" 2>&1); then
    case $listed in
      *'Key not found'*) return 0 ;;
    esac
    echo "etcd-v2.sh: the v2 API does not answer at $endpoints (etcd needs --enable-v2): $listed" >&2
    exit 69
  fi
  # Folders end with a slash.
  while read -r key; do
    case $key in '' | */) ;; *) printf '%s\n' "$key" ;; esac
  done <<LISTED
$listed
LISTED
}

v3_keys() { # PREFIX
  # A slash at the end: /services must not list /services-of-others.
  ETCDCTL_API=3 etcdctl --endpoints "$endpoints" get --prefix --keys-only "${1%/}/"
}

missing=0
# show IN-BOTH IN-ONE KEYS OTHERS: each of the keys, and whether the others have it; an empty word says nothing.
show() {
  while read -r key; do
    [ -n "$key" ] || continue
    case $nl$4$nl in
      *"$nl$key$nl"*) word=$1 ;;
      *)
        word=$2
        if [ "$2" = 'v2 only' ]; then missing=$((missing + 1)); fi
        ;;
    esac
    if [ -n "$word" ]; then printf '%s  %s\n' "$word" "$key"; fi
  done <<KEYS
$3
KEYS
}

for prefix in "$@"; do
  v2=$(v2_keys "$prefix")
  v3=$(v3_keys "$prefix")
  show 'both   ' 'v2 only' "$v2" "$v3"
  show '' 'v3 only' "$v3" "$v2"
done
if [ "$missing" -gt 0 ]; then
  echo "$missing key(s) stand only in v2"
  exit 1
fi
