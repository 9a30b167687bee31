# What the first processes of "control" and "nodeN" share: control.sh and node.sh source it. It runs as process 1 of its own process-id
# namespace, in its own network and mount namespaces, from the environment that up.sh gives.
# shellcheck shell=bash
set -euo pipefail
# up.sh keeps its files private; programs that unpack images must not.
umask 022

# /proc is still the host's here, so this is the number that the host knows this process by.
read -r host_pid _ </proc/self/stat
mount -t proc proc /proc
folder=$state/$part
echo "$host_pid" >"$folder/pid.part"
mv "$folder/pid.part" "$folder/pid"

# Starts a program and starts it again whenever it ends: keep NAME COMMAND…
keep() {
  local log=$folder/$1.log
  shift
  while :; do
    "$@" >>"$log" 2>&1 </dev/null || echo "-- ended with $?, starts again" >>"$log"
    sleep 0.5
  done &
}

# up.sh lays the links once it knows this process.
until [[ -e $folder/linked ]]; do
  sleep 0.05
done
ip link set lo up
