// The server's side of one HTTP/2 connection, in memory: bytes are passed in and taken out, and no call blocks. libnghttp2,
// on which libcurl depends, is opened on first use. For one thread at a time.
#ifndef MM_CHTTP2_H
#define MM_CHTTP2_H

#include <stddef.h>
#include <stdint.h>

// The kinds of events. The bytes of a head contain, for each field, the lengths of its name and value as 32-bit numbers in
// this machine's byte order, the name, and the value.
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
// Creates a connection with a maximum number of concurrent requests, each of which may send `window` bytes ahead. Returns
// null without memory.
void *mm_http2_open(uint32_t streams, uint32_t window, uint32_t head);
void mm_http2_free(void *connection);
// Processes bytes from the client; protocol errors are answered with GOAWAY. Returns 0 without memory, or if more waits to
// be sent than for any client that still reads; such a client wouldn't read a GOAWAY either.
int mm_http2_receive(void *connection, const uint8_t *bytes, size_t count);
// Returns the next event; its bytes are valid until the next call.
struct mm_http2_event mm_http2_next(void *connection);
// Returns the number of bytes to send to the client and stores their address, valid until the next call; 0 if there are none
// now.
size_t mm_http2_send(void *connection, const uint8_t **bytes);
// Returns whether nothing more will be read or sent.
int mm_http2_is_over(void *connection);
// Announces that no more requests are accepted, and ends the open ones.
void mm_http2_end(void *connection);

// Sends an answer's head, `:status` first; an interim one has no body. Returns 0 on success.
int mm_http2_answer(void *connection, int32_t stream, const uint8_t *fields, size_t length, int is_interim);
// Sends a piece of an answer's body, or its end.
int mm_http2_append(void *connection, int32_t stream, const uint8_t *bytes, size_t count);
void mm_http2_finish(void *connection, int32_t stream);
// Returns the number of bytes of an answer that wait to be sent.
size_t mm_http2_pending(void *connection, int32_t stream);
// Lets the client send more bytes of a body.
void mm_http2_consume(void *connection, int32_t stream, size_t count);
void mm_http2_reset(void *connection, int32_t stream, uint32_t code);

#endif
