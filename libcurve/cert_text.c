/* SPDX-License-Identifier: ISC */
/* Writing a certificate's text. Not by stdio, whose buffers could not be wiped. */
#include "libcurve/cert_text.h"

#include <string.h>

/* Where the text goes. On ih_cert_format's stack. */
struct text {
    char *data;
    size_t room;
    size_t size;
};

static void put(struct text *text, const char *piece)
{
    size_t size = strlen(piece);

    if (text->size < text->room) {
        size_t left = text->room - text->size;

        memcpy(text->data + text->size, piece, size < left ? size : left);
    }
    text->size += size;
}

static void put_value(struct text *text, const char *name, const char *value)
{
    put(text, "    ");
    put(text, name);
    put(text, " = \"");
    put(text, value);
    put(text, "\"\n");
}

size_t ih_cert_format(char *out, size_t room, const char *public_text, const char *secret_text,
                      const struct ih_cert_meta *meta, size_t count)
{
    struct text text = {.data = out, .room = room};

    put(&text, secret_text ? "# A CURVE certificate with its secret key, for its owner's eyes only.\n"
                           : "# A CURVE certificate without its secret key, for anyone.\n");
    put(&text, "metadata\n");
    for (size_t i = 0; i < count; i++)
        put_value(&text, meta[i].name, meta[i].value);
    put(&text, "curve\n");
    put_value(&text, "public-key", public_text);
    if (secret_text)
        put_value(&text, "secret-key", secret_text);
    if (room)
        out[text.size < room ? text.size : room - 1] = '\0';
    return text.size;
}
