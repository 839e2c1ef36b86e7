#!/bin/sh
# SPDX-License-Identifier: ISC
# Takes the programs out of docs/by-hand.md, compiles them, and does what "To try it" says: alice gets in, mallory is told no.
# Usage: readme_test.sh BUILD_DIRECTORY COMPILER

set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
compiler=$2
folder=$(mktemp -d)
server=
clean_up() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
cd "$folder"

for name in server client; do
    # Tests run in parallel: a place in the folder instead of the port.
    sed -n "/^\`\`\`c $name.c\$/,/^\`\`\`\$/p" "$root/docs/by-hand.md" | sed "1d;\$d;s,tcp://127.0.0.1:9000,ipc://$folder/place," >$name.c
    grep -q "ipc://" $name.c
    "$compiler" -std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror -I "$root/include" $name.c -o $name -pthread \
        -L "$build/lib" -lzmq -Wl,-rpath,"$build/lib"
done

mkdir keys
for name in server alice mallory; do
    "$build/bin/curve_keygen" --out keys --name $name
done
eval "$(sed -n 's/^    \(key() {.*}\) *#.*/\1/p' "$root/docs/by-hand.md")"
SERVER_PUBLIC=$(key server.key public)
export SERVER_PUBLIC
SERVER_SECRET=$(key server.key_secret secret) ALICE_PUBLIC=$(key alice.key public) ./server >told &
server=$!

answer=$(OWN_PUBLIC=$(key alice.key public) OWN_SECRET=$(key alice.key_secret secret) ./client)
[ "$answer" = "the server says welcome" ]
[ "$(cat told)" = "alice says hello" ]
status=0
OWN_PUBLIC=$(key mallory.key public) OWN_SECRET=$(key mallory.key_secret secret) ./client 2>refused || status=$?
[ "$status $(cat refused)" = "1 client: refused, 400" ]
[ "$(cat told)" = "alice says hello" ]
