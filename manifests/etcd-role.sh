#!/bin/sh
# Creates (or completes) the etcd role and user of the agents with the least that they need.
#
#   etcd-role.sh [USER] <password-file        a user with a password, read from the standard input (no blanks in it)
#   etcd-role.sh --no-password [USER]         a user who is the CN of a client certificate
#   etcd-role.sh --listen ...                 for "portolan listen": it reads, and writes only what it tells of itself
#   etcd-role.sh --announce ...               for "portolan announce": it reads and writes below one prefix only. Name
#                                             what the containers announce: LAYOUTS=/announce/internal/app1/dev/
#
# Endpoint, certificates and root's login come from the variables of etcdctl: ETCDCTL_ENDPOINTS, ETCDCTL_CACERT,
# ETCDCTL_CERT, ETCDCTL_KEY, ETCDCTL_USER. Whoever changes the prefix of a layout changes it here as well:
# LAYOUTS="/services/ /announce/ /hosts/" is the default. Leases need no permission of their own.
set -eu

whose=portolan
case ${1:-} in
  --listen | --announce)
    whose=portolan-${1#--}
    shift
    ;;
esac
password=yes
if [ "${1:-}" = --no-password ]; then
  password=no
  shift
fi
user=${1:-$whose}
role=${ROLE:-$whose}

export ETCDCTL_API=3
etcdctl role get "$role" >/dev/null 2>&1 || etcdctl role add "$role"

# A slash at the end of each prefix: /services must not open /services-of-others.
grant() { # RIGHT PREFIX...
  right=$1
  shift
  for prefix in "$@"; do
    etcdctl role grant-permission --prefix=true "$role" "$right" "$prefix"
  done
}

# Several prefixes stand in one variable.
# shellcheck disable=SC2086
case $whose in
  portolan-listen)
    # Who serves which paths, and what is drained there; and whose host is lost.
    grant readwrite /portolan/listeners/
    grant read /portolan/hosts/ ${LAYOUTS:-/services/}
    ;;
  portolan-announce)
    grant readwrite ${LAYOUTS:-/announce/}
    ;;
  *)
    # Heartbeats, ownership ledger, drains and listeners; each agent reads those of the others and writes its own.
    grant readwrite /portolan/ ${LAYOUTS:-/services/ /announce/ /hosts/}
    ;;
esac

if ! etcdctl user get "$user" >/dev/null 2>&1; then
  if [ "$password" = yes ]; then
    etcdctl user add "$user" --interactive=false
  else
    etcdctl user add "$user" --no-password
  fi
fi
etcdctl user grant-role "$user" "$role"
