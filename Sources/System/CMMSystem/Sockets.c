#define _GNU_SOURCE
#include "CMMSystem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int mm_unix_path_limit(void) { return (int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

int mm_unix_socket(void) { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

static int unix_address(struct sockaddr_un *address, const char *path) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    // An empty path would make the kernel choose an abstract name.
    if (!path[0]) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return 0;
}

int mm_unix_bind(int socket, const char *path) {
    struct sockaddr_un address;
    if (unix_address(&address, path) < 0) return -1;
    return bind(socket, (struct sockaddr *)&address, sizeof address);
}

int mm_unix_connect(int socket, const char *path) {
    struct sockaddr_un address;
    if (unix_address(&address, path) < 0) return -1;
    return connect(socket, (struct sockaddr *)&address, sizeof address);
}

int mm_accept(int socket) {
    int accepted;
    do accepted = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
    while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
    return accepted;
}

void mm_send_at_once(int socket) {
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int mm_peer_has_closed(int socket) {
    struct pollfd one = {socket, POLLRDHUP, 0};
    return poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

int mm_socketpair(int *left, int *right) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    *left = ends[0];
    *right = ends[1];
    return 0;
}

int mm_peer_credentials(int socket, uint32_t *uid, uint32_t *gid, int32_t *pid) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
    *uid = credentials.uid;
    *gid = credentials.gid;
    *pid = credentials.pid;
    return 0;
}

int mm_receive_descriptors(int socket, int *descriptors, int room) {
    char word, control[CMSG_SPACE(8 * sizeof(int))];
    struct iovec text = {&word, 1};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count;
    do count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count <= 0) return (int)count;
    int found = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        size_t given = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < given; i++) {
            int one;
            memcpy(&one, CMSG_DATA(part) + i * sizeof one, sizeof one);
            if (found < room)
                descriptors[found++] = one;
            else
                close(one);
        }
    }
    return found;
}

int mm_tcp_listen(const char *address, uint16_t *port, int backlog) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
    struct sockaddr *any;
    socklen_t size;
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        any = (struct sockaddr *)&v4;
        size = sizeof v4;
    } else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        any = (struct sockaddr *)&v6;
        size = sizeof v6;
    } else {
        errno = EINVAL;
        return -1;
    }
    int descriptor = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    int on = 1;
    int off = 0;
    // Without this, a restart within a minute would find its own port in TIME_WAIT.
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (any->sa_family == AF_INET6) {
        // :: means every address of this machine; a literal address means that one.
        int only = !IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, only ? &on : &off, sizeof on);
    }
    if (bind(descriptor, any, size) < 0 || listen(descriptor, backlog) < 0) {
        int saved = errno;
        close(descriptor);
        errno = saved;
        return -1;
    }
    char text[64];
    mm_socket_address(descriptor, 0, text, sizeof text, port);
    return descriptor;
}

int mm_socket_address(int socket, int peer, char *text, size_t room, uint16_t *port) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    memset(&storage, 0, sizeof storage);
    int failed = peer ? getpeername(socket, (struct sockaddr *)&storage, &size)
                      : getsockname(socket, (struct sockaddr *)&storage, &size);
    if (failed) return -1;
    text[0] = 0;
    *port = 0;
    if (storage.ss_family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
        inet_ntop(AF_INET, &v4->sin_addr, text, (socklen_t)room);
        *port = ntohs(v4->sin_port);
    } else if (storage.ss_family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
        *port = ntohs(v6->sin6_port);
        // Report an IPv4 peer of a dual-stack socket as IPv4.
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, (socklen_t)room);
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, text, (socklen_t)room);
        }
    }
    return storage.ss_family;
}
