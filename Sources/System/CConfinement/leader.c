#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// Kills the children of this process, which has one thread. Returns -1 if the kernel doesn't list them.
static int kill_children(void) {
    char text[4096];
    int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count < 0) return -1;
    text[count] = 0;
    // Ignore a number that was cut off: the next round reads it completely.
    char *end = count == sizeof text - 1 ? strrchr(text, ' ') : text + count;
    if (end) *end = 0;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) kill((pid_t)strtol(word, NULL, 10), SIGKILL);
    return 0;
}

// Ends everything below this process: orphaned processes become its children and are ended in the next round.
static void end_all(void) {
    for (;;) {
        int told = kill_children();
        pid_t ended;
        do ended = waitpid(-1, NULL, WNOHANG);
        while (ended > 0 || (ended < 0 && errno == EINTR));
        if (ended < 0 || told < 0) return;
        poll(NULL, 0, 2);
    }
}

__attribute__((noreturn)) static void end_as(int status) {
    if (WIFSIGNALED(status)) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        int number = WTERMSIG(status);
        signal(number, SIG_DFL);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, number);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        raise(number);
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

// Closes this process's copies of the program's descriptors, except one, so that the readers of its output see the end when the program
// ends.
static void let_go(int kept) {
    int none = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) dup2(none, i);
    for (int i = 3; i < 64; i++)
        if (i != kept) close(i);
    prctl(PR_SET_NAME, "mm-confine");
}

// Runs the first process of a PID namespace, which adopts orphans and whose end ends all others. The program continues in a
// child.
static void begin_tree(int above, int status_end) {
    struct pollfd gone = {above, POLLIN, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&gone, 1, 0) != 0) _exit(127);
    pid_t program = fork();
    if (program < 0) mm_confine_fail("a process of its own");
    if (program == 0) return;
    let_go(status_end);
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended == program) _exit(write(status_end, &status, sizeof status) == sizeof status ? 0 : 1);
        if (ended < 0 && errno != EINTR) _exit(1);
    }
}

// Continues as the program's own process: the leader's end ends it.
static void follow(pid_t leader) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != leader) _exit(127);
}

// Ends everything that the program started, then this process as the program ended.
__attribute__((noreturn)) static void end_after_program(int status, int status_end, int has_own_processes) {
    end_all();
    // With a process tree of its own, its first process reports how the program ended; no report means that it was killed.
    if (has_own_processes && read(status_end, &status, sizeof status) != sizeof status) status = SIGKILL;
    end_as(status);
}

// Returns whether the program has ended, and how; the end of another process is only noted.
static int has_ended(pid_t program, int *status) {
    pid_t ended;
    while ((ended = waitpid(-1, status, WNOHANG)) > 0)
        if (ended == program) return 1;
    return 0;
}

// Answers the program's connections until it or its starter has ended.
__attribute__((noreturn)) static void supervise(
    const struct request *request, pid_t program, int starter, int notices, int status_end) {
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    struct pollfd waits[3] = {
        {signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0}, {starter, POLLIN, 0}, {notices, POLLIN, 0}};
    for (;;) {
        while (poll(waits, COUNT(waits), -1) < 0 && errno == EINTR) {}
        if (waits[2].revents & POLLIN)
            mm_answer_connection(notices, request);
        else if (waits[2].revents)
            waits[2].fd = -1;
        struct signalfd_siginfo news;
        while (read(waits[0].fd, &news, sizeof news) > 0) {}
        int status;
        if (has_ended(program, &status)) end_after_program(status, status_end, request->has_own_processes);
        if (!waits[1].revents) continue;
        kill(program, SIGKILL);
        end_all();
        _exit(128 + SIGKILL);
    }
}

int mm_lead(const struct request *request) {
    int above = (int)syscall(SYS_pidfd_open, request->starter, 0), self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (above < 0 || self < 0) mm_confine_fail("its starter");
    // If the starter has ended meanwhile, this process has another parent.
    if (getppid() != request->starter) _exit(127);
    // The starter's end is noticed by its descriptor instead of a death signal, so that there is time to end the descendants.
    prctl(PR_SET_PDEATHSIG, 0);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) mm_confine_fail("orphans");
    int told[2], watch[2] = {-1, -1};
    if (pipe2(told, O_CLOEXEC) < 0) mm_confine_fail("a pipe");
    if (request->is_watched && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, watch) < 0)
        mm_confine_fail("seccomp notices");
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t leader = getpid(), program = fork();
    if (program < 0) mm_confine_fail("a process of its own");
    if (program > 0) {
        // Moved above the descriptors that are closed.
        above = fcntl(above, F_DUPFD_CLOEXEC, 64);
        int status_end = fcntl(told[0], F_DUPFD_CLOEXEC, 64);
        let_go(watch[0]);
        int notices = request->is_watched ? mm_passed_descriptor(watch[0]) : -1;
        supervise(request, program, above, notices, status_end);
    }
    if (request->has_own_processes)
        begin_tree(self, told[1]);
    else
        follow(leader);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(above);
    close(self);
    close(told[0]);
    close(told[1]);
    if (request->is_watched) close(watch[0]);
    return watch[1];
}
