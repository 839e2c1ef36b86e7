#!/bin/sh
# SPDX-License-Identifier: ISC
# README's five lines that make a server, and the three of its client, in programs around them, with the folder that README
# makes: alice gets in, mallory does not; and what README says of ironauth.
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

# snippet FIRST-WORDS: the code in README.md that begins so. Tests run in parallel: a place in the folder instead of the port.
snippet() {
    awk -v first="$1" '/^```/ { inside = 0 } inside; /^```c$/ { getline; if (index($0, first) == 1) { inside = 1; print } }' \
        "$root/README.md" | sed "s,tcp://127.0.0.1:9000,ipc://$folder/place,"
}
[ "$(snippet 'ironauth_t *auth' | wc -l)" -eq 5 ]

cat >common.h <<END
#include <ironauth.h>
#include <stdio.h>
#include <zmq.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 1;
}
END
cat >server.c <<END
#include "common.h"

int main(void)
{
    void *context = zmq_ctx_new();
    zmq_msg_t msg;
$(snippet 'ironauth_t *auth')
    while (zmq_msg_init(&msg) == 0 && zmq_msg_recv(&msg, server, 0) >= 0) {
        printf("%s\n", zmq_msg_gets(&msg, "User-Id"));
        fflush(stdout);
        zmq_send(server, "welcome", 7, 0);
    }
    return fail("the server ends");
}
END
cat >client.c <<END
#include "common.h"

int main(void)
{
    void *context = zmq_ctx_new(), *client = zmq_socket(context, ZMQ_REQ), *monitor = zmq_socket(context, ZMQ_PAIR);
    zmq_pollitem_t items[] = {{.socket = client, .events = ZMQ_POLLIN}, {.socket = monitor, .events = ZMQ_POLLIN}};

    if (zmq_socket_monitor(client, "inproc://events", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) < 0 ||
        zmq_connect(monitor, "inproc://events") < 0)
        return fail("monitor");
$(snippet 'if (ironauth_curve_client')
    zmq_send(client, "hello", 5, 0);
    zmq_poll(items, 2, 30000);
    puts(items[0].revents ? "in" : items[1].revents ? "refused" : "nothing");
    return 0;
}
END
sed 's,keys/alice.key,keys/mallory.key,' client.c >stranger.c
for name in server client stranger; do
    "$compiler" -std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror -I "$root/include" $name.c -o $name \
        -L "$build/lib" -lironauth -lzmq -Wl,-rpath,"$build/lib"
done

# The commands under the five lines, as they stand there.
sed -n '/^    mkdir keys clients/,/^    cp /p' "$root/README.md" | sed "s,build/bin,$build/bin," >make.sh
[ "$(wc -l <make.sh)" -eq 4 ]
sh -eu make.sh
"$build/bin/curve_keygen" --out keys --name mallory
./server >told &
server=$!
[ "$(./stranger)" = refused ]
[ "$(./client)" = in ]
[ "$(cat told)" = alice ]

sed -n '/^    build.bin.ironauth init/,/^    build.bin.ironauth add/p' "$root/README.md" | sed "s,build/bin,$build/bin," >fill.sh
sh -eu fill.sh
awk '/^```/ { inside = 0 } inside; /^backend$/ { inside = 1; print }' "$root/README.md" >ironauth.conf
sed -n '/^    build.bin.ironauth test/p' "$root/README.md" | sed "s,build/bin,$build/bin," >test.sh
sh -eu test.sh
sed -n '/^    build.bin.ironauth check/p' "$root/README.md" | sed "s,build/bin,$build/bin," >check.sh
sh -eu check.sh
sed 's,10.0.0.7,10.1.0.7,; s,alice,mallory,' check.sh >refused.sh
status=0
sh -eu refused.sh || status=$?
[ $status -eq 1 ]
