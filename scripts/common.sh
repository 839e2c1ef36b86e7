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

# build_quietly PRESET: the same, and says how far it is: in a terminal as ninja does, else in two lines. What the
# compiler says is shown if it fails.
build_quietly() {
    log=$(mktemp)
    echo "Building into build/ with $jobs jobs; the first time takes a few minutes ..."
    if [ -t 1 ]; then
        { cmake --preset "$1" >"$log" && : >"$log" && cmake --build --preset "$1" -j "$jobs"; } || built=no
    else
        build "$1" >"$log" 2>&1 || built=no
    fi
    if [ -n "${built:-}" ]; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
    echo "Built."
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
