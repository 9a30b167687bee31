#!/usr/bin/env bash
# Checks training on a machine with an NVIDIA GPU, in one command: losses of one rank and of two ranks that share the card (over NCCL)
# against the CPU's, then tokens per second and MFU against the same model in PyTorch, eager and compiled. See docs/gpu.md.
#
#   deploy/gpu/check.sh                      on a machine with the GPU, the .NET SDK, and a Python with PyTorch for CUDA
#   deploy/gpu/check.sh --publish FOLDER     makes a folder that needs no .NET, here; carry it over, then there:
#   FOLDER/check.sh --run FOLDER             (the GPU, and a Python with PyTorch for CUDA)
#
# libtorch for CUDA and NCCL are PyTorch's own: its libraries take the place of the CPU ones in a copy of the program.
set -euo pipefail

publish() {
  local root
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  dotnet publish "$root/tests/Benchmarks" --configuration Release --self-contained "$2" --output "$1" --nologo --verbosity quiet
  cp "${BASH_SOURCE[0]}" "$1/check.sh"
}

run() {
  local program=$1 python libraries
  command -v nvidia-smi >/dev/null || { echo "There is no NVIDIA GPU here (no nvidia-smi)." >&2; exit 1; }
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
  python=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || { echo "python3 has no PyTorch." >&2; exit 1; }
  python3 -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda)'
  libraries=$(find "$(dirname "$python")/nvidia" -maxdepth 3 -name lib -type d 2>/dev/null | paste -sd:)
  find "$python/lib" -maxdepth 1 -name '*.so*' -exec ln -sf {} "$program/" \;
  export LD_LIBRARY_PATH=$program:$python/lib:$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  NCCL_LIBRARY=$(find "$python/lib" "$(dirname "$python")/nvidia" -name 'libnccl.so.2' 2>/dev/null | head -1)
  [[ -z $NCCL_LIBRARY ]] || export NCCL_LIBRARY
  "$program/VisualPriors.Benchmarks" device-training cuda
}

case ${1:-} in
  "")
    program=$(mktemp -d)
    trap 'rm -rf "$program"' EXIT
    publish "$program" false
    run "$program"
    ;;
  --publish) publish "${2:?--publish wants a folder}" true ;;
  --run) run "$(cd "${2:?--run wants the folder that --publish made}" && pwd)" ;;
  *)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
