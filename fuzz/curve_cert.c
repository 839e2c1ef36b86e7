/* SPDX-License-Identifier: ISC */
/* A certificate's text: what is read, is read again from what it is written as. */
#include "fuzz.h"
#include "base/z85.h"
#include "libcurve/cert.h"

static void check_again(const curve_cert_t *cert)
{
    char secret[CURVE_KEY_TEXT];
    const char *secret_text = cert->secret_key ? secret : NULL;
    curve_cert_t *again = NULL;
    size_t size;
    char *text = NULL;

    if (cert->secret_key)
        assert(ih_z85_encode(secret, cert->secret_key, CURVE_KEY_SIZE) == 0);
    size = ih_cert_format(NULL, 0, cert->public_text, secret_text, cert->meta, cert->count);
    text = malloc(size + 1);
    assert(text);
    assert(ih_cert_format(text, size + 1, cert->public_text, secret_text, cert->meta, cert->count) == size);
    assert(ih_cert_parse(&again, text, size) == 0);
    assert(memcmp(again->public_key, cert->public_key, CURVE_KEY_SIZE) == 0 && again->count == cert->count);
    for (size_t i = 0; i < cert->count; i++)
        assert(strcmp(again->meta[i].value, cert->meta[i].value) == 0);
    curve_cert_destroy(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_copy(data, size);
    curve_cert_t *cert = NULL;

    if (ih_cert_parse(&cert, text, size) == 0) {
        check_again(cert);
        curve_cert_destroy(&cert);
    }
    free(text);
    return 0;
}
