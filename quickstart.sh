#!/usr/bin/env bash
# From a fresh Debian 12 to a first finding: installs what is missing, builds, runs the default job,
# which holds, and one that does not. Exits 0 when both ended as they should.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

finding_target="sqlite:journal=delete,sync=full"

step() {
  printf '\n==> %s\n' "$1"
}

# Runs a command, shows it, and keeps its exit code in `status`.
status=0
try() {
  printf '$ %s\n' "$*"
  status=0
  "$@" || status=$?
}

step "Dependencies"
docker/install-dependencies.sh --without-programs

step "Build"
cmake --preset release --log-level=WARNING
cmake --build --preset release --target plugpull

step "The main job: an engine that keeps its promises"
try build/release/plugpull run
main_status=$status

step "A first finding: an engine whose settings promise more than a power cut leaves"
echo "Exit code 1 is expected here: it means that plugpull found something."
try build/release/plugpull run "$finding_target" --out plugpull-out/first-finding
finding_status=$status

printf '\n'
if ((main_status != 0)); then
  echo "quickstart: the main job ended with exit code $main_status, expected 0 (nothing found)" >&2
  exit "$main_status"
fi
if ((finding_status != 1)); then
  echo "quickstart: the second run ended with exit code $finding_status, expected 1 (a finding)" >&2
  exit "$((finding_status == 0 ? 5 : finding_status))"
fi
echo "quickstart: the main job held, and the second run found what it should."
echo "main job       $PWD/plugpull-out/result.json"
echo "first finding  $PWD/plugpull-out/first-finding/result.json, with its cases beside it"
echo "program        $PWD/build/release/plugpull"
