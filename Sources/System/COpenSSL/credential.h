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

// Provides the password to OpenSSL, whose default would ask at the terminal.
HIDDEN int mm_give_password(char *room, int size, int writing, void *password);
// Returns the certificate that belongs to the key; the others of a chain, in any order, are the issuers'.
HIDDEN X509 *mm_pem_certificate(const uint8_t *bytes, int count, EVP_PKEY *key, int *any);

#endif
