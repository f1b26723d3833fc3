#include "CFIDO2.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// The part of libfido2's interface in use (fido_dev_open(3), fido_cred_new(3), fido_assert_new(3)). Its types are
// opaque, so its headers aren't needed to build.
enum { touched = 2, verified = 2, es256 = -7, eddsa = -8, rs256 = -257, half_a_minute = 30000 };

#define FUNCTIONS(X) \
    X(void, fido_init, int) \
    X(const char *, fido_strerr, int) \
    X(void *, fido_dev_info_new, size_t) \
    X(void, fido_dev_info_free, void **, size_t) \
    X(int, fido_dev_info_manifest, void *, size_t, size_t *) \
    X(const void *, fido_dev_info_ptr, const void *, size_t) \
    X(const char *, fido_dev_info_path, const void *) \
    X(void *, fido_dev_new, void) \
    X(void, fido_dev_free, void **) \
    X(int, fido_dev_open, void *, const char *) \
    X(int, fido_dev_close, void *) \
    X(int, fido_dev_set_timeout, void *, int) \
    X(int, fido_dev_make_cred, void *, void *, const char *) \
    X(int, fido_dev_get_assert, void *, void *, const char *) \
    X(void *, fido_cred_new, void) \
    X(void, fido_cred_free, void **) \
    X(int, fido_cred_set_type, void *, int) \
    X(int, fido_cred_set_clientdata_hash, void *, const unsigned char *, size_t) \
    X(int, fido_cred_set_rp, void *, const char *, const char *) \
    X(int, fido_cred_set_user, void *, const unsigned char *, size_t, const char *, const char *, const char *) \
    X(const unsigned char *, fido_cred_id_ptr, const void *) \
    X(size_t, fido_cred_id_len, const void *) \
    X(const unsigned char *, fido_cred_pubkey_ptr, const void *) \
    X(size_t, fido_cred_pubkey_len, const void *) \
    X(int, fido_cred_set_authdata_raw, void *, const unsigned char *, size_t) \
    X(void *, fido_assert_new, void) \
    X(void, fido_assert_free, void **) \
    X(int, fido_assert_set_clientdata_hash, void *, const unsigned char *, size_t) \
    X(int, fido_assert_set_rp, void *, const char *) \
    X(int, fido_assert_set_up, void *, int) \
    X(int, fido_assert_set_uv, void *, int) \
    X(int, fido_assert_allow_cred, void *, const unsigned char *, size_t) \
    X(int, fido_assert_set_count, void *, size_t) \
    X(int, fido_assert_set_authdata_raw, void *, size_t, const unsigned char *, size_t) \
    X(int, fido_assert_set_sig, void *, size_t, const unsigned char *, size_t) \
    X(const unsigned char *, fido_assert_id_ptr, const void *, size_t) \
    X(size_t, fido_assert_id_len, const void *, size_t) \
    X(const unsigned char *, fido_assert_authdata_ptr, const void *, size_t) \
    X(size_t, fido_assert_authdata_len, const void *, size_t) \
    X(const unsigned char *, fido_assert_sig_ptr, const void *, size_t) \
    X(size_t, fido_assert_sig_len, const void *, size_t) \
    X(int, fido_assert_verify, const void *, size_t, int, const void *) \
    X(void *, es256_pk_new, void) \
    X(void, es256_pk_free, void **) \
    X(int, es256_pk_from_ptr, void *, const void *, size_t) \
    X(void *, eddsa_pk_new, void) \
    X(void, eddsa_pk_free, void **) \
    X(int, eddsa_pk_from_ptr, void *, const void *, size_t) \
    X(void *, rs256_pk_new, void) \
    X(void, rs256_pk_free, void **) \
    X(int, rs256_pk_from_ptr, void *, const void *, size_t)

#define POINTER(result, name, ...) static result (*name)(__VA_ARGS__);
FUNCTIONS(POINTER)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_loaded;

static void load(void) {
    void *library = dlopen("libfido2.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    is_loaded = 1;
#define RESOLVE(result, name, ...) if (!(*(void **)&name = dlsym(library, #name))) is_loaded = 0;
    FUNCTIONS(RESOLVE)
    if (is_loaded) fido_init(0);
}

static int library(void) {
    pthread_once(&once, load);
    return is_loaded;
}

int mm_fido_is_there(void) { return library(); }

static int failed(int code, char *why, size_t room) {
    snprintf(why, room, "%s", fido_strerr(code));
    return mm_fido_failed;
}

// Opens the first security key that is plugged in; null if there is none.
static void *open_key(void) {
    size_t count = 0;
    void *list = fido_dev_info_new(8);
    void *key = NULL;
    if (list && fido_dev_info_manifest(list, 8, &count) == 0) {
        for (size_t place = 0; place < count && !key; place++) {
            const char *path = fido_dev_info_path(fido_dev_info_ptr(list, place));
            key = fido_dev_new();
            if (key && (!path || fido_dev_open(key, path) != 0)) fido_dev_free(&key);
        }
    }
    if (list) fido_dev_info_free(&list, 8);
    if (key) fido_dev_set_timeout(key, half_a_minute);
    return key;
}

static void close_key(void *key) {
    fido_dev_close(key);
    fido_dev_free(&key);
}

static int copy(unsigned char *to, size_t *length, const unsigned char *from, size_t count) {
    if (!from || count > mm_fido_room) return -1;
    memcpy(to, from, count);
    *length = count;
    return 0;
}

// Copies the bytes of a CBOR byte string (RFC 8949, major type 2), the form in which the library returns a key's
// authenticator data.
static int copy_string(unsigned char *to, size_t *length, const unsigned char *from, size_t count) {
    if (!from || count < 1) return -1;
    size_t head = from[0] < 0x58 ? 1 : from[0] == 0x58 ? 2 : 3;
    if (count < head || (from[0] >> 5) != 2 || from[0] > 0x59) return -1;
    size_t told = head == 1 ? from[0] & 31 : head == 2 ? from[1] : (size_t)from[1] << 8 | from[2];
    return told == count - head ? copy(to, length, from + head, told) : -1;
}

int mm_fido_register(const char *party, const unsigned char *challenge, mm_fido_credential *made, char *why, size_t room) {
    if (!library()) return mm_fido_no_library;
    void *key = open_key();
    if (!key) return mm_fido_no_key;
    void *pair = fido_cred_new();
    int code = pair ? fido_cred_set_type(pair, es256) : -1;
    if (!code) code = fido_cred_set_clientdata_hash(pair, challenge, mm_fido_hash);
    if (!code) code = fido_cred_set_rp(pair, party, party);
    // There is one user; the challenge serves as the random user id that the standard requires.
    if (!code) code = fido_cred_set_user(pair, challenge, mm_fido_hash, party, party, NULL);
    if (!code) code = fido_dev_make_cred(key, pair, NULL);
    if (!code && fido_cred_pubkey_len(pair) != mm_fido_point) code = -1;
    if (!code) code = copy(made->id, &made->id_length, fido_cred_id_ptr(pair), fido_cred_id_len(pair));
    if (!code) memcpy(made->point, fido_cred_pubkey_ptr(pair), mm_fido_point);
    if (pair) fido_cred_free(&pair);
    close_key(key);
    return code ? failed(code, why, room) : mm_fido_done;
}

int mm_fido_assert(
    const char *party, const unsigned char *challenge, const unsigned char *ids, const size_t *lengths, size_t count,
    mm_fido_assertion *made, char *why, size_t room
) {
    if (!library()) return mm_fido_no_library;
    void *key = open_key();
    if (!key) return mm_fido_no_key;
    void *said = fido_assert_new();
    int code = said ? fido_assert_set_clientdata_hash(said, challenge, mm_fido_hash) : -1;
    if (!code) code = fido_assert_set_rp(said, party);
    for (size_t place = 0; place < count && !code; place++) {
        code = fido_assert_allow_cred(said, ids, lengths[place]);
        ids += lengths[place];
    }
    if (!code) code = fido_assert_set_up(said, touched);
    if (!code) code = fido_dev_get_assert(key, said, NULL);
    if (!code) code = copy(made->id, &made->id_length, fido_assert_id_ptr(said, 0), fido_assert_id_len(said, 0));
    if (!code) {
        code = copy_string(
            made->data, &made->data_length, fido_assert_authdata_ptr(said, 0), fido_assert_authdata_len(said, 0));
    }
    if (!code) {
        code = copy(
            made->signature, &made->signature_length, fido_assert_sig_ptr(said, 0), fido_assert_sig_len(said, 0));
    }
    if (said) fido_assert_free(&said);
    close_key(key);
    return code ? failed(code, why, room) : mm_fido_done;
}

int mm_fido_verify(
    const char *party, const unsigned char *challenge, const mm_fido_assertion *made, const unsigned char *point
) {
    if (!library()) return -1;
    void *said = fido_assert_new();
    void *public_key = es256_pk_new();
    int is_right = said && public_key && fido_assert_set_clientdata_hash(said, challenge, mm_fido_hash) == 0
        && fido_assert_set_rp(said, party) == 0 && fido_assert_set_count(said, 1) == 0
        && fido_assert_set_up(said, touched) == 0
        && fido_assert_set_authdata_raw(said, 0, made->data, made->data_length) == 0
        && fido_assert_set_sig(said, 0, made->signature, made->signature_length) == 0
        && es256_pk_from_ptr(public_key, point, mm_fido_point) == 0
        && fido_assert_verify(said, 0, es256, public_key) == 0;
    if (public_key) es256_pk_free(&public_key);
    if (said) fido_assert_free(&said);
    return is_right;
}

int mm_fido_read_passkey(const unsigned char *data, size_t length, mm_fido_passkey *made) {
    if (!library()) return -1;
    static const int algorithms[] = {es256, eddsa, rs256};
    for (size_t place = 0; place < sizeof algorithms / sizeof *algorithms; place++) {
        // The library reads a public key only under the algorithm that was set before.
        void *pair = fido_cred_new();
        int is_read = pair && fido_cred_set_type(pair, algorithms[place]) == 0
            && fido_cred_set_authdata_raw(pair, data, length) == 0
            && copy(made->id, &made->id_length, fido_cred_id_ptr(pair), fido_cred_id_len(pair)) == 0
            && copy(made->key, &made->key_length, fido_cred_pubkey_ptr(pair), fido_cred_pubkey_len(pair)) == 0;
        made->algorithm = algorithms[place];
        if (pair) fido_cred_free(&pair);
        if (is_read) return 1;
    }
    return 0;
}

int mm_fido_verify_passkey(
    const char *party, const unsigned char *hash, const mm_fido_assertion *made, const mm_fido_passkey *passkey
) {
    if (!library()) return -1;
    const unsigned char *key = passkey->key;
    size_t length = passkey->key_length;
    void *said = fido_assert_new();
    void *public_key = NULL;
    int is_key = 0;
    switch (passkey->algorithm) {
    case es256: is_key = (public_key = es256_pk_new()) && es256_pk_from_ptr(public_key, key, length) == 0; break;
    case eddsa: is_key = (public_key = eddsa_pk_new()) && eddsa_pk_from_ptr(public_key, key, length) == 0; break;
    case rs256: is_key = (public_key = rs256_pk_new()) && rs256_pk_from_ptr(public_key, key, length) == 0; break;
    }
    int is_right = said && is_key && fido_assert_set_clientdata_hash(said, hash, mm_fido_hash) == 0
        && fido_assert_set_rp(said, party) == 0 && fido_assert_set_count(said, 1) == 0
        && fido_assert_set_up(said, touched) == 0 && fido_assert_set_uv(said, verified) == 0
        && fido_assert_set_authdata_raw(said, 0, made->data, made->data_length) == 0
        && fido_assert_set_sig(said, 0, made->signature, made->signature_length) == 0
        && fido_assert_verify(said, 0, passkey->algorithm, public_key) == 0;
    switch (passkey->algorithm) {
    case es256: if (public_key) es256_pk_free(&public_key); break;
    case eddsa: if (public_key) eddsa_pk_free(&public_key); break;
    case rs256: if (public_key) rs256_pk_free(&public_key); break;
    }
    if (said) fido_assert_free(&said);
    return is_right;
}
