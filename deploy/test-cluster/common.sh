# What up.sh, down.sh and load-image.sh share: where the cluster's state lies, and how its processes and cgroups are found.
#
# Everything of a cluster runs in the cgroups vp-ID (so it can be found, whatever happened to whoever started it) and in namespaces that
# have no name: network, mounts and process ids of "control" and of each "nodeN" live as long as the first process of each. Killing these
# takes interfaces, routes, rules, mounts, pods and shims with it; only cgroups and the state folder are left to be removed.
# shellcheck shell=bash
state=${VP_CLUSTER_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/visualpriors/test-cluster}
state=$(realpath --canonicalize-missing "$state")
kubeconfig=$state/kubeconfig

say() { echo "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

((EUID == 0)) || fail "The test cluster wants root: it makes network namespaces and runs a kubelet."

# One up.sh or down.sh at a time. Daemons must not inherit descriptor 9.
lock() {
  while :; do
    mkdir -p "$state"
    exec 9>"$state/lock"
    flock --nonblock 9 || {
      say "Another up.sh or down.sh is at work on $state: waiting for it"
      flock 9
    }
    # down.sh removes the file that it holds.
    [[ $state/lock -ef /proc/self/fd/9 ]] && return
  done
}

# cgroup v1 has one tree per controller, v2 a single one, and the hybrid layout both.
cgroup_trees() {
  awk '$3 ~ /^cgroup2?$/ {print $2}' /proc/self/mounts
}

# The tree that every process of the cluster is in from its start on.
tracking_cgroup() {
  [[ -e /sys/fs/cgroup/cgroup.controllers ]] && echo /sys/fs/cgroup || echo /sys/fs/cgroup/pids
}

# A process whose namespace is just ending may be listed as 0.
cluster_processes() {
  local folder
  folder=$(tracking_cgroup)/vp-$1
  [[ ! -d $folder ]] || find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -vx 0 || true
}

# Runs a command in a part's namespaces: inside control|node1|… COMMAND…
inside() {
  local part=$1
  shift
  nsenter --target "$(<"$state/$part/pid")" --mount --net --pid -- "$@"
}
