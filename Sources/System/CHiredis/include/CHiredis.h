// Redis behind typed functions: hiredis writes commands and reads replies, OpenSSL encrypts where it is asked for. Both
// libraries are opened on first use. Everything here blocks, each function no longer than it is told.
#ifndef MM_CHIREDIS_H
#define MM_CHIREDIS_H

#include <stddef.h>

// Opens hiredis, once for the process. Null on success, else why it could not be opened.
const char *mm_redis_load(void);

// Where a server is, and how it is spoken to. A connection encrypts where `is_encrypted` is set; the files may be null: `ca`
// for the machine's own trust store, the other two where the server wants no certificate.
typedef struct {
    const char *host;
    int port;
    // A socket of this machine instead of host and port; null for none.
    const char *path;
    int is_encrypted;
    const char *ca;
    const char *certificate;
    const char *key;
} mm_redis_place;

// One connection; for one thread at a time.
typedef struct mm_redis mm_redis;

// Connects. Null with the reason in `why`.
mm_redis *mm_redis_open(const mm_redis_place *place, int milliseconds, char *why, size_t room);
void mm_redis_close(mm_redis *redis);

// What became of a command that got no reply.
enum { mm_redis_answered = 0, mm_redis_unsent = 1, mm_redis_lost = 2 };

// Sends one command and waits for its reply, which `mm_redis_free` frees. Null with the fault and its reason; the connection
// is of no use then.
void *mm_redis_ask(
    mm_redis *redis, int count, const char **words, const size_t *lengths, int milliseconds, int *fault, char *why,
    size_t room);
void mm_redis_free(void *reply);

// What a reply is, by the numbers of the protocol's library.
enum {
    mm_redis_string = 1,
    mm_redis_array = 2,
    mm_redis_integer = 3,
    mm_redis_nil = 4,
    mm_redis_status = 5,
    mm_redis_error = 6
};
int mm_redis_kind(const void *reply);
long long mm_redis_number(const void *reply);
// The bytes of a string, status or error.
const char *mm_redis_bytes(const void *reply, size_t *length);
size_t mm_redis_count(const void *reply);
const void *mm_redis_element(const void *reply, size_t place);

#endif
