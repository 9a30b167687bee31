#!/usr/bin/env bash
# The whole chain on this machine: prepares real text and images, pre-trains a small decoder, aligns a vision encoder to it,
# instruction-tunes it, scores it, and writes a report. About a quarter of an hour on two cores; what is finished is reused.
set -euo pipefail
cd "$(dirname "$0")"
output=${VP_OUTPUT:-artifacts}

deploy/setup.sh "$output/packages" metamath-databases librsvg2-bin
echo "Building vp"
dotnet build src/VisualPriors.Cli --configuration Release --verbosity quiet --nologo
vp() { dotnet src/VisualPriors.Cli/bin/Release/net10.0/linux-x64/vp.dll "$@"; }

vp prepare --packages "$output/packages/node_modules" --output "$output/data"
vp run --file deploy/examples/quickstart.yaml --data "$output/data" --output "$output/quickstart"
