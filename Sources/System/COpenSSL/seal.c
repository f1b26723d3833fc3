#include "COpenSSL.h"
#include "library.h"

enum { NONCE = 12, TAG = 16 };

// Runs AES-256-GCM once. Sealing appends the tag to its output; opening expects it after its input.
static int pass(int seals, const uint8_t *key, const uint8_t *nonce, const uint8_t *name, int name_count,
                const uint8_t *from, int count, uint8_t *to) {
    EVP_CIPHER_CTX *work = ssl.EVP_CIPHER_CTX_new();
    int length = 0, last = 0;
    uint8_t tag[TAG];
    if (!seals) {
        for (int i = 0; i < TAG; i++) tag[i] = from[count + i];
    }
    ssl.ERR_clear_error();
    int good = work && ssl.EVP_CipherInit_ex(work, ssl.EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1 &&
        (seals || ssl.EVP_CIPHER_CTX_ctrl(work, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1) &&
        ssl.EVP_CipherUpdate(work, NULL, &length, name, name_count) == 1 &&
        ssl.EVP_CipherUpdate(work, to, &length, from, count) == 1 &&
        ssl.EVP_CipherFinal_ex(work, to + length, &last) == 1 &&
        (!seals || ssl.EVP_CIPHER_CTX_ctrl(work, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1);
    if (work) ssl.EVP_CIPHER_CTX_free(work);
    if (!good) return -1;
    if (!seals) return length + last;
    for (int i = 0; i < TAG; i++) to[length + last + i] = tag[i];
    return length + last + TAG;
}

int mm_seal(const uint8_t *key, const uint8_t *name, int name_count, const uint8_t *plain, int count, uint8_t *room,
            int size) {
    if (mm_openssl_load() || count < 0 || size < count + NONCE + TAG || ssl.RAND_bytes(room, NONCE) != 1) return -1;
    int length = pass(1, key, room, name, name_count, plain, count, room + NONCE);
    return length < 0 ? -1 : length + NONCE;
}

int mm_unseal(const uint8_t *key, const uint8_t *name, int name_count, const uint8_t *sealed, int count, uint8_t *room,
              int size) {
    int inner = count - NONCE - TAG;
    if (mm_openssl_load() || inner < 0 || size < inner) return -1;
    return pass(0, key, sealed, name, name_count, sealed + NONCE, inner, room);
}
