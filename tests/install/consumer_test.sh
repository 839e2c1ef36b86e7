#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs a build into a fresh folder, then compiles and runs a program on it: by pkg-config, shared and static, and by
# find_package of ZeroMQ, Curve and Ironauth. Also looks for the tools and their man pages.
# Usage: consumer_test.sh BUILD_DIR C_COMPILER CMAKE_GENERATOR

set -eu

build=$1
compiler=$2
generator=$3
source=$(cd "$(dirname "$0")/consumer" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"

libdir=$(dirname "$(find "$work/prefix" -name libzmq.so.5)")
PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH

test -x "$work/prefix/bin/curve_keygen"
test -x "$work/prefix/bin/curve_relay"
test -f "$work/prefix/share/man/man1/curve_keygen.1"
test -f "$work/prefix/share/man/man1/curve_relay.1"
test -f "$work/prefix/share/man/man3/curve_socket.3"
test -x "$work/prefix/bin/ironauth"
test -f "$work/prefix/share/man/man1/ironauth.1"
test -f "$work/prefix/share/man/man5/ironauth.conf.5"
# Finds the installed library by itself.
"$work/prefix/bin/curve_keygen" --version
"$work/prefix/bin/curve_relay" --version
"$work/prefix/bin/ironauth" --version

# The installed copy is not at the prefix that the build was configured for.
pc="pkg-config --define-variable=prefix=$work/prefix"
test "$(pkg-config --modversion libzmq)" = 4.3.5
"$compiler" "$source/consumer.c" $($pc --cflags --libs libzmq) -o "$work/shared"
LD_LIBRARY_PATH=$libdir "$work/shared"

"$compiler" "$source/curve.c" $($pc --cflags --libs libcurve) -o "$work/curve"
LD_LIBRARY_PATH=$libdir "$work/curve"

"$compiler" "$source/ironauth.c" $($pc --cflags --libs libironauth) -o "$work/ironauth"
LD_LIBRARY_PATH=$libdir "$work/ironauth"

"$compiler" "$source/unload.c" -ldl -lpthread -o "$work/unload"
"$work/unload" "$libdir/libzmq.so.5"

# The compiler would take the shared library; the static one is named.
"$compiler" "$source/consumer.c" $($pc --cflags libzmq) "$libdir/libzmq.a" \
    $($pc --static --libs-only-l libzmq | sed 's/-lzmq//') -o "$work/static"
"$work/static"

"$compiler" "$source/curve.c" $($pc --cflags libcurve) "$libdir/libcurve.a" \
    $($pc --static --libs libcurve | sed 's/-lcurve//') -o "$work/curve-static"
LD_LIBRARY_PATH=$libdir "$work/curve-static"

cmake -S "$source" -B "$work/build" -G "$generator" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_C_COMPILER="$compiler" \
    >"$work/configure.log"
cmake --build "$work/build" >"$work/build.log"
"$work/build/shared"
"$work/build/static"
"$work/build/curve-shared"
"$work/build/curve-static"
"$work/build/ironauth"
