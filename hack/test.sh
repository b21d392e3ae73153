#!/usr/bin/env bash
# Runs all checks and tests, or only the steps named: hack/test.sh [format|lint|types|layers|dead|docs|unit|bench|
# simulation|contract|integration|lts|e2e ...]. Goes on after a failed step; the last line is "N passed, N failed".
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/machine-engine.sh
. "$ROOT/hack/lib/machine-engine.sh"
# shellcheck source=hack/lib/podman.sh
. "$ROOT/hack/lib/podman.sh"
# shellcheck source=hack/lib/steps.sh
. "$ROOT/hack/lib/steps.sh"
cd "$ROOT"

# The benchmarks come before `simulation` and `lts`, which run beside the steps that follow them.
[ $# -gt 0 ] || set -- format lint types layers dead docs unit bench simulation contract integration lts e2e
OUTSIDE=no
for step in "$@"; do
  case $step in
    contract | integration | e2e | lts | bench) OUTSIDE=yes ;;
    format | lint | types | layers | dead | docs | unit | simulation) ;;
    *) die "no such step: $step" ;;
  esac
done
# Private engines need namespaces and mounts.
[ "$OUTSIDE" = no ] || become_root "$ROOT/hack/test.sh" "$@"

REPORTS=$(mktemp -d)

# Tests mark what they make with their process id; the tests of another, living run are left alone.
leftovers() { # ps -a | network ls
  docker "$@" --filter label=testing.portolan.run --format '{{.ID}} {{.Label "testing.portolan.run"}}' | while read -r id run; do
    process_gone "${run%%-*}" && echo "$id"
  done
}

remove_leftovers() {
  hack/engine.sh sweep || true
  sweep_podman || true
  leftovers ps -a | xargs -r docker rm -fv >/dev/null || true
  leftovers network ls | xargs -r docker network rm >/dev/null || true
}

clean_up() {
  trap '' INT TERM
  stop_aside
  rm -rf "$REPORTS"
  if [ "$OUTSIDE" = yes ]; then
    if engine_answers; then remove_leftovers; fi
    engine_stop
    give_back
  fi
}
# Ended before its time, it says so in the same words.
ended_early() {
  clean_up
  printf '\n%d passed, %d failed\n' "$PASSED" $((FAILED + 1))
  exit 1
}
trap ended_early EXIT

prepare() {
  if [ "$OUTSIDE" = no ]; then
    hack/install.sh node
    return 0
  fi
  hack/install.sh test
  engine_start
  remove_leftovers
  hack/images.sh
  hack/haproxy.sh
}

run_step() {
  case $1 in
    simulation) aside simulation nice -n 19 npm run --silent test:simulation -- && return 0 ;;
    lts) aside lts long_term && return 0 ;;
  esac
  local began=$SECONDS
  heading "$1"
  case $1 in
    format | lint | types | layers | dead | docs) check "check:$1" ;;
    bench) measurements ;;
    e2e) end_to_end "$REPORTS/e2e.json" ;;
    *) suite "$REPORTS/$1.json" npm run --silent "test:$1" -- ;;
  esac
  printf '%s: %d s\n' "$1" $((SECONDS - began))
}

prepare
for step in "$@"; do run_step "$step"; done
aside_results
clean_up
trap - EXIT
printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
