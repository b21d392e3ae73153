#!/usr/bin/env bash
# Shows Portolan at work on this machine: three demo containers, the agent with its embedded registry and an HAProxy that it
# manages, and a rolling replace of the containers under load, whose failed requests are counted.
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
LOAD=''
RESULT=''
HOST=demo.example
PER_SECOND=200

remove_containers() { docker ps -aq --filter label=demo.portolan=1 | xargs -r docker rm -fv >/dev/null; }

clean_up() {
  trap '' INT TERM
  say "removing what was started"
  [ -z "$FOLLOWER" ] || kill "$FOLLOWER" 2>/dev/null || true
  [ -z "$LOAD" ] || kill -9 "$LOAD" 2>/dev/null || true
  if [ -n "$AGENT" ]; then stop_process 10 "$AGENT"; fi
  # It outlives the agent.
  if [ -e "$STATE/proxies/edge/haproxy.pid" ]; then stop_process 10 "$(cat "$STATE/proxies/edge/haproxy.pid")"; fi
  remove_containers || true
  engine_stop
  rm -rf "$STATE"
  give_back
  [ -z "$RESULT" ] || printf '%s\n' "$RESULT"
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
  demo "$1" --label portolan.path=/internal/demo/dev/web/$HOST --label portolan.type=HTTP -p 80 portolan-test/bb:1 sh -c \
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

# 80 where this user may listen there and nobody does; otherwise the next that is free.
free_port() {
  # shellcheck disable=SC2016 # JavaScript
  node -e '
    const ports = [80, 8080, 8081, 8088, 8888, 0];
    const next = () => {
      const server = require("node:net").createServer();
      server.once("error", next);
      server.listen(ports.shift(), "0.0.0.0", () => { console.log(server.address().port); server.close(); });
    };
    next();
  '
}
PORT=$(free_port)
cat >"$STATE/portolan.yaml" <<END
proxies:
  - { name: edge, managed: true, bind: ["*:$PORT"] }
END

say "starting the agent with the embedded registry and a managed HAProxy on port $PORT"
# Not through the function: the pid has to be that of the agent itself.
node dist/main.js run -c "$STATE/portolan.yaml" --state-dir "$STATE" --http-listen off --log-format pretty >"$LOG" 2>&1 &
AGENT=$!
wait_until 30 shown 3 || agent_failed "the three services did not show up"
show

answers() { grep -q "^answers id=$1\$" "$STATE/load.log"; } # NAME: some request was answered by it

served() {
  # shellcheck disable=SC2016 # JavaScript
  node -e '
    const [host, port] = process.argv.slice(1);
    require("node:http").get({ port, headers: { host } }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on("error", () => process.exit(1));
  ' "$HOST" "$PORT"
}
wait_until 15 served || agent_failed "HAProxy does not serve http://$HOST"

say "$PER_SECOND requests a second to http://127.0.0.1:$PORT with Host: $HOST, while all web containers are replaced twice"
node --import tsx hack/lib/load.ts "$PORT" "$HOST" "$PER_SECOND" >"$STATE/load.log" 2>&1 &
LOAD=$!
for name in web-1 web-2; do wait_until 15 answers "$name" || agent_failed "$name answers nobody"; done
for new in 3 4 5 6; do
  web "web-$new"
  wait_until 15 answers "web-$new" || agent_failed "web-$new answers nobody"
  docker stop "portolan-demo-web-$((new - 2))" >/dev/null
  say "web-$((new - 2)) is replaced by web-$new"
done
wait_until 15 shown 3 || agent_failed "the stopped containers were not withdrawn"
kill "$LOAD"
wait "$LOAD" || die "the load did not end well: $(tail -n 3 "$STATE/load.log")"
LOAD=''
read -r sent failed < <(tail -n 1 "$STATE/load.log")
show
RESULT="4 containers replaced under load: $sent requests, $failed failed; HAProxy reloads: $(grep -c 'reloading the proxy' "$LOG" || true)"
if [ "$failed" != 0 ]; then
  grep '^failed' "$STATE/load.log" | sort | uniq -c >&2
  exit 1
fi

if [ -t 1 ]; then
  printf '%s\n\n' "$RESULT"
  say "the agent goes on; its log follows. Ctrl-C ends it and removes everything"
  trap 'exit 0' INT
  tail -n +1 -f "$LOG" &
  FOLLOWER=$!
  wait "$AGENT" || agent_failed "the agent ended"
fi
