#!/usr/bin/env bash
# Builds everything and runs every test. Installs what is missing first; nothing is skipped.
# Ends with "N passed, N failed" and exits non-zero when a test failed or a suite did not run.
# The cluster tests run on a real Kubernetes that is brought up here (wants root) and removed at the end, or on the one that KUBECONFIG
# names (docs/test-cluster.md).
set -uo pipefail
cd "$(dirname "$0")" || exit
packages=${VP_OUTPUT:-artifacts}/packages
# Beside what the quickstart needs: a real browser for the reports, a C compiler for the stand-in that records calls to NCCL, etcd and
# Prometheus.
deploy/setup.sh --tests "$packages" metamath-databases librsvg2-bin chromium gcc libc6-dev etcd=etcd-server prometheus=prometheus || exit 1

export VP_PACKAGES=$PWD/$packages/node_modules
export DOTNET_CLI_TELEMETRY_OPTOUT=1
results=$(mktemp -d)
background='' brought_up=''
leave() {
  [[ -z $background ]] || { kill -- "-$background" && wait "$background"; } 2>/dev/null
  [[ -z $brought_up ]] || deploy/test-cluster/down.sh
  rm -rf "$results"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# in_background NAME COMMAND...: its output is shown only if it fails, by finished NAME. A process group of its own ends as a whole.
in_background() {
  setsid "${@:2}" >"$results/$1.out" 2>"$results/$1.log" &
  background=$!
}
finished() {
  local status=0
  wait "$background" || status=$?
  background=''
  ((status == 0)) || cat "$results/$1.out" "$results/$1.log"
  return $status
}

# Suites beside the cluster's start a kube-apiserver of their own.
in_background kubernetes deploy/test-cluster/build-kubernetes.sh
echo "Building the solution, and Kubernetes where it is not in the cache"
dotnet build VisualPriors.sln --configuration Release --verbosity quiet --nologo || exit 1
finished kubernetes || exit 1
VP_KUBERNETES_BIN=$(tail -1 "$results/kubernetes.out")
export VP_KUBERNETES_BIN

[[ -n ${KUBECONFIG:-} ]] || in_background images deploy/images/build.sh

status=0
suites=(tests/*.Tests)
run_suites() {
  xargs -P "$1" -I{} bash -c '
    name=$(basename "$1")
    dotnet test "$1" --configuration Release --no-build --nologo --verbosity quiet \
      --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" --results-directory "$2" >"$2/$name.log" 2>&1 || touch "$2/$name.failed"
    cat "$2/$name.log"
  ' _ {} "$results" || status=1
}
# Two suites at a time with one compute thread each: as many as the smallest machine has cores. The longest come first.
OMP_NUM_THREADS=1 run_suites 2 < <(printf '%s\n' tests/VisualPriors.{Trainer,Cli,Storage}.Tests "${suites[@]}" |
  awk '!seen[$0]++ && !/Cluster.Tests$/')

# Alone: it measures nothing, but it wants the whole machine for two nodes.
cluster_up() {
  local archives
  finished images || return
  mapfile -t archives <"$results/images.out"
  export VP_CLUSTER_STATE=$results/cluster
  brought_up=yes
  KUBECONFIG=$(deploy/test-cluster/up.sh --nodes 2 | tail -1) && deploy/test-cluster/load-image.sh "${archives[@]}" || return
  export KUBECONFIG VP_OPERATOR_IMAGE=localhost/visualpriors/operator:dev VP_TRAINER_IMAGE=localhost/visualpriors/trainer:dev
  VP_STORAGE_CONNECTION_STRING=$(<"$VP_CLUSTER_STATE/storage-connection-string")
  export VP_STORAGE_CONNECTION_STRING VP_STORAGE_ADDRESS=azblob://devstoreaccount1/visualpriors
}
if [[ -n ${KUBECONFIG:-} ]] || cluster_up; then
  run_suites 1 <<<tests/VisualPriors.Cluster.Tests
fi
# What the cluster said goes with it: show the end of that where a test may have failed for the cluster's sake.
if [[ -n $brought_up && -e $results/VisualPriors.Cluster.Tests.failed ]]; then
  tail -n 25 "$VP_CLUSTER_STATE"/{control,node*}/*.log
fi

passed=0 failed=0
for suite in "${suites[@]}"; do
  name=$(basename "$suite")
  counters=$(grep -o '<Counters [^>]*' "$results/$name.trx" 2>/dev/null)
  if [[ -z $counters ]]; then
    echo "$name did not run to its end"
    status=1
    continue
  fi
  count() { grep -o " $1=\"[0-9]*\"" <<<"$counters" | grep -o '[0-9]*'; }
  passed=$((passed + $(count passed)))
  failed=$((failed + $(count total) - $(count passed)))
  [[ ! -e $results/$name.failed ]] || status=1
done
((passed > 0 && failed == 0)) || status=1
echo "$passed passed, $failed failed"
exit $status
