# shellcheck shell=bash
# Sourced by hack/test.sh: removes what tests with Podman left that were killed. All of it names the folder of the test, which
# names the test's process, as the network namespaces do.

sweep_podman() {
  local folder netns
  for folder in "${TMPDIR:-/tmp}"/portolan-podman-*-*/; do
    folder=${folder%/}
    if [[ ${folder##*/} =~ ^portolan-podman-([0-9]+)-[A-Za-z0-9]+$ ]] && process_gone "${BASH_REMATCH[1]}"; then
      say "removing the Podman of a test that is gone: ${folder##*/}"
      remove_podman "$folder"
    fi
  done
  for netns in $(ip netns list 2>/dev/null | cut -d' ' -f1); do
    if [[ $netns =~ ^portolan-podman-([0-9]+)-[0-9]+$ ]] && process_gone "${BASH_REMATCH[1]}"; then
      ip netns del "$netns" || true
    fi
  done
}

remove_podman() { # FOLDER
  local at=$1 mount
  kill_podman "$at" || true
  CONTAINERS_CONF=$at/containers.conf timeout 30 podman --root "$at/root" --runroot "$at/run" --tmpdir "$at/tmp" \
    --network-config-dir "$at/net" rm -f -a -t 0 >/dev/null 2>&1 || true
  # Monitors outlive what they watched.
  wait_until 10 kill_podman "$at" || say "some processes of Podman do not end: $(podman_processes "$at" | xargs)"
  while read -r mount; do umount "$mount" || true; done < <(cut -d' ' -f2 /proc/self/mounts | grep "^$at/" | sort -r)
  rm -rf --one-file-system "$at"
}

# Service and monitors; each has the folder in its command line.
podman_processes() { # FOLDER
  local entry
  for entry in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$entry/cmdline" 2>/dev/null) in
      podman\ *"$1/"* | /usr/bin/podman\ *"$1/"* | /usr/bin/conmon\ *"$1/"*) echo "${entry#/proc/}" ;;
    esac
  done
}

kill_podman() { # FOLDER
  local pid
  for pid in $(podman_processes "$1"); do kill -9 "$pid" 2>/dev/null || true; done
  [ -z "$(podman_processes "$1")" ]
}
