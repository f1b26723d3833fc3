// The functions of libfido2 that Swift needs. The library is opened on first use. Calls that use a security key block until it
// is touched, at most half a minute.
#ifndef MM_CFIDO2_H
#define MM_CFIDO2_H

#include <stddef.h>

enum { mm_fido_hash = 32, mm_fido_point = 64, mm_fido_room = 1024 };

// A credential that a security key created: its id and its public key, a point of P-256 (x, then y).
typedef struct {
    unsigned char id[mm_fido_room];
    size_t id_length;
    unsigned char point[mm_fido_point];
} mm_fido_credential;

// The answer of a touched key: the id of the credential, the authenticator data, and the signature over that data and the
// challenge.
typedef struct {
    unsigned char id[mm_fido_room];
    size_t id_length;
    unsigned char data[mm_fido_room];
    size_t data_length;
    unsigned char signature[mm_fido_room];
    size_t signature_length;
} mm_fido_assertion;

enum { mm_fido_done = 0, mm_fido_no_library = 1, mm_fido_no_key = 2, mm_fido_failed = 3 };

// Returns whether the library can be opened.
int mm_fido_is_there(void);
// Creates a credential on the security key that is plugged in. Returns one of the codes above; `why` says what failed.
int mm_fido_register(const char *party, const unsigned char *challenge, mm_fido_credential *made, char *why, size_t room);
// Signs a challenge with one of `count` credentials, whose ids follow each other in `ids`.
int mm_fido_assert(
    const char *party, const unsigned char *challenge, const unsigned char *ids, const size_t *lengths, size_t count,
    mm_fido_assertion *made, char *why, size_t room);
// Returns whether a touched key has signed this challenge for this party: 1, 0, or -1 if the library can't be opened.
int mm_fido_verify(
    const char *party, const unsigned char *challenge, const mm_fido_assertion *made, const unsigned char *point);

// A passkey that a page's authenticator created (WebAuthn), read from the data that the page received.
typedef struct {
    unsigned char id[mm_fido_room];
    size_t id_length;
    // The public key as the library returns it, by algorithm (COSE: -7 ES256, -8 EdDSA, -257 RS256).
    int algorithm;
    unsigned char key[mm_fido_room];
    size_t key_length;
} mm_fido_passkey;

// Reads the authenticator data of a new passkey. Returns 1, 0 if it contains no usable key, or -1 if the library can't be
// opened.
int mm_fido_read_passkey(const unsigned char *data, size_t length, mm_fido_passkey *made);
// Returns whether a passkey has signed for this party, with a person present and verified: 1, 0, or -1 if the library can't be
// opened. `hash` is the hash of the client data.
int mm_fido_verify_passkey(
    const char *party, const unsigned char *hash, const mm_fido_assertion *made, const mm_fido_passkey *passkey);

#endif
