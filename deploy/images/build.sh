#!/usr/bin/env bash
# Builds the images from the project's Dockerfile with buildah where no registry is to be had: .NET programs are published on this machine,
# the base is a Debian 13 made by debootstrap (cached outside the repository).
#
#   deploy/images/build.sh [--tag TAG] [operator] [trainer]     both, tagged dev, unless told otherwise
#
# Prints the docker-archives that it wrote, one a line (progress: stderr). The same sources give the same image digest.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
output=$(realpath --canonicalize-missing "${VP_OUTPUT:-artifacts}/images")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/visualpriors/images
say() { echo "$*" >&2; }

tag=dev
if [[ ${1:-} == --tag ]]; then
  tag=$2
  shift 2
fi
(($#)) || set -- operator trainer
((EUID == 0)) || {
  say "Building images here wants root: debootstrap makes a file system that belongs to it."
  exit 1
}

# Mounts that buildah makes (and forgets) end with this process's own mount namespace.
if [[ ${VP_IMAGES_UNSHARED:-} != yes ]]; then
  VP_IMAGES_UNSHARED=yes exec unshare --mount "${BASH_SOURCE[0]}" --tag "$tag" "$@"
fi

deploy/setup.sh --system buildah=buildah debootstrap=debootstrap debian-archive-keyring >&2
mkdir -p "$cache" "$output/programs"
exec 9>"$cache/lock"
flock 9
# Nobody else is at work here: these were left by a build that was killed.
rm -rf "$cache"/work.*
work=$(mktemp -d "$cache/work.XXXXXX")
leave() {
  awk -v work="$work/" 'index($2, work) == 1 {print $2}' /proc/self/mounts | sort -r | xargs -r umount --lazy
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

base=$cache/trixie-1.tar
if [[ ! -e $base ]]; then
  say "Making a base: Debian 13, minimal"
  debootstrap --variant=minbase --include=ca-certificates,libssl3t64,libstdc++6 trixie "$work/rootfs" >"$work/debootstrap.log" 2>&1 || {
    cat "$work/debootstrap.log" >&2
    exit 1
  }
  rm -rf "$work"/rootfs/{dev,proc,sys,run,tmp}/* "$work"/rootfs/var/{cache,log,lib/apt/lists}/* "$work"/rootfs/usr/share/{doc,info,locale,man}/* \
    "$work"/rootfs/etc/{machine-id,hostname,resolv.conf}
  tar --sort=name --mtime=@0 --numeric-owner -C "$work/rootfs" -cf "$work/base.tar" .
  mv "$work/base.tar" "$base"
fi

# buildah writes notes of its own below these, wherever its storage lies; here they end with the mount namespace.
printf '[network]\nnetwork_config_dir = "%s/cni"\n' "$work" >"$work/containers.conf"
export CONTAINERS_CONF=$work/containers.conf
mount -t tmpfs tmpfs /var/lib
builder() {
  buildah --root "$work/storage" --runroot "$work/run" --storage-driver "$driver" "$@"
}
driver=overlay
builder info >/dev/null 2>&1 || driver=vfs

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
say "Importing the base"
printf 'FROM scratch\nADD base.tar /\n' >"$work/Dockerfile"
ln "$base" "$work/base.tar"
builder build --isolation chroot --timestamp 0 --tag localhost/visualpriors/base:trixie "$work" >"$work/base.log" 2>&1 || {
  cat "$work/base.log" >&2
  exit 1
}

declare -A projects=([operator]=VisualPriors.Operator [trainer]=VisualPriors.Trainer)
for target in "$@"; do
  project=${projects[$target]:?"$target is no image: expected operator or trainer"}
  say "Publishing $project"
  rm -rf "$output/programs/$project"
  deploy/images/publish.sh "$project" "$output/programs/$project" >&2
  say "Building localhost/visualpriors/$target:$tag"
  builder build --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --file Dockerfile --target "$target" --tag "localhost/visualpriors/$target:$tag" \
    --build-arg PROGRAMS=given --build-arg OPERATOR_BASE=localhost/visualpriors/base:trixie --build-arg TRAINER_BASE=localhost/visualpriors/base:trixie \
    --ignorefile /dev/null "$output/programs" >"$work/$target.log" 2>&1 || {
    cat "$work/$target.log" >&2
    exit 1
  }
  rm -f "$output/$target.tar"
  builder push --quiet "localhost/visualpriors/$target:$tag" "docker-archive:$output/$target.tar.part:localhost/visualpriors/$target:$tag"
  mv "$output/$target.tar.part" "$output/$target.tar"
  say "localhost/visualpriors/$target:$tag is $(builder images --format '{{.Digest}}, {{.Size}}' "localhost/visualpriors/$target:$tag")"
  echo "$output/$target.tar"
done
