// The certificates that apps sign in with, and signatures by their keys.
#include "credential.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "COpenSSL.h"
#include "library.h"

// Provides the password to OpenSSL, whose default would ask at the terminal.
int mm_give_password(char *room, int size, int writing, void *raw) {
    (void)writing;
    struct password *password = raw;
    password->was_asked = 1;
    int count = password->text ? (int)strlen(password->text) : 0;
    if (count == 0 || count > size) return 0;
    memcpy(room, password->text, (size_t)count);
    return count;
}

static EVP_PKEY *pem_key(const uint8_t *bytes, int count, struct password *password) {
    BIO *memory = ssl.BIO_new_mem_buf(bytes, count);
    if (!memory) return NULL;
    EVP_PKEY *key = ssl.PEM_read_bio_PrivateKey(memory, NULL, mm_give_password, password);
    ssl.BIO_free(memory);
    return key;
}

// Returns the certificate that belongs to the key; the others of a chain, in any order, are the issuers'.
X509 *mm_pem_certificate(const uint8_t *bytes, int count, EVP_PKEY *key, int *any) {
    BIO *memory = ssl.BIO_new_mem_buf(bytes, count);
    struct password none = {NULL, 0};
    X509 *found = NULL, *next = NULL;
    while (memory && !found && (next = ssl.PEM_read_bio_X509(memory, NULL, mm_give_password, &none))) {
        *any = 1;
        if (ssl.X509_check_private_key(next, key) == 1) found = next;
        else ssl.X509_free(next);
    }
    if (memory) ssl.BIO_free(memory);
    return found;
}

// Returns whether the last failure was due to an algorithm that OpenSSL has only in its provider `legacy`.
static int cipher_missing(void) {
    unsigned long error;
    int missing = 0;
    while ((error = ssl.ERR_get_error()))
        if (ERR_GET_LIB(error) == ERR_LIB_EVP && ERR_GET_REASON(error) == ERR_R_UNSUPPORTED) missing = 1;
    return missing;
}

static int read_pem(struct credential *credential, const uint8_t *certificate, int certificate_count,
                    const uint8_t *key, int key_count, const char *text) {
    struct password password = {text, 0};
    int any = 0;
    credential->key = pem_key(key, key_count, &password);
    if (!credential->key) {
        if (!password.was_asked) return MM_CREDENTIAL_NO_KEY;
        if (!text || !*text) return MM_CREDENTIAL_NEEDS_PASSWORD;
        return cipher_missing() ? MM_CREDENTIAL_OLD_CIPHER : MM_CREDENTIAL_WRONG_PASSWORD;
    }
    credential->certificate = mm_pem_certificate(certificate, certificate_count, credential->key, &any);
    if (credential->certificate) return MM_CREDENTIAL_READ;
    return any ? MM_CREDENTIAL_OTHER_KEY : MM_CREDENTIAL_NO_CERTIFICATE;
}

static int read_store(struct credential *credential, const uint8_t *bytes, int count, const char *password) {
    BIO *memory = ssl.BIO_new_mem_buf(bytes, count);
    PKCS12 *store = memory ? ssl.d2i_PKCS12_bio(memory, NULL) : NULL;
    int fault = MM_CREDENTIAL_READ;
    if (memory) ssl.BIO_free(memory);
    if (!store) return MM_CREDENTIAL_UNREADABLE;
    const char *text = password ? password : "";
    if (ssl.PKCS12_mac_present(store) && ssl.PKCS12_verify_mac(store, text, -1) != 1 &&
        (*text || ssl.PKCS12_verify_mac(store, NULL, 0) != 1))
        fault = *text ? MM_CREDENTIAL_WRONG_PASSWORD : MM_CREDENTIAL_NEEDS_PASSWORD;
    // The password is right, so a store that can't be opened is encrypted with legacy algorithms of OpenSSL 3 (RC2,
    // 3DES).
    else if (ssl.PKCS12_parse(store, text, &credential->key, &credential->certificate, NULL) != 1)
        fault = MM_CREDENTIAL_OLD_CIPHER;
    else if (!credential->key) fault = MM_CREDENTIAL_NO_KEY;
    else if (!credential->certificate) fault = MM_CREDENTIAL_NO_CERTIFICATE;
    ssl.PKCS12_free(store);
    return fault;
}

void *mm_credential_read(const uint8_t *certificate, int certificate_count, const uint8_t *key, int key_count,
                         const char *password, int *fault) {
    *fault = MM_CREDENTIAL_UNREADABLE;
    if (mm_openssl_load()) return NULL;
    struct credential *credential = calloc(1, sizeof *credential);
    if (!credential) return NULL;
    ssl.ERR_clear_error();
    // PEM is text; a PKCS #12 store begins with the first byte of a DER sequence.
    *fault = certificate_count > 0 && certificate[0] == 0x30
        ? read_store(credential, certificate, certificate_count, password)
        : read_pem(credential, certificate, certificate_count, key, key_count, password);
    ssl.ERR_clear_error();
    if (*fault == MM_CREDENTIAL_READ) return credential;
    mm_credential_free(credential);
    return NULL;
}

void mm_credential_free(void *raw) {
    struct credential *credential = raw;
    if (!credential) return;
    ssl.X509_free(credential->certificate);
    ssl.EVP_PKEY_free(credential->key);
    free(credential);
}

// Creates a key of the curve P-256, without a certificate.
void *mm_credential_create(void) {
    if (mm_openssl_load()) return NULL;
    struct credential *credential = calloc(1, sizeof *credential);
    if (!credential) return NULL;
    credential->key = ssl.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (credential->key) return credential;
    free(credential);
    return NULL;
}

void *mm_credential_read_key(const uint8_t *pem, int count) {
    if (mm_openssl_load()) return NULL;
    struct password none = {NULL, 0};
    struct credential *credential = calloc(1, sizeof *credential);
    if (!credential) return NULL;
    ssl.ERR_clear_error();
    credential->key = pem_key(pem, count, &none);
    ssl.ERR_clear_error();
    if (credential->key) return credential;
    free(credential);
    return NULL;
}

// Stores the point of a P-256 key: both coordinates in full length, one after the other.
int mm_credential_point(void *raw, uint8_t *room, int size) {
    struct credential *credential = raw;
    BIGNUM *x = NULL, *y = NULL;
    int made = size >= 64 && ssl.EVP_PKEY_get_bn_param(credential->key, "qx", &x) == 1 &&
        ssl.EVP_PKEY_get_bn_param(credential->key, "qy", &y) == 1 && ssl.BN_bn2binpad(x, room, 32) == 32 &&
        ssl.BN_bn2binpad(y, room + 32, 32) == 32;
    ssl.BN_free(x);
    ssl.BN_free(y);
    return made ? 64 : -1;
}

int mm_credential_verify(void *raw, const uint8_t *bytes, int count, const uint8_t *signature, int signature_count) {
    struct credential *credential = raw;
    return mm_public_key_verify(credential->key, MM_SIGNATURE_ES256, bytes, count, signature, signature_count);
}

int mm_credential_kind(void *raw) {
    struct credential *credential = raw;
    switch (ssl.EVP_PKEY_get_base_id(credential->key)) {
    case EVP_PKEY_RSA: return MM_CREDENTIAL_RSA;
    case EVP_PKEY_EC:
        switch (ssl.EVP_PKEY_get_bits(credential->key)) {
        case 256: return MM_CREDENTIAL_P256;
        case 384: return MM_CREDENTIAL_P384;
        case 521: return MM_CREDENTIAL_P521;
        }
    }
    return MM_CREDENTIAL_OTHER;
}

int mm_credential_certificate(void *raw, uint8_t *room, int size) {
    struct credential *credential = raw;
    int count = ssl.i2d_X509(credential->certificate, NULL);
    if (count <= 0 || count > size) return -1;
    unsigned char *end = room;
    return ssl.i2d_X509(credential->certificate, &end);
}

int64_t mm_credential_end(void *raw) {
    struct credential *credential = raw;
    struct tm moment;
    memset(&moment, 0, sizeof moment);
    if (ssl.ASN1_TIME_to_tm(ssl.X509_get0_notAfter(credential->certificate), &moment) != 1) return 0;
    return (int64_t)timegm(&moment);
}

// Converts a signature to the form of RFC 7518, section 3.4: both numbers in full length, one after the other.
static int plain_signature(const uint8_t *bytes, size_t count, int half, uint8_t *room, int size) {
    const unsigned char *start = bytes;
    ECDSA_SIG *signature = ssl.d2i_ECDSA_SIG(NULL, &start, (long)count);
    const BIGNUM *r = NULL, *s = NULL;
    if (!signature) return -1;
    ssl.ECDSA_SIG_get0(signature, &r, &s);
    int made = half * 2 <= size && ssl.BN_bn2binpad(r, room, half) == half &&
        ssl.BN_bn2binpad(s, room + half, half) == half;
    ssl.ECDSA_SIG_free(signature);
    return made ? half * 2 : -1;
}

int mm_credential_sign(void *raw, const uint8_t *bytes, int count, uint8_t *room, int size) {
    struct credential *credential = raw;
    int kind = mm_credential_kind(raw);
    const EVP_MD *digest = kind == MM_CREDENTIAL_P384 ? ssl.EVP_sha384()
        : kind == MM_CREDENTIAL_P521                  ? ssl.EVP_sha512()
                                                      : ssl.EVP_sha256();
    EVP_MD_CTX *work = ssl.EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    uint8_t made[1024];
    size_t length = sizeof made;
    ssl.ERR_clear_error();
    int good = work && kind != MM_CREDENTIAL_OTHER &&
        ssl.EVP_DigestSignInit(work, &options, digest, NULL, credential->key) == 1 &&
        (kind != MM_CREDENTIAL_RSA ||
         (ssl.EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
          ssl.EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
        ssl.EVP_DigestSign(work, made, &length, bytes, (size_t)count) == 1;
    if (work) ssl.EVP_MD_CTX_free(work);
    if (!good) return -1;
    switch (kind) {
    case MM_CREDENTIAL_P256: return plain_signature(made, length, 32, room, size);
    case MM_CREDENTIAL_P384: return plain_signature(made, length, 48, room, size);
    case MM_CREDENTIAL_P521: return plain_signature(made, length, 66, room, size);
    default:
        if (length > (size_t)size) return -1;
        memcpy(room, made, length);
        return (int)length;
    }
}
