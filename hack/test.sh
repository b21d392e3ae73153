#!/usr/bin/env bash
# Runs all checks and tests, or only the steps named: hack/test.sh [format|lint|types|layers|dead|docs|unit|bench|
# simulation|contract|integration|e2e|lts ...]. Goes on after a failed step; the last line is "N passed, N failed".
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/machine-engine.sh
. "$ROOT/hack/lib/machine-engine.sh"
# shellcheck source=hack/lib/steps.sh
. "$ROOT/hack/lib/steps.sh"
cd "$ROOT"

# The benchmarks come before the simulation, which takes all that is left of the machine.
[ $# -gt 0 ] || set -- format lint types layers dead docs unit bench simulation contract integration e2e lts
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
  leftovers ps -a | xargs -r docker rm -fv >/dev/null || true
  leftovers network ls | xargs -r docker network rm >/dev/null || true
}

clean_up() {
  trap '' INT TERM
  stop_simulation
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
}

run_step() {
  if [ "$1" = simulation ]; then
    simulate_aside "$REPORTS/simulation.json"
    return 0
  fi
  heading "$1"
  case $1 in
    format | lint | types | layers | dead | docs) check "check:$1" ;;
    lts) long_term "$REPORTS/lts.json" ;;
    bench) measurements ;;
    e2e) end_to_end "$REPORTS/e2e.json" ;;
    *) suite "$REPORTS/$1.json" npm run --silent "test:$1" -- ;;
  esac
}

prepare
for step in "$@"; do
  began=$SECONDS
  run_step "$step"
  printf '%s: %d s\n' "$step" $((SECONDS - began))
done
if [ -n "$SIMULATION" ]; then simulation_result "$REPORTS/simulation.json"; fi
clean_up
trap - EXIT
printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
