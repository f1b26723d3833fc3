// The parts of OpenSSL in use: what ends TLS for one session (an authority that signs leaves, and connections over
// memory), and the certificates that apps sign in with. The libraries are opened on first use. Nothing here blocks, reads
// a file, opens a socket or asks at the terminal.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stddef.h>
#include <stdint.h>

// Opens libssl and libcrypto, once for the process. Null on success, else why they could not be opened. What makes or reads
// something does so by itself, and answers as for bad input without them; who wants to say why asks here first.
const char *mm_openssl_load(void);

// An authority with a new key (EC, P-256) that never leaves this memory, valid for so many seconds; or null.
void *mm_authority_create(const char *name, long seconds);
void mm_authority_free(void *authority);
// The authority's own certificate as PEM; its length, or -1 when there is no room.
int mm_authority_pem(void *authority, char *room, int size);

// A server certificate for exactly this DNS name, or IP address, with what serves it; or null. It may outlive the
// authority, and serves any number of connections on any threads.
void *mm_leaf_create(void *authority, const char *name, int is_address, long seconds);
void mm_leaf_free(void *leaf);

// The server's side of one TLS connection whose client must ask for `name` where it names a server at all, and must
// take HTTP/1.1 where it names protocols. For one thread at a time.
void *mm_tls_open(void *leaf, const char *name);
void mm_tls_free(void *tls);
enum { MM_TLS_WAIT = 0, MM_TLS_END = -1, MM_TLS_FAILED = -2 };
// Takes what came from the client, still encrypted; 0, or MM_TLS_FAILED.
int mm_tls_receive(void *tls, const uint8_t *bytes, int count);
// Gives what goes to the client, encrypted; how many bytes, 0 for none.
int mm_tls_send(void *tls, uint8_t *room, int size);
// 1 when the handshake is done, MM_TLS_WAIT when more must come from the client, MM_TLS_FAILED.
int mm_tls_handshake(void *tls);
// Plain bytes from the client: how many, MM_TLS_WAIT, MM_TLS_END after its farewell, MM_TLS_FAILED.
int mm_tls_read(void *tls, uint8_t *room, int size);
// Encrypts plain bytes for the client: how many, or MM_TLS_FAILED.
int mm_tls_write(void *tls, const uint8_t *bytes, int count);
// Encrypts the farewell.
void mm_tls_shutdown(void *tls);
// Why it failed: what OpenSSL says, in `room`.
void mm_tls_reason(void *tls, char *room, int size);
// Whether the client asked for another server than the one of `mm_tls_open`; its name then stands in `room`.
int mm_tls_other_name(void *tls, char *room, int size);
// Whether the client offered protocols and neither HTTP/1.1 nor HTTP/2 was among them.
int mm_tls_other_protocol(void *tls);

// A certificate with its private key, out of PEM (each in a text of its own, or both in one that is given twice) or out of
// a PKCS #12 store, which holds both. The password may be null. Null with the reason in `fault` where it can't be read.
enum {
    MM_CREDENTIAL_READ,
    MM_CREDENTIAL_UNREADABLE,
    MM_CREDENTIAL_NO_KEY,
    MM_CREDENTIAL_NO_CERTIFICATE,
    MM_CREDENTIAL_OTHER_KEY,
    MM_CREDENTIAL_NEEDS_PASSWORD,
    MM_CREDENTIAL_WRONG_PASSWORD,
    MM_CREDENTIAL_OLD_CIPHER,
    MM_CREDENTIAL_NO_MODULE,
    MM_CREDENTIAL_OTHER_MODULE,
    MM_CREDENTIAL_NO_TOKEN_KEY,
    MM_CREDENTIAL_WRONG_PIN
};
void *mm_credential_read(const uint8_t *certificate, int certificate_count, const uint8_t *key, int key_count,
                         const char *password, int *fault);
// The same with a key that stays in a token, named by its PKCS #11 URI. The module that reaches the token may be null, for
// that of OpenSSL's own configuration, and so may the PIN. A process reaches tokens through one module.
void *mm_credential_open(const uint8_t *certificate, int certificate_count, const char *uri, const char *module,
                         const char *pin, int *fault);
// A new key of P-256 without a certificate, or null; its point, both coordinates in full length, and 64, or -1; whether a
// signature is its own: 1, else 0.
void *mm_credential_create(void);
// A private key without a certificate, out of PEM that no password protects, or null.
void *mm_credential_read_key(const uint8_t *pem, int count);
int mm_credential_point(void *credential, uint8_t *room, int size);
int mm_credential_verify(void *credential, const uint8_t *bytes, int count, const uint8_t *signature, int signature_count);
void mm_credential_free(void *credential);
enum {
    MM_CREDENTIAL_OTHER,
    MM_CREDENTIAL_RSA,
    MM_CREDENTIAL_P256,
    MM_CREDENTIAL_P384,
    MM_CREDENTIAL_P521
};
int mm_credential_kind(void *credential);
// The certificate in DER; its length, or -1 when there is no room.
int mm_credential_certificate(void *credential, uint8_t *room, int size);
// When the certificate ends, in seconds since 1970; 0 where it can't be told.
int64_t mm_credential_end(void *credential);
// Signs as JSON web signatures want it (RFC 7518: PS256, ES256, ES384 or ES512 by the kind of key); the length of the
// signature, or -1. For several threads at once.
int mm_credential_sign(void *credential, const uint8_t *bytes, int count, uint8_t *room, int size);

// A public key out of its DER form (SubjectPublicKeyInfo, RFC 5280), or null. It verifies on several threads at once.
void *mm_public_key_read(const uint8_t *der, int count);
void mm_public_key_free(void *key);
// The public key of a certificate in DER, or null; with the 20 bytes of the certificate's SHA-1 digest, and when it begins and
// ends, in seconds since 1970.
void *mm_certificate_key(const uint8_t *der, int count, uint8_t *digest, int64_t *start, int64_t *end);
// The kind of key, as of credentials, and its length in bits.
int mm_public_key_kind(void *key);
int mm_public_key_bits(void *key);
enum { MM_SIGNATURE_RS256, MM_SIGNATURE_PS256, MM_SIGNATURE_ES256 };
// Whether a JSON web signature (RFC 7518) of these bytes is this key's: 1, else 0.
int mm_public_key_verify(void *key, int algorithm, const uint8_t *bytes, int count, const uint8_t *signature,
                         int signature_count);

// Encrypts with AES-256-GCM under a key of 32 bytes and a fresh nonce, bound to a name; the length of nonce, ciphertext and
// tag, or -1. 28 bytes more are needed than `count`. `mm_unseal` is the reverse; -1 where anything doesn't belong together.
int mm_seal(const uint8_t *key, const uint8_t *name, int name_count, const uint8_t *plain, int count, uint8_t *room,
            int size);
int mm_unseal(const uint8_t *key, const uint8_t *name, int name_count, const uint8_t *sealed, int count, uint8_t *room,
              int size);

#endif
