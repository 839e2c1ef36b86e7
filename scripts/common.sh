# SPDX-License-Identifier: ISC
# Read by the other scripts: goes to the repository's root and says how to build.

set -eu
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}

# build PRESET [cmake option...]: configures and builds one preset of CMakePresets.json.
build() {
    preset=$1
    shift
    cmake --preset "$preset" "$@"
    cmake --build --preset "$preset" -j "$jobs"
}

# reference_dir: the folder of the system's own libzmq.so.5, which the tests compare with.
reference_dir() {
    path=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p | sed -n 's/.*libzmq\.so\.5 .*=> //p' | head -n 1)
    if [ -z "$path" ]; then
        echo "no libzmq.so.5 is installed on this system" >&2
        return 1
    fi
    dirname "$path"
}
