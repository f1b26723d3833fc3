#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void mm_confinement_link(void) {}

__attribute__((noreturn)) static void refuse(int number, const char *what) {
    errno = number;
    mm_confine_fail(what);
}

// Reads a word that is on or off.
static int read_switch(struct request *request, const char *word) {
    const struct {
        const char *word;
        int *place, value;
    } switches[] = {
        {"attributes=0", &request->calls.keep_attributes, 1}, {"attributes=mounts", &request->may_keep_attributes, 1},
        {"unix=1", &request->calls.allow_unix, 1},            {"udp=1", &request->calls.allow_udp, 1},
        {"tcp=1", &request->calls.allow_tcp, 1},              {"memory=0", &request->calls.share_nothing, 1},
        {"own=network", &request->namespaces, CLONE_NEWNET},  {"own=memory", &request->namespaces, CLONE_NEWIPC},
        {"own=processes", &request->has_own_processes, 1},    {"watch=1", &request->is_watched, 1},
    };
    for (size_t i = 0; i < COUNT(switches); i++) {
        if (strcmp(word, switches[i].word)) continue;
        *switches[i].place |= switches[i].value;
        return 1;
    }
    return 0;
}

static void read_word(struct request *request, const char *word) {
    const char *value;
    if (read_switch(request, word)) return;
    if ((value = mm_confine_value(word, "lead="))) {
        request->starter = (pid_t)strtol(value, NULL, 10);
    } else if ((value = mm_confine_value(word, "hand="))) {
        request->hand = value;
    } else {
        static const char *const places[] = {"ro=", "rw=", "at=", "port=", "terminal=1"};
        for (size_t i = 0; i < COUNT(places); i++)
            if (mm_confine_value(word, places[i])) return;
        refuse(EINVAL, word);
    }
}

static struct request read_words(int argc, char **argv) {
    struct request request = {.words = argv + 1, .calls = {.watcher = -1}};
    for (; request.count + 1 < argc && strcmp(request.words[request.count], "--"); request.count++)
        read_word(&request, request.words[request.count]);
    // PROGRAM NAME and nothing else is the least that follows "--".
    if (request.count + 3 >= argc) refuse(EINVAL, "no program");
    if ((request.has_own_processes || request.is_watched) && !request.starter) refuse(EINVAL, "no leader");
    int version = mm_landlock_version();
    if (version < 1) refuse(ENOSYS, "Landlock");
    if (version < 4 && !request.calls.allow_tcp) refuse(ENOSYS, "Landlock for TCP");
    return request;
}

static void enter_namespaces(const struct request *request) {
    if (request->namespaces && mm_own_namespaces(request->namespaces) < 0) mm_confine_fail("namespaces");
    if (request->namespaces & CLONE_NEWNET && mm_raise_loopback() < 0) mm_confine_fail("a network of its own");
    if (request->hand) mm_hand_listeners(request->hand);
    if (request->has_own_processes && mm_own_namespaces(CLONE_NEWPID) < 0) mm_confine_fail("processes of its own");
}

// Attributes are protected by mounts if possible; otherwise no system call may name such a file, even in the writable folders.
static void protect_attributes(struct request *request) {
    if (!request->has_own_processes && !request->calls.keep_attributes && !request->may_keep_attributes) return;
    if (mm_mount_read_only(request) == 0)
        request->calls.keep_attributes = 0;
    else if (request->has_own_processes)
        mm_confine_fail("private mounts");
}

// Without its capabilities root is an ordinary user. Some of them, such as CAP_PERFMON, bypass Landlock.
static void drop_capabilities(void) {
    for (int capability = 0; capability < 64; capability++) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) < 0) mm_confine_fail("capabilities");
}

static void become(int argc, char **argv, char **environment) {
    struct request request = read_words(argc, argv);
    enter_namespaces(&request);
    if (request.starter) request.calls.watcher = mm_lead(&request);
    protect_attributes(&request);
    int ruleset = mm_make_ruleset(&request);
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) mm_confine_fail("no_new_privs");
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) mm_confine_fail("Landlock");
    close(ruleset);
    mm_filter_calls(&request.calls);
    char **program = request.words + request.count + 1;
    execve(program[0], program + 1, environment);
    mm_confine_fail(program[0]);
}

// glibc passes the arguments of main to constructors.
__attribute__((constructor)) static void start(int argc, char **argv, char **environment) {
    if (argc > 0 && argv[0] && !strcmp(argv[0], MM_CONFINE_NAME)) become(argc, argv, environment);
}
