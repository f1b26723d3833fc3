#define _GNU_SOURCE
#include "confinement.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int mm_pass_descriptors(int socket, char word, const int *descriptors, size_t count) {
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

int mm_passed_descriptor(int socket) {
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

// Returns whether a word port=N permits a connection to this port of 127.0.0.1.
static int is_permitted(const struct request *request, uint16_t port) {
    for (int i = 0; i < request->count; i++) {
        const char *value = mm_confine_value(request->words[i], "port=");
        if (value && (uint16_t)strtoul(value, NULL, 10) == port) return 1;
    }
    return 0;
}

static int is_admitted(const struct request *request, const struct sockaddr_storage *address, size_t size) {
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
    return host == htonl(INADDR_LOOPBACK) && is_permitted(request, port);
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
static int connect_for(int notices, const struct request *request, const struct seccomp_notif *notice) {
    struct sockaddr_storage address = {0};
    size_t size = (size_t)(uint32_t)notice->data.args[2];
    if (size < sizeof address.ss_family || size > sizeof address) return EINVAL;
    struct iovec here = {&address, size}, there = {(void *)(uintptr_t)notice->data.args[1], size};
    if (process_vm_readv((pid_t)notice->pid, &here, 1, &there, 1, 0) != (long)size) return EFAULT;
    if (!is_admitted(request, &address, size)) return EACCES;
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

void mm_answer_connection(int notices, const struct request *request) {
    struct seccomp_notif notice = {0};
    struct seccomp_notif_resp answer = {0};
    if (ioctl(notices, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0) return;
    answer.id = notice.id;
    answer.error = -connect_for(notices, request, &notice);
    ioctl(notices, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
