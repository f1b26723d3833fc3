#ifndef LIBRARY_H
#define LIBRARY_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Every function in use, by library.
#define CRYPTO(F) \
    F(EVP_PKEY_Q_keygen) F(EVP_PKEY_free) F(EVP_sha256) F(RAND_bytes) F(X509_new) F(X509_free) \
    F(X509_set_version) F(X509_get_serialNumber) F(ASN1_INTEGER_set_uint64) F(X509_getm_notBefore) \
    F(X509_getm_notAfter) F(X509_gmtime_adj) F(X509_set_pubkey) F(X509_get_subject_name) F(X509_set_issuer_name) \
    F(X509_NAME_add_entry_by_txt) F(X509V3_set_ctx) F(X509V3_EXT_conf_nid) F(X509_add_ext) F(X509_EXTENSION_free) \
    F(X509_sign) F(PEM_write_bio_X509) F(BIO_new) F(BIO_s_mem) F(BIO_read) F(BIO_write) F(BIO_free) \
    F(ERR_clear_error) F(ERR_get_error) F(ERR_error_string_n) F(BIO_new_mem_buf) F(PEM_read_bio_X509) \
    F(PEM_read_bio_PrivateKey) F(X509_check_private_key) F(X509_get0_notAfter) F(ASN1_TIME_to_tm) F(i2d_X509) \
    F(d2i_PKCS12_bio) F(PKCS12_verify_mac) F(PKCS12_mac_present) F(PKCS12_parse) F(PKCS12_free) \
    F(EVP_PKEY_get_base_id) F(EVP_PKEY_get_bits) F(EVP_sha384) F(EVP_sha512) F(EVP_MD_CTX_new) F(EVP_MD_CTX_free) \
    F(EVP_DigestSignInit) F(EVP_DigestSign) F(EVP_PKEY_CTX_set_rsa_padding) F(EVP_PKEY_CTX_set_rsa_pss_saltlen) \
    F(d2i_ECDSA_SIG) F(ECDSA_SIG_get0) F(ECDSA_SIG_free) F(BN_bn2binpad) F(EVP_aes_256_gcm) F(EVP_CIPHER_CTX_new) \
    F(EVP_CIPHER_CTX_free) F(EVP_CIPHER_CTX_ctrl) F(EVP_CipherInit_ex) F(EVP_CipherUpdate) F(EVP_CipherFinal_ex) \
    F(d2i_PUBKEY) F(EVP_DigestVerifyInit) F(EVP_DigestVerify) F(ECDSA_SIG_new) F(ECDSA_SIG_set0) F(i2d_ECDSA_SIG) \
    F(BN_bin2bn) F(BN_free) F(EVP_PKEY_get_bn_param) F(d2i_X509) F(X509_get_pubkey) F(X509_get0_notBefore) \
    F(X509_digest) F(EVP_sha1) F(EVP_Q_digest)
#define TLS(F) \
    F(TLS_server_method) F(SSL_CTX_new) F(SSL_CTX_free) F(SSL_CTX_ctrl) F(SSL_CTX_callback_ctrl) F(SSL_CTX_set_options) \
    F(SSL_CTX_use_certificate) F(SSL_CTX_use_PrivateKey) F(SSL_CTX_set_alpn_select_cb) F(SSL_CTX_set_num_tickets) \
    F(SSL_new) F(SSL_free) F(SSL_set_bio) F(SSL_set_accept_state) F(SSL_set_ex_data) F(SSL_get_ex_data) \
    F(SSL_do_handshake) F(SSL_read) F(SSL_write) F(SSL_shutdown) F(SSL_get_error) F(SSL_get_servername)


// The functions of the libraries, set by `mm_openssl_load`.
struct openssl_functions {
#define POINTER(name) __typeof__(name) *name;
    CRYPTO(POINTER) TLS(POINTER)
#undef POINTER
};
// Returns a function that not every build of the library has, or null.
void *mm_openssl_find(const char *name) __attribute__((visibility("hidden")));
extern struct openssl_functions ssl __attribute__((visibility("hidden")));

#endif
