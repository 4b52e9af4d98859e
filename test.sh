#!/usr/bin/env bash
# Every test and check, from a fresh Debian 12 on:
#
#   ./test.sh          format, all tests, the quick tests again under sanitizers
#   ./test.sh --tidy   the same, and clang-tidy over everything but tests and benchmarks
#   ./test.sh --tidy-for SECONDS    as many of those files as fit, the last changed ones first
#   ./test.sh --once   each test once: the quick ones under sanitizers only
#
# The last line counts: "N passed, N failed". Exits 0 when nothing failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

jobs="$(nproc)"
tidy=false
tidy_seconds=0  # no limit
once=false
passed=0
failed=0

while (($# > 0)); do
  case "$1" in
    --tidy) tidy=true ;;
    --once) once=true ;;
    --tidy-for)
      tidy=true
      tidy_seconds="${2:-}"
      if [[ ! "$tidy_seconds" =~ ^[1-9][0-9]*$ ]]; then
        echo "test.sh: --tidy-for needs a number of seconds; see ./test.sh --help" >&2
        exit 2
      fi
      shift
      ;;
    -h | --help)
      sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *)
      echo "test.sh: unknown option '$1'; see ./test.sh --help" >&2
      exit 2
      ;;
  esac
  shift
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
  cmake --preset "$1" "${@:2}" --log-level=WARNING &&
    cmake --build --preset "$1" --parallel "$jobs"
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

# The sources that clang-tidy looks at, the last changed ones first. Tests and benchmarks are left
# out: their macros take most of the time and yield no mistakes that matter. Headers are checked
# with the sources that include them.
tidy_sources() {
  {
    git status --porcelain 2>/dev/null | cut -c4- || true
    git log --format= --name-only 2>/dev/null || true
    find faults engine workloads reports harness -name '*.cpp'
  } | awk '!seen[$0]++' | grep -E '^(faults|engine|workloads|reports|harness)/.*\.cpp$' |
    grep -v -E '(_(test|bench)\.cpp|/test_program/[^/]*|/testdata/[^/]*)$' | while read -r file; do
      if [[ -f "$file" ]]; then echo "$file"; fi
    done
}

# It is told how each source is compiled by a build that compiles them one by one.
check_tidy() {
  local log=build/tidy/tidy.log all=0 clean status=0
  cmake --preset release -B build/tidy -DPLUGPULL_UNITE=OFF --log-level=WARNING >/dev/null || return 1
  all="$(tidy_sources | wc -l)"
  tidy_sources | timeout "$tidy_seconds" xargs --max-args=1 --max-procs="$jobs" \
    sh -c 'clang-tidy-19 --quiet -p build/tidy "$1" 2>&1 && echo "tidy: $1"' sh >"$log" ||
    status=$?
  clean="$(grep -c '^tidy: ' "$log" || true)"
  sed -E '/ warnings? generated\.$/d; /^tidy: /d' "$log"
  echo "clang-tidy: $clean of $all files are clean"
  if grep -q -E '(warning|error): ' "$log"; then return 1; fi
  ((status == 0 || (tidy_seconds > 0 && status == 124)))
}

step "Dependencies"
must docker/install-dependencies.sh

step "Format"
check check_format

step "Build"
if $once; then
  must build release -DPLUGPULL_BUILD_QUICK_TESTS=OFF -DPLUGPULL_UNITE=ON
else
  must build release -DPLUGPULL_BUILD_QUICK_TESTS=ON -DPLUGPULL_UNITE=OFF
fi

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
