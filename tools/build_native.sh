#!/bin/sh
# Builds rushlight/_native*.so in the tree, for development. PYTHON chooses the interpreter (it needs nanobind and numpy);
# cmake and ninja are taken from beside it if they are there.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
scripts=$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
PATH="$scripts:$PATH"
build="build/native-$("$python" -c 'import sys; print(sys.implementation.cache_tag)')"
generator=
command -v ninja >/dev/null 2>&1 && generator="-G Ninja"
cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=Release -DPython_EXECUTABLE="$(command -v "$python")" >/dev/null
cmake --build "$build" --parallel "${JOBS:-2}"
# Renamed into place: a process that has the old module loaded keeps it whole.
for module in "$build"/_native*.so; do
  cp "$module" "rushlight/.${module##*/}.new"
  mv "rushlight/.${module##*/}.new" "rushlight/${module##*/}"
done
