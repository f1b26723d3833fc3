#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// The attribute for mount_setattr(2).
enum { READ_ONLY = 1 };

struct mount_change {
    uint64_t set, clear, propagation, user_namespace;
};

static int set_read_only(const char *place, int is_on) {
    struct mount_change change = {is_on ? READ_ONLY : 0, is_on ? 0 : READ_ONLY, 0, 0};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, place, AT_RECURSIVE, &change, sizeof change);
}

// Returns whether this user may make mounts. Tried in another process, since some systems permit a namespace but no rights in
// it.
static int may_mount(void) {
    pid_t child = fork();
    if (child < 0) return 0;
    if (child == 0) _exit(mm_own_mounts() == 0 ? 0 : 1);
    int status = 1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int is_folder(const char *place) {
    struct stat info;
    return stat(place, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *mm_shown_at(const char *word, char *place, size_t size) {
    const char *value = mm_confine_value(word, "at=");
    const char *folder = value ? strchr(value, '=') : NULL;
    if (!folder || (size_t)(folder - value) >= size) return NULL;
    memcpy(place, value, (size_t)(folder - value));
    place[folder - value] = 0;
    return is_folder(place) && is_folder(folder + 1) ? folder + 1 : NULL;
}

// Returns the session's own folder if it has to stay visible at a place that will show one of its folders; otherwise null.
static char *kept_folder(const char *folder, const char *place) {
    size_t length = strlen(place);
    const char *end = strrchr(folder, '/');
    if (strncmp(folder, place, length) || folder[length] != '/' || end == folder + length) return NULL;
    return strndup(folder, (size_t)(end - folder));
}

static int make_folders(char *path, size_t known) {
    for (char *end = path + known + 1; (end = strchr(end, '/')); end++) {
        *end = 0;
        int result = mkdir(path, 0700);
        *end = '/';
        if (result < 0 && errno != EEXIST) return -1;
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int show(const char *folder, const char *place) {
    char way[32], *kept = kept_folder(folder, place);
    int own = kept ? open(kept, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = kept && own < 0 ? -1 : mount(folder, place, NULL, MS_BIND, NULL);
    if (kept && result == 0) {
        snprintf(way, sizeof way, "/proc/self/fd/%d", own);
        result = make_folders(kept, strlen(place)) < 0 ? -1 : mount(way, kept, NULL, MS_BIND | MS_REC, NULL);
    }
    if (own >= 0) close(own);
    free(kept);
    return result;
}

// Binds the writable folders to themselves, so that they can be writable below a read-only root, and the others to their places.
static void bind_folders(const struct request *request) {
    char place[64];
    for (int i = 0; i < request->count; i++) {
        const char *folder = mm_confine_value(request->words[i], "rw=");
        if (!folder || !is_folder(folder)) continue;
        if (mount(folder, folder, NULL, MS_BIND | MS_REC, NULL) < 0) mm_confine_fail(request->words[i]);
    }
    for (int i = 0; i < request->count; i++) {
        const char *folder = mm_shown_at(request->words[i], place, sizeof place);
        if (folder && show(folder, place) < 0) mm_confine_fail(request->words[i]);
    }
}

static void protect_all_but_bound(const struct request *request) {
    char place[64];
    if (set_read_only("/", 1) < 0) mm_confine_fail("read-only mounts");
    for (int i = 0; i < request->count; i++) {
        const char *word = request->words[i], *folder = mm_shown_at(word, place, sizeof place);
        if (!folder) continue;
        char *kept = kept_folder(folder, place);
        if (set_read_only(place, 0) < 0 || (kept && set_read_only(kept, 1) < 0)) mm_confine_fail(word);
        free(kept);
    }
    for (int i = 0; i < request->count; i++) {
        const char *word = request->words[i], *folder = mm_confine_value(word, "rw=");
        if (folder && is_folder(folder) && set_read_only(folder, 0) < 0) mm_confine_fail(word);
    }
}

int mm_mount_read_only(const struct request *request) {
    if (!request->has_own_processes && !may_mount()) return -1;
    char *here = getcwd(NULL, 0);
    if (mm_own_mounts() < 0) mm_confine_fail("private mounts");
    if (request->has_own_processes && mm_mount_own_processes() < 0) mm_confine_fail("its own /proc");
    bind_folders(request);
    protect_all_but_bound(request);
    // The working directory still refers to the folder below the new mounts.
    if (here && chdir(here) < 0) mm_confine_fail(here);
    free(here);
    return 0;
}
