#!/usr/bin/env bash
# One run on a borrowed GPU: what fails, is it right, does it repeat, how fast, what would be faster, runs to
# take home. Rehearse it on a CPU, which takes minutes:
#   GPU_CHECK_TINY=1 bash benchmarks/gpu/check.sh
#
# From the project's root: `make gpu`; or, where the machine has a torch of its own,
#   PY=python3 bash benchmarks/gpu/check.sh
# Settings, all by the environment:
#   PY        the interpreter                                            (.venv/bin/python)
#   OUT       where everything goes                                      (build/gpu)
#   DATA_DIR  a folder with CIFAR-10; drawn images where it is not set
#   WHEELS    a folder of wheels to install aside, for a machine that the network does not reach and that lacks
#             what a bare torch does not bring, such as pooch and platformdirs:
#             python -m pip download --no-deps --only-binary=:all: -d FOLDER pooch platformdirs
# Leaves in OUT: report.json (every figure), profile.txt, tests.txt, runs.zip, log.txt. The printed end is the
# summary. At most 20 + 60 + 110 + 150 + 70 + 40 s by the timeouts below. Each part writes its figures as it
# goes, so that one that is stopped has left what it had. Exit code 1 where something failed.
set -uo pipefail
PY=${PY:-.venv/bin/python}
export OUT=${OUT:-build/gpu} PYTHONUNBUFFERED=1 GPU_CHECK_TINY=${GPU_CHECK_TINY:-} DATA_DIR=${DATA_DIR:-}
mkdir -p "$OUT"
rm -f "$OUT/report.json"
exec > >(tee "$OUT/log.txt") 2>&1
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
if [ -n "${WHEELS:-}" ]; then
    timeout 20 "$PY" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
        --target "$WORK/site" "$WHEELS"/*.whl && export PYTHONPATH="$WORK/site"
fi
# How much longer than on a GPU each part may take: a rehearsal is not timed.
DEVICE=cuda PATIENCE=1
[ -n "$GPU_CHECK_TINY" ] && DEVICE=cpu PATIENCE=20 && export OMP_NUM_THREADS=1
CHECK() { timeout $(($1 * PATIENCE)) "$PY" benchmarks/gpu/check.py "${@:2}"; }

# 1. The project's own words for this machine, and its tests for a GPU (60 s), which may lack pytest.
"$PY" -m cnnreport doctor --data drawn --out "$WORK/doctor"
if "$PY" -c 'import pytest' 2>/dev/null; then
    timeout 60 "$PY" -m pytest tests/training/test_training_gpu.py -q -m gpu -n 0 >"$OUT/tests.txt" 2>&1
    tail -n 15 "$OUT/tests.txt"
fi

# 2. Right, or not at all (110 s): facts, every path once, parity, repetition.
CHECK 110 facts,paths,parity,repeats

# 3. The project's own executors (150 s at most): Parts A to C, one run again, which gives the same files,
# and Part D cut short; then the archive.
SMOKE=${GPU_CHECK_TINY:+--smoke}
RUN() { timeout $(($1 * PATIENCE)) "$PY" -m cnnreport --debug run "$2" --device "$DEVICE" --out "$3" $SMOKE "${@:4}"; }
DATA=(--data drawn)
[ -n "$DATA_DIR" ] && DATA=(--data horses=cifar10 --data-dir "$DATA_DIR")
CHECK 110 whole "$WORK/a"
RUN 20 unet "$WORK/b" --seeds 1 "${DATA[@]}"
RUN 20 fine-tune "$WORK/c" --smoke --data drawn --data weights=embedded
for PART in a b c; do
    [ -d "$WORK/$PART/runs" ] && CHECK 20 product "$WORK/$PART/runs" "$PART"
done
"$PY" -m cnnreport runs export "$OUT/runs.zip" --out "$WORK/a" && ls -l "$OUT/runs.zip"

# 4. How fast, and what would be faster (70 s); Part D (40 s).
CHECK 70 speed,recorded
CHECK 40 deeplab
"$PY" benchmarks/gpu/check.py summary
