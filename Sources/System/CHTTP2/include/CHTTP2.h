// The server's side of one HTTP/2 connection over memory: bytes go in and come out, nothing waits. libnghttp2, which libcurl
// brings, is opened on first use. For one thread at a time.
#ifndef MM_CHTTP2_H
#define MM_CHTTP2_H

#include <stddef.h>
#include <stdint.h>

// What has come. A list of fields is, for each, the two lengths as 32-bit numbers of this machine, the name, the value.
enum {
    MM_HTTP2_NOTHING = 0,
    MM_HTTP2_HEAD = 1,   // the fields of a request
    MM_HTTP2_DATA = 2,   // a piece of its body
    MM_HTTP2_END = 3,    // the end of its body
    MM_HTTP2_CLOSED = 4, // the stream is over, whoever ended it
};

struct mm_http2_event {
    int kind;
    int32_t stream;
    // For a head: whether the request has no body.
    int ends;
    const uint8_t *bytes;
    size_t length;
};

// Returns why the library can't be used, or null.
const char *mm_http2_problem(void);
// A connection that takes so many requests at once, each of which may send so many bytes ahead. Null without memory.
void *mm_http2_open(uint32_t streams, uint32_t window, uint32_t head);
void mm_http2_free(void *connection);
// Takes what came from the client; faults of the protocol get their goodbye. 0: there is no memory, or more waits for the
// client than one that reads leaves waiting. It would read no goodbye either.
int mm_http2_receive(void *connection, const uint8_t *bytes, size_t count);
// The next event; it is there until the next call.
struct mm_http2_event mm_http2_next(void *connection);
// What is to go to the client; it is there until the next call. 0: nothing now.
size_t mm_http2_send(void *connection, const uint8_t **bytes);
// Whether nothing more will be read or sent.
int mm_http2_is_over(void *connection);
// Says that nothing more is taken, and ends what is under way.
void mm_http2_end(void *connection);

// An answer's head, `:status` first; one that only announces another has no body. 0 on success.
int mm_http2_answer(void *connection, int32_t stream, const uint8_t *fields, size_t length, int is_interim);
// A piece of an answer's body, and its end.
int mm_http2_append(void *connection, int32_t stream, const uint8_t *bytes, size_t count);
void mm_http2_finish(void *connection, int32_t stream);
// How much of an answer waits to be sent.
size_t mm_http2_pending(void *connection, int32_t stream);
// Lets the client send so much more of a body.
void mm_http2_consume(void *connection, int32_t stream, size_t count);
void mm_http2_reset(void *connection, int32_t stream, uint32_t code);

#endif
