#define _GNU_SOURCE
#include "CMMSystem.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int mm_socket_owner(int is_v6, const uint8_t *own, uint16_t own_port, const uint8_t *remote, uint16_t remote_port,
                    uint32_t *uid, uint32_t *inode) {
    int link = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (link < 0) return -1;
    struct timeval patience = {1, 0};
    setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } question;
    memset(&question, 0, sizeof question);
    question.header.nlmsg_len = sizeof question;
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    question.request.sdiag_family = is_v6 ? AF_INET6 : AF_INET;
    question.request.sdiag_protocol = IPPROTO_TCP;
    question.request.idiag_states = 1u << TCP_ESTABLISHED;
    size_t size = is_v6 ? 16 : 4;
    memcpy(question.request.id.idiag_src, own, size);
    memcpy(question.request.id.idiag_dst, remote, size);
    question.request.id.idiag_sport = htons(own_port);
    question.request.id.idiag_dport = htons(remote_port);
    question.request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    question.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;

    union {
        struct nlmsghdr header;
        char room[4096];
    } answer;
    ssize_t count = -1;
    if (send(link, &question, sizeof question, 0) == (ssize_t)sizeof question) {
        do count = recv(link, &answer, sizeof answer, 0);
        while (count < 0 && errno == EINTR);
    }
    close(link);
    if (count < (ssize_t)sizeof answer.header || !NLMSG_OK(&answer.header, (size_t)count)) return -1;
    if (answer.header.nlmsg_type == NLMSG_ERROR) {
        if (answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return -1;
        int error = ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
        return error == -ENOENT || error == -ESRCH ? 0 : -1;
    }
    if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return -1;
    const struct inet_diag_msg *found = NLMSG_DATA(&answer.header);
    // If there is no such connection, the kernel may return the socket that listens on the port.
    if (found->idiag_state != TCP_ESTABLISHED || found->idiag_inode == 0 ||
        found->id.idiag_sport != htons(own_port) || found->id.idiag_dport != htons(remote_port))
        return 0;
    *uid = found->idiag_uid;
    *inode = found->idiag_inode;
    return 1;
}
