#!/usr/bin/env bash
# The control plane, as the first process of its namespaces: etcd, the three servers, and, where there are nodes, DNS and Azurite.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/part.sh"
pki=$folder/pki

# etcd in memory: nothing of it has to outlive the cluster, and a slow disk does not slow the apiserver.
mkdir -p "$folder/etcd"
mount -t tmpfs -o mode=700 tmpfs "$folder/etcd"
keep etcd etcd --name control --data-dir "$folder/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster control=http://127.0.0.1:2380 \
  --quota-backend-bytes 4294967296 --auto-compaction-retention 5m --log-level warn

keep kube-apiserver "$bin/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address "$control" --secure-port 6443 \
  --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" --cert-dir "$folder" \
  --kubelet-certificate-authority "$pki/ca.crt" --kubelet-client-certificate "$pki/apiserver-kubelet-client.crt" \
  --kubelet-client-key "$pki/apiserver-kubelet-client.key" --kubelet-preferred-address-types InternalIP \
  --service-account-issuer https://kubernetes.default.svc.cluster.local --service-account-key-file "$pki/service-account.pub" \
  --service-account-signing-key-file "$pki/service-account.key" --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
  --service-cluster-ip-range 10.96.0.0/16 --allow-privileged=true

keep kube-controller-manager "$bin/kube-controller-manager" --kubeconfig "$pki/controller-manager.kubeconfig" --leader-elect=false --bind-address 127.0.0.1 \
  --port 0 --service-account-private-key-file "$pki/service-account.key" --root-ca-file "$pki/ca.crt" --use-service-account-credentials=true \
  --cluster-signing-cert-file "$pki/ca.crt" --cluster-signing-key-file "$pki/ca.key" --kube-api-qps 200 --kube-api-burst 400

keep kube-scheduler "$bin/kube-scheduler" --kubeconfig "$pki/scheduler.kubeconfig" --leader-elect=false --bind-address 127.0.0.1 --port 0 \
  --kube-api-qps 200 --kube-api-burst 400

if ((nodes)); then
  keep dns "$here/dns.sh"
  mkdir -p "$folder/azurite"
  keep azurite node "$packages/node_modules/azurite/dist/src/blob/main.js" --blobHost 0.0.0.0 --blobPort 10000 --location "$folder/azurite" \
    --silent --disableTelemetry
fi
while :; do
  wait
done
