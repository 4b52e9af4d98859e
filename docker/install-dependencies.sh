#!/usr/bin/env bash
# Installs what is missing from dependencies.txt, and nothing else. With nothing missing it needs
# neither the network nor any rights.
set -euo pipefail

list="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/dependencies.txt"

fail() {
  echo "dependencies: $1" >&2
  exit 3
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  fail "this is not a Debian system; install what $list names in your system's own way"
fi

mapfile -t packages < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$list")
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
trap 'rm -f "$log"' EXIT

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get --quiet \
    --option Acquire::Retries=3 --option DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}

# A source that cannot be reached need not be one that is wanted, so only the installation decides.
apt update || true
# --no-remove: a package of the user's own that conflicts is theirs to give up, not ours to take.
if ! apt install --assume-yes --no-install-recommends --no-remove "${missing[@]}"; then
  cat "$log" >&2
  fail "the installation failed, see above; missing: ${missing[*]}"
fi
