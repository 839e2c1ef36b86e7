/* SPDX-License-Identifier: ISC */
/* ZPL: what is read is the same when it is written and read again; mistakes have a place. */
#include "fuzz.h"
#include <errno.h>
#include <stdio.h>
#include "auth/text.h"
#include "auth/zpl.h"

/* No value holds both quotes unless it was not quoted. */
static void write_tree(FILE *out, const struct auth_zpl *node, int depth)
{
    for (const struct auth_zpl *at = node->child; at; at = at->next) {
        const char *quote = !strchr(at->value, '"') ? "\"" : !strchr(at->value, '\'') ? "'" : "";

        (void)fprintf(out, "%*s%s = %s%s%s\n", 4 * depth, "", at->name, quote, at->value, quote);
        write_tree(out, at, depth + 1);
    }
}

static void compare(const struct auth_zpl *a, const struct auth_zpl *b)
{
    for (a = a->child, b = b->child; a && b; a = a->next, b = b->next) {
        assert(strcmp(a->name, b->name) == 0 && strcmp(a->value, b->value) == 0);
        compare(a, b);
    }
    assert(!a && !b);
}

static void check_again(const struct auth_zpl *root)
{
    struct auth_mistake mistake;
    struct auth_zpl *again = NULL;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert(out);
    write_tree(out, root, 0);
    assert(fclose(out) == 0);
    assert(auth_zpl_parse(&again, text, size, &mistake) == 0);
    compare(root, again);
    auth_zpl_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_copy(data, size);
    struct auth_mistake mistake;
    struct auth_zpl *root = NULL;
    int rc = auth_zpl_parse(&root, text, size, &mistake);

    if (rc == 0) {
        check_again(root);
    } else {
        assert(rc == -EINVAL && !root && mistake.line > 0 && mistake.line <= size + 1);
        assert(mistake.column > 0 && mistake.column <= size + 1);
        assert(mistake.text[0] != '\0' && auth_text_clean(mistake.text, strlen(mistake.text)));
    }
    auth_zpl_free(root);
    free(text);
    return 0;
}
