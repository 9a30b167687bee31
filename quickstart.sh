#!/usr/bin/env bash
# The whole chain: prepares real text and images, pre-trains a small decoder, aligns a vision encoder to it, instruction-tunes it, scores
# it, and writes a report. About a quarter of an hour on two cores; what is finished is reused.
#
#   ./quickstart.sh                 as processes of this machine
#   ./quickstart.sh --kubernetes    as pods: on a real Kubernetes that it brings up here (wants root), or on the one that KUBECONFIG names
#                                   (docs/test-cluster.md says what that one has to be told)
set -euo pipefail
cd "$(dirname "$0")"
output=${VP_OUTPUT:-artifacts}
manifest=deploy/examples/quickstart.yaml
namespace=visualpriors
runs=pretrainruns,alignruns,sftruns,evalruns

vp() { dotnet src/VisualPriors.Cli/bin/Release/net10.0/linux-x64/vp.dll "$@"; }

prepare() {
  deploy/setup.sh "$@" "$output/packages" metamath-databases librsvg2-bin
  echo "Building vp"
  dotnet build src/VisualPriors.Cli --configuration Release --verbosity quiet --nologo
  vp prepare --packages "$output/packages/node_modules" --output "$output/data"
}

# A cluster with the images and a storage account, as KUBECONFIG, VP_*_IMAGE and VP_STORAGE_* tell it afterwards.
make_cluster() {
  local archives
  deploy/images/build.sh >"$output/images.txt"
  mapfile -t archives <"$output/images.txt"
  export KUBECONFIG
  KUBECONFIG=$(deploy/test-cluster/up.sh | tail -1)
  deploy/test-cluster/load-image.sh "${archives[@]}"
  VP_OPERATOR_IMAGE=localhost/visualpriors/operator:dev
  VP_TRAINER_IMAGE=localhost/visualpriors/trainer:dev
  VP_STORAGE_CONNECTION_STRING=$(<"$(dirname "$KUBECONFIG")/storage-connection-string")
  # Operators that run already take a new image of the same name only when their pods are made anew.
  made=$(sha256sum "${archives[0]}" | cut -c1-16)
}

install_chart() {
  kubectl create namespace "$namespace" --dry-run=client --output yaml | kubectl apply --filename - >/dev/null
  kubectl --namespace "$namespace" create secret generic storage --from-literal=connectionString="$VP_STORAGE_CONNECTION_STRING" \
    --dry-run=client --output yaml | kubectl apply --filename - >/dev/null
  echo "Installing the chart"
  helm upgrade --install visualpriors charts/visualpriors --namespace "$namespace" --wait --timeout 5m \
    --set image.repository="${VP_OPERATOR_IMAGE%:*}" --set image.tag="${VP_OPERATOR_IMAGE##*:}" --set-string podAnnotations.made="${made:-}" \
    --set trainer.image.repository="${VP_TRAINER_IMAGE%:*}" --set trainer.image.tag="${VP_TRAINER_IMAGE##*:}" \
    --set storage.address="$address" --set storage.secretName=storage >/dev/null
}

# Tab-separated: kind, name, phase, step, loss, tokens per second, time left, and why it was refused.
status() {
  kubectl --namespace "$namespace" get "$runs" --output go-template='{{range .items}}{{.kind}}	{{.metadata.name}}	{{with .status}}{{or .phase "-"}}	{{with .progress}}{{or .steps "-"}}	{{or .loss "-"}}	{{or .tokensPerSecond "-"}}	{{or .eta "-"}}{{else}}-	-	-	-{{end}}	{{range .conditions}}{{if and (eq .type "Accepted") (eq .status "False")}}{{.message}}{{end}}{{end}}{{else}}-	-	-	-	-	{{end}}{{"\n"}}{{end}}'
}

# Shows the runs until all have succeeded; on a terminal in place, else whenever one's phase changes.
follow() {
  local table phases shown="" lines=0 kind name phase refused
  while :; do
    table=$(status)
    phases=$(cut -f1-3 <<<"$table")
    if [[ -t 1 || $phases != "$shown" ]]; then
      [[ ! -t 1 || $lines == 0 ]] || printf '\e[%dA\e[J' "$lines"
      printf '%-12s %-22s %-10s %-12s %-10s %-9s %s\n' KIND NAME PHASE STEP LOSS TOKENS/S LEFT
      awk -F '\t' '{printf "%-12s %-22s %-10s %-12s %-10s %-9s %s\n", $1, $2, $3, $4, $5, $6, $7}' <<<"$table"
      lines=$(($(wc -l <<<"$table") + 1))
      shown=$phases
    fi
    while IFS=$'\t' read -r kind name phase _ _ _ _ refused; do
      if [[ $phase == Failed || -n $refused ]]; then
        echo "$kind $name: ${refused:-failed}" >&2
        kubectl --namespace "$namespace" describe "$kind.visualpriors.dev" "$name" | tail -n 40 >&2
        return 1
      fi
    done <<<"$table"
    grep -qv 'Succeeded' <<<"$phases" || return 0
    sleep 2
  done
}

run_on_kubernetes() {
  address=${VP_STORAGE_ADDRESS:-azblob://devstoreaccount1/visualpriors}
  prepare --tests
  PATH=$(deploy/test-cluster/build-kubernetes.sh | tail -1):$PATH
  # A kubeconfig beside an account's connection string is that of our own test cluster.
  if [[ -z ${KUBECONFIG:-} || -e $(dirname "$KUBECONFIG")/storage-connection-string ]]; then
    make_cluster
  else
    : "${VP_OPERATOR_IMAGE:?wanted with KUBECONFIG: docs/test-cluster.md}" "${VP_TRAINER_IMAGE:?}" "${VP_STORAGE_CONNECTION_STRING:?}"
  fi
  export AZURE_STORAGE_CONNECTION_STRING=$VP_STORAGE_CONNECTION_STRING
  vp publish --data "$output/data" --to "$address"
  install_chart
  kubectl --namespace "$namespace" apply --filename "$manifest"
  follow
  vp fetch --file "$manifest" --data "$output/data" --from "$address" --to "$output/kubernetes"
  echo "The cluster goes on: KUBECONFIG=$KUBECONFIG kubectl --namespace $namespace get $runs"
  [[ -z ${made:-} ]] || echo "deploy/test-cluster/down.sh removes it."
}

case ${1:-} in
  "")
    prepare
    vp run --file "$manifest" --data "$output/data" --output "$output/quickstart"
    ;;
  --kubernetes) run_on_kubernetes ;;
  *)
    echo "Usage: ./quickstart.sh [--kubernetes]" >&2
    exit 2
    ;;
esac
