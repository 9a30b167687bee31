#!/usr/bin/env bash
# DNS for pods: dnsmasq, with a hosts file that follows Services and Endpoints. Runs in the control namespace, started by control.sh.
# A Service has its cluster address; a headless one has the addresses of its endpoints, and each endpoint with a hostname a name of its own.
set -uo pipefail
folder=$state/control
hosts=$folder/hosts
export KUBECONFIG=$folder/pki/admin.kubeconfig
trap 'kill $(jobs -p) 2>/dev/null' EXIT

services='{{range .items}}{{if .spec.clusterIP}}S {{.metadata.namespace}} {{.metadata.name}} {{.spec.clusterIP}}{{"\n"}}{{end}}{{end}}'
endpoints='{{range .items}}{{$n := .metadata}}{{range .subsets}}{{range .addresses}}E {{$n.namespace}} {{$n.name}} {{.ip}} {{or .hostname ""}}{{"\n"}}{{end}}{{end}}{{end}}'

write_hosts() {
  {
    "$bin/kubectl" get services --all-namespaces --output go-template="$services" && "$bin/kubectl" get endpoints --all-namespaces --output go-template="$endpoints"
  } >"$hosts.objects" || return
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
until "$bin/kubectl" get --raw /readyz >/dev/null 2>&1; do
  sleep 0.2
done
write_hosts
# The watches say that something changed; what changed is read anew, for a whole burst at once.
{
  "$bin/kubectl" get services --all-namespaces --watch --output name &
  "$bin/kubectl" get endpoints --all-namespaces --watch --output name &
  wait -n
} | while read -r _; do
  while read -r -t 0.1 _; do :; done
  write_hosts
done
