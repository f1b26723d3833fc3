// Counts how often a piece of work flushes files to disk, which a test can't observe otherwise: a seccomp filter on its thread
// catches these system calls.
#define _GNU_SOURCE
#include "CTestGuard.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static atomic_int syncs;

struct job {
    void (*work)(void *);
    void *context;
    int is_filtered;
};

static void count(int number, siginfo_t *info, void *place) {
    (void)number;
    (void)info;
    ucontext_t *context = place;
    atomic_fetch_add(&syncs, 1);
    // Makes the system call return 0, like a successful sync.
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = 0;
#elif defined(__aarch64__)
    context->uc_mcontext.regs[0] = 0;
#endif
}

static void *run(void *argument) {
    struct job *job = argument;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof steps / sizeof *steps, steps};
    job->is_filtered = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    job->work(job->context);
    return NULL;
}

int mm_test_disk_syncs(void (*work)(void *), void *context) {
    struct job job = {work, context, 0};
    struct sigaction action = {.sa_sigaction = count, .sa_flags = SA_SIGINFO}, before;
    pthread_t thread;
    pthread_mutex_lock(&one_at_a_time);
    atomic_store(&syncs, 0);
    sigaction(SIGSYS, &action, &before);
    int is_run = pthread_create(&thread, NULL, run, &job) == 0;
    if (is_run) pthread_join(thread, NULL);
    sigaction(SIGSYS, &before, NULL);
    int result = is_run && job.is_filtered ? atomic_load(&syncs) : -1;
    pthread_mutex_unlock(&one_at_a_time);
    return result;
}
