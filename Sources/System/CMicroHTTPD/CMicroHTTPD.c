#define _GNU_SOURCE
#include "CMicroHTTPD.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    __typeof__(MHD_start_daemon) *start_daemon;
    __typeof__(MHD_quiesce_daemon) *quiesce_daemon;
    __typeof__(MHD_stop_daemon) *stop_daemon;
    __typeof__(MHD_add_connection) *add_connection;
    __typeof__(MHD_get_connection_info) *get_connection_info;
    __typeof__(MHD_get_connection_values_n) *get_connection_values_n;
    __typeof__(MHD_set_connection_option) *set_connection_option;
    __typeof__(MHD_suspend_connection) *suspend_connection;
    __typeof__(MHD_resume_connection) *resume_connection;
    __typeof__(MHD_create_response_from_buffer_with_free_callback_cls) *create_response_from_buffer;
    __typeof__(MHD_create_response_from_callback) *create_response_from_callback;
    __typeof__(MHD_add_response_header) *add_response_header;
    __typeof__(MHD_add_response_footer) *add_response_footer;
    __typeof__(MHD_queue_response) *queue_response;
    __typeof__(MHD_destroy_response) *destroy_response;
    __typeof__(MHD_get_version) *get_version;
    __typeof__(MHD_is_feature_supported) *is_feature_supported;
} mhd;

// The parts of GnuTLS, which libmicrohttpd brings, for a certificate that can be renewed.
static struct {
    __typeof__(gnutls_pcert_list_import_x509_raw) *read_certificates;
    __typeof__(gnutls_pcert_deinit) *free_certificate;
    __typeof__(gnutls_privkey_init) *new_key;
    __typeof__(gnutls_privkey_import_x509_raw) *read_key;
    __typeof__(gnutls_privkey_deinit) *free_key;
    __typeof__(gnutls_pubkey_init) *new_public_key;
    __typeof__(gnutls_pubkey_import_privkey) *public_key;
    __typeof__(gnutls_pubkey_get_key_id) *key_id;
    __typeof__(gnutls_pubkey_deinit) *free_public_key;
} tls_library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[256];

// Before 1.0 the library splits the request in place into C strings, so a NUL hides what follows it. There, a target is
// followed by one NUL and the version, and a header's value by the two NULs that replaced CR and LF. From 1.0 on it
// refuses a NUL itself.
static int cuts_at_nul;

static int resolve(void *library, const char *name, void *slot) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(reason, sizeof reason, "libmicrohttpd.so.12 has no %s", name);
        return 0;
    }
    *(void **)slot = symbol;
    return 1;
}

static void load(void) {
    void *library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text ? text : "libmicrohttpd.so.12 can't be opened");
        return;
    }
#define RESOLVE(slot, name) \
    if (!resolve(library, name, &mhd.slot)) return
    RESOLVE(start_daemon, "MHD_start_daemon");
    RESOLVE(quiesce_daemon, "MHD_quiesce_daemon");
    RESOLVE(stop_daemon, "MHD_stop_daemon");
    RESOLVE(add_connection, "MHD_add_connection");
    RESOLVE(get_connection_info, "MHD_get_connection_info");
    RESOLVE(get_connection_values_n, "MHD_get_connection_values_n");
    RESOLVE(set_connection_option, "MHD_set_connection_option");
    RESOLVE(suspend_connection, "MHD_suspend_connection");
    RESOLVE(resume_connection, "MHD_resume_connection");
    RESOLVE(create_response_from_buffer, "MHD_create_response_from_buffer_with_free_callback_cls");
    RESOLVE(create_response_from_callback, "MHD_create_response_from_callback");
    RESOLVE(add_response_header, "MHD_add_response_header");
    RESOLVE(add_response_footer, "MHD_add_response_footer");
    RESOLVE(queue_response, "MHD_queue_response");
    RESOLVE(destroy_response, "MHD_destroy_response");
    RESOLVE(get_version, "MHD_get_version");
    RESOLVE(is_feature_supported, "MHD_is_feature_supported");
    cuts_at_nul = strncmp(mhd.get_version(), "0.9.", 4) == 0;
    if (!mm_httpd_has_tls()) return;
#undef RESOLVE
#define RESOLVE(slot, name) \
    if (!resolve(library, name, &tls_library.slot)) return
    RESOLVE(read_certificates, "gnutls_pcert_list_import_x509_raw");
    RESOLVE(free_certificate, "gnutls_pcert_deinit");
    RESOLVE(new_key, "gnutls_privkey_init");
    RESOLVE(read_key, "gnutls_privkey_import_x509_raw");
    RESOLVE(free_key, "gnutls_privkey_deinit");
    RESOLVE(new_public_key, "gnutls_pubkey_init");
    RESOLVE(public_key, "gnutls_pubkey_import_privkey");
    RESOLVE(key_id, "gnutls_pubkey_get_key_id");
    RESOLVE(free_public_key, "gnutls_pubkey_deinit");
#undef RESOLVE
}

const char *mm_httpd_load(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}

int mm_httpd_has_tls(void) { return mhd.is_feature_supported(MHD_FEATURE_TLS) == MHD_YES; }

// A certificate chain with its key. Connections may still use it after a renewal, so it stays until the server is gone.
struct identity {
    gnutls_pcert_st chain[16];
    unsigned count;
    gnutls_privkey_t key;
    struct identity *earlier;
};

// A daemon and the copies of its callbacks and of its certificates, which must live as long as it does.
struct server {
    struct MHD_Daemon *_Atomic daemon;
    struct identity *_Atomic identity;
    struct mm_httpd_callbacks callbacks;
    // For mm_httpd_quiesce: the socket that brings the call to the library's thread, which is none of a client's.
    _Atomic int messenger;
    // Atomic, too: the semaphore orders the accesses, but the thread sanitizer doesn't know sem_clockwait.
    _Atomic int listener;
    sem_t has_quiesced;
    // Used on the library's thread: the number of connections, its limit, and the spare descriptor of a new one.
    unsigned count;
    unsigned most;
    int excess;
};

static void free_identity(struct identity *identity) {
    for (unsigned index = 0; index < identity->count; index++) tls_library.free_certificate(&identity->chain[index]);
    if (identity->key) tls_library.free_key(identity->key);
    free(identity);
}

// Whether the key belongs to the first certificate.
static int is_pair(struct identity *identity) {
    gnutls_pubkey_t own;
    if (tls_library.new_public_key(&own) < 0) return 0;
    unsigned char ids[2][64];
    size_t lengths[2] = {sizeof ids[0], sizeof ids[1]};
    int is_same = tls_library.public_key(own, identity->key, 0, 0) >= 0
        && tls_library.key_id(own, 0, ids[0], &lengths[0]) >= 0
        && tls_library.key_id(identity->chain[0].pubkey, 0, ids[1], &lengths[1]) >= 0 && lengths[0] == lengths[1]
        && memcmp(ids[0], ids[1], lengths[0]) == 0;
    tls_library.free_public_key(own);
    return is_same;
}

static struct identity *new_identity(const struct mm_httpd_tls *tls) {
    struct identity *identity = calloc(1, sizeof *identity);
    if (!identity) return NULL;
    gnutls_datum_t chain = {(unsigned char *)tls->certificate, (unsigned)strlen(tls->certificate)};
    gnutls_datum_t key = {(unsigned char *)tls->key, (unsigned)strlen(tls->key)};
    unsigned count = sizeof identity->chain / sizeof identity->chain[0];
    if (tls_library.read_certificates(
            identity->chain, &count, &chain, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED)
        >= 0)
        identity->count = count;
    if (identity->count == 0 || tls_library.new_key(&identity->key) < 0
        || tls_library.read_key(identity->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0) < 0 || !is_pair(identity)) {
        free_identity(identity);
        return NULL;
    }
    return identity;
}

// The server whose library thread this is. The library's question for a certificate doesn't say which server it is for.
static _Thread_local struct server *serving;

static int on_handshake(
    gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain, unsigned *count,
    gnutls_privkey_t *key) {
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    struct identity *identity = serving ? atomic_load(&serving->identity) : NULL;
    if (!identity) return -1;
    *chain = identity->chain;
    *count = identity->count;
    *key = identity->key;
    return 0;
}

int mm_httpd_renew(void *daemon, const struct mm_httpd_tls *tls) {
    struct server *server = daemon;
    struct identity *identity = new_identity(tls);
    if (!identity) return 0;
    identity->earlier = atomic_load(&server->identity);
    atomic_store(&server->identity, identity);
    return 1;
}

static enum MHD_Result on_access(
    void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
    const char *bytes, size_t *count, void **request) {
    struct server *server = context;
    (void)url;
    int go_on =
        server->callbacks.access(server->callbacks.context, connection, *request, method, version, bytes, count);
    return go_on ? MHD_YES : MHD_NO;
}

static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
    struct server *server = context;
    size_t length = target ? strlen(target) : 0;
    // Compares only as far as the bytes agree, so never beyond the line.
    int is_whole = !cuts_at_nul || !target || strncmp(target + length + 1, "HTTP/", 5) == 0;
    return server->callbacks.begin(server->callbacks.context, connection, target, is_whole);
}

static void on_completed(
    void *context, struct MHD_Connection *connection, void **request, enum MHD_RequestTerminationCode code) {
    struct server *server = context;
    (void)code;
    if (!*request) return;
    server->callbacks.completed(server->callbacks.context, connection, *request);
    *request = NULL;
}

static void on_connection(
    void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code) {
    struct server *server = context;
    int is_start = code == MHD_CONNECTION_NOTIFY_STARTED;
    serving = server;
    if (is_start && server->messenger >= 0 && mm_httpd_descriptor(connection) == server->messenger) {
        *socket_context = server;
        server->messenger = -1;
        server->listener = mhd.quiesce_daemon(server->daemon);
        server->most = 0;
        sem_post(&server->has_quiesced);
        return;
    }
    if (*socket_context) return;
    server->count += is_start ? 1 : -1;
    int descriptor = mm_httpd_descriptor(connection);
    mm_httpd_event event = is_start ? MM_HTTPD_STARTED : MM_HTTPD_ENDED;
    if (is_start && descriptor == server->excess) {
        server->excess = -1;
        // The next client waits for its end.
        mhd.set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
        event = MM_HTTPD_STARTED_IN_EXCESS;
    }
    server->callbacks.connection(server->callbacks.context, connection, descriptor, event);
}

// Targets are judged as sent, so the library must not decode them in place.
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
    (void)context;
    (void)connection;
    return strlen(text);
}

// Accepts a client with a spare descriptor. Returns 0 if there is none.
static int accept_in_excess(struct server *server) {
    struct MHD_Daemon *daemon = server->daemon;
    // The library accepts another client after this one; 0.9.75 hangs if that exceeds its limit of connections.
    if (!daemon || server->count + 2 > server->most) return 0;
    int client = server->callbacks.accept_with_spare(server->listener);
    if (client < 0) return 0;
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    getpeername(client, (struct sockaddr *)&address, &length);
    if (mhd.add_connection(daemon, client, (struct sockaddr *)&address, length) != MHD_YES) return 0;
    server->excess = client;
    return 1;
}

// Only by a message does the library say that it has no descriptor for a client. It then accepts none until a connection
// ends, or without a connection tries again at once, which would take a whole processor.
static void on_message(void *context, const char *format, va_list arguments) {
    struct server *server = context;
    (void)format;
    (void)arguments;
    if (errno != EMFILE && errno != ENFILE) return;
    if (!accept_in_excess(server) && server->count == 0) usleep(50000);
    // There is a second message about the same client.
    errno = 0;
}

static void forget(struct server *server) {
    struct identity *identity = atomic_load(&server->identity);
    while (identity) {
        struct identity *earlier = identity->earlier;
        free_identity(identity);
        identity = earlier;
    }
    sem_destroy(&server->has_quiesced);
    free(server);
}

void *mm_httpd_start(
    int listener, struct mm_httpd_limits limits, const struct mm_httpd_tls *tls,
    const struct mm_httpd_callbacks *callbacks) {
    struct server *server = calloc(1, sizeof *server);
    if (!server) return NULL;
    server->messenger = -1;
    server->listener = listener;
    server->most = limits.connections;
    server->excess = -1;
    sem_init(&server->has_quiesced, 0, 0);
    server->callbacks = *callbacks;
    if (tls && !mm_httpd_renew(server, tls)) {
        forget(server);
        return NULL;
    }
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_message, server},
        {MHD_OPTION_LISTEN_SOCKET, listener, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)limits.connection_memory, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)limits.connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)limits.idle_seconds, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, 512 << 10, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, server},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_escaped, NULL},
        // Without TLS the list ends here.
        {tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0, (void *)on_handshake},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon = mhd.start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG
            | (tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, on_access, server, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!server->daemon) {
        forget(server);
        return NULL;
    }
    return server;
}

// Called from another thread than the library's own, MHD_quiesce_daemon of 0.9.75 ends the process now and then: both take
// the listening socket out of the epoll set, and whoever comes second fails. So a connection that is no client's brings the
// call to that thread. Without one, for example at the limit of connections, it is made here.
int mm_httpd_quiesce(void *daemon) {
    struct server *server = daemon;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return mhd.quiesce_daemon(server->daemon);
    struct sockaddr address = {.sa_family = AF_UNIX};
    server->messenger = pair[0];
    int is_sent = mhd.add_connection(server->daemon, pair[0], &address, sizeof address.sa_family) == MHD_YES;
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += 2;
    int has_quiesced = 0;
    // A signal may interrupt the wait.
    while (is_sent && !has_quiesced) {
        has_quiesced = sem_clockwait(&server->has_quiesced, CLOCK_MONOTONIC, &limit) == 0;
        if (!has_quiesced && errno != EINTR) break;
    }
    close(pair[1]);
    if (has_quiesced) return server->listener;
    server->messenger = -1;
    return mhd.quiesce_daemon(server->daemon);
}

void mm_httpd_stop(void *daemon) {
    struct server *server = daemon;
    mhd.stop_daemon(server->daemon);
    forget(server);
}

int mm_httpd_descriptor(void *connection) {
    const union MHD_ConnectionInfo *info = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

struct field_call {
    void *context;
    mm_httpd_field field;
    int is_whole;
};

static enum MHD_Result on_field(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_length, const char *value,
    size_t value_length) {
    struct field_call *call = context;
    (void)kind;
    if (cuts_at_nul && value && value[value_length + 1] != 0) call->is_whole = 0;
    call->field(call->context, name, name_length, value ? value : "", value ? value_length : 0);
    return MHD_YES;
}

int mm_httpd_headers(void *connection, void *context, mm_httpd_field field) {
    struct field_call call = {context, field, 1};
    mhd.get_connection_values_n(connection, MHD_HEADER_KIND, on_field, &call);
    return call.is_whole;
}

void mm_httpd_suspend(void *connection) { mhd.suspend_connection(connection); }
void mm_httpd_resume(void *connection) { mhd.resume_connection(connection); }

void *mm_httpd_response_bytes(const void *bytes, size_t count, void *context, mm_httpd_free release) {
    return mhd.create_response_from_buffer(count, (void *)bytes, release, context);
}

void *mm_httpd_response_stream(mm_httpd_reader reader, void *context, mm_httpd_free release) {
    return mhd.create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, reader, context, release);
}

int mm_httpd_response_header(void *response, const char *name, const char *value) {
    return mhd.add_response_header(response, name, value) == MHD_YES;
}

int mm_httpd_response_trailer(void *response, const char *name, const char *value) {
    return mhd.add_response_footer(response, name, value) == MHD_YES;
}

int mm_httpd_queue(void *connection, unsigned status, void *response) {
    return mhd.queue_response(connection, status, response) == MHD_YES;
}

void mm_httpd_response_free(void *response) { mhd.destroy_response(response); }
