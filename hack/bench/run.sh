#!/usr/bin/env bash
# Measures the agent beside a bare script and prints a table: hack/bench/run.sh [--short] [--only NAME,...] [--json FILE]
#   [--runs N] [--samples N]. It fails if a limit is broken. A full run takes about two hours; `--short`, for CI, under three
#   minutes: few samples, and only ratios are judged, generously. Names: hack/bench/main.ts.
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
# shellcheck source=hack/lib/machine-engine.sh
. "$ROOT/hack/lib/machine-engine.sh"
CALLED_FROM=$PWD
cd "$ROOT"
# The engines that are measured are private ones, in namespaces of their own.
become_root "$ROOT/hack/bench/run.sh" "$@"

# Whoever called this may have started the machine's engine, and still need it.
OURS=no
engine_answers || OURS=yes

clean_up() {
  trap '' INT TERM
  hack/engine.sh sweep || true
  [ "$OURS" = no ] || engine_stop
  give_back
}
trap clean_up EXIT

hack/install.sh test
engine_start
# The container is only for machines without an etcd of their own.
if have etcd; then hack/images.sh bb-1; else hack/images.sh bb-1 etcd-3.5; fi
hack/haproxy.sh 2.6
npm run --silent build
npm run --silent build:bench
cd "$CALLED_FROM"
node --import "$ROOT/node_modules/tsx/dist/loader.mjs" "$ROOT/hack/bench/main.ts" "$@"
