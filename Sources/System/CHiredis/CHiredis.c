#define _GNU_SOURCE
#include "CHiredis.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// The part of hiredis in use: it writes commands and reads replies. The sockets are handled here, since Debian's hiredis
// neither encrypts nor supports a time limit for a whole reply.
#define HIREDIS(X) \
    X(int, redisFormatCommandArgv, char **, int, const char **, const size_t *) \
    X(void, redisFreeCommand, char *) \
    X(void *, redisReaderCreate, void) \
    X(void, redisReaderFree, void *) \
    X(int, redisReaderFeed, void *, const char *, size_t) \
    X(int, redisReaderGetReply, void *, void **) \
    X(void, freeReplyObject, void *)

// The part of OpenSSL 3 in use.
#define OPENSSL(X) \
    X(const void *, TLS_client_method, void) \
    X(void *, SSL_CTX_new, const void *) \
    X(void, SSL_CTX_free, void *) \
    X(long, SSL_CTX_ctrl, void *, int, long, void *) \
    X(void, SSL_CTX_set_verify, void *, int, void *) \
    X(int, SSL_CTX_set_default_verify_paths, void *) \
    X(int, SSL_CTX_load_verify_locations, void *, const char *, const char *) \
    X(int, SSL_CTX_use_certificate_chain_file, void *, const char *) \
    X(int, SSL_CTX_use_PrivateKey_file, void *, const char *, int) \
    X(void *, SSL_new, void *) \
    X(void, SSL_free, void *) \
    X(int, SSL_set_fd, void *, int) \
    X(long, SSL_ctrl, void *, int, long, void *) \
    X(int, SSL_set1_host, void *, const char *) \
    X(void *, SSL_get0_param, void *) \
    X(int, X509_VERIFY_PARAM_set1_ip_asc, void *, const char *) \
    X(int, SSL_connect, void *) \
    X(int, SSL_read, void *, void *, int) \
    X(int, SSL_write, void *, const void *, int) \
    X(int, SSL_get_error, const void *, int) \
    X(long, SSL_get_verify_result, const void *) \
    X(const char *, X509_verify_cert_error_string, long)

#define POINTER(result, name, ...) static result (*name)(__VA_ARGS__);
HIREDIS(POINTER)
OPENSSL(POINTER)
// Functions of libcrypto, which is loaded with libssl.
static unsigned long (*ERR_get_error)(void);
static void (*ERR_error_string_n)(unsigned long, char *, size_t);
static void (*ERR_clear_error)(void);

enum { tls_1_2 = 0x0303, set_minimum = 123, server_name = 55, verify_peer = 1, pem = 1, wants_read = 2, wants_write = 3 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_once_t once_encrypted = PTHREAD_ONCE_INIT;
static const char *fault_of_hiredis = "libhiredis can't be opened";
static int is_encryption_there;
// Since version 1.0 a reply has additional members for floating-point numbers and for a text's type.
static int is_late;

#define RESOLVE(result, name, ...) if (!(*(void **)&name = dlsym(library, #name))) return;

static void load(void) {
    static const char *const late[] = {"libhiredis.so.1.3.0", "libhiredis.so.1.2.0", "libhiredis.so.1.1.0", "libhiredis.so.1.0.0"};
    void *library = dlopen("libhiredis.so.0.14", RTLD_NOW | RTLD_LOCAL);
    for (size_t place = 0; place < sizeof late / sizeof *late && !library; place++) {
        library = dlopen(late[place], RTLD_NOW | RTLD_LOCAL);
        is_late = library != NULL;
    }
    if (!library) return;
    HIREDIS(RESOLVE)
    fault_of_hiredis = NULL;
}

static void load_encryption(void) {
    void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    OPENSSL(RESOLVE)
    RESOLVE(unsigned long, ERR_get_error, void)
    RESOLVE(void, ERR_error_string_n, unsigned long, char *, size_t)
    RESOLVE(void, ERR_clear_error, void)
    is_encryption_there = 1;
}

const char *mm_redis_load(void) {
    pthread_once(&once, load);
    return fault_of_hiredis;
}

struct mm_redis {
    int socket;
    void *context;
    void *tls;
    void *reader;
};

// Returns the milliseconds of a clock that can't be set and that continues while the machine sleeps.
static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int await(int descriptor, short events, int64_t end) {
    while (1) {
        int64_t left = end - now();
        if (left < 0) left = 0;
        struct pollfd wanted = {.fd = descriptor, .events = events};
        int count = poll(&wanted, 1, left > 1000000 ? 1000000 : (int)left);
        if (count > 0) return 1;
        if (count < 0 && errno != EINTR) return 0;
        if (count == 0 && left == 0) {
            errno = ETIMEDOUT;
            return 0;
        }
    }
}

static void say(char *why, size_t room, const char *what) { snprintf(why, room, "%s: %s", what, strerror(errno)); }

static int reach(int family, const struct sockaddr *address, socklen_t size, int64_t end) {
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, address, size) != 0) {
        int fault = errno;
        if ((fault == EINPROGRESS || fault == EINTR) && await(descriptor, POLLOUT, end)) {
            socklen_t length = sizeof fault;
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &fault, &length);
        } else if (fault == EINPROGRESS || fault == EINTR) {
            fault = errno;
        }
        if (fault) {
            close(descriptor);
            errno = fault;
            return -1;
        }
    }
    if (family != AF_UNIX) {
        int one = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    }
    return descriptor;
}

static int reach_place(const mm_redis_place *place, int64_t end, char *why, size_t room) {
    if (place->path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        if (strlen(place->path) >= sizeof address.sun_path) {
            snprintf(why, room, "the socket's path is too long");
            return -1;
        }
        strcpy(address.sun_path, place->path);
        int descriptor = reach(AF_UNIX, (struct sockaddr *)&address, sizeof address, end);
        if (descriptor < 0) say(why, room, "connecting");
        return descriptor;
    }
    char port[8];
    snprintf(port, sizeof port, "%d", place->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int fault = getaddrinfo(place->host, port, &hints, &list);
    if (fault) {
        snprintf(why, room, "its name can't be looked up: %s", gai_strerror(fault));
        return -1;
    }
    int descriptor = -1;
    for (struct addrinfo *each = list; each && descriptor < 0; each = each->ai_next) {
        descriptor = reach(each->ai_family, each->ai_addr, each->ai_addrlen, end);
    }
    if (descriptor < 0) say(why, room, "connecting");
    freeaddrinfo(list);
    return descriptor;
}

// Writes the reason of the last failure: OpenSSL's if it has one, otherwise the system's.
static void say_tls(mm_redis *redis, char *why, size_t room, const char *what) {
    long verdict = redis->tls ? SSL_get_verify_result(redis->tls) : 0;
    if (verdict) {
        snprintf(why, room, "%s: %s", what, X509_verify_cert_error_string(verdict));
        return;
    }
    unsigned long code = ERR_get_error();
    char text[160] = "";
    if (code) ERR_error_string_n(code, text, sizeof text);
    snprintf(why, room, "%s: %s", what, code ? text : errno ? strerror(errno) : "it was cut off");
}

// Handles the outcome of a TLS call. Returns 0 on a fault; otherwise 1, with `again` set if the call must be repeated.
static int step(mm_redis *redis, int outcome, int64_t end, int *again) {
    *again = 0;
    if (outcome > 0) return 1;
    int wish = SSL_get_error(redis->tls, outcome);
    if (wish != wants_read && wish != wants_write) return 0;
    if (!await(redis->socket, wish == wants_read ? POLLIN : POLLOUT, end)) return 0;
    *again = 1;
    return 1;
}

static int encrypt(mm_redis *redis, const mm_redis_place *place, int64_t end, char *why, size_t room) {
    pthread_once(&once_encrypted, load_encryption);
    if (!is_encryption_there) {
        snprintf(why, room, "libssl.so.3 can't be opened");
        return 0;
    }
    ERR_clear_error();
    errno = 0;
    redis->context = SSL_CTX_new(TLS_client_method());
    if (!redis->context) return snprintf(why, room, "OpenSSL refuses"), 0;
    SSL_CTX_ctrl(redis->context, set_minimum, tls_1_2, NULL);
    SSL_CTX_set_verify(redis->context, verify_peer, NULL);
    if (place->ca ? SSL_CTX_load_verify_locations(redis->context, place->ca, NULL) != 1
                  : SSL_CTX_set_default_verify_paths(redis->context) != 1) {
        return say_tls(redis, why, room, "reading the certificates to trust (ca)"), 0;
    }
    if (place->certificate && SSL_CTX_use_certificate_chain_file(redis->context, place->certificate) != 1) {
        return say_tls(redis, why, room, "reading our certificate (cert)"), 0;
    }
    if (place->key && SSL_CTX_use_PrivateKey_file(redis->context, place->key, pem) != 1) {
        return say_tls(redis, why, room, "reading our key (key)"), 0;
    }
    redis->tls = SSL_new(redis->context);
    if (!redis->tls || SSL_set_fd(redis->tls, redis->socket) != 1) return say_tls(redis, why, room, "encrypting"), 0;
    if (place->host) {
        unsigned char address[16];
        int is_address = inet_pton(AF_INET, place->host, address) == 1 || inet_pton(AF_INET6, place->host, address) == 1;
        int is_bound = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(redis->tls), place->host) == 1
                                  : SSL_set1_host(redis->tls, place->host) == 1;
        if (!is_bound) return say_tls(redis, why, room, "encrypting"), 0;
        if (!is_address) SSL_ctrl(redis->tls, server_name, 0, (void *)place->host);
    }
    int again = 1;
    while (again) {
        if (!step(redis, SSL_connect(redis->tls), end, &again)) return say_tls(redis, why, room, "encrypting"), 0;
    }
    return 1;
}

mm_redis *mm_redis_open(const mm_redis_place *place, int milliseconds, char *why, size_t room) {
    const char *missing = mm_redis_load();
    if (missing) {
        snprintf(why, room, "%s", missing);
        return NULL;
    }
    int64_t end = now() + milliseconds;
    mm_redis *redis = calloc(1, sizeof *redis);
    if (!redis) return NULL;
    redis->socket = reach_place(place, end, why, room);
    redis->reader = redisReaderCreate();
    if (redis->socket < 0 || !redis->reader || (place->is_encrypted && !encrypt(redis, place, end, why, room))) {
        mm_redis_close(redis);
        return NULL;
    }
    return redis;
}

void mm_redis_close(mm_redis *redis) {
    if (!redis) return;
    if (redis->tls) SSL_free(redis->tls);
    if (redis->context) SSL_CTX_free(redis->context);
    if (redis->reader) redisReaderFree(redis->reader);
    if (redis->socket >= 0) close(redis->socket);
    free(redis);
}

static int write_all(mm_redis *redis, const char *bytes, size_t count, int64_t end) {
    while (count) {
        ssize_t sent;
        if (redis->tls) {
            int again;
            int outcome = SSL_write(redis->tls, bytes, count > 1 << 20 ? 1 << 20 : (int)count);
            if (!step(redis, outcome, end, &again)) return 0;
            if (again) continue;
            sent = outcome;
        } else {
            sent = send(redis->socket, bytes, count, MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno == EINTR) continue;
                if (errno != EAGAIN || !await(redis->socket, POLLOUT, end)) return 0;
                continue;
            }
        }
        bytes += sent;
        count -= (size_t)sent;
    }
    return 1;
}

// Reads bytes and returns their number; 0 with the fault in errno, which is 0 if the server has closed the connection.
static size_t read_some(mm_redis *redis, char *room, size_t size, int64_t end) {
    while (1) {
        if (redis->tls) {
            int again;
            int outcome = SSL_read(redis->tls, room, (int)size);
            errno = 0;
            if (!step(redis, outcome, end, &again)) return 0;
            if (!again) return (size_t)outcome;
        } else {
            ssize_t count = recv(redis->socket, room, size, 0);
            if (count > 0) return (size_t)count;
            if (count == 0) return errno = 0, (size_t)0;
            if (errno == EINTR) continue;
            if (errno != EAGAIN || !await(redis->socket, POLLIN, end)) return 0;
        }
    }
}

void *mm_redis_ask(
    mm_redis *redis, int count, const char **words, const size_t *lengths, int milliseconds, int *fault, char *why,
    size_t room
) {
    int64_t end = now() + milliseconds;
    char *command = NULL;
    *fault = mm_redis_unsent;
    int length = redisFormatCommandArgv(&command, count, words, lengths);
    if (length <= 0) return snprintf(why, room, "the command can't be written"), NULL;
    *fault = mm_redis_lost;
    errno = 0;
    int is_sent = write_all(redis, command, (size_t)length, end);
    redisFreeCommand(command);
    if (!is_sent) return say(why, room, "sending"), NULL;
    static _Thread_local char piece[16384];
    while (1) {
        void *reply = NULL;
        if (redisReaderGetReply(redis->reader, &reply) != 0) return snprintf(why, room, "its reply can't be read"), NULL;
        if (reply) return *fault = mm_redis_answered, reply;
        size_t taken = read_some(redis, piece, sizeof piece, end);
        if (taken == 0) {
            if (errno) say(why, room, "waiting for the reply"); else snprintf(why, room, "it hung up");
            return NULL;
        }
        if (redisReaderFeed(redis->reader, piece, taken) != 0) return snprintf(why, room, "no memory"), NULL;
    }
}

void mm_redis_free(void *reply) { if (reply) freeReplyObject(reply); }

typedef struct {
    int type;
    long long integer;
    size_t len;
    char *str;
    size_t elements;
    const void **element;
} early_reply;

typedef struct {
    int type;
    long long integer;
    double dval;
    size_t len;
    char *str;
    char vtype[4];
    size_t elements;
    const void **element;
} late_reply;

int mm_redis_kind(const void *reply) { return *(const int *)reply; }

long long mm_redis_number(const void *reply) { return ((const early_reply *)reply)->integer; }

const char *mm_redis_bytes(const void *reply, size_t *length) {
    *length = is_late ? ((const late_reply *)reply)->len : ((const early_reply *)reply)->len;
    return is_late ? ((const late_reply *)reply)->str : ((const early_reply *)reply)->str;
}

size_t mm_redis_count(const void *reply) {
    return is_late ? ((const late_reply *)reply)->elements : ((const early_reply *)reply)->elements;
}

const void *mm_redis_element(const void *reply, size_t place) {
    return is_late ? ((const late_reply *)reply)->element[place] : ((const early_reply *)reply)->element[place];
}
