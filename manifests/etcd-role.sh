#!/bin/sh
# Creates (or completes) the etcd role and user of the agents with the least that they need.
#
#   etcd-role.sh [USER] <password-file        a user with a password, read from the standard input (no blanks in it)
#   etcd-role.sh --no-password [USER]         a user who is the CN of a client certificate
#   etcd-role.sh --listen ...                 for "portolan listen": it reads, and writes only what it tells of itself
#
# Endpoint, certificates and root's login come from the variables of etcdctl: ETCDCTL_ENDPOINTS, ETCDCTL_CACERT,
# ETCDCTL_CERT, ETCDCTL_KEY, ETCDCTL_USER. Whoever changes the prefix of a layout changes it here as well:
# LAYOUTS="/services/ /announce/ /hosts/" is the default. Leases need no permission of their own.
set -eu

listen=no
if [ "${1:-}" = --listen ]; then
  listen=yes
  shift
fi
password=yes
if [ "${1:-}" = --no-password ]; then
  password=no
  shift
fi
if [ "$listen" = no ]; then
  user=${1:-portolan}
  role=${ROLE:-portolan}
else
  user=${1:-portolan-listen}
  role=${ROLE:-portolan-listen}
fi
# A slash at the end: /services must not open /services-of-others.
layouts=${LAYOUTS:-/services/ /announce/ /hosts/}

export ETCDCTL_API=3
etcdctl role get "$role" >/dev/null 2>&1 || etcdctl role add "$role"

if [ "$listen" = yes ]; then
  # Who serves which paths, and what is drained there; and whose host is lost.
  etcdctl role grant-permission --prefix=true "$role" readwrite /portolan/listeners/
  etcdctl role grant-permission --prefix=true "$role" read /portolan/hosts/
  services=${LAYOUTS:-/services/}
  for prefix in $services; do
    etcdctl role grant-permission --prefix=true "$role" read "$prefix"
  done
else
  # Heartbeats, ownership ledger, drains and listeners; each agent reads those of the others and writes its own.
  etcdctl role grant-permission --prefix=true "$role" readwrite /portolan/
  for prefix in $layouts; do
    etcdctl role grant-permission --prefix=true "$role" readwrite "$prefix"
  done
fi

if ! etcdctl user get "$user" >/dev/null 2>&1; then
  if [ "$password" = yes ]; then
    etcdctl user add "$user" --interactive=false
  else
    etcdctl user add "$user" --no-password
  fi
fi
etcdctl user grant-role "$user" "$role"
