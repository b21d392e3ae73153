#!/usr/bin/env bash
# Shows Portolan at work on this machine: three demo containers, the agent with its embedded registry, a withdrawal.
# On a terminal it stays up until Ctrl-C; otherwise it ends by itself. Either way it removes all that it started.
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/machine-engine.sh
. "$ROOT/hack/lib/machine-engine.sh"
cd "$ROOT"

"$ROOT/hack/install.sh" quickstart
# Without root it goes as far as it can: only the engine needs it, and that only if this user may not use it.
if ! engine_answers; then
  become_root "$ROOT/hack/quickstart.sh" "$@"
  engine_start
fi

STATE=$(mktemp -d)
LOG=$STATE/agent.log
AGENT=''
FOLLOWER=''

remove_containers() { docker ps -aq --filter label=demo.portolan=1 | xargs -r docker rm -fv >/dev/null; }

clean_up() {
  trap '' INT TERM
  say "removing what was started"
  [ -z "$FOLLOWER" ] || kill "$FOLLOWER" 2>/dev/null || true
  if [ -n "$AGENT" ]; then stop_process 10 "$AGENT"; fi
  remove_containers || true
  engine_stop
  rm -rf "$STATE"
  give_back
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

newer_sources() { [ ! -e dist/main.js ] || [ -n "$(find src package-lock.json hack/tsconfig.build.json -newer dist/main.js -print -quit)" ]; }

if newer_sources; then
  say "building Portolan"
  as_owner npm run --silent build
fi
services() { node dist/main.js get services --state-dir "$STATE" "$@"; }

demo() { # NAME OPTION...: one container that ends at once when it is asked to
  local name=$1
  shift
  docker run -d --name "portolan-demo-$name" --hostname "$name" --label demo.portolan=1 "$@" >/dev/null
}

web() { # NAME: an HTTP server that answers its own name
  demo "$1" --label portolan.path=/internal/demo/dev/web/demo.example --label portolan.type=HTTP -p 80 portolan-test/bb:1 sh -c \
    "busybox mkdir -p /www; echo 'id=$1' >/www/index.html; trap 'exit 0' TERM; busybox httpd -f -p 80 -h /www & wait"
}

echo_server() {
  demo echo-1 -e ANNOUNCE_PATH=/internal/demo/dev/echo -e PORT=7001 -e TYPE=TCP -p 7001 portolan-test/bb:1 sh -c \
    "trap 'exit 0' TERM; busybox nc -ll -p 7001 -e busybox cat & wait"
}

# "address:port" of one endpoint per container below a path, one a line; of two families IPv4.
endpoints() { # PATH
  # shellcheck disable=SC2016 # JavaScript
  services -o json | node -e '
    const found = new Map();
    for (const { path, container, address } of JSON.parse(require("node:fs").readFileSync(0, "utf8")))
      if (`${path}/`.startsWith(process.argv[1]) && (!found.has(container) || !address.startsWith("["))) found.set(container, address);
    for (const address of found.values()) console.log(address);
  ' "$1"
}
shown() { [ "$(endpoints /internal/demo/dev/ | wc -l)" = "$1" ]; } # COUNT

agent_failed() {
  cat "$LOG" >&2
  die "$1"
}

show() {
  printf '\n$ portolan get services\n'
  services
  printf '\n'
}

"$ROOT/hack/images.sh" bb-1
remove_containers
say "starting three demo containers: web-1, web-2 (HTTP, one service) and echo-1 (TCP)"
web web-1
web web-2
echo_server

say "starting the agent with the embedded registry"
# Not through the function: the pid has to be that of the agent itself.
node dist/main.js run --state-dir "$STATE" --http-listen off --log-format pretty >"$LOG" 2>&1 &
AGENT=$!
wait_until 30 shown 3 || agent_failed "the three services did not show up"
show

say "asking the HTTP service at the addresses found"
for endpoint in $(endpoints /internal/demo/dev/web/); do
  # shellcheck disable=SC2016 # JavaScript
  node -e 'fetch(`http://${process.argv[1]}/`).then(async (answer) => console.log(`${process.argv[1]} answers ${(await answer.text()).trim()}`))' "$endpoint"
done

say "stopping the container web-2"
docker stop portolan-demo-web-2 >/dev/null
wait_until 15 shown 2 || agent_failed "the stopped container was not withdrawn"
show

if [ -t 1 ]; then
  say "the agent goes on; its log follows. Ctrl-C ends it and removes everything"
  trap 'exit 0' INT
  tail -n +1 -f "$LOG" &
  FOLLOWER=$!
  wait "$AGENT" || agent_failed "the agent ended"
fi
