#define _GNU_SOURCE
#include "CConfinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The kernel headers of Debian 12 know only an older Landlock, so the numbers are defined here (linux/landlock.h).
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

// The attribute for mount_setattr(2).
enum { READ_ONLY = 1 };

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

void mm_confinement_link(void) {}

static void fail(const char *what) {
    dprintf(2, "mm-confine: %s: %s\n", what, strerror(errno));
    _exit(126);
}

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

// Passes descriptors to the process at the other end of a socket, with one byte that names their kind.
static int pass_descriptors(int socket, char word, const int *descriptors, size_t count) {
    char room[CMSG_SPACE(8 * sizeof(int))];
    struct iovec text = {&word, 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};
    memset(room, 0, sizeof room);
    if (count > 8) count = 8;
    if (count > 0) {
        message.msg_control = room;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(part), descriptors, count * sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : -1;
}

struct filter {
    struct sock_filter code[300];
    unsigned short count;
};

static void add(struct filter *filter, struct sock_filter step) {
    if (filter->count >= sizeof filter->code / sizeof *filter->code) {
        errno = E2BIG;
        fail("seccomp");
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

// The system calls that the program may use.
struct calls {
    int allow_unix, allow_udp, allow_tcp, keep_attributes, share_nothing;
    // The socket to the supervising process that checks connections before they are made; -1 if they aren't checked.
    int watcher;
};

static void filter_calls(struct calls calls) {
    struct filter filter = {.count = 0};
#define ADD(...) add(&filter, (struct sock_filter)__VA_ARGS__)
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    add(&filter, deny);
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#if defined(__x86_64__)
    // The x32 ABI has other numbers for the same system calls.
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    add(&filter, deny);
#endif
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        on(&filter, forbidden[i], 1);
        add(&filter, deny);
    }
    for (size_t i = 0; calls.share_nothing && i < sizeof shared_between_programs / sizeof(int); i++) {
        on(&filter, shared_between_programs[i], 1);
        add(&filter, deny);
    }
    if (calls.watcher >= 0) {
        on(&filter, SYS_connect, 1);
        ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
    }
    for (size_t i = 0; i < sizeof aimed / sizeof *aimed; i++) {
        on(&filter, aimed[i].call, 4);
        load(&filter, aimed[i].argument);
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
        add(&filter, deny);
        add(&filter, allow);
    }
    if (calls.keep_attributes) {
        for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
            on(&filter, attributes[i], 1);
            add(&filter, deny);
        }
        // Without a path, utimensat sets the times of the descriptor's file.
        on(&filter, SYS_utimensat, 6);
        load(&filter, 1);
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3));
        ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4));
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1));
        add(&filter, allow);
        add(&filter, deny);
    }
    // New namespaces would give rights back. A filter can't see the flags of clone3; callers that get ENOSYS use clone instead.
    on(&filter, SYS_clone3, 1);
    ADD(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    deny_bits(
        &filter, SYS_clone, 0,
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
    if (!calls.allow_tcp) {
        // Data in the first packet (TCP Fast Open) makes a connection without connect().
        deny_bits(&filter, SYS_sendto, 3, MSG_FASTOPEN);
        deny_bits(&filter, SYS_sendmsg, 2, MSG_FASTOPEN);
        deny_bits(&filter, SYS_sendmmsg, 3, MSG_FASTOPEN);
        // Listening without bind() takes a port chosen by the system.
        if (!calls.allow_unix) {
            on(&filter, SYS_listen, 1);
            add(&filter, deny);
        }
    }
    // Deny typing into a terminal that others read, too (ioctl TIOCSTI, TIOCLINUX).
    on(&filter, SYS_ioctl, 6);
    load(&filter, 1);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x5412, 0, 1));
    add(&filter, deny);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x541C, 0, 1));
    add(&filter, deny);
    add(&filter, allow);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0));
    add(&filter, allow);
    // Sockets by family and type: TCP, whose ports Landlock restricts; others only on request.
    load(&filter, 0);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1));
    add(&filter, calls.allow_unix ? allow : deny);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    add(&filter, deny);
    load(&filter, 1);
    ADD(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xF));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 0, 4));
    // Landlock doesn't see streams other than TCP (MPTCP, SCTP).
    load(&filter, 2);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 3));
    add(&filter, allow);
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 0, 1));
    add(&filter, calls.allow_udp ? allow : deny);
    add(&filter, deny);
#undef ADD
    struct sock_fprog program = {filter.count, filter.code};
    if (calls.watcher < 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) fail("seccomp");
        return;
    }
    int notices = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (notices < 0) fail("seccomp notices");
    if (pass_descriptors(calls.watcher, 'c', &notices, 1) < 0) fail("seccomp notices");
    close(notices);
    close(calls.watcher);
}

static int put(const char *file, const char *text) {
    int descriptor = open(file, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    ssize_t count = write(descriptor, text, strlen(text));
    close(descriptor);
    return count == (ssize_t)strlen(text) ? 0 : -1;
}

struct mount_change {
    uint64_t set, clear, propagation, user_namespace;
};

static int set_read_only(const char *place, int is_on) {
    struct mount_change change = {is_on ? READ_ONLY : 0, is_on ? 0 : READ_ONLY, 0, 0};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, place, AT_RECURSIVE, &change, sizeof change);
}

// Creates namespaces for this process. Returns 0, or -1 if this user may not create any.
static int make_namespaces(int kinds) {
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(kinds) == 0) return 0;
    if (unshare(CLONE_NEWUSER) < 0) return -1;
    char line[64];
    put("/proc/self/setgroups", "deny");
    snprintf(line, sizeof line, "%u %u 1", user, user);
    if (put("/proc/self/uid_map", line) < 0) return -1;
    snprintf(line, sizeof line, "%u %u 1", group, group);
    if (put("/proc/self/gid_map", line) < 0) return -1;
    // The process stays dumpable, because the process that started it inspects its descriptors.
    prctl(PR_SET_DUMPABLE, 1);
    // Some systems permit a user namespace but no rights in it.
    return unshare(kinds);
}

// Creates a mount namespace for this process. Returns 0, or -1 if this user may not create one.
static int own_mounts(void) {
    if (make_namespaces(CLONE_NEWNS) < 0) return -1;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

// Enables the only interface of a new network, the loopback interface.
static int raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0) return -1;
    int result = ioctl(any, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    if (result == 0) result = ioctl(any, SIOCSIFFLAGS, &request);
    close(any);
    return result;
}

// Mounts a /proc for the process's own tree, after CLONE_NEWPID.
static int own_processes(void) {
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

// Returns whether this user may make mounts. Tried in another process, since some systems permit a namespace but no rights in
// it.
static int may_mount(void) {
    pid_t child = fork();
    if (child < 0) return 0;
    if (child == 0) _exit(own_mounts() == 0 ? 0 : 1);
    int status = 1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Runs an attempt in a child process that no other part of this program waits for, and returns its result from the exit status.
static int tried(int (*attempt)(void)) {
    pid_t child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (child == 0) _exit(attempt() & 0xFF);
    int status = 0;
    if (child < 0) return 0;
    while (waitpid(child, &status, __WALL) < 0)
        if (errno != EINTR) return 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int try_processes(void) { return own_mounts() == 0 && own_processes() == 0 ? 1 : 0; }

static int try_namespaces(void) {
    if (make_namespaces(CLONE_NEWNET | CLONE_NEWIPC) < 0 || raise_loopback() < 0) return 0;
    int found = MM_OWN_NETWORK;
    if (unshare(CLONE_NEWPID) == 0 && tried(try_processes)) found |= MM_OWN_PROCESSES;
    return found;
}

static int try_watching(void) {
    // Tries on a child what is needed to make a connection in the place of another process.
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return 0;
    pid_t child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (child < 0) return 0;
    if (child == 0) {
        struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        struct sock_fprog program = {1, &pass};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        long notices = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
        char word = notices < 0 ? 'n' : 'y';
        if (write(ends[1], &word, 1) != 1) _exit(1);
        while (read(ends[1], &word, 1) < 0 && errno == EINTR) {}
        _exit(0);
    }
    char word = 'n';
    while (read(ends[0], &word, 1) < 0 && errno == EINTR) {}
    int works = 0;
    if (word == 'y') {
        int process = (int)syscall(SYS_pidfd_open, child, 0);
        int copy = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, ends[1], 0);
        char byte;
        struct iovec here = {&byte, 1}, there = {&word, 1};
        works = copy >= 0 && syscall(SYS_process_vm_readv, child, &here, 1, &there, 1, 0) == 1;
    }
    word = 0;
    (void)!write(ends[0], &word, 1);
    while (waitpid(child, NULL, __WALL) < 0 && errno == EINTR) {}
    return works ? MM_WATCHED_CONNECTIONS : 0;
}

int mm_confinement_means(void) { return tried(try_namespaces) | tried(try_watching); }

// Listens at ports of its own network and passes the listeners to the process at the other end of a socket.
static void hand_listeners(const char *value) {
    char *rest;
    int socket_end = (int)strtol(value, &rest, 10), listeners[8];
    size_t count = 0;
    while ((*rest == ':' || *rest == ',') && count < 8) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        address.sin_port = htons((uint16_t)strtoul(rest + 1, &rest, 10));
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 256) < 0)
            fail("a port of its own network");
        listeners[count++] = listener;
    }
    if (pass_descriptors(socket_end, 'n', listeners, count) < 0) fail("handing over its network");
    for (size_t i = 0; i < count; i++) close(listeners[i]);
    close(socket_end);
}

static const char *argument(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) ? NULL : word + length;
}

static int is_folder(const char *place) {
    struct stat info;
    return stat(place, &info) == 0 && S_ISDIR(info.st_mode);
}

// Stores the place of at=PLACE=FOLDER and returns the folder, if both exist; otherwise returns null.
static const char *shown_at(const char *word, char *place, size_t size) {
    const char *value = argument(word, "at=");
    const char *folder = value ? strchr(value, '=') : NULL;
    if (!folder || (size_t)(folder - value) >= size) return NULL;
    memcpy(place, value, (size_t)(folder - value));
    place[folder - value] = 0;
    return is_folder(place) && is_folder(folder + 1) ? folder + 1 : NULL;
}

// Makes the whole file system read-only except for the folders that may be written to. This protects a file's attributes
// (permissions, times) like its content. Also binds the session's own folders to places that all users share, such as /tmp.
// Returns 0, or -1 if this user may make no mounts.
static int mount_read_only(int argc, char **argv, int has_own_processes) {
    if (!has_own_processes && !may_mount()) return -1;
    char *here = getcwd(NULL, 0);
    char place[64];
    if (own_mounts() < 0) fail("private mounts");
    if (has_own_processes && own_processes() < 0) fail("its own /proc");
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        const char *folder = argument(argv[i], "rw=");
        if (!folder || !is_folder(folder)) continue;
        if (mount(folder, folder, NULL, MS_BIND | MS_REC, NULL) < 0) fail(argv[i]);
    }
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        const char *folder = shown_at(argv[i], place, sizeof place);
        if (folder && mount(folder, place, NULL, MS_BIND, NULL) < 0) fail(argv[i]);
    }
    if (set_read_only("/", 1) < 0) fail("read-only mounts");
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        const char *folder = argument(argv[i], "rw=");
        if (folder && is_folder(folder) && set_read_only(folder, 0) < 0) fail(argv[i]);
        if (shown_at(argv[i], place, sizeof place) && set_read_only(place, 0) < 0) fail(argv[i]);
    }
    // The working directory still refers to the folder below the new mounts.
    if (here && chdir(here) < 0) fail(here);
    free(here);
    return 0;
}

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

static void end_as(int status) {
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

// The ports of 127.0.0.1 to which connections may be made.
static uint16_t ports[8];
static size_t port_count;

static int is_admitted(const struct sockaddr_storage *address, size_t size) {
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    uint32_t host;
    uint16_t port;
    // AF_UNSPEC only dissolves a connection.
    if (address->ss_family == AF_UNSPEC) return 1;
    if (address->ss_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *v4 = (const void *)address;
        host = v4->sin_addr.s_addr;
        port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        if (memcmp(&v6->sin6_addr, mapped, sizeof mapped)) return 0;
        memcpy(&host, (const char *)&v6->sin6_addr + sizeof mapped, sizeof host);
        port = ntohs(v6->sin6_port);
    } else {
        return 0;
    }
    for (size_t i = 0; i < port_count; i++)
        if (ports[i] == port && host == htonl(INADDR_LOOPBACK)) return 1;
    return 0;
}

// Returns the process that a thread belongs to; 0 if there is none.
static pid_t process_of(pid_t thread) {
    char path[48], text[1024];
    snprintf(path, sizeof path, "/proc/%d/status", thread);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    if (count <= 0) return 0;
    text[count] = 0;
    const char *line = strstr(text, "\nTgid:");
    return line ? (pid_t)strtol(line + 6, NULL, 10) : 0;
}

// Makes a connection in the place of the program that asked for it, using the checked copy of the address: the program can
// change its own copy at any time. Returns the error number of connect(2), or 0.
static int connect_for(int notices, const struct seccomp_notif *notice) {
    struct sockaddr_storage address = {0};
    size_t size = (size_t)(uint32_t)notice->data.args[2];
    if (size < sizeof address.ss_family || size > sizeof address) return EINVAL;
    struct iovec here = {&address, size}, there = {(void *)(uintptr_t)notice->data.args[1], size};
    if (syscall(SYS_process_vm_readv, notice->pid, &here, 1, &there, 1, 0) != (long)size) return EFAULT;
    if (!is_admitted(&address, size)) return EACCES;
    int process = (int)syscall(SYS_pidfd_open, process_of((pid_t)notice->pid), 0);
    if (process < 0) return EACCES;
    int result = EACCES, copy = (int)syscall(SYS_pidfd_getfd, process, (int)notice->data.args[0], 0);
    // Process ids are reused, so check that it is still the process that asked.
    if (copy >= 0 && ioctl(notices, SECCOMP_IOCTL_NOTIF_ID_VALID, &notice->id) == 0)
        result = connect(copy, (struct sockaddr *)&address, (socklen_t)size) < 0 ? errno : 0;
    if (copy >= 0) close(copy);
    close(process);
    return result;
}

static void answer_connection(int notices) {
    struct seccomp_notif notice = {0};
    struct seccomp_notif_resp answer = {0};
    if (ioctl(notices, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0) return;
    answer.id = notice.id;
    answer.error = -connect_for(notices, &notice);
    ioctl(notices, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

// Returns the descriptor that the program has passed; -1 if it ended before.
static int passed_descriptor(int socket) {
    char word, room[CMSG_SPACE(sizeof(int))];
    struct iovec text = {&word, 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    ssize_t count;
    do count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    struct cmsghdr *part = count == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    int descriptor = -1;
    if (part && part->cmsg_type == SCM_RIGHTS) memcpy(&descriptor, CMSG_DATA(part), sizeof descriptor);
    return descriptor;
}

// Closes this process's copies of the program's descriptors, so that the readers of its output see the end when the program
// ends.
static void let_go(int first, int second) {
    int none = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) dup2(none, i);
    for (int i = 3; i < 64; i++)
        if (i != first && i != second) close(i);
    prctl(PR_SET_NAME, "mm-confine");
}

// Runs the first process of a PID namespace, which adopts orphans and whose end ends all others. The program continues in a
// child.
static void begin_tree(int above, int status_end) {
    struct pollfd gone = {above, POLLIN, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&gone, 1, 0) != 0) _exit(127);
    pid_t program = fork();
    if (program < 0) fail("a process of its own");
    if (program == 0) return;
    let_go(status_end, -1);
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended == program) _exit(write(status_end, &status, sizeof status) == sizeof status ? 0 : 1);
        if (ended < 0 && errno != EINTR) _exit(1);
    }
}

// Puts a supervising process in front of the program. It ends everything that the program started once the program has ended,
// and ends the program once the starter has ended. The program continues in a child. Returns the socket over which the program
// passes the notices of its connections, if they are watched; otherwise -1.
static int lead(pid_t starter, int has_own_processes, int is_watched) {
    int above = (int)syscall(SYS_pidfd_open, starter, 0), self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (above < 0 || self < 0) fail("its starter");
    // If the starter has ended meanwhile, this process has another parent.
    if (getppid() != starter) _exit(127);
    // The starter's end is noticed by its descriptor instead of a death signal, so that there is time to end the descendants.
    prctl(PR_SET_PDEATHSIG, 0);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) fail("orphans");
    int told[2], watch[2] = {-1, -1};
    if (pipe2(told, O_CLOEXEC) < 0) fail("a pipe");
    if (is_watched && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, watch) < 0) fail("seccomp notices");
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t leader = getpid(), program = fork();
    if (program < 0) fail("a process of its own");
    if (program == 0) {
        if (has_own_processes) {
            begin_tree(self, told[1]);
        } else {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != leader) _exit(127);
        }
        sigprocmask(SIG_SETMASK, &before, NULL);
        close(above);
        close(self);
        close(told[0]);
        close(told[1]);
        if (is_watched) close(watch[0]);
        return watch[1];
    }
    // Moved above the descriptors that are closed.
    above = fcntl(above, F_DUPFD_CLOEXEC, 64);
    int status_end = fcntl(told[0], F_DUPFD_CLOEXEC, 64);
    let_go(watch[0], -1);
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    int notices = is_watched ? passed_descriptor(watch[0]) : -1;
    struct pollfd waits[3] = {
        {signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK), POLLIN, 0}, {above, POLLIN, 0}, {notices, POLLIN, 0}};
    for (;;) {
        while (poll(waits, 3, -1) < 0 && errno == EINTR) {}
        if (waits[2].revents & POLLIN)
            answer_connection(notices);
        else if (waits[2].revents)
            waits[2].fd = -1;
        struct signalfd_siginfo news;
        while (read(waits[0].fd, &news, sizeof news) > 0) {}
        int status, is_over = 0;
        pid_t one;
        while ((one = waitpid(-1, &status, WNOHANG)) > 0) {
            if (one != program) continue;
            is_over = 1;
            break;
        }
        if (is_over || waits[1].revents) {
            if (!is_over) kill(program, SIGKILL);
            end_all();
            if (!is_over) _exit(128 + SIGKILL);
            // With a process tree of its own, its first process reports how the program ended; no report means that it was killed.
            if (has_own_processes && read(status_end, &status, sizeof status) != sizeof status) status = SIGKILL;
            end_as(status);
        }
    }
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
        fail(place);
    }
    struct stat info;
    if (fstat(descriptor, &info) == 0 && !S_ISDIR(info.st_mode))
        rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
    struct path_rule rule = {rights, descriptor};
    if (syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) < 0) fail(place);
    close(descriptor);
}

// Without its capabilities root is an ordinary user. Some of them, such as CAP_PERFMON, bypass Landlock.
static void drop_capabilities(void) {
    for (int capability = 0; capability < 64; capability++) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) < 0) fail("capabilities");
}

static void become(int argc, char **argv, char **environment) {
    int version = mm_landlock_version();
    if (version < 1) {
        errno = ENOSYS;
        fail("Landlock");
    }
    uint64_t files = V1;
    if (version >= 2) files |= REFER;
    if (version >= 3) files |= TRUNCATE;
    if (version >= 5) files |= IOCTL_DEV;
    struct calls calls = {.watcher = -1};
    int may_keep_attributes = 0, has_own_processes = 0, is_watched = 0, namespaces = 0, index = 1;
    pid_t starter = 0;
    const char *hand = NULL;
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (argument(argv[i], "lead=")) starter = (pid_t)strtol(argument(argv[i], "lead="), NULL, 10);
        if (argument(argv[i], "hand=")) hand = argument(argv[i], "hand=");
        if (argument(argv[i], "port=") && port_count < 8)
            ports[port_count++] = (uint16_t)strtoul(argument(argv[i], "port="), NULL, 10);
        if (!strcmp(argv[i], "attributes=0")) calls.keep_attributes = 1;
        if (!strcmp(argv[i], "attributes=mounts")) may_keep_attributes = 1;
        if (!strcmp(argv[i], "unix=1")) calls.allow_unix = 1;
        if (!strcmp(argv[i], "udp=1")) calls.allow_udp = 1;
        if (!strcmp(argv[i], "tcp=1")) calls.allow_tcp = 1;
        if (!strcmp(argv[i], "own=network")) namespaces |= CLONE_NEWNET;
        if (!strcmp(argv[i], "own=memory")) namespaces |= CLONE_NEWIPC;
        if (!strcmp(argv[i], "own=processes")) has_own_processes = 1;
        if (!strcmp(argv[i], "memory=0")) calls.share_nothing = 1;
        if (!strcmp(argv[i], "watch=1")) is_watched = 1;
    }
    if (!calls.allow_tcp && version < 4) {
        errno = ENOSYS;
        fail("Landlock for TCP");
    }
    if ((has_own_processes || is_watched) && !starter) {
        errno = EINVAL;
        fail("no leader");
    }
    if (namespaces && make_namespaces(namespaces) < 0) fail("namespaces");
    if (namespaces & CLONE_NEWNET && raise_loopback() < 0) fail("a network of its own");
    if (hand) hand_listeners(hand);
    if (has_own_processes && make_namespaces(CLONE_NEWPID) < 0) fail("processes of its own");
    if (starter) calls.watcher = lead(starter, has_own_processes, is_watched);
    // Attributes are protected by mounts if possible; otherwise no system call may name such a file, even in the writable
    // folders.
    if (has_own_processes || calls.keep_attributes || may_keep_attributes) {
        if (mount_read_only(argc, argv, has_own_processes) == 0)
            calls.keep_attributes = 0;
        else if (has_own_processes)
            fail("private mounts");
    }
    struct ruleset set = {files, calls.allow_tcp ? 0 : 3, version >= 6 ? 3 : 0};
    size_t size = version >= 6 ? sizeof set : version >= 4 ? offsetof(struct ruleset, scoped) : sizeof set.files;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
    if (ruleset < 0) fail("Landlock");
    for (; index < argc && strcmp(argv[index], "--"); index++) {
        char *value = strchr(argv[index], '=');
        if (!value) {
            errno = EINVAL;
            fail(argv[index]);
        }
        value++;
        if (!strncmp(argv[index], "ro=", 3) || !strncmp(argv[index], "rw=", 3)) {
            admit(ruleset, value, files & (argv[index][1] == 'w' ? files : EXECUTE | READ_FILE | READ_DIR));
        } else if (argument(argv[index], "at=")) {
            // A bound folder is not below the permitted path of the original, so it needs a rule of its own.
            char place[64];
            const char *folder = shown_at(argv[index], place, sizeof place);
            if (folder) admit(ruleset, folder, files);
        } else if (!strcmp(argv[index], "terminal=1")) {
            char path[32];
            if (own_terminal(path, sizeof path) == 0) admit(ruleset, path, files);
        } else if (!strncmp(argv[index], "port=", 5) && !calls.allow_tcp) {
            struct net_rule rule = {2, strtoul(value, NULL, 10)};
            if (syscall(SYS_landlock_add_rule, ruleset, 2, &rule, 0) < 0) fail(argv[index]);
        }
    }
    if (index + 2 >= argc) {
        errno = EINVAL;
        fail("no program");
    }
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no_new_privs");
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) fail("Landlock");
    close(ruleset);
    filter_calls(calls);
    execve(argv[index + 1], argv + index + 2, environment);
    fail(argv[index + 1]);
}

// glibc passes the arguments of main to constructors.
__attribute__((constructor)) static void start(int argc, char **argv, char **environment) {
    if (argc > 0 && argv[0] && !strcmp(argv[0], MM_CONFINE_NAME)) become(argc, argv, environment);
}
