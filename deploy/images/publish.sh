#!/usr/bin/env bash
# Publishes one program with its own .NET, for an image: the same bytes from the same sources, wherever they lie.
# Usage: deploy/images/publish.sh PROJECT OUTPUT [MSBUILD-OPTION...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
project=$1 output=$2
shift 2
# A build folder of its own: what the tests run on is not touched. No debug information: its bytes differ from build to build, and with
# them the program's. No commit's name either: a build context has none.
dotnet publish "$root/src/$project" --configuration Release --self-contained true --output "$output" \
  --artifacts-path "$root/artifacts/images/build" --nologo --verbosity quiet \
  -p:PathMap="$root=/src" -p:IncludeSourceRevisionInInformationalVersion=false -p:DebugType=none -p:DebugSymbols=false \
  -p:PublishDocumentationFiles=false -p:PublishReferencesDocumentationFiles=false "$@"
