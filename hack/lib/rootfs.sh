# shellcheck shell=bash
# Sourced: file systems for containers and engines, made of Debian packages instead of an image registry. Needs root.

# The mirror of this machine's apt sources if it runs Debian; otherwise nothing, and mmdebstrap uses its own default.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Identifier: Packages' 'Component: main' 2>/dev/null |
    sed -n 's/^Debian|//p' | head -n 1
}

# debian_root SUITE PACKAGE,PACKAGE FOLDER: unpacks packages and what they depend on; nothing is configured or started.
debian_root() {
  local mirror log
  mirror=$(debian_mirror)
  log=$(mktemp)
  # The index of a moving release counts as expired on a machine whose mirror lags behind its clock.
  mmdebstrap --quiet --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' \
    --variant=extract --include="$2" --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    "$1" "$3" ${mirror:+"$mirror"} </dev/null >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "mmdebstrap could not unpack $2 of $1"
  }
  rm -f "$log"
  # Whether the links of a merged /usr come with it depends on mmdebstrap's version.
  local dir
  for dir in bin sbin lib lib64; do [ -e "$3/$dir" ] || ln -s "usr/$dir" "$3/$dir"; done
}

# empty_root FOLDER: the folders and files that a program expects to find.
empty_root() {
  mkdir -p "$1"/{tmp,etc,run,data,usr/bin,usr/sbin,usr/lib,usr/lib64}
  chmod 1777 "$1/tmp"
  local dir
  for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$1/$dir"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
  printf 'hosts: files dns\n' >"$1/etc/nsswitch.conf"
}

# copy_program FROM TO PROGRAM: a program of one root into another, with the libraries that its loader asks for.
# The source root must hold busybox-static.
copy_program() {
  local from=$1 to=$2 program=$3 loader file
  loader=$(cd "$from" && find usr/lib usr/lib64 -maxdepth 2 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
  { echo "$program"; chroot "$from" "/$loader" --list "$program" 2>/dev/null | grep -o '/[^ ]*' || true; } |
    sort -u | while read -r file; do
    mkdir -p "$to$(dirname "$file")"
    # Libraries are links to versioned files, and an absolute link would point out of the root: resolve within it.
    cp "$from$(chroot "$from" /bin/busybox readlink -f "$file")" "$to$file"
  done
}
