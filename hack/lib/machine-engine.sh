# shellcheck shell=bash
# Sourced: the machine's own Docker engine. It is started only if none answers, and only what we started is stopped.

ENGINE_STATE=/run/portolan-hack

engine_answers() { have docker && timeout 10 docker version >/dev/null 2>&1; }

engine_is_ours() {
  local pid
  pid=$(cat "$ENGINE_STATE/dockerd.pid" 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}

engine_up_or_dead() { engine_answers || ! engine_is_ours; }

# Needs root. An engine left over from a run that was killed is ours as well: its pid is still on file.
engine_start() {
  engine_answers && return 0
  say "no Docker engine answers: starting one (log: $ENGINE_STATE/dockerd.log)"
  mkdir -p "$ENGINE_STATE"
  if ! mountpoint -q /sys/fs/cgroup; then die "no cgroups are mounted at /sys/fs/cgroup: an engine cannot run here"; fi
  setsid dockerd >"$ENGINE_STATE/dockerd.log" 2>&1 </dev/null &
  echo $! >"$ENGINE_STATE/dockerd.pid"
  wait_until 60 engine_up_or_dead || true
  engine_answers && return 0
  tail -n 20 "$ENGINE_STATE/dockerd.log" >&2
  die "the Docker engine did not come up"
}

engine_stop() {
  engine_is_ours || return 0
  say "stopping the Docker engine that was started for this"
  stop_process 30 "$(cat "$ENGINE_STATE/dockerd.pid")"
  rm -rf "$ENGINE_STATE"
}
