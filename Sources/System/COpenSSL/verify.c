// The public keys of sign-in services and of apps, and the verification of their signatures.
#include "COpenSSL.h"
#include "library.h"

#include <string.h>
#include <time.h>

void *mm_public_key_read(const uint8_t *der, int count) {
    if (mm_openssl_load()) return NULL;
    const unsigned char *start = der;
    ssl.ERR_clear_error();
    EVP_PKEY *key = ssl.d2i_PUBKEY(NULL, &start, count);
    ssl.ERR_clear_error();
    // No bytes may follow the key.
    if (key && start != der + count) {
        ssl.EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

// Returns a certificate's point in time in seconds since 1970; 0 if it isn't known.
static int64_t seconds(const ASN1_TIME *time) {
    struct tm moment;
    memset(&moment, 0, sizeof moment);
    return time && ssl.ASN1_TIME_to_tm(time, &moment) == 1 ? (int64_t)timegm(&moment) : 0;
}

void *mm_certificate_key(const uint8_t *der, int count, uint8_t *digest, int64_t *start, int64_t *end) {
    if (mm_openssl_load()) return NULL;
    const unsigned char *place = der;
    unsigned length = 0;
    ssl.ERR_clear_error();
    X509 *certificate = ssl.d2i_X509(NULL, &place, count);
    EVP_PKEY *key = NULL;
    if (certificate && place == der + count && ssl.X509_digest(certificate, ssl.EVP_sha1(), digest, &length) == 1 && length == 20) {
        *start = seconds(ssl.X509_get0_notBefore(certificate));
        *end = seconds(ssl.X509_get0_notAfter(certificate));
        key = ssl.X509_get_pubkey(certificate);
    }
    if (certificate) ssl.X509_free(certificate);
    ssl.ERR_clear_error();
    return key;
}

void mm_public_key_free(void *key) {
    if (key) ssl.EVP_PKEY_free(key);
}

int mm_public_key_kind(void *key) {
    switch (ssl.EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: return MM_CREDENTIAL_RSA;
    case EVP_PKEY_EC: return ssl.EVP_PKEY_get_bits(key) == 256 ? MM_CREDENTIAL_P256 : MM_CREDENTIAL_OTHER;
    }
    return MM_CREDENTIAL_OTHER;
}

int mm_public_key_bits(void *key) { return ssl.EVP_PKEY_get_bits(key); }

// Converts a signature of two numbers in full length, one after the other (RFC 7518, section 3.4), to OpenSSL's DER
// form.
static int der_signature(const uint8_t *signature, int half, unsigned char **der) {
    ECDSA_SIG *made = ssl.ECDSA_SIG_new();
    BIGNUM *r = ssl.BN_bin2bn(signature, half, NULL), *s = ssl.BN_bin2bn(signature + half, half, NULL);
    int count = -1;
    if (made && r && s && ssl.ECDSA_SIG_set0(made, r, s) == 1) {
        r = s = NULL;
        count = ssl.i2d_ECDSA_SIG(made, der);
    }
    if (r) ssl.BN_free(r);
    if (s) ssl.BN_free(s);
    if (made) ssl.ECDSA_SIG_free(made);
    return count;
}

int mm_public_key_verify(void *key, int algorithm, const uint8_t *bytes, int count, const uint8_t *signature,
                         int signature_count) {
    int kind = mm_public_key_kind(key);
    int is_elliptic = algorithm == MM_SIGNATURE_ES256;
    // The DER form of two 32-byte numbers has at most 72 bytes.
    unsigned char room[80], *end = room;
    if (kind != (is_elliptic ? MM_CREDENTIAL_P256 : MM_CREDENTIAL_RSA)) return 0;
    ssl.ERR_clear_error();
    if (is_elliptic) {
        if (signature_count != 64) return 0;
        signature_count = der_signature(signature, 32, &end);
        if (signature_count <= 0) return 0;
        signature = room;
    }
    EVP_MD_CTX *work = ssl.EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    int good = work && ssl.EVP_DigestVerifyInit(work, &options, ssl.EVP_sha256(), NULL, key) == 1 &&
        (algorithm != MM_SIGNATURE_PS256 ||
         (ssl.EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
          ssl.EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
        ssl.EVP_DigestVerify(work, signature, (size_t)signature_count, bytes, (size_t)count) == 1;
    if (work) ssl.EVP_MD_CTX_free(work);
    ssl.ERR_clear_error();
    return good ? 1 : 0;
}
