#!/usr/bin/env bash
# Compiles the pause program and writes the image localhost/visualpriors/pause:1 as a docker-archive.
# Usage: deploy/images/pause/build.sh ARCHIVE   The same bytes every time with the same compiler.
set -euo pipefail
archive=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/../../setup.sh" --system gcc=gcc libc6-dev >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -Os -static -s -o "$work/pause" "$here/pause.c"
same=(--sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=755)
tar -C "$work" "${same[@]}" -cf "$work/layer.tar" pause
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
cat >"$work/config.json" <<JSON
{"architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z", "config": {"User": "65532", "Entrypoint": ["/pause"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
JSON
cat >"$work/manifest.json" <<JSON
[{"Config": "config.json", "RepoTags": ["localhost/visualpriors/pause:1"], "Layers": ["layer.tar"]}]
JSON
mkdir -p "$(dirname "$archive")"
tar -C "$work" "${same[@]}" -cf "$work/image.tar" manifest.json config.json layer.tar
cp "$work/image.tar" "$archive.part"
mv "$archive.part" "$archive"
