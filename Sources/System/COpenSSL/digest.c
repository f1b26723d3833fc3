#include "COpenSSL.h"
#include "library.h"

int mm_digest(const char *name, const uint8_t *bytes, size_t count, uint8_t *room) {
    size_t length = 0;
    if (mm_openssl_load()) return -1;
    ssl.ERR_clear_error();
    return ssl.EVP_Q_digest(NULL, name, NULL, bytes, count, room, &length) == 1 ? (int)length : -1;
}
