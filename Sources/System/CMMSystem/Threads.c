#define _GNU_SOURCE
#include "CMMSystem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

void *mm_semaphore_create(void) {
    sem_t *semaphore = malloc(sizeof *semaphore);
    if (semaphore) sem_init(semaphore, 0, 0);
    return semaphore;
}

void mm_semaphore_free(void *semaphore) {
    sem_destroy(semaphore);
    free(semaphore);
}

void mm_semaphore_post(void *semaphore) { sem_post(semaphore); }

int mm_semaphore_wait(void *semaphore, int milliseconds) {
    if (milliseconds < 0) {
        while (sem_wait(semaphore) < 0 && errno == EINTR) {}
        return 0;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (milliseconds % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    int result;
    do result = sem_clockwait(semaphore, CLOCK_MONOTONIC, &until);
    while (result < 0 && errno == EINTR);
    return result;
}

int mm_wait_readable(int descriptor, int stop) {
    struct pollfd both[2] = {{descriptor, POLLIN, 0}, {stop, POLLIN, 0}};
    for (;;) {
        int count = poll(both, 2, -1);
        if (count < 0 && errno == EINTR) continue;
        // If waiting fails, the read will report the error.
        if (count < 0) return 1;
        if (both[1].revents) return 0;
        if (both[0].revents) return 1;
    }
}

static sigset_t set_of(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    return set;
}

int mm_signal_descriptor(const int *signals, int count) {
    sigset_t set = set_of(signals, count);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int mm_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t count;
    do count = read(descriptor, &info, sizeof info);
    while (count < 0 && errno == EINTR);
    return count == sizeof info ? (int)info.ssi_signo : 0;
}

void mm_block_signals(const int *signals, int count, int block) {
    sigset_t set = set_of(signals, count);
    pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void mm_ignore_by_default(int signal) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) != 0 || action.sa_flags & SA_SIGINFO || action.sa_handler != SIG_DFL) return;
    action.sa_handler = SIG_IGN;
    sigaction(signal, &action, NULL);
}
