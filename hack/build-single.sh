#!/usr/bin/env bash
# Makes one executable file of Portolan and Node.js, for images without Node: hack/build-single.sh [FILE]
# (default: dist/portolan). Linux only, for this machine's architecture and a C library at least as new as the one that
# its Node was built for; the image needs glibc and libstdc++. It is a copy of the Node that runs this script.
set -euo pipefail
# shellcheck source=hack/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
LIMIT_MB=120

[ "$(uname -s)" = Linux ] || die "the single executable is for Linux only"
out=$(realpath -m "${1:-$ROOT/dist/portolan}")
cd "$ROOT"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node --import tsx hack/bundle.ts "$work/portolan.cjs"
cat >"$work/sea.json" <<JSON
{"main": "$work/portolan.cjs", "output": "$work/blob", "disableExperimentalSEAWarning": true, "useCodeCache": true}
JSON
node --experimental-sea-config "$work/sea.json" >/dev/null
cp "$(node -p process.execPath)" "$work/portolan"
chmod 755 "$work/portolan"
# Symbols for a debugger are a fifth of it.
if have strip; then strip "$work/portolan"; fi
npx --no-install postject "$work/portolan" NODE_SEA_BLOB "$work/blob" \
  --sentinel-fuse NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2 >/dev/null

mb=$(($(stat -c %s "$work/portolan") / 1000000))
[ "$mb" -lt "$LIMIT_MB" ] || die "the executable has $mb MB, and $LIMIT_MB MB are the limit; is binutils (strip) installed?"
expected=$(node -p 'require("./package.json").version')
# Elsewhere and without our environment: nothing of the checkout may be needed.
found=$(cd / && env -i "$work/portolan" --version)
[ "$found" = "$expected" ] || die "the executable says version $found instead of $expected"
mkdir -p "$(dirname "$out")"
mv "$work/portolan" "$out"
say "$out: portolan $found, $mb MB, $(uname -m)"
