# shellcheck shell=bash
# Sourced: installs Debian or Ubuntu packages whose content is missing.

busybox_is_static() { have busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }
debian_keys() { [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; }

# apt must not start what it installs: we start an engine ourselves, if at all, and stop it again.
forbid_services() {
  POLICY=/usr/sbin/policy-rc.d
  if [ -e "$POLICY" ]; then
    POLICY=''
    return 0
  fi
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
  as_root chmod 755 "$POLICY"
}

allow_services() {
  [ -z "${POLICY:-}" ] || as_root rm -f "$POLICY"
  POLICY=''
}

# apt's hundreds of lines go to a file that is shown only when something fails.
run_apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 \
    -o Acquire::Retries=3 "$@" >>"$APT_LOG" 2>&1
}

# install_packages PACKAGE...: one update, one install; nothing at all if the list is empty.
install_packages() {
  [ $# -gt 0 ] || return 0
  have apt-get || die "missing: $*. This script installs through apt-get (Debian, Ubuntu); install them by hand here"
  say "installing $*"
  local status=0
  APT_LOG=$(mktemp)
  # A third party's list that fails to load must not stop us: the install itself tells whether a package is missing.
  run_apt update || say "apt-get update reported problems; going on"
  forbid_services
  run_apt install --no-install-recommends "$@" || status=$?
  allow_services
  [ "$status" = 0 ] || cat "$APT_LOG" >&2
  rm -f "$APT_LOG"
  [ "$status" = 0 ] || die "apt-get could not install: $*"
}

# From trixie on Debian ships the client apart from the engine.
install_docker_client() {
  have docker && return 0
  install_packages docker-cli
}
