// Redis behind typed functions: hiredis writes commands and reads replies, OpenSSL encrypts on request. Both libraries are
// opened on first use. All functions block, but no longer than their time limit.
#ifndef MM_CHIREDIS_H
#define MM_CHIREDIS_H

#include <stddef.h>

// Opens hiredis, once per process. Returns null on success, otherwise why it could not be opened.
const char *mm_redis_load(void);

// The address of a server and the way to connect to it. A connection is encrypted if `is_encrypted` is set. The files may be
// null: `ca` for the machine's own trust store, the other two if the server requires no certificate.
typedef struct {
    const char *host;
    int port;
    // The path of a Unix socket to use instead of host and port; null for none.
    const char *path;
    int is_encrypted;
    const char *ca;
    const char *certificate;
    const char *key;
} mm_redis_place;

// One connection, for one thread at a time.
typedef struct mm_redis mm_redis;

// Connects. Returns null with the reason in `why` on failure.
mm_redis *mm_redis_open(const mm_redis_place *place, int milliseconds, char *why, size_t room);
void mm_redis_close(mm_redis *redis);

// Why a command got no reply: it wasn't sent, or the connection was lost afterwards.
enum { mm_redis_answered = 0, mm_redis_unsent = 1, mm_redis_lost = 2 };

// Sends one command and waits for its reply, which `mm_redis_free` frees. Returns null with the fault and its reason on
// failure; the connection can't be used any more then.
void *mm_redis_ask(
    mm_redis *redis, int count, const char **words, const size_t *lengths, int milliseconds, int *fault, char *why,
    size_t room);
void mm_redis_free(void *reply);

// The type of a reply, with hiredis's numbers.
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
// Returns the bytes of a string, status or error.
const char *mm_redis_bytes(const void *reply, size_t *length);
size_t mm_redis_count(const void *reply);
const void *mm_redis_element(const void *reply, size_t place);

#endif
