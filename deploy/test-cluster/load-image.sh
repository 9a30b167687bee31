#!/usr/bin/env bash
# Imports image archives (docker-archive or oci-archive) into the containerd of every node of the test cluster.
# Usage: deploy/test-cluster/load-image.sh IMAGE-ARCHIVE...
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
(($#)) || fail "Usage: load-image.sh IMAGE-ARCHIVE..."
[[ -e $kubeconfig ]] || fail "No test cluster runs with its state in $state: up.sh first."

for archive in "$@"; do
  [[ -r $archive ]] || fail "$archive cannot be read."
  for folder in "$state"/node[0-9]; do
    say "Loading ${archive##*/} into ${folder##*/}"
    inside "${folder##*/}" ctr --namespace k8s.io images import - <"$archive" >&2
  done
done
