#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// System calls that no ordinary program needs and that bypass the rules for files: access to other processes' memory and
// descriptors, mounts, namespaces, kernel code and keys, and io_uring, whose operations this filter doesn't see.
static const int forbidden[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, SYS_pidfd_getfd, SYS_kcmp,
    SYS_migrate_pages, SYS_move_pages, SYS_mount, SYS_mount_setattr, SYS_umount2, SYS_pivot_root, SYS_chroot,
    SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_open_by_handle_at, SYS_io_uring_setup, SYS_personality, SYS_acct, SYS_quotactl,
};

// System V shared memory, semaphores and message queues, which all programs of a user share; denied if the program has no IPC
// namespace of its own.
static const int shared_between_programs[] = {
    SYS_shmget, SYS_shmat, SYS_shmctl, SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_msgget, SYS_msgsnd,
    SYS_msgrcv, SYS_msgctl,
};

// System calls that change another process's limits, priority or processors, with the argument that names the process: 0 is the
// caller itself, any other number may be another process.
static const struct {
    int call, argument;
} aimed[] = {
    {SYS_prlimit64, 0},         {SYS_setpriority, 1},   {SYS_sched_setaffinity, 0}, {SYS_sched_setscheduler, 0},
    {SYS_sched_setparam, 0},    {SYS_sched_setattr, 0}, {SYS_ioprio_set, 1},
};

// System calls that change a file's attributes by its path; Landlock has no rights for that. Those by a descriptor are
// permitted, since a file that can't be opened has none.
static const int attributes[] = {
#if defined(__x86_64__)
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
    SYS_fchmodat, SYS_fchmodat2, SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_removexattr, SYS_lremovexattr,
    SYS_setxattrat, SYS_removexattrat, SYS_file_setattr,
};

struct filter {
    struct sock_filter code[300];
    unsigned short count;
};

static void add(struct filter *filter, struct sock_filter step) {
    if (filter->count >= COUNT(filter->code)) {
        errno = E2BIG;
        mm_confine_fail("seccomp");
    }
    filter->code[filter->count++] = step;
}

static const struct sock_filter deny = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

// Begins the instructions for one system call: `steps` of them follow, and every path through them must end in a return.
static void on(struct filter *filter, int call, int steps) {
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)steps));
}

// Loads the lower half of an argument; the kernel uses no more of the arguments that are checked here.
static void load(struct filter *filter, int argument) {
    uint32_t offset = (uint32_t)(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)argument);
    add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

// Denies a system call if one of these bits is set in an argument.
static void deny_bits(struct filter *filter, int call, int argument, uint32_t bits) {
    on(filter, call, 4);
    load(filter, argument);
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    add(filter, deny);
    add(filter, allow);
}

#define ADD(filter, ...) add(filter, (struct sock_filter)__VA_ARGS__)

// Denies every system call of another architecture, whose numbers would mean other calls.
static void keep_architecture(struct filter *filter) {
    ADD(filter, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    add(filter, deny);
    ADD(filter, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#if defined(__x86_64__)
    // The x32 ABI has other numbers for the same system calls.
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    add(filter, deny);
#endif
}

static void deny_calls(struct filter *filter, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        on(filter, calls[i], 1);
        add(filter, deny);
    }
}

static void keep_to_itself(struct filter *filter) {
    for (size_t i = 0; i < COUNT(aimed); i++) {
        on(filter, aimed[i].call, 4);
        load(filter, aimed[i].argument);
        ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
        add(filter, deny);
        add(filter, allow);
    }
}

static void keep_attributes(struct filter *filter) {
    deny_calls(filter, attributes, COUNT(attributes));
    // Without a path, utimensat sets the times of the descriptor's file.
    on(filter, SYS_utimensat, 6);
    load(filter, 1);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3));
    ADD(filter, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4));
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1));
    add(filter, allow);
    add(filter, deny);
}

// New namespaces would give rights back. A filter can't see the flags of clone3; callers that get ENOSYS use clone instead.
static void deny_namespaces(struct filter *filter) {
    on(filter, SYS_clone3, 1);
    ADD(filter, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    deny_bits(
        filter, SYS_clone, 0,
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
}

static void deny_other_connections(struct filter *filter, int allow_unix) {
    // Data in the first packet (TCP Fast Open) makes a connection without connect().
    deny_bits(filter, SYS_sendto, 3, MSG_FASTOPEN);
    deny_bits(filter, SYS_sendmsg, 2, MSG_FASTOPEN);
    deny_bits(filter, SYS_sendmmsg, 3, MSG_FASTOPEN);
    // Listening without bind() takes a port chosen by the system.
    if (allow_unix) return;
    on(filter, SYS_listen, 1);
    add(filter, deny);
}

// Denies typing into a terminal that others read, too (ioctl TIOCSTI, TIOCLINUX).
static void deny_typing(struct filter *filter) {
    on(filter, SYS_ioctl, 6);
    load(filter, 1);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x5412, 0, 1));
    add(filter, deny);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x541C, 0, 1));
    add(filter, deny);
    add(filter, allow);
}

// Allows all other system calls, and sockets by family and type: TCP, whose ports Landlock restricts; others only on request.
static void choose_sockets(struct filter *filter, const struct calls *calls) {
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0));
    add(filter, allow);
    load(filter, 0);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1));
    add(filter, calls->allow_unix ? allow : deny);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    add(filter, deny);
    load(filter, 1);
    ADD(filter, BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xF));
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 0, 4));
    // Landlock doesn't see streams other than TCP (MPTCP, SCTP).
    load(filter, 2);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 3));
    add(filter, allow);
    ADD(filter, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 0, 1));
    add(filter, calls->allow_udp ? allow : deny);
    add(filter, deny);
}

static void install(struct filter *filter, int watcher) {
    struct sock_fprog program = {filter->count, filter->code};
    if (watcher < 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) mm_confine_fail("seccomp");
        return;
    }
    int notices = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (notices < 0) mm_confine_fail("seccomp notices");
    if (mm_pass_descriptors(watcher, 'c', &notices, 1) < 0) mm_confine_fail("seccomp notices");
    close(notices);
    close(watcher);
}

void mm_filter_calls(const struct calls *calls) {
    struct filter filter = {.count = 0};
    keep_architecture(&filter);
    deny_calls(&filter, forbidden, COUNT(forbidden));
    if (calls->share_nothing) deny_calls(&filter, shared_between_programs, COUNT(shared_between_programs));
    if (calls->watcher >= 0) {
        on(&filter, SYS_connect, 1);
        ADD(&filter, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
    }
    keep_to_itself(&filter);
    if (calls->keep_attributes) keep_attributes(&filter);
    deny_namespaces(&filter);
    if (!calls->allow_tcp) deny_other_connections(&filter, calls->allow_unix);
    deny_typing(&filter);
    choose_sockets(&filter, calls);
    install(&filter, calls->watcher);
}
