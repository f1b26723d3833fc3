#define _GNU_SOURCE
#include "CMMSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// The sanitizer treats every clone as a fork, and would prepare the memory, which is shared, for a process without
// threads.
extern int __clone(int (*)(void *), void *, int, void *, ...);
#define clone __clone
#endif
#endif

// Shared by parent and child until the child has become its program. As in glibc's posix_spawn, the child borrows the
// parent's memory (CLONE_VM | CLONE_VFORK), so nothing is copied however large the parent is. posix_spawn itself
// supports no death signal, no controlling terminal and no limits.
struct shared {
    const struct mm_spawn *spawn;
    pid_t parent;
    int error;
    int step;
};

// Ends the child by the kernel's own call: the sanitizer wraps _exit, and would leave its mark on the thread of the parent
// whose memory the child borrows.
static _Noreturn void end(void) {
    for (;;) syscall(SYS_exit_group, 127);
}

static _Noreturn void fail(struct shared *shared, int step) {
    shared->error = errno;
    shared->step = step;
    end();
}

static void close_from(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return;
    struct rlimit limit;
    int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < 65536 ? (int)limit.rlim_max : 65536;
    for (int descriptor = first; descriptor < last; descriptor++) close(descriptor);
}

static int become(void *argument) {
    struct shared *shared = argument;
    const struct mm_spawn *spawn = shared->spawn;

    // Reset the dispositions first, while every signal is still blocked: no handler of the parent may run here. Ask the
    // kernel directly, since the C library leaves out the two signals that it uses for threads; all zero is the default
    // on every architecture.
    static const unsigned long standard[8];
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP) syscall(SYS_rt_sigaction, number, standard, NULL, 8);
    }
    if (spawn->own_session) setsid();
    if (spawn->death_signal) {
        prctl(PR_SET_PDEATHSIG, spawn->death_signal);
        // The parent may have ended before the previous line.
        if (getppid() != shared->parent) end();
    }

    if (spawn->terminal >= 0 && ioctl(spawn->terminal, TIOCSCTTY, 0) < 0) fail(shared, MM_SPAWN_TERMINAL);

    // Move all sources above all targets first, so that no target overwrites a source that is still needed.
    int count = 3 + spawn->extra_count;
    if (count > 64) {
        errno = EINVAL;
        fail(shared, MM_SPAWN_DESCRIPTORS);
    }
    int moved[64];
    for (int target = 0; target < count; target++) {
        int source = target == 0   ? spawn->input
                     : target == 1 ? spawn->output
                     : target == 2 ? spawn->error
                                   : spawn->extra[target - 3];
        moved[target] = fcntl(source, F_DUPFD_CLOEXEC, count);
        if (moved[target] < 0) fail(shared, MM_SPAWN_DESCRIPTORS);
    }
    for (int target = 0; target < count; target++) {
        if (dup2(moved[target], target) < 0) fail(shared, MM_SPAWN_DESCRIPTORS);
    }
    close_from(count);

    if (spawn->directory && chdir(spawn->directory) < 0) fail(shared, MM_SPAWN_DIRECTORY);
    for (int i = 0; i < spawn->limit_count; i++) {
        const uint64_t *triple = spawn->limits + 3 * i;
        struct rlimit limit = {triple[1], triple[2]};
        if (setrlimit((__rlimit_resource_t)triple[0], &limit) < 0) fail(shared, MM_SPAWN_LIMITS);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(spawn->path, spawn->arguments, spawn->environment);
    fail(shared, MM_SPAWN_EXECUTE);
}

pid_t mm_start_program(const struct mm_spawn *spawn, int *pidfd, int *step) {
    enum { stack_size = 64 << 10 };
    void *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        *step = MM_SPAWN_CLONE;
        return -1;
    }
    struct shared shared = {.spawn = spawn, .parent = getpid()};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int descriptor = -1;
    pid_t pid = clone(
        become, (char *)stack + stack_size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &shared, &descriptor);
    int problem = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, stack_size);
    if (pid < 0) {
        *step = MM_SPAWN_CLONE;
        errno = problem;
        return -1;
    }
    if (shared.step) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        close(descriptor);
        *step = shared.step;
        errno = shared.error;
        return -1;
    }
    *pidfd = descriptor;
    return pid;
}

int mm_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int mm_pidfd_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int mm_reap(pid_t pid, int *signalled) {
    int status = 0;
    pid_t reaped;
    do reaped = waitpid(pid, &status, WNOHANG);
    while (reaped < 0 && errno == EINTR);
    *signalled = 0;
    if (reaped == 0) return -1;
    // Another caller has reaped it, so its exit status is unknown.
    if (reaped < 0) return 255;
    if (WIFSIGNALED(status)) {
        *signalled = 1;
        return 128 + WTERMSIG(status);
    }
    return WEXITSTATUS(status);
}

int mm_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

void mm_trim_heap(void) { malloc_trim(0); }
