#!/usr/bin/env bash
# One node, as the first process of its namespaces: containerd, kubelet and kube-proxy.
# What these share with a host's own (under /run and /var) is covered by empty folders of this node's alone.
state_folder=$state
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/part.sh"

# State and programs may lie below what is about to be covered: hold them open and bind them anew.
exec 7<"$state_folder/$part" 8<"$bin"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /run/node /run/bin /run/sysctl
mount --no-canonicalize --bind /proc/self/fd/7 /run/node
mount --no-canonicalize --bind /proc/self/fd/8 /run/bin
exec 7<&- 8<&-
mount -t tmpfs -o mode=755 tmpfs /var
mkdir -p /var/lib /var/log /var/tmp
ln -s /run /var/run
folder=/run/node

# kubelet sets these for the whole machine (a panic on every oops among them) unless they have the wanted value: show it that they have.
while read -r name value; do
  [[ -e /proc/sys/$name ]] || continue
  echo "$value" >"/run/sysctl/${name//\//.}"
  mount --bind "/run/sysctl/${name//\//.}" "/proc/sys/$name"
done <<'SYSCTL'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SYSCTL
echo 1 >/proc/sys/net/ipv4/ip_forward

mkdir -p "$folder"/{cni,containerd,kubelet}
# Each pod has a link of its own to the node and everything is routed: no bridge, so Services work without br_netfilter.
cat >"$folder/cni/10-pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "$pods.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
# restrict_oom_score_adj: where root lacks CAP_SYS_RESOURCE, sandboxes fail otherwise.
cat >"$folder/containerd.toml" <<TOML
version = 2
root = "$folder/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/visualpriors/pause:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$folder/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
discard_unpacked_layers = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
TOML
cat >"$folder/resolv.conf" <<CONF
nameserver $control
CONF
cat >"$folder/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $folder/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $folder/serving.crt
tlsPrivateKeyFile: $folder/serving.key
cgroupDriver: cgroupfs
cgroupRoot: /vp-$id/$part
clusterDNS: [$control]
clusterDomain: cluster.local
resolvConf: $folder/resolv.conf
failSwapOn: false
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 1s
nodeStatusReportFrequency: 1m
registryPullQPS: 0
eventRecordQPS: 0
serializeImagePulls: false
volumePluginDir: $folder/kubelet-plugins
YAML
cat >"$folder/kube-proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: $part
clientConnection: {kubeconfig: $folder/kube-proxy.kubeconfig}
conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}
healthzBindAddress: 0.0.0.0:10256
YAML

keep containerd containerd --config "$folder/containerd.toml"
keep kube-proxy /run/bin/kube-proxy --config "$folder/kube-proxy.yaml"
# Before kubelet, whose every pod wants the pause image.
until ctr --namespace k8s.io images import - <"$pause" >>"$folder/containerd.log" 2>&1; do
  sleep 0.1
done
keep kubelet /run/bin/kubelet --config "$folder/kubelet.yaml" --kubeconfig "$folder/kubelet.kubeconfig" --root-dir "$folder/kubelet" \
  --container-runtime remote --container-runtime-endpoint unix:///run/containerd/containerd.sock --hostname-override "$part" \
  --node-ip "$address" --node-labels "visualpriors.dev/test-node=${part#node}"
while :; do
  wait
done
