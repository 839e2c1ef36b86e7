#!/bin/sh
# SPDX-License-Identifier: ISC
# Takes the programs out of docs/tutorial.md, compiles them, and does what "Try it" says.
# Usage: service_test.sh BUILD_DIRECTORY COMPILER

set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
compiler=$2
folder=$(mktemp -d)
service=
clean_up() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
cd "$folder"

for name in service client; do
    sed -n "/^\`\`\`c $name.c\$/,/^\`\`\`\$/p" "$root/docs/tutorial.md" | sed '1d;$d' >$name.c
    lines=$(wc -l <$name.c)
    if [ "$lines" -ge 40 ] || [ "$lines" -lt 20 ]; then
        echo "$name.c has $lines lines" >&2
        exit 1
    fi
    "$compiler" -std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror -I "$root/include" $name.c -o $name \
        -L "$build/lib" -lcurve -lzmq -Wl,-rpath,"$build/lib"
done

mkdir at-service at-client
(cd at-client && ! ../client 2>errors && grep -q usage errors)
cp at-client/client at-service/
mkfifo endpoint
(cd at-service && exec ../service >../endpoint) &
service=$!
read -r endpoint <endpoint
cp at-service/service at-client/
answer=$(cd at-client && ../client "$endpoint" "hello, world")
if [ "$answer" != "HELLO, WORLD" ]; then
    echo "answered: $answer" >&2
    exit 1
fi
if [ "$(stat -c %a at-client/client_secret)" != 600 ]; then
    echo "the secret key can be read by others" >&2
    exit 1
fi
