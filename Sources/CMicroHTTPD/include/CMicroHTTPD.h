// libmicrohttpd behind a few typed functions. The library is opened on first use: only a process that listens pays for
// it. Its variadics and closed enumerations stay on the C side.
#ifndef CMICROHTTPD_H
#define CMICROHTTPD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Opens the library, once for the process. Null on success, else why it could not be opened.
const char *mm_httpd_load(void);

struct mm_httpd_callbacks {
    void *context;
    // A connection was made (1) or is about to be closed (0).
    void (*connection)(void *context, void *connection, int descriptor, int started);
    // The request line of a new request is here, its target as sent, and whether that is all of it: 0 where a NUL hides
    // the rest. The result is that request's own pointer.
    void *(*begin)(void *context, void *connection, const char *target, int is_whole);
    // Called with the headers complete, with each piece of the body, at the body's end, and after each resumption
    // from there. 0 closes the connection. `*count` is set to the bytes not taken.
    int (*access)(
        void *context, void *connection, void *request, const char *method, const char *version, const char *bytes,
        size_t *count);
    // The request is over, whichever way. Called once for each request begun.
    void (*completed)(void *context, void *connection, void *request);
};

struct mm_httpd_limits {
    size_t connection_memory;
    unsigned connections;
    unsigned idle_seconds;
};

// A certificate chain and its key, both PEM texts; copied.
struct mm_httpd_tls {
    const char *certificate;
    const char *key;
};

// Whether the library was built with TLS.
int mm_httpd_has_tls(void);
// Starts one thread that serves this listening descriptor; over TLS where there is a certificate, else tls is null. Null
// when it could not start.
void *mm_httpd_start(
    int listener, struct mm_httpd_limits limits, const struct mm_httpd_tls *tls,
    const struct mm_httpd_callbacks *callbacks);
// Stops accepting; the listening descriptor is the caller's again.
int mm_httpd_quiesce(void *daemon);
// Closes all connections and ends the thread. Every suspended connection must have been resumed.
void mm_httpd_stop(void *daemon);

// The connection's descriptor, or -1.
int mm_httpd_descriptor(void *connection);
// Calls back for each header field of the request. 0 where a NUL or a line end without CR hides a part of one.
typedef void (*mm_httpd_field)(
    void *context, const char *name, size_t name_length, const char *value, size_t value_length);
int mm_httpd_headers(void *connection, void *context, mm_httpd_field field);

// Only from within `access` and a reader, on the daemon's thread.
void mm_httpd_suspend(void *connection);
// From any thread, only what is suspended.
void mm_httpd_resume(void *connection);

// Responses. Freed with mm_httpd_response_free after being queued.
typedef void (*mm_httpd_free)(void *context);
void *mm_httpd_response_bytes(const void *bytes, size_t count, void *context, mm_httpd_free release);
enum { MM_HTTPD_END = -1, MM_HTTPD_BROKEN = -2 };
typedef ssize_t (*mm_httpd_reader)(void *context, uint64_t position, char *bytes, size_t room);
void *mm_httpd_response_stream(mm_httpd_reader reader, void *context, mm_httpd_free release);
int mm_httpd_response_header(void *response, const char *name, const char *value);
// A field behind a stream's last chunk; to be added on the server's thread before the reader says that it has ended.
int mm_httpd_response_trailer(void *response, const char *name, const char *value);
int mm_httpd_queue(void *connection, unsigned status, void *response);
void mm_httpd_response_free(void *response);

#endif
