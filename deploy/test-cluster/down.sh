#!/usr/bin/env bash
# Ends the test cluster and removes everything that up.sh made: processes, pods, namespaces with their links, rules and mounts, cgroups,
# state. Whatever was killed before, or is missing: it does what is left to do, and nothing when there is nothing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

remove() {
  [[ -e $state/id ]] || return 0
  local id attempt pids tree
  id=$(<"$state/id")
  [[ $id =~ ^[0-9]+$ ]] || fail "$state/id holds '$id' where a cluster's number was expected."
  for attempt in {1..150}; do
    mapfile -t pids < <(cluster_processes "$id")
    ((${#pids[@]})) || break
    ((attempt < 150)) || fail "These processes of the test cluster do not end: ${pids[*]}"
    kill -KILL "${pids[@]}" 2>/dev/null || true
    sleep 0.1
  done
  while read -r tree; do
    [[ ! -d $tree/vp-$id ]] || find "$tree/vp-$id" -depth -type d -exec rmdir {} +
  done < <(cgroup_trees)
  # The kernel takes a namespace's links away a moment after its last process.
  ip link delete "vp$id" 2>/dev/null || true
}

[[ -d $state ]] || exit 0
if [[ ${1:-} != --locked ]]; then
  lock
fi
remove
rm -rf --one-file-system "$state"
