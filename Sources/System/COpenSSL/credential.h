#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include <stdint.h>

#include "library.h"

struct credential {
    EVP_PKEY *key;
    X509 *certificate;
};

struct password {
    const char *text;
    int was_asked;
};

#define HIDDEN __attribute__((visibility("hidden")))

// Stands in the way of OpenSSL's own, which would ask at the terminal.
HIDDEN int mm_give_password(char *room, int size, int writing, void *password);
// The certificate that belongs to the key; of a chain in any order the others are the issuers'.
HIDDEN X509 *mm_pem_certificate(const uint8_t *bytes, int count, EVP_PKEY *key, int *any);

#endif
