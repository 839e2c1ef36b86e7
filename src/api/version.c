/* SPDX-License-Identifier: ISC */
/* What the library says about itself and about errors. */
#include <zmq.h>

#include <errno.h>
#include <string.h>

void zmq_version(int *major, int *minor, int *patch)
{
    *major = ZMQ_VERSION_MAJOR;
    *minor = ZMQ_VERSION_MINOR;
    *patch = ZMQ_VERSION_PATCH;
}

int zmq_errno(void)
{
    return errno;
}

const char *zmq_strerror(int errnum)
{
    switch (errnum) {
    case EFSM:
        return "Operation cannot be accomplished in current state";
    case ENOCOMPATPROTO:
        return "The protocol is not compatible with the socket type";
    case ETERM:
        return "Context was terminated";
    case EMTHREAD:
        return "No thread available";
    case EHOSTUNREACH:
        return "Host unreachable";
    default:
        return strerror(errnum);
    }
}

int zmq_has(const char *capability)
{
    static const char *const capabilities[] = {"ipc", "curve"};

    for (size_t i = 0; capability && i < sizeof capabilities / sizeof capabilities[0]; i++)
        if (strcmp(capability, capabilities[i]) == 0)
            return 1;
    return 0;
}
