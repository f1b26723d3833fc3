#define _GNU_SOURCE
#include "CMMSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(MM_EPOLL_READ == EPOLLIN, "epoll");
_Static_assert(MM_EPOLL_WRITE == EPOLLOUT, "epoll");
_Static_assert(MM_EPOLL_ERROR == EPOLLERR, "epoll");
_Static_assert(MM_EPOLL_PEER_CLOSED == EPOLLRDHUP, "epoll");
_Static_assert(MM_EPOLL_ONCE == EPOLLONESHOT, "epoll");
_Static_assert(MM_EPOLL_ADD == EPOLL_CTL_ADD, "epoll");
_Static_assert(MM_EPOLL_REMOVE == EPOLL_CTL_DEL, "epoll");
_Static_assert(MM_EPOLL_CHANGE == EPOLL_CTL_MOD, "epoll");

void mm_block_signals_in_thread(void) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

void mm_name_thread(const char *name) {
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(pthread_self(), cut);
}

int mm_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int mm_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int mm_epoll_wait(int epoll, struct mm_epoll_event *events, int capacity, int milliseconds) {
    struct epoll_event ready[64];
    if (capacity > 64) capacity = 64;
    int count = epoll_wait(epoll, ready, capacity, milliseconds);
    for (int i = 0; i < count; i++) {
        events[i].events = ready[i].events;
        events[i].token = ready[i].data.u64;
    }
    return count;
}

int mm_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int mm_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int mm_set_pipe_capacity(int descriptor, int bytes) { return fcntl(descriptor, F_SETPIPE_SZ, bytes); }

int mm_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

int mm_set_nonblocking(int descriptor, int on) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : fcntl(descriptor, F_SETFL, wanted);
}

int mm_open(const char *path, int flags, unsigned mode) {
    int descriptor;
    do descriptor = open(path, flags | O_CLOEXEC, mode);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int mm_open_terminal(const char *path) { return mm_open(path, O_RDWR | O_NOCTTY, 0); }

int mm_pending_input(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) < 0 ? -1 : count;
}

// The limit of open descriptors stays this much below its maximum, for what must not fail.
enum { SPARE_DESCRIPTORS = 8 };

uint64_t mm_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
    rlim_t most = limit.rlim_max < 64 ? limit.rlim_max : limit.rlim_max - SPARE_DESCRIPTORS;
    if (limit.rlim_cur != most) {
        struct rlimit raised = {most, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
    }
    return limit.rlim_cur;
}

// Held while the spare descriptors are lent, so that no other thread takes the raised limit for the usual one.
static pthread_mutex_t lending = PTHREAD_MUTEX_INITIALIZER;

// Lends the spare descriptors to the caller, who takes them back. Returns 0 if there are none.
static int lend_spares(struct rlimit *usual) {
    pthread_mutex_lock(&lending);
    if (getrlimit(RLIMIT_NOFILE, usual) == 0 && usual->rlim_cur < usual->rlim_max) {
        struct rlimit lent = {usual->rlim_cur + SPARE_DESCRIPTORS, usual->rlim_max};
        if (lent.rlim_cur > usual->rlim_max) lent.rlim_cur = usual->rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &lent) == 0) return 1;
    }
    pthread_mutex_unlock(&lending);
    return 0;
}

static void take_back_spares(const struct rlimit *usual) {
    setrlimit(RLIMIT_NOFILE, usual);
    pthread_mutex_unlock(&lending);
}

int mm_accept_with_spare(int socket) {
    struct rlimit usual;
    if (!lend_spares(&usual)) return -1;
    int accepted = accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    take_back_spares(&usual);
    return accepted;
}

// Whether libdispatch opens the state of one of its threads: it alone opens such a file with these flags.
static int is_thread_state(const char *path, int flags) {
    if (flags != (O_RDONLY | O_NONBLOCK) || strncmp(path, "/proc/", 6) != 0) return 0;
    const char *name = path + 6;
    return strcmp(name + strspn(name, "0123456789"), "/stat") == 0;
}

// Takes the place of the C library's function in the whole process. Swift runs tasks with libdispatch, which looks once a
// second at the state of its threads (src/event/workqueue.c) and ends the process with a trap if it can't open a file: a
// pool that is short of descriptors would lose all its sessions. So it gets one of the spare descriptors.
int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    int descriptor = openat(AT_FDCWD, path, flags, mode);
    if (descriptor >= 0 || errno != EMFILE || !is_thread_state(path, flags)) return descriptor;
    struct rlimit usual;
    if (lend_spares(&usual)) {
        descriptor = openat(AT_FDCWD, path, flags);
        take_back_spares(&usual);
    }
    if (descriptor < 0) errno = EMFILE;
    return descriptor;
}
