#!/usr/bin/env bash
# Everything that must hold: style, types, tests, the quickstart at its smallest, and each fine-tune script.
#
#   bash script/test.sh                       all of it; changes nothing in the repository but caches
#   bash script/test.sh tests/data -k store   pytest alone, with these arguments
set -euo pipefail
here="$(dirname "$(readlink -f "$0")")"
TRIBUTARY_DEV=1
. "$here/env.sh"
. "$here/step.sh"
cd "$ROOT"

if [ $# -gt 0 ]; then exec "$PYTHON" -m pytest "$@"; fi
unset TRIBUTARY_DEV
export OMP_NUM_THREADS=1  # two processes at a time: more threads only get in each other's way

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

types() {  # told when the other core is done with them
    local ended=0
    wait "$mypy" || ended=$?
    cat "$scratch/mypy.log"
    return "$ended"
}

tests() {
    COVERAGE_FILE="$scratch/coverage" "$PYTHON" -m pytest -n 2 --dist worksteal \
        --cov=data --cov=model --cov=trainer --cov-report=term:skip-covered --durations=20 --durations-min=5
}

finetune() {  # script $1 on the sample's target shop: its own config, one epoch
    BACKBONE=none bash "$1" --data.domain "$scratch/dataset/quickstart-smallest/processed/Stationery" \
        --run_dir "$scratch/saved/$(basename "$1" .sh)" --trainer.max_epochs 1
}

step "ruff check" "$PYTHON" -m ruff check .
step "ruff format" "$PYTHON" -m ruff format --check .
"$PYTHON" -m mypy > "$scratch/mypy.log" 2>&1 & mypy=$!  # beside what keeps one core busy
step "quickstart, smallest" bash script/quickstart.sh --smallest --out "$scratch"
step "quickstart again, all reused" bash script/quickstart.sh --smallest --out "$scratch"
for script in script/finetune/*.sh; do
    step "$script on the sample shop" finetune "$script"
done
step "mypy" types
step "pytest" tests
echo
echo "All passed in $SECONDS s."
