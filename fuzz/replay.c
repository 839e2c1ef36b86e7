/* SPDX-License-Identifier: ISC */
/* Gives a fuzz target the files of the folders that are named: the corpus, as a test. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

enum { FILE_MAX = 1 << 20 };

static int replay_file(const char *folder, const char *name)
{
    static uint8_t data[FILE_MAX];
    char path[4096];
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    size = fread(data, 1, sizeof data, file);
    (void)fclose(file);
    {
        uint8_t *copy = fuzz_copy(data, size);

        (void)LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
    return 0;
}

/* Returns the number of files, or -1. */
static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int count = 0;

    if (!dir) {
        perror(folder);
        return -1;
    }
    while (count >= 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            count = replay_file(folder, entry->d_name) < 0 ? -1 : count + 1;
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);

        if (count <= 0) {
            fprintf(stderr, "%s: nothing to replay\n", argv[i]);
            return 1;
        }
        printf("%s: %d\n", argv[i], count);
    }
    return argc > 1 ? 0 : 2;
}
