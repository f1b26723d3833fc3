#include "COpenSSL.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "library.h"

// Authority

struct authority {
    EVP_PKEY *key;
    // All leaves share one key: they differ only by name, and a new leaf then costs only a signature.
    EVP_PKEY *leaf_key;
    X509 *certificate;
};

static int extend(X509 *certificate, X509 *issuer, int kind, const char *value) {
    X509V3_CTX context;
    memset(&context, 0, sizeof context);
    ssl.X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = ssl.X509V3_EXT_conf_nid(NULL, &context, kind, value);
    if (!extension) return 0;
    int added = ssl.X509_add_ext(certificate, extension, -1);
    ssl.X509_EXTENSION_free(extension);
    return added;
}

// Creates a certificate that still lacks its extensions and its signature.
static X509 *draft(const char *name, EVP_PKEY *key, X509 *issuer, long seconds) {
    X509 *certificate = ssl.X509_new();
    uint64_t serial = 0;
    if (!certificate) return NULL;
    X509_NAME *subject = ssl.X509_get_subject_name(certificate);
    // A common name has at most 64 characters; clients check only the alternative name.
    const char *common = strlen(name) <= 64 ? name : "server";
    int made = ssl.RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
        ssl.X509_set_version(certificate, 2) == 1 &&
        ssl.ASN1_INTEGER_set_uint64(ssl.X509_get_serialNumber(certificate), (serial >> 1) | 1) == 1 &&
        ssl.X509_gmtime_adj(ssl.X509_getm_notBefore(certificate), -300) != NULL &&
        ssl.X509_gmtime_adj(ssl.X509_getm_notAfter(certificate), seconds) != NULL &&
        ssl.X509_set_pubkey(certificate, key) == 1 &&
        ssl.X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0) == 1 &&
        ssl.X509_set_issuer_name(certificate, issuer ? ssl.X509_get_subject_name(issuer) : subject) == 1;
    if (made) return certificate;
    ssl.X509_free(certificate);
    return NULL;
}

void mm_authority_free(void *raw) {
    struct authority *authority = raw;
    if (!authority) return;
    ssl.X509_free(authority->certificate);
    ssl.EVP_PKEY_free(authority->key);
    ssl.EVP_PKEY_free(authority->leaf_key);
    free(authority);
}

void *mm_authority_create(const char *name, long seconds) {
    if (mm_openssl_load()) return NULL;
    struct authority *authority = calloc(1, sizeof *authority);
    if (!authority) return NULL;
    authority->key = ssl.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    authority->leaf_key = ssl.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *certificate = authority->key && authority->leaf_key ? draft(name, authority->key, NULL, seconds) : NULL;
    authority->certificate = certificate;
    if (certificate && extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        extend(certificate, certificate, NID_subject_key_identifier, "hash") &&
        ssl.X509_sign(certificate, authority->key, ssl.EVP_sha256()) > 0)
        return authority;
    mm_authority_free(authority);
    return NULL;
}

int mm_authority_pem(void *raw, char *room, int size) {
    struct authority *authority = raw;
    BIO *memory = ssl.BIO_new(ssl.BIO_s_mem());
    int count = -1;
    if (memory && ssl.PEM_write_bio_X509(memory, authority->certificate) == 1) {
        count = ssl.BIO_read(memory, room, size);
        if (count == size) count = -1;
    }
    if (memory) ssl.BIO_free(memory);
    return count;
}

// Connections

struct connection {
    SSL *ssl;
    BIO *in, *out;
    char name[256];
    char asked[256];
    int asked_other, offered_other;
    unsigned long error;
};

static int choose_protocol(SSL *raw, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                           unsigned int count, void *unused) {
    (void)unused;
    // HTTP/1.1 is cheaper for a single request; HTTP/2 is for clients that support nothing else.
    static const char *const wanted[] = {"http/1.1", "h2"};
    for (unsigned int choice = 0; choice < sizeof wanted / sizeof *wanted; choice++) {
        size_t size = strlen(wanted[choice]);
        for (unsigned int at = 0; at < count && at + 1 + offered[at] <= count; at += 1 + offered[at]) {
            if (offered[at] != size || memcmp(offered + at + 1, wanted[choice], size) != 0) continue;
            *chosen = offered + at + 1;
            *length = (unsigned char)size;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    struct connection *connection = ssl.SSL_get_ex_data(raw, 0);
    if (connection) connection->offered_other = 1;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int check_name(SSL *raw, int *alert, void *unused) {
    (void)unused;
    struct connection *connection = ssl.SSL_get_ex_data(raw, 0);
    const char *asked = ssl.SSL_get_servername(raw, TLSEXT_NAMETYPE_host_name);
    // Clients that address a server by its IP address send no name.
    if (!asked || !connection || strcasecmp(asked, connection->name) == 0) return SSL_TLSEXT_ERR_OK;
    connection->asked_other = 1;
    snprintf(connection->asked, sizeof connection->asked, "%s", asked);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void *mm_leaf_create(void *raw, const char *name, int is_address, long seconds) {
    struct authority *authority = raw;
    char alternative[300];
    snprintf(alternative, sizeof alternative, "%s:%s", is_address ? "IP" : "DNS", name);
    X509 *certificate = draft(name, authority->leaf_key, authority->certificate, seconds);
    SSL_CTX *context = NULL;
    if (certificate && extend(certificate, authority->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
        extend(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature") &&
        extend(certificate, authority->certificate, NID_ext_key_usage, "serverAuth") &&
        extend(certificate, authority->certificate, NID_authority_key_identifier, "keyid") &&
        extend(certificate, authority->certificate, NID_subject_alt_name, alternative) &&
        ssl.X509_sign(certificate, authority->key, ssl.EVP_sha256()) > 0)
        context = ssl.SSL_CTX_new(ssl.TLS_server_method());
    if (context) {
        ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
        ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
        ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, NULL);
        // A session ticket would resume a connection with a leaf of another name.
        ssl.SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        ssl.SSL_CTX_set_num_tickets(context, 0);
        ssl.SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
        ssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, (void (*)(void))check_name);
        if (ssl.SSL_CTX_use_certificate(context, certificate) != 1 ||
            ssl.SSL_CTX_use_PrivateKey(context, authority->leaf_key) != 1) {
            ssl.SSL_CTX_free(context);
            context = NULL;
        }
    }
    ssl.X509_free(certificate);
    return context;
}

void mm_leaf_free(void *leaf) { ssl.SSL_CTX_free(leaf); }

void mm_tls_free(void *raw) {
    struct connection *connection = raw;
    if (!connection) return;
    ssl.SSL_free(connection->ssl);
    free(connection);
}

void *mm_tls_open(void *leaf, const char *name) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) return NULL;
    connection->ssl = ssl.SSL_new(leaf);
    connection->in = ssl.BIO_new(ssl.BIO_s_mem());
    connection->out = ssl.BIO_new(ssl.BIO_s_mem());
    if (!connection->ssl || !connection->in || !connection->out) {
        if (connection->in) ssl.BIO_free(connection->in);
        if (connection->out) ssl.BIO_free(connection->out);
        mm_tls_free(connection);
        return NULL;
    }
    snprintf(connection->name, sizeof connection->name, "%s", name);
    ssl.SSL_set_bio(connection->ssl, connection->in, connection->out);
    ssl.SSL_set_ex_data(connection->ssl, 0, connection);
    ssl.SSL_set_accept_state(connection->ssl);
    return connection;
}

int mm_tls_receive(void *raw, const uint8_t *bytes, int count) {
    struct connection *connection = raw;
    return count <= 0 || ssl.BIO_write(connection->in, bytes, count) == count ? 0 : MM_TLS_FAILED;
}

int mm_tls_send(void *raw, uint8_t *room, int size) {
    struct connection *connection = raw;
    int count = ssl.BIO_read(connection->out, room, size);
    return count > 0 ? count : 0;
}

// Returns the meaning of a call that didn't succeed.
static int outcome(struct connection *connection, int result) {
    switch (ssl.SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return MM_TLS_WAIT;
    case SSL_ERROR_ZERO_RETURN: return MM_TLS_END;
    default: connection->error = ssl.ERR_get_error(); return MM_TLS_FAILED;
    }
}

int mm_tls_handshake(void *raw) {
    struct connection *connection = raw;
    ssl.ERR_clear_error();
    int result = ssl.SSL_do_handshake(connection->ssl);
    if (result == 1) return 1;
    int meaning = outcome(connection, result);
    return meaning == MM_TLS_END ? MM_TLS_FAILED : meaning;
}

int mm_tls_read(void *raw, uint8_t *room, int size) {
    struct connection *connection = raw;
    ssl.ERR_clear_error();
    int result = ssl.SSL_read(connection->ssl, room, size);
    return result > 0 ? result : outcome(connection, result);
}

int mm_tls_write(void *raw, const uint8_t *bytes, int count) {
    struct connection *connection = raw;
    if (count <= 0) return 0;
    ssl.ERR_clear_error();
    int result = ssl.SSL_write(connection->ssl, bytes, count);
    if (result > 0) return result;
    outcome(connection, result);
    return MM_TLS_FAILED;
}

void mm_tls_shutdown(void *raw) {
    struct connection *connection = raw;
    ssl.ERR_clear_error();
    ssl.SSL_shutdown(connection->ssl);
}

void mm_tls_reason(void *raw, char *room, int size) {
    struct connection *connection = raw;
    if (connection->error) ssl.ERR_error_string_n(connection->error, room, (size_t)size);
    else snprintf(room, (size_t)size, "the connection ended");
}

int mm_tls_other_name(void *raw, char *room, int size) {
    struct connection *connection = raw;
    snprintf(room, (size_t)size, "%s", connection->asked);
    return connection->asked_other;
}

int mm_tls_other_protocol(void *raw) { return ((struct connection *)raw)->offered_other; }
