#!/usr/bin/env bash
# Check Lingon on a device, in under five minutes: kernels, a step of every model, resume, speed. Writes JSON.
#   scripts/device_check.sh --device cuda --out check.json         on a machine with a GPU
#   scripts/device_check.sh --device cpu --small                   try it first on any machine
# PYTHON chooses the interpreter, which has torch. WHEELS names a folder of wheels for what else it lacks; nothing is
# fetched from a network: on a machine that has one, `pip download --only-binary :all: -d wheels .` fills the folder.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
if [ -n "${WHEELS:-}" ]; then
  # Without dependencies, so that the torch of the machine, which knows its GPU, is never replaced.
  # A wheel that does not fit this machine, or is here already, is passed over.
  for wheel in "$WHEELS"/*.whl; do
    case $(basename "$wheel") in torch-*|triton-*|nvidia_*) continue ;; esac
    name=$(basename "$wheel" | cut -d- -f1)
    "$PYTHON" -m pip show -q "$name" 2>/dev/null || "$PYTHON" -m pip install -q --no-index --no-deps "$wheel" || true
  done
fi
exec "$PYTHON" -m benchmarks.device_check "$@"
