#!/bin/sh
# Builds the compiled module with AddressSanitizer and UndefinedBehaviorSanitizer in build/sanitize and runs tests/native on a
# copy of the tree that uses it. PYTHON chooses the interpreter; arguments, if any, are the command to run instead.
set -eu
cd "$(dirname "$0")/.."
python=$(command -v "${PYTHON:-python3}")
scripts=$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
PATH="$scripts:$PATH"
build=build/sanitize
generator=
command -v ninja >/dev/null 2>&1 && generator="-G Ninja"
cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=RelWithDebInfo -DRUSHLIGHT_SANITIZE=ON -DPython_EXECUTABLE="$python" >/dev/null
cmake --build "$build" --parallel "${JOBS:-2}"
rm -rf "$build/tree"
mkdir "$build/tree"
cp -r rushlight tests pyproject.toml "$build/tree"
rm -f "$build"/tree/rushlight/_native*.so
cp "$build"/_native*.so "$build/tree/rushlight"
cd "$build/tree"
# libstdc++ must be there when the sanitizer looks for what it replaces; NumPy and Python keep memory at exit on purpose.
export LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so) $(g++ -print-file-name=libstdc++.so)"
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
if [ $# -gt 0 ]; then exec "$@"; fi
# The sanitizer reserves more address space than the fuzzer's processes may have, so these run here without that limit.
"$python" -m pytest -q -p no:cacheprovider tests/native --ignore=tests/native/test_fuzz.py
for what in kernels functions methods layers; do
  "$python" tests/native/fuzz.py --what "$what" --seeds 0 2 --memory 0
done
