#!/bin/sh
# Creates (or completes) the etcd role and user of the agents with the least that they need.
#
#   etcd-role.sh [USER] <password-file        a user with a password, read from the standard input (no blanks in it)
#   etcd-role.sh --no-password [USER]         a user who is the CN of a client certificate
#
# Endpoint, certificates and root's login come from the variables of etcdctl: ETCDCTL_ENDPOINTS, ETCDCTL_CACERT,
# ETCDCTL_CERT, ETCDCTL_KEY, ETCDCTL_USER. Whoever changes the prefix of a layout changes it here as well:
# LAYOUTS="/services/ /announce/ /hosts/" is the default. Leases need no permission of their own.
set -eu

password=yes
if [ "${1:-}" = --no-password ]; then
  password=no
  shift
fi
user=${1:-portolan}
role=${ROLE:-portolan}
# A slash at the end: /services must not open /services-of-others.
layouts=${LAYOUTS:-/services/ /announce/ /hosts/}

export ETCDCTL_API=3
etcdctl role get "$role" >/dev/null 2>&1 || etcdctl role add "$role"

# Heartbeats, ownership ledger and drains; each agent reads those of the others and writes its own.
etcdctl role grant-permission --prefix=true "$role" readwrite /portolan/
for prefix in $layouts; do
  etcdctl role grant-permission --prefix=true "$role" readwrite "$prefix"
done

if ! etcdctl user get "$user" >/dev/null 2>&1; then
  if [ "$password" = yes ]; then
    etcdctl user add "$user" --interactive=false
  else
    etcdctl user add "$user" --no-password
  fi
fi
etcdctl user grant-role "$user" "$role"
