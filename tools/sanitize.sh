#!/bin/sh
# Builds the compiled module in build/sanitize, with AddressSanitizer and UndefinedBehaviorSanitizer and again with
# ThreadSanitizer, and runs tests/native on copies of the tree that use it: all of them with the first; those of two threads,
# on the widest instruction set, with the second. PYTHON chooses the interpreter. `tools/sanitize.sh address` or `thread` does
# one of them, and further arguments are the command to run instead of the tests.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
base=$(command -v "${PYTHON:-python3}")
PATH="$("$base" -c 'import sysconfig; print(sysconfig.get_path("scripts"))'):$PATH"
steady=
purelib='import sysconfig; print(sysconfig.get_path("purelib"))'
pytest="-m pytest -q -p no:cacheprovider --ignore=tests/native/test_fuzz.py tests/native"

# build NAME SANITIZERS: the module, a copy of the tree with it in place, and an environment whose `python` finds that copy.
# (One with an editable install imports the package from its source tree, wherever it is started.)
build() {
  build=$root/build/sanitize/$1
  generator=
  command -v ninja >/dev/null 2>&1 && generator="-G Ninja"
  cmake -S "$root" -B "$build" $generator -DCMAKE_BUILD_TYPE=RelWithDebInfo -DRUSHLIGHT_SANITIZE="$2" \
    -DPython_EXECUTABLE="$base" >/dev/null
  cmake --build "$build" --parallel "${JOBS:-2}"
  rm -rf "$build/tree" "$build/env"
  mkdir "$build/tree"
  cp -r rushlight tests pyproject.toml "$build/tree"
  rm -f "$build"/tree/rushlight/_native*.so
  cp "$build"/_native*.so "$build/tree/rushlight"
  "$base" -m venv --without-pip "$build/env"
  python=$build/env/bin/python
  { echo "$build/tree"; "$base" -c "$purelib"; } >"$("$python" -c "$purelib")/tree.pth"
  cd "$build/tree"
}

# use LIBRARY COMMAND…: runs it with a sanitizer's library loaded first. libstdc++ must be there when it looks for what it
# replaces.
use() {
  library=$1
  shift
  $steady env LD_PRELOAD="$(g++ -print-file-name="$library") $(g++ -print-file-name=libstdc++.so)" "$@"
}

address() {
  build address address,undefined
  # NumPy and Python keep memory at exit on purpose.
  export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  use libasan.so "$python" -c "$used"
  if [ $# -gt 0 ]; then use libasan.so "$@"; return; fi
  # The sanitizer reserves more address space than the fuzzer's processes may have, so these run here without that limit.
  use libasan.so "$python" $pytest -n "${JOBS:-2}"
  for what in kernels functions methods layers; do
    use libasan.so "$python" tests/native/fuzz.py --what "$what" --seeds 0 2 --memory 0
  done
}

thread() {
  build thread thread
  # Threads in a child of a process that had threads are its own to judge, and one test is of those.
  export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0
  # NumPy's own BLAS is not built for it, so how its threads wait for each other isn't seen.
  export OPENBLAS_NUM_THREADS=1
  # Where the system scatters a program's memory, ThreadSanitizer may find no place for its own.
  setarch "$(uname -m)" -R true 2>/dev/null && steady="setarch $(uname -m) -R"
  use libtsan.so "$python" -c "$used"
  if [ $# -gt 0 ]; then use libtsan.so "$@"; return; fi
  widest=$(use libtsan.so "$python" -c 'from rushlight import _native; print(_native.isas()[-1])')
  use libtsan.so "$python" $pytest -n "${JOBS:-2}" -k "$widest-2 or thread_pool or allocator"
}

used='from rushlight import _native; assert "sanitize" in _native.__file__, _native.__file__'
case ${1:-} in
  address | thread) "$@" ;;
  "")
    (address)
    (thread)
    ;;
  *)
    echo "usage: tools/sanitize.sh [address|thread [COMMAND…]]" >&2
    exit 2
    ;;
esac
