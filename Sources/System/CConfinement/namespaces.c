#define _GNU_SOURCE
#include "confinement.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int put(const char *file, const char *text) {
    int descriptor = open(file, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return -1;
    ssize_t count = write(descriptor, text, strlen(text));
    close(descriptor);
    return count == (ssize_t)strlen(text) ? 0 : -1;
}

int mm_own_namespaces(int kinds) {
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

int mm_own_mounts(void) {
    if (mm_own_namespaces(CLONE_NEWNS) < 0) return -1;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int mm_raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (any < 0) return -1;
    int result = ioctl(any, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    if (result == 0) result = ioctl(any, SIOCSIFFLAGS, &request);
    close(any);
    return result;
}

int mm_mount_own_processes(void) {
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

void mm_hand_listeners(const char *hand) {
    char *rest;
    int socket_end = (int)strtol(hand, &rest, 10), listeners[8];
    size_t count = 0;
    while ((*rest == ':' || *rest == ',') && count < 8) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        address.sin_port = htons((uint16_t)strtoul(rest + 1, &rest, 10));
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 256) < 0)
            mm_confine_fail("a port of its own network");
        listeners[count++] = listener;
    }
    if (mm_pass_descriptors(socket_end, 'n', listeners, count) < 0) mm_confine_fail("handing over its network");
    for (size_t i = 0; i < count; i++) close(listeners[i]);
    close(socket_end);
}
