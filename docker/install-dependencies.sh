#!/usr/bin/env bash
# Installs what is missing from dependencies.txt, and nothing else. With nothing missing it needs
# neither the network nor any rights.
#
#   docker/install-dependencies.sh                      all of the list
#   docker/install-dependencies.sh --without-programs   not what is only there to be recorded by tests
set -euo pipefail

list="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/dependencies.txt"

fail() {
  echo "dependencies: $1" >&2
  exit 3
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  fail "this is not a Debian system; install what $list names in your system's own way"
fi

last='$'
case "${1:-}" in
  "") ;;
  --without-programs) last='/^# Only for tests/' ;;
  *) fail "unknown option '$1'; there is --without-programs" ;;
esac

mapfile -t packages < <(sed -n "1,${last}p" "$list" | sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d')
missing=()
for package in "${packages[@]}"; do
  # The second letter is the state: "ii " is installed, "hi " is installed and held.
  state="$(dpkg-query --show --showformat '${db:Status-Abbrev}' "$package" 2>/dev/null || true)"
  [[ "$state" == ?i* ]] || missing+=("$package")
done

if ((${#missing[@]} == 0)); then
  echo "dependencies: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    fail "run this as root, or install sudo; missing: ${missing[*]}"
  as_root=(sudo)
fi

echo "dependencies: installing ${#missing[@]} of ${#packages[@]} packages: ${missing[*]}"
log="$(mktemp)"
policy=/usr/sbin/policy-rc.d
has_made_policy=false
trap finish EXIT

finish() {
  rm -f "$log"
  if $has_made_policy; then "${as_root[@]}" rm -f "$policy"; fi
}

# Programs are wanted here, not the services that a package starts: Debian asks this script, and 101
# forbids it. One that is there says what its owner wants.
if [[ ! -e "$policy" ]]; then
  has_made_policy=true
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" sh -c 'cat >"$1" && chmod 755 "$1"' sh "$policy"
fi

# A machine that lives for one run needs no file of a package synced.
quick=()
if [[ -n "${CI:-}" ]]; then quick=(--option DPkg::Options::=--force-unsafe-io); fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet \
    --option Acquire::Retries=3 --option DPkg::Lock::Timeout=300 \
    "${quick[@]}" "$@" >>"$log" 2>&1 </dev/null
}

# A source that cannot be reached need not be one that is wanted, so only the installation decides.
apt update || true
# --no-remove: a package of the user's own that conflicts is theirs to give up, not ours to take.
if ! apt install --assume-yes --no-install-recommends --no-remove "${missing[@]}"; then
  cat "$log" >&2
  fail "the installation failed, see above; missing: ${missing[*]}"
fi
