// The parts of OpenSSL in use: TLS termination for one session (an authority that signs leaves, and connections in memory),
// and the certificates that apps sign in with. The libraries are opened on first use. No function blocks, reads a file, opens
// a socket or asks at the terminal.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stddef.h>
#include <stdint.h>

// Opens libssl and libcrypto, once per process. Returns null on success, otherwise why they could not be opened. Functions
// that create or read something call it themselves, and without the libraries return the same as for bad input; call it before
// them to learn the reason.
const char *mm_openssl_load(void);

// Creates an authority with a new key (EC, P-256) that never leaves this memory, valid for `seconds`. Returns null on failure.
void *mm_authority_create(const char *name, long seconds);
void mm_authority_free(void *authority);
// Writes the authority's own certificate as PEM. Returns its length, or -1 if `room` is too small.
int mm_authority_pem(void *authority, char *room, int size);

// Creates a server certificate for exactly this DNS name or IP address, with the context that serves it; null on failure. It
// may outlive the authority, and serves any number of connections on any threads.
void *mm_leaf_create(void *authority, const char *name, int is_address, long seconds);
void mm_leaf_free(void *leaf);

// Opens the server's side of one TLS connection. If the client names a server, it must be `name`; if it offers protocols,
// HTTP/1.1 or HTTP/2 must be among them. For one thread at a time.
void *mm_tls_open(void *leaf, const char *name);
void mm_tls_free(void *tls);
enum { MM_TLS_WAIT = 0, MM_TLS_END = -1, MM_TLS_FAILED = -2 };
// Processes encrypted bytes from the client. Returns 0, or MM_TLS_FAILED.
int mm_tls_receive(void *tls, const uint8_t *bytes, int count);
// Stores encrypted bytes for the client. Returns their number, 0 if there are none.
int mm_tls_send(void *tls, uint8_t *room, int size);
// Continues the handshake. Returns 1 when it is complete, MM_TLS_WAIT if the client must send more, or MM_TLS_FAILED.
int mm_tls_handshake(void *tls);
// Reads decrypted bytes from the client. Returns their number, MM_TLS_WAIT, MM_TLS_END after the client has closed, or
// MM_TLS_FAILED.
int mm_tls_read(void *tls, uint8_t *room, int size);
// Encrypts bytes for the client. Returns their number, or MM_TLS_FAILED.
int mm_tls_write(void *tls, const uint8_t *bytes, int count);
// Prepares the message that closes the connection.
void mm_tls_shutdown(void *tls);
// Writes OpenSSL's reason for the failure to `room`.
void mm_tls_reason(void *tls, char *room, int size);
// Returns whether the client asked for another server than the one of `mm_tls_open`, and writes its name to `room`.
int mm_tls_other_name(void *tls, char *room, int size);
// Returns whether the client offered protocols but neither HTTP/1.1 nor HTTP/2.
int mm_tls_other_protocol(void *tls);

// Reads a certificate with its private key: from PEM (in two texts, or both in one that is passed twice), or from a PKCS #12
// store, which contains both. The password may be null. Returns null with the reason in `fault` on failure.
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
    MM_CREDENTIAL_NO_LIBRARY,
    MM_CREDENTIAL_OTHER_MODULE,
    MM_CREDENTIAL_NO_TOKEN_KEY,
    MM_CREDENTIAL_WRONG_PIN
};
void *mm_credential_read(const uint8_t *certificate, int certificate_count, const uint8_t *key, int key_count,
                         const char *password, int *fault);
// The same with a key that stays in a token, named by its PKCS #11 URI. The module that reaches the token may be null, for the
// one in OpenSSL's own configuration, and so may the PIN. A process reaches tokens through one module.
void *mm_credential_open(const uint8_t *certificate, int certificate_count, const char *uri, const char *module,
                         const char *pin, int *fault);
// `mm_credential_create` creates a key of P-256 without a certificate, or returns null. `mm_credential_point` stores its
// point, both coordinates in full length, and returns 64, or -1. `mm_credential_verify` returns 1 if a signature is its own,
// otherwise 0.
void *mm_credential_create(void);
// Reads a private key without a certificate from PEM without a password. Returns null on failure.
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
// Writes the certificate in DER. Returns its length, or -1 if `room` is too small.
int mm_credential_certificate(void *credential, uint8_t *room, int size);
// Returns when the certificate expires, in seconds since 1970; 0 if that isn't known.
int64_t mm_credential_end(void *credential);
// Signs in the form of JSON web signatures (RFC 7518: PS256, ES256, ES384 or ES512 by the kind of key). Returns the
// signature's length, or -1. May be called by several threads at once.
int mm_credential_sign(void *credential, const uint8_t *bytes, int count, uint8_t *room, int size);

// Writes the digest of the given name ("SHA512") to `room`, which has `MM_DIGEST` bytes. Returns its length, or -1.
enum { MM_DIGEST = 64 };
int mm_digest(const char *name, const uint8_t *bytes, size_t count, uint8_t *room);

// Reads a public key in DER form (SubjectPublicKeyInfo, RFC 5280); null on failure. It verifies on several threads at once.
void *mm_public_key_read(const uint8_t *der, int count);
void mm_public_key_free(void *key);
// Returns the public key of a certificate in DER, or null; stores the 20 bytes of the certificate's SHA-1 digest, and its
// start and end in seconds since 1970.
void *mm_certificate_key(const uint8_t *der, int count, uint8_t *digest, int64_t *start, int64_t *end);
// Return the kind of key, as for credentials, and its length in bits.
int mm_public_key_kind(void *key);
int mm_public_key_bits(void *key);
enum { MM_SIGNATURE_RS256, MM_SIGNATURE_PS256, MM_SIGNATURE_ES256 };
// Returns whether a JSON web signature (RFC 7518) of these bytes is this key's: 1 or 0.
int mm_public_key_verify(void *key, int algorithm, const uint8_t *bytes, int count, const uint8_t *signature,
                         int signature_count);

// Encrypts with AES-256-GCM under a 32-byte key and a fresh nonce, authenticating a name as well. Returns the length of nonce,
// ciphertext and tag, which is `count` plus 28, or -1. `mm_unseal` is the reverse; it returns -1 if anything doesn't match.
int mm_seal(const uint8_t *key, const uint8_t *name, int name_count, const uint8_t *plain, int count, uint8_t *room,
            int size);
int mm_unseal(const uint8_t *key, const uint8_t *name, int name_count, const uint8_t *sealed, int count, uint8_t *room,
              int size);

#endif
