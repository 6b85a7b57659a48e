#!/bin/sh
# Builds the compiled module twice, with AddressSanitizer and UndefinedBehaviorSanitizer and with ThreadSanitizer, in
# build/sanitize, and runs tests/native on a copy of the tree that uses it: all of them with the first, those of two threads with
# the second. PYTHON chooses the interpreter; `tools/sanitize.sh address` or `thread` does one, and further arguments are the
# command to run instead of the tests.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
python=$(command -v "${PYTHON:-python3}")
PATH="$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))'):$PATH"
generator=
command -v ninja >/dev/null 2>&1 && generator="-G Ninja"

# build NAME SANITIZERS: the module, a copy of the tree with it in place, and an environment whose Python finds that copy. (One
# with an editable install would import the package from its source tree, wherever it was started.)
build() {
  build=$root/build/sanitize/$1
  cmake -S "$root" -B "$build" $generator -DCMAKE_BUILD_TYPE=RelWithDebInfo -DRUSHLIGHT_SANITIZE="$2" \
    -DPython_EXECUTABLE="$python" >/dev/null
  cmake --build "$build" --parallel "${JOBS:-2}"
  rm -rf "$build/tree" "$build/env"
  mkdir "$build/tree"
  cp -r "$root/rushlight" "$root/tests" "$root/pyproject.toml" "$build/tree"
  rm -f "$build"/tree/rushlight/_native*.so
  cp "$build"/_native*.so "$build/tree/rushlight"
  "$python" -m venv --without-pip "$build/env"
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$build/packages"
  { echo "$build/tree"; cat "$build/packages"; } >"$("$build/env/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tree.pth"
  cd "$build/tree"
}

# use LIBRARY COMMAND…: runs it with a sanitizer's library loaded first. libstdc++ must be there when it looks for what it
# replaces.
use() {
  library=$(g++ -print-file-name="$1")
  shift
  LD_PRELOAD="$library $(g++ -print-file-name=libstdc++.so)" "$@"
}

check() {
  "$1" -c 'import sys; from rushlight import _native; assert "sanitize" in _native.__file__, _native.__file__'
}

address() {
  build address address,undefined
  # NumPy and Python keep memory at exit on purpose.
  export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  python_here=$build/env/bin/python
  use libasan.so "$python_here" -c 'from rushlight import _native; assert "sanitize" in _native.__file__, _native.__file__'
  if [ $# -gt 0 ]; then use libasan.so "$@"; return; fi
  # The sanitizer reserves more address space than the fuzzer's processes may have, so these run here without that limit.
  use libasan.so "$python_here" -m pytest -q -p no:cacheprovider -n "${JOBS:-2}" tests/native --ignore=tests/native/test_fuzz.py
  for what in kernels functions methods layers; do
    use libasan.so "$python_here" tests/native/fuzz.py --what "$what" --seeds 0 2 --memory 0
  done
}

thread() {
  build thread thread
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
  python_here=$build/env/bin/python
  # Where the system scatters a program's memory widely, ThreadSanitizer finds none for its own: then without that.
  steady=
  setarch "$(uname -m)" -R true 2>/dev/null && steady="setarch $(uname -m) -R"
  use libtsan.so $steady "$python_here" -c 'from rushlight import _native; assert "sanitize" in _native.__file__, _native.__file__'
  if [ $# -gt 0 ]; then use libtsan.so $steady "$@"; return; fi
  use libtsan.so $steady "$python_here" -m pytest -q -p no:cacheprovider tests/native --ignore=tests/native/test_fuzz.py -k "avx512-2"
}

case ${1:-both} in
  address | thread) "$@" ;;
  both)
    (address)
    (thread)
    ;;
  *) echo "usage: tools/sanitize.sh [address|thread [COMMAND…]]" >&2; exit 2 ;;
esac
