#define _GNU_SOURCE
#include "CConfinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Debian 12's headers know an older Landlock than kernels do: the numbers stand here (linux/landlock.h).
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

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

// Calls that no ordinary program needs and that reach around the rules for files: other processes' memory, mounts,
// namespaces, kernel code and keys, and rings that make calls unseen by this filter.
static const int forbidden[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
    SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_open_by_handle_at, SYS_io_uring_setup, SYS_personality, SYS_acct, SYS_quotactl,
};

static void filter_calls(int allow_unix, int allow_udp) {
    struct sock_filter code[128];
    unsigned short n = 0;
#define ADD(...) code[n++] = (struct sock_filter)__VA_ARGS__
    const struct sock_filter deny = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    code[n++] = deny;
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#if defined(__x86_64__)
    // The x32 calls have other numbers for the same things.
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    code[n++] = deny;
#endif
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)forbidden[i], 0, 1));
        code[n++] = deny;
    }
    // Typing into a terminal that others read too (ioctl TIOCSTI, TIOCLINUX).
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 6));
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x5412, 0, 1));
    code[n++] = deny;
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x541C, 0, 1));
    code[n++] = deny;
    code[n++] = allow;
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0));
    code[n++] = allow;
    // Sockets by family and kind: TCP, whose ports Landlock rules; others only where they are asked for.
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1));
    code[n++] = allow_unix ? allow : deny;
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    code[n++] = deny;
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])));
    ADD(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xF));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 0, 4));
    // A stream that is no TCP (MPTCP, SCTP) would not be seen by Landlock.
    ADD(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 3));
    code[n++] = allow;
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 0, 1));
    code[n++] = allow_udp ? allow : deny;
    code[n++] = deny;
#undef ADD
    struct sock_fprog program = {n, code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) fail("seccomp");
}

// Root without its capabilities is a user like others: some of them, such as CAP_PERFMON, see through Landlock.
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
    int allow_unix = 0, allow_udp = 0, allow_tcp = 0, index = 1;
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "unix=1")) allow_unix = 1;
        if (!strcmp(argv[i], "udp=1")) allow_udp = 1;
        if (!strcmp(argv[i], "tcp=1")) allow_tcp = 1;
    }
    if (!allow_tcp && version < 4) {
        errno = ENOSYS;
        fail("Landlock for TCP");
    }
    struct ruleset set = {files, allow_tcp ? 0 : 3, version >= 6 ? 3 : 0};
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
            int place = open(value, O_PATH | O_CLOEXEC);
            if (place < 0) {
                // What isn't there needs no rule.
                if (errno == ENOENT) continue;
                fail(value);
            }
            struct stat info;
            uint64_t rights = argv[index][1] == 'w' ? files : EXECUTE | READ_FILE | READ_DIR;
            if (fstat(place, &info) == 0 && !S_ISDIR(info.st_mode))
                rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
            struct path_rule rule = {rights & files, place};
            if (syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) < 0) fail(value);
            close(place);
        } else if (!strncmp(argv[index], "port=", 5) && !allow_tcp) {
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
    filter_calls(allow_unix, allow_udp);
    execve(argv[index + 1], argv + index + 2, environment);
    fail(argv[index + 1]);
}

// glibc hands constructors what main gets.
__attribute__((constructor)) static void start(int argc, char **argv, char **environment) {
    if (argc > 0 && argv[0] && !strcmp(argv[0], MM_CONFINE_NAME)) become(argc, argv, environment);
}
