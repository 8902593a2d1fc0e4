/* Runs a fuzz target once over every file of the folders named: what was found once stays found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);

        if (!d) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *e; (e = readdir(d));) {
            auto_free char *path = path_join(argv[i], e->d_name, NULL);
            auto_free char *data = NULL;
            size_t size;

            if (e->d_name[0] == '.' || file_read(path, 16 << 20, &data, &size) < 0)
                continue;
            LLVMFuzzerTestOneInput((const uint8_t *) data, size);
            n++;
        }
        closedir(d);
    }
    printf("%zu inputs\n", n);
    return n > 0 ? 0 : 1;
}
