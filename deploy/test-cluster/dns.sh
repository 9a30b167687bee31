#!/usr/bin/env bash
# DNS for pods: dnsmasq, with a hosts file that follows Services and Endpoints. Runs in the control namespace, started by control.sh.
# A Service has its cluster address; a headless one has the addresses of its endpoints, and each endpoint with a hostname a name of its own.
set -uo pipefail
folder=$state/control
hosts=$folder/hosts
trap 'kill $(jobs -p) 2>/dev/null' EXIT

kubectl() { "$bin/kubectl" --kubeconfig "$folder/pki/admin.kubeconfig" --cache-dir "$folder/kubectl" "$@"; }

objects='{{range .items}}{{$name := .metadata.name}}{{$namespace := .metadata.namespace}}{{if eq .kind "Service"}}{{if .spec.clusterIP}}S {{$namespace}} {{$name}} {{.spec.clusterIP}}{{"\n"}}{{end}}{{else}}{{range .subsets}}{{range .addresses}}E {{$namespace}} {{$name}} {{.ip}} {{or .hostname ""}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}'

write_hosts() {
  kubectl get services,endpoints --all-namespaces --output go-template="$objects" >"$hosts.objects" || return
  awk '{name = $3 "." $2 ".svc.cluster.local"}
    $1 == "S" && $4 != "None" {print $4, name}
    $1 == "S" && $4 == "None" {headless[name] = 1}
    $1 == "E" && headless[name] {print $4, name}
    $1 == "E" && $5 != "" {print $4, $5 "." name}' "$hosts.objects" >"$hosts.part"
  cmp --quiet "$hosts.part" "$hosts" && return
  mv "$hosts.part" "$hosts"
  kill -HUP "$dnsmasq"
}

: >"$hosts"
# Nobody else is asked: a name that is not in the hosts file does not exist.
dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --no-resolv --no-hosts --addn-hosts="$hosts" --local=/#/ \
  --listen-address="$control" --bind-interfaces --cache-size=0 --no-poll &
dnsmasq=$!
until kubectl get --raw /readyz >/dev/null 2>&1; do
  sleep 0.2
done
write_hosts
# The watches say that something changed; what changed is read anew, for a whole burst at once.
{
  kubectl get services --all-namespaces --watch --output name &
  kubectl get endpoints --all-namespaces --watch --output name &
  wait -n
} | while read -r _; do
  while read -r -t 0.05 _; do :; done
  write_hosts
done &
# Whichever ends first, the whole is started again.
wait -n
