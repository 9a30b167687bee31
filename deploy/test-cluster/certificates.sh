# The test cluster's certificates and kubeconfigs, made by openssl. Sourced by up.sh.
# shellcheck shell=bash

# certificate FOLDER NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]: signed by the cluster's authority, for servers and clients alike.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 365 -subj "$3" -keyout "$1/$2.key" -out "$1/$2.crt" \
    -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -addext "basicConstraints=critical,CA:FALSE" -addext "extendedKeyUsage=serverAuth,clientAuth" \
    ${4:+-addext "subjectAltName=$4"} 2>/dev/null
}

# kubeconfig_for FOLDER NAME SUBJECT: FOLDER/NAME.kubeconfig, whole in one file.
kubeconfig_for() {
  certificate "$@"
  cat >"$1/$2.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
  - name: visualpriors-test
    cluster:
      server: https://$control:6443
      certificate-authority-data: $(base64 -w0 "$pki/ca.crt")
users:
  - name: $2
    user:
      client-certificate-data: $(base64 -w0 "$1/$2.crt")
      client-key-data: $(base64 -w0 "$1/$2.key")
contexts:
  - name: visualpriors-test
    context:
      cluster: visualpriors-test
      user: $2
current-context: visualpriors-test
YAML
}

make_certificates() {
  local node service=kubernetes.default.svc
  pki=$state/control/pki
  mkdir -p "$pki"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 365 -subj "/CN=visualpriors-test" \
    -keyout "$pki/ca.key" -out "$pki/ca.crt" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
  certificate "$pki" apiserver "/CN=kube-apiserver" "DNS:kubernetes,DNS:kubernetes.default,DNS:$service,DNS:$service.cluster.local,DNS:localhost,IP:$control,IP:10.96.0.1,IP:127.0.0.1"
  certificate "$pki" apiserver-kubelet-client "/O=system:masters/CN=kube-apiserver-kubelet-client"
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$pki/service-account.key" 2>/dev/null
  openssl pkey -in "$pki/service-account.key" -pubout -out "$pki/service-account.pub"
  kubeconfig_for "$pki" admin "/O=system:masters/CN=admin"
  kubeconfig_for "$pki" controller-manager "/CN=system:kube-controller-manager"
  kubeconfig_for "$pki" scheduler "/CN=system:kube-scheduler"
  for ((node = 1; node <= nodes; node++)); do
    mkdir -p "$state/node$node"
    cp "$pki/ca.crt" "$state/node$node/"
    kubeconfig_for "$state/node$node" kube-proxy "/CN=system:kube-proxy"
    kubeconfig_for "$state/node$node" kubelet "/O=system:nodes/CN=system:node:node$node"
    certificate "$state/node$node" serving "/CN=node$node" "DNS:node$node,IP:$network.$((10 + node))"
  done
}
