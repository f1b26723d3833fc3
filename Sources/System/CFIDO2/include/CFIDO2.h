// The few functions of libfido2 that Swift needs. The library is opened on first use; what asks a key blocks until it is
// touched, at most half a minute.
#ifndef MM_CFIDO2_H
#define MM_CFIDO2_H

#include <stddef.h>

enum { mm_fido_hash = 32, mm_fido_point = 64, mm_fido_room = 1024 };

// What a key made: its name for the pair of keys, and the public one, a point of P-256 (x, then y).
typedef struct {
    unsigned char id[mm_fido_room];
    size_t id_length;
    unsigned char point[mm_fido_point];
} mm_fido_credential;

// What a touched key says: the pair of keys it signed with, its own data, and the signature over both and the challenge.
typedef struct {
    unsigned char id[mm_fido_room];
    size_t id_length;
    unsigned char data[mm_fido_room];
    size_t data_length;
    unsigned char signature[mm_fido_room];
    size_t signature_length;
} mm_fido_assertion;

enum { mm_fido_done = 0, mm_fido_no_library = 1, mm_fido_no_key = 2, mm_fido_failed = 3 };

// Whether the library can be had.
int mm_fido_is_there(void);
// Has the key that is plugged in make a pair of keys. Returns one of the words above; `why` says what failed.
int mm_fido_register(const char *party, const unsigned char *challenge, mm_fido_credential *made, char *why, size_t room);
// Has it sign a challenge with one of `count` pairs, whose names stand one behind the other.
int mm_fido_assert(
    const char *party, const unsigned char *challenge, const unsigned char *ids, const size_t *lengths, size_t count,
    mm_fido_assertion *made, char *why, size_t room);
// Whether a touched key has signed this challenge for this party: 1, 0, or -1 where the library can't be had.
int mm_fido_verify(
    const char *party, const unsigned char *challenge, const mm_fido_assertion *made, const unsigned char *point);

// What a page's authenticator made (WebAuthn): what the data that it gave to the page says.
typedef struct {
    unsigned char id[mm_fido_room];
    size_t id_length;
    // The public key as the library hands it out, by algorithm (COSE: -7 ES256, -8 EdDSA, -257 RS256).
    int algorithm;
    unsigned char key[mm_fido_room];
    size_t key_length;
} mm_fido_passkey;

// Reads the authenticator data of a new passkey; 1, 0 where it holds no key that can be used, or -1 where the library can't be
// had.
int mm_fido_read_passkey(const unsigned char *data, size_t length, mm_fido_passkey *made);
// Whether a passkey has signed, for this party, with a person there whom it verified: 1, 0, or -1 where the library can't be
// had. `hash` is that of the client's data.
int mm_fido_verify_passkey(
    const char *party, const unsigned char *hash, const mm_fido_assertion *made, const mm_fido_passkey *passkey);

#endif
