// If `swift test` is killed, or ends at a time limit, the test process would continue with every server and shell that it has
// started. This thread notices that and ends them all.
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pid_t starter;

static pid_t parent_of(pid_t process) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return 0;
    text[count] = 0;
    // The name is in parentheses and may itself contain some.
    char *end = strrchr(text, ')');
    int parent = 0;
    return end != NULL && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static int is_below(pid_t process, pid_t ancestor) {
    for (int steps = 0; process > 1 && steps < 64; steps++) {
        process = parent_of(process);
        if (process == ancestor) return 1;
    }
    return 0;
}

// A pool whose front-end has ended has no parent in this process tree: find it by its home.
static int is_at_home(pid_t process, const char *home) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char text[65536];
    ssize_t count = read(file, text, sizeof text);
    close(file);
    return count > 0 && memmem(text, (size_t)count, home, strlen(home)) != NULL;
}

static int end_all(pid_t own, const char *home) {
    DIR *folder = opendir("/proc");
    if (folder == NULL) return 0;
    int ended = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        pid_t process = atoi(entry->d_name);
        if (process == own || !(is_below(process, own) || is_at_home(process, home))) continue;
        if (kill(process, SIGKILL) == 0) ended++;
    }
    closedir(folder);
    return ended;
}

static void *watch(void *unused) {
    while (getppid() == starter) usleep(250000);
    char home[64];
    snprintf(home, sizeof home, "HOME=/tmp/mm-e2e.%d.", getpid());
    // Repeat, because a process may have started another one just before it was killed.
    for (int round = 0; round < 20 && end_all(getpid(), home) > 0; round++) usleep(20000);
    _exit(1);
    return unused;
}

__attribute__((constructor)) static void begin(void) {
    starter = getppid();
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    // Block all signals in the new thread: the threads of the tests handle them.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, watch, NULL) == 0) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
