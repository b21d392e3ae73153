# shellcheck shell=bash
# Sourced by hack/test.sh: runs one step each and counts. A check counts as one; a suite counts its tests.

PASSED=0
FAILED=0

heading() { printf '\n--- %s ---\n' "$1"; }

check() { # SCRIPT
  if npm run --silent "$1"; then
    PASSED=$((PASSED + 1))
  else
    FAILED=$((FAILED + 1))
    printf 'failed: npm run %s\n' "$1"
  fi
}

# The short form of the benchmarks: it counts as one check.
measurements() {
  if hack/bench/run.sh --short; then
    PASSED=$((PASSED + 1))
  else
    FAILED=$((FAILED + 1))
    printf 'failed: hack/bench/run.sh --short\n'
  fi
}

# Prints "passed failed" of a report. Skipped, todo and unreadable are failures: nothing may go missing unseen.
read_report() { # FILE
  node -e '
    const { readFileSync } = require("node:fs");
    let report;
    try { report = JSON.parse(readFileSync(process.argv[1], "utf8")); } catch { console.log("0 1"); process.exit(); }
    const left = report.numPendingTests + report.numTodoTests;
    if (left > 0) console.error(`${left} tests were skipped or are to do: a missing component has to fail`);
    const broken = report.testResults.filter((file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"));
    for (const file of broken) console.error(`failed as a whole: ${file.name}`);
    console.log(report.numPassedTests, report.numFailedTests + left + broken.length);
  ' "$1"
}

count() { # REPORT STATUS
  local passed failed
  read -r passed failed < <(read_report "$1")
  # An unhandled error or an empty suite fails without a failed test.
  if [ "$2" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
}

suite() { # REPORT COMMAND...: vitest writes its report there
  local report=$1 status=0
  shift
  rm -f "$report"
  "$@" --reporter=default --reporter=json --outputFile.json="$report" || status=$?
  count "$report" "$status"
}

# As users run it: what was built, which also starts in a third of the time that the sources take.
end_to_end() { # REPORT
  npm run --silent build || {
    FAILED=$((FAILED + 1))
    return 0
  }
  PORTOLAN_TEST_BUILT=1 suite "$1" npm run --silent test:e2e --
}

# What runs beside the other steps: the simulation only computes, and takes what the suites with real servers leave, for they
# mostly wait; the units and contracts on Node's LTS run beside the end-to-end tests.
declare -A ASIDE=()

aside() { # STEP COMMAND...: its output and its time (s) stand beside its report
  local step=$1 report=$REPORTS/$1.json
  shift
  # A job of its own, so that all its processes can be ended together.
  set -m
  (
    began=$SECONDS status=0
    "$@" --reporter=default --reporter=json --outputFile.json="$report" || status=$?
    echo $((SECONDS - began)) >"$report.seconds"
    exit "$status"
  ) >"$report.log" 2>&1 &
  ASIDE[$step]=$!
  set +m
}

aside_results() {
  local step status
  for step in "${!ASIDE[@]}"; do
    status=0
    wait "${ASIDE[$step]}" || status=$?
    unset "ASIDE[$step]"
    heading "$step"
    cat "$REPORTS/$step.json.log"
    count "$REPORTS/$step.json" "$status"
    printf '%s: %d s, beside others\n' "$step" "$(cat "$REPORTS/$step.json.seconds" 2>/dev/null)"
  done
}

stop_aside() {
  local step
  for step in "${!ASIDE[@]}"; do kill -- "-${ASIDE[$step]}" 2>/dev/null || true; done
}

# The current LTS of Node, as npm's `node` package delivers it; only its binary is used.
long_term_node() {
  local folder=$CACHE/node24
  LTS_NODE=$folder/node_modules/.bin/node
  if [ "$("$LTS_NODE" -p 'process.versions.node.split(".")[0]' 2>/dev/null)" = 24 ]; then return 0; fi
  say "installing Node 24 through npm"
  mkdir -p "$folder"
  echo '{ "private": true }' >"$folder/package.json"
  (cd "$folder" && npm install --no-audit --no-fund --loglevel=error node@24 >&2)
}

# Children (the CLI under test) run on it as well: they are spawned as process.execPath.
long_term() { # OPTION...: of vitest
  long_term_node || return 1
  printf 'Node %s\n' "$("$LTS_NODE" --version)"
  nice -n 5 "$LTS_NODE" node_modules/vitest/vitest.mjs run --project unit --project contract --maxWorkers 1 "$@"
}
