#!/usr/bin/env bash
# Builds everything and runs every test. Installs what is missing first; nothing is skipped.
# Ends with "N passed, N failed" and exits non-zero when a test failed or a suite did not run.
set -uo pipefail
cd "$(dirname "$0")"
packages=${VP_OUTPUT:-artifacts}/packages
# Beside what the quickstart needs: a real browser for the reports, a C compiler for the stand-in that records calls to NCCL.
deploy/setup.sh --tests "$packages" metamath-databases librsvg2-bin chromium gcc libc6-dev || exit 1

export VP_PACKAGES=$PWD/$packages/node_modules
export DOTNET_CLI_TELEMETRY_OPTOUT=1
echo "Building the solution"
dotnet build VisualPriors.sln --configuration Release --verbosity quiet --nologo || exit 1

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0
suites=(tests/*.Tests)
# Two suites at a time with one compute thread each: as many as the smallest machine has cores. The longest come first.
printf '%s\n' tests/VisualPriors.{Trainer,Cli,Storage}.Tests "${suites[@]}" | awk '!seen[$0]++' | OMP_NUM_THREADS=1 xargs -P 2 -I{} bash -c '
  name=$(basename "$1")
  dotnet test "$1" --configuration Release --no-build --nologo --verbosity quiet \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" --results-directory "$2" >"$2/$name.log" 2>&1 || touch "$2/$name.failed"
  cat "$2/$name.log"
' _ {} "$results" || status=1

passed=0 failed=0
for suite in "${suites[@]}"; do
  name=$(basename "$suite")
  counters=$(grep -o '<Counters [^>]*' "$results/$name.trx" 2>/dev/null)
  if [[ -z $counters ]]; then
    echo "$name did not run to its end"
    status=1
    continue
  fi
  count() { grep -o " $1=\"[0-9]*\"" <<<"$counters" | grep -o '[0-9]*'; }
  passed=$((passed + $(count passed)))
  failed=$((failed + $(count total) - $(count passed)))
  [[ ! -e $results/$name.failed ]] || status=1
done
((passed > 0 && failed == 0)) || status=1
echo "$passed passed, $failed failed"
exit $status
