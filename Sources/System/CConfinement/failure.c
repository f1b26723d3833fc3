#include "confinement.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void mm_confine_fail(const char *what) {
    dprintf(2, "mm-confine: %s: %s\n", what, strerror(errno));
    _exit(126);
}
