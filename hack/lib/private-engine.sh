# shellcheck shell=bash
# Sourced by hack/engine.sh: the namespaces of a private Docker engine. Everything one engine owns carries its name:
#   $STATE  (/run)      socket, pid files, log, run-time folder
#   $WORK   (/var/lib)  images and containers, and its own root if it is not the machine's
#   $NETNS, $LINK       a network namespace and the link to it; $HERE and $THERE are the link's two addresses
#   $CGROUP             the parent of its containers' cgroups, by which orphans are found after a crash

name_engine() { # NAME
  [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || die "not a name for an engine: '$1'"
  STATE=/run/portolan-test/$1
  WORK=/var/lib/portolan-test/$1
  NETNS=portolan-test-$1
  CGROUP=portolan-test-$1
  SOCKET=$STATE/docker.sock
  ENGINE_ROOT=$(cat "$STATE/root" 2>/dev/null || echo /)
}

engine_ready() { timeout 5 docker -H "unix://$SOCKET" version >/dev/null 2>&1; }
engine_pid() { cat "$STATE/dockerd.pid" 2>/dev/null; }
engine_alive() { local pid; pid=$(engine_pid) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; }
engine_dead() { ! engine_alive; }
engine_ready_or_dead() { engine_ready || engine_dead; }

# A free number gives the subnets and the link's name: 10.91.N.0/24 between us and the engine, 10.92.N.0/24 inside.
choose_subnet() {
  local number
  for number in $(seq 1 250); do
    if mkdir "/run/portolan-test/.subnet-$number" 2>/dev/null; then
      echo "$number" >"$STATE/subnet"
      return 0
    fi
  done
  die "no free subnet for a private engine; 'hack/engine.sh down-all' removes leftovers"
}

read_subnet() {
  local number
  number=$(cat "$STATE/subnet")
  SUBNET=10.91.$number.0/24 LINK=pt-eng-$number HERE=10.91.$number.254 THERE=10.91.$number.1 BRIDGE=10.92.$number.1/24
}

make_network() {
  ip netns add "$NETNS"
  ip -n "$NETNS" link set lo up
  ip link add "$LINK" type veth peer name eth0 netns "$NETNS"
  ip addr add "$HERE/24" dev "$LINK"
  ip link set "$LINK" up
  # While the link is cut nothing for its host may leave this machine by another way.
  ip route replace unreachable "$SUBNET" metric 4096
  ip -n "$NETNS" addr add "$THERE/24" dev eth0
  ip -n "$NETNS" link set eth0 up
  ip -n "$NETNS" route add default via "$HERE"
}

# As a pulled cable: the host keeps its addresses and routes, and nobody hears of it any more.
cut_link() { read_subnet && ip link set "$LINK" down; }
heal_link() { read_subnet && ip link set "$LINK" up; }

# This machine is the wire between its engines' hosts. Docker drops what it does not know, but lets a chain of ours speak first.
WIRE=(DOCKER-USER -i pt-eng-+ -o pt-eng-+ -j ACCEPT)
wire() { iptables -C "${WIRE[@]}" 2>/dev/null || iptables -I "${WIRE[@]}"; }
# Whoever goes last takes it along: the hosts of another test may still be on it.
unwire() { compgen -G '/run/portolan-test/*/' >/dev/null || iptables -D "${WIRE[@]}" 2>/dev/null || true; }

# Mounts live in a namespace of the engine's own, so none can stay behind in the machine's, whatever is killed. A process
# that only sleeps keeps it, for an engine that is started again must find its containers' mounts. (A file would do as
# well, but binding a mount namespace to one fails by chance on some kernels if we are in a namespace ourselves.)
make_mounts() {
  setsid nsenter --net="/run/netns/$NETNS" unshare --mount --propagation private sleep infinity >/dev/null 2>&1 </dev/null &
  echo $! >"$STATE/keeper.pid"
  wait_until 10 mounts_apart || die "no mount namespace for the engine"
  # shellcheck disable=SC2016 # expanded by the inner shell
  nsenter --mount="$(mounts_of_engine)" bash -euc '
    if [ "$1" = / ]; then
      mkdir -p /run/containerd "$2/containerd"
      mount --bind "$2/containerd" /run/containerd # sockets of shims go there, whatever the exec root is
      exit 0
    fi
    mkdir -p "$1"/{proc,sys,dev,run,root}
    mount --bind "$1" "$1" # the root has to be a mount point: runc makes it private
    for dir in proc sys dev; do mount --rbind "/$dir" "$1/$dir"; done
    mount -t tmpfs tmpfs "$1/run"
    for dir in "$2" "$3"; do mkdir -p "$1$dir"; mount --bind "$dir" "$1$dir"; done
  ' make-mounts "$ENGINE_ROOT" "$STATE" "$WORK/data"
}

mounts_of_engine() { echo "/proc/$(cat "$STATE/keeper.pid")/ns/mnt"; }
mounts_apart() {
  [ "$(cat "/proc/$(cat "$STATE/keeper.pid")/comm")" = sleep ] && [ "$(readlink "$(mounts_of_engine)")" != "$(readlink /proc/self/ns/mnt)" ]
}

start_engine() {
  read_subnet
  rm -f "$STATE/dockerd.pid"
  setsid nsenter --mount="$(mounts_of_engine)" --net="/run/netns/$NETNS" \
    env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$ENGINE_ROOT" \
    dockerd --data-root "$WORK/data" --exec-root "$STATE/exec" --pidfile "$STATE/dockerd.pid" -H "unix://$SOCKET" \
    --bip "$BRIDGE" --cgroup-parent "/$CGROUP" --exec-opt native.cgroupdriver=cgroupfs \
    >>"$STATE/dockerd.log" 2>&1 </dev/null &
  local pid=$!
  echo "$pid" >"$STATE/launched.pid"
  until engine_ready; do
    if process_gone "$pid"; then
      tail -n 20 "$STATE/dockerd.log" >&2
      die "the engine ended at its start"
    fi
    [ "$SECONDS" -lt 90 ] || die "the engine did not come up; its log is $STATE/dockerd.log"
    sleep 0.1
  done
}

cgroup_folders() { find /sys/fs/cgroup -maxdepth 2 -type d -name "$CGROUP" 2>/dev/null || true; }

# Whatever runs in the engine's network namespace or below its cgroup is the engine's: shims, proxies, containers.
engine_processes() {
  ip netns pids "$NETNS" 2>/dev/null || true
  cgroup_folders | while read -r folder; do
    find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done
}

no_engine_processes() { [ -z "$(engine_processes)" ]; }

kill_engine_processes() {
  local pid
  for pid in $(engine_processes | sort -u); do kill -9 "$pid" 2>/dev/null || true; done
  no_engine_processes
}

remove_cgroups() {
  cgroup_folders | while read -r folder; do find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
  [ -z "$(cgroup_folders)" ]
}

remove_engine() {
  wait_until 20 kill_engine_processes || say "some processes of the engine do not end: $(engine_processes | xargs)"
  if [ -e "$STATE/subnet" ]; then
    read_subnet
    ip link del "$LINK" 2>/dev/null || true
    ip route del unreachable "$SUBNET" metric 4096 2>/dev/null || true
    rmdir "/run/portolan-test/.subnet-${LINK##*-}" 2>/dev/null || true
  fi
  ip netns del "$NETNS" 2>/dev/null || true
  wait_until 10 remove_cgroups || true
  rm -rf --one-file-system "$STATE" "$WORK"
}
