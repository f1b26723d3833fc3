#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// The rights to files and the structures of linux/landlock.h, of which the kernel headers of Debian 12 have an older version.
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    V1 = (1 << 13) - 1,
    REFER = 1 << 13,
    TRUNCATE = 1 << 14,
    IOCTL_DEV = 1 << 15,
};

struct ruleset {
    uint64_t files;
    uint64_t net;
    uint64_t scoped;
};
struct __attribute__((packed)) path_rule {
    uint64_t allowed;
    int32_t parent;
};
struct net_rule {
    uint64_t allowed;
    uint64_t port;
};

int mm_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    return version < 0 ? 0 : (int)version;
}

// Returns the path of this session's terminal; /dev/tty doesn't reveal it.
static int own_terminal(char *path, size_t size) {
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) return -1;
    unsigned int device = 0;
    int result = ioctl(terminal, TIOCGDEV, &device);
    close(terminal);
    if (result < 0) return -1;
    snprintf(path, size, "/dev/pts/%u", (device & 0xFF) | ((device >> 12) & 0xFFF00));
    return 0;
}

static void admit(int ruleset, const char *place, uint64_t rights) {
    int descriptor = open(place, O_PATH | O_CLOEXEC);
    if (descriptor < 0) {
        // A path that doesn't exist needs no rule.
        if (errno == ENOENT) return;
        mm_confine_fail(place);
    }
    struct stat info;
    if (fstat(descriptor, &info) == 0 && !S_ISDIR(info.st_mode))
        rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
    struct path_rule rule = {rights, descriptor};
    if (syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) < 0) mm_confine_fail(place);
    close(descriptor);
}

static void admit_word(int ruleset, const struct request *request, const char *word, uint64_t all) {
    const char *value;
    char place[64];
    if ((value = mm_confine_value(word, "ro="))) {
        admit(ruleset, value, EXECUTE | READ_FILE | READ_DIR);
    } else if ((value = mm_confine_value(word, "rw="))) {
        admit(ruleset, value, all);
    } else if ((value = mm_shown_at(word, place, sizeof place))) {
        // A bound folder is not below the permitted path of the original, so it needs a rule of its own.
        admit(ruleset, value, all);
    } else if (!strcmp(word, "terminal=1")) {
        if (own_terminal(place, sizeof place) == 0) admit(ruleset, place, all);
    } else if ((value = mm_confine_value(word, "port=")) && !request->calls.allow_tcp) {
        struct net_rule rule = {2, strtoul(value, NULL, 10)};
        if (syscall(SYS_landlock_add_rule, ruleset, 2, &rule, 0) < 0) mm_confine_fail(word);
    }
}

int mm_make_ruleset(const struct request *request) {
    int version = mm_landlock_version();
    uint64_t files = V1;
    if (version >= 2) files |= REFER;
    if (version >= 3) files |= TRUNCATE;
    if (version >= 5) files |= IOCTL_DEV;
    struct ruleset set = {files, request->calls.allow_tcp ? 0 : 3, version >= 6 ? 3 : 0};
    size_t size = version >= 6 ? sizeof set : version >= 4 ? offsetof(struct ruleset, scoped) : sizeof set.files;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
    if (ruleset < 0) mm_confine_fail("Landlock");
    for (int i = 0; i < request->count; i++) admit_word(ruleset, request, request->words[i], files);
    return ruleset;
}
