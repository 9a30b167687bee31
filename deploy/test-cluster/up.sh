#!/usr/bin/env bash
# Brings up a real Kubernetes 1.20 on this machine: etcd, kube-apiserver, controller-manager, scheduler, DNS, Azurite, and nodes with
# containerd, kubelet and kube-proxy. Prints the kubeconfig's path as its last line (progress: stderr). See docs/test-cluster.md.
#
#   up.sh [--nodes N]        N nodes, 1 to 9; not said: what runs already, else one
#   up.sh --control-plane    no nodes: nothing runs pods (for benchmarks of the API)
#
# Where it already runs, it says so and does nothing else. down.sh removes all of it; so does an interrupted up.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source-path=SCRIPTDIR
. "$here/common.sh"
# shellcheck source-path=SCRIPTDIR
. "$here/certificates.sh"
umask 077

nodes= id=
arguments=("$@")
while (($#)); do
  case $1 in
    --nodes)
      [[ ${2:-} =~ ^[1-9]$ ]] || fail "--nodes: expected 1 to 9, found '${2:-}'"
      nodes=$2
      shift 2
      ;;
    --control-plane) nodes=0 && shift ;;
    *) fail "Usage: up.sh [--nodes N | --control-plane]" ;;
  esac
done

# answers ADDRESS PORT PATH: whether a web server there says 200.
answers() {
  local status
  { exec 3<>"/dev/tcp/$1/$2" && printf 'GET %s HTTP/1.0\r\n\r\n' "$3" >&3 && read -r -t 2 status <&3; } 2>/dev/null || status=
  exec 3>&- || true
  [[ $status == *" 200 "* ]]
}

kubectl() { "$bin/kubectl" --kubeconfig "$kubeconfig" --cache-dir "$state/control/kubectl" --request-timeout 5s "$@"; }

healthy() {
  local node ready
  kubectl get --raw /readyz >/dev/null 2>&1 || return
  kubectl get serviceaccount default >/dev/null 2>&1 || return
  ((nodes)) || return 0
  ready=$(kubectl get nodes \
    --output jsonpath='{range .items[*]}{range .status.conditions[?(@.type=="Ready")]}{.status}{"\n"}{end}{end}' 2>/dev/null) || return
  (($(grep -cx True <<<"$ready") >= nodes)) || return
  for ((node = 1; node <= nodes; node++)); do
    answers "$network.$((10 + node))" 10256 /healthz || return
  done
  [[ -s $state/control/hosts ]] || return
  (exec 3<>"/dev/tcp/$control/10000") 2>/dev/null
}

wait_healthy() {
  local until=$((SECONDS + $1))
  until healthy; do
    ((SECONDS < until)) || return
    sleep 0.3
  done
}

name_addresses() {
  network=10.89.$id
  control=$network.10
}

# The first number that nobody has: the cgroup is the claim, since making a folder succeeds only once.
claim_id() {
  local number tree node
  tree=$(tracking_cgroup)
  for number in {0..24}; do
    [[ -z $(ip -4 route show "10.89.$number.0/24") ]] || continue
    mkdir "$tree/vp-$number" 2>/dev/null && id=$number && break
  done
  [[ $id ]] || fail "No cgroup for the cluster can be made below $tree."
  echo "$id" >"$state/id"
  mkdir "$tree/vp-$id/daemons"
  while read -r tree; do
    for ((node = 1; node <= nodes; node++)); do
      mkdir -p "$tree/vp-$id/node$node"
    done
  done < <(cgroup_trees)
}

# The first process of a part, in its cgroup and namespaces. It inherits no open file of whoever called up.sh.
start_part() {
  local part=$1 script=$2
  mkdir -p "$state/$part"
  (
    echo "$BASHPID" >"$(tracking_cgroup)/vp-$id/daemons/cgroup.procs"
    for descriptor in /proc/self/fd/*; do
      descriptor=${descriptor##*/}
      ((descriptor < 3)) || eval "exec $descriptor>&-" 2>/dev/null || true
    done
    export here state part bin packages pause id control nodes address=${3:-} pods=${4:-}
    exec setsid unshare --fork --pid --net --mount --propagation private "$here/$script" </dev/null >"$state/$part/init.log" 2>&1
  ) &
  until [[ -s $state/$part/pid ]]; do
    kill -0 $! 2>/dev/null || return
    sleep 0.02
  done
  disown
}

# Everything is joined by a bridge in the control namespace, so no rule of the host's firewall sees what passes between nodes.
# The host has one link to it, and routes to the pods.
link_parts() {
  local node other pid
  pid=$(<"$state/control/pid")
  # The bridge's own address is given, so that it does not change as ports come.
  inside control ip link add bridge address 02:00:00:00:00:01 type bridge
  inside control ip address add "$control/24" dev bridge
  inside control ip link set bridge up
  ip link add "vp$id" type veth peer name host netns "$pid"
  inside control ip link set host master bridge up
  ip address add "$network.1/24" dev "vp$id"
  ip link set "vp$id" up
  for ((node = 1; node <= nodes; node++)); do
    ip link add eth0 netns "$(<"$state/node$node/pid")" type veth peer name "node$node" netns "$pid"
    inside control ip link set "node$node" master bridge up
    inside "node$node" ip address add "$network.$((10 + node))/24" dev eth0
    inside "node$node" ip link set eth0 up
    # Services have no machine behind them: the route only lets the node's own programs come as far as kube-proxy's rules.
    inside "node$node" ip route add 10.96.0.0/16 via "$control"
    ip route add "$(pods_of "$node").0/24" via "$network.$((10 + node))"
    inside control ip route add "$(pods_of "$node").0/24" via "$network.$((10 + node))"
    for ((other = 1; other <= nodes; other++)); do
      ((other == node)) || inside "node$node" ip route add "$(pods_of "$other").0/24" via "$network.$((10 + other))"
    done
    touch "$state/node$node/linked"
  done
  touch "$state/control/linked"
}

pods_of() { echo "10.90.$((id * 10 + $1))"; }

lock
running=$(cat "$state/nodes" 2>/dev/null || true)
[[ $nodes ]] || nodes=${running/#0/1}
nodes=${nodes:-1}
needs=(etcd=etcd-server openssl=openssl ip=iproute2)
((nodes == 0)) || needs+=(containerd=containerd runc=runc containernetworking-plugins iptables=iptables dnsmasq=dnsmasq-base)
"$root/deploy/setup.sh" --system "${needs[@]}" >&2
bin=$("$here/build-kubernetes.sh" | tail -1)

if [[ -e $state/id ]]; then
  id=$(<"$state/id")
  name_addresses
  if [[ -e $kubeconfig && $running != "$nodes" ]]; then
    fail "A test cluster with $running node(s) runs already, not with $nodes: down.sh first."
  fi
  if [[ -e $kubeconfig ]] && wait_healthy 30; then
    echo "$kubeconfig"
    exit 0
  fi
  say "A test cluster is there, but is not healthy: starting anew"
  "$here/down.sh" --locked
  exec "$here/up.sh" "${arguments[@]}"
fi

packages=$(cd "$root" && realpath --canonicalize-missing "${VP_OUTPUT:-artifacts}/packages")
pause=${XDG_CACHE_HOME:-$HOME/.cache}/visualpriors/pause-$(sha256sum "$root/deploy/images/pause/pause.c" | cut -c1-12).tar
if ((nodes)); then
  "$root/deploy/setup.sh" --tests "$packages" >&2
  [[ -e $pause ]] || "$root/deploy/images/pause/build.sh" "$pause"
fi

give_up() {
  local status=$? log
  ((status == 130)) || for log in "$state"/*/*.log; do
    [[ -s $log ]] && say "--- ${log#"$state"/}" && tail -n 20 "$log" >&2
  done
  say "Removing what was started"
  "$here/down.sh" --locked
  exit "$status"
}
trap give_up EXIT
trap 'exit 130' INT TERM HUP

say "Starting a test cluster with $nodes node(s)"
claim_id
name_addresses
make_certificates
start_part control control.sh
for ((node = 1; node <= nodes; node++)); do
  start_part "node$node" node.sh "$network.$((10 + node))" "$(pods_of "$node")"
done
link_parts
cp "$state/control/pki/admin.kubeconfig" "$state/kubeconfig.part"
mv "$state/kubeconfig.part" "$kubeconfig"
echo "$nodes" >"$state/nodes"
# Azurite's own development account: its key is public.
echo "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://$control:10000/devstoreaccount1;" \
  >"$state/storage-connection-string"
wait_healthy 120 || fail "The cluster was not healthy after 120 s."
trap - EXIT
echo "$kubeconfig"
