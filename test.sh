#!/usr/bin/env bash
# Every test and check, from a fresh Debian 12 on:
#
#   ./test.sh          format, all tests, the quick tests again under sanitizers
#   ./test.sh --tidy   the same, and clang-tidy over everything but tests and benchmarks
#
# The last line counts: "N passed, N failed". Exits 0 when nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

jobs="$(nproc)"
tidy=false
passed=0
failed=0

for argument in "$@"; do
  case "$argument" in
    --tidy) tidy=true ;;
    -h | --help)
      sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *)
      echo "test.sh: unknown option '$argument'; see ./test.sh --help" >&2
      exit 2
      ;;
  esac
done

step() {
  printf '\n==> %s\n' "$1"
}

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  exit "$((failed > 0))"
}

# Counts a command as one check and goes on.
check() {
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

# Runs a command that everything after it needs. Only its failure counts, and ends the run.
must() {
  if ! "$@"; then
    failed=$((failed + 1))
    finish
  fi
}

build() {
  cmake --preset "$1" --log-level=WARNING && cmake --build --preset "$1" --parallel "$jobs"
}

# Runs the tests of a preset and adds ctest's own counts.
run_tests() {
  local log total bad
  log="build/$1/ctest.log"
  ctest --preset "$1" --parallel "$jobs" "${@:2}" | tee "$log" || true
  read -r bad total < <(sed -n 's/.* \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\)$/\1 \2/p' "$log" |
    tail -n 1) || true
  if [[ -z "${total:-}" ]]; then
    echo "test.sh: ctest ran no tests" >&2
    failed=$((failed + 1))
    return
  fi
  passed=$((passed + total - bad))
  failed=$((failed + bad))
}

sources() {
  find faults engine workloads reports harness \( -name '*.h' -o -name '*.cpp' \) -print0
}

check_format() {
  sources | xargs -0 clang-format --dry-run -Werror
}

# Tests and benchmarks are left out: their macros take most of the time and yield no mistakes that
# matter. Headers are checked with the sources that include them.
check_tidy() {
  sources | grep --null-data '\.cpp$' | grep --null-data --invert-match '_\(test\|bench\)\.cpp$' |
    xargs -0 --max-args=1 --max-procs="$jobs" clang-tidy-19 --quiet -p build/release 2>&1 |
    sed '/ warnings\{0,1\} generated\.$/d'
}

step "Dependencies"
must docker/install-dependencies.sh

step "Format"
check check_format

step "Build"
must build release

step "Tests"
run_tests release

if $tidy; then
  step "clang-tidy"
  check check_tidy
fi

step "Build with sanitizers"
must build sanitize

step "Quick tests with sanitizers"
run_tests sanitize --label-regex quick

finish
