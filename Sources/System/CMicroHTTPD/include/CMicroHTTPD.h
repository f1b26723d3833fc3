// libmicrohttpd behind a few typed functions. The library is opened on first use, so only a process that listens pays
// for it. Its variadics and closed enumerations stay on the C side.
#ifndef CMICROHTTPD_H
#define CMICROHTTPD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Opens the library, once per process. Returns null on success, otherwise why it could not be opened.
const char *mm_httpd_load(void);

// What happens to a connection.
typedef enum {
    // It is about to be closed.
    MM_HTTPD_ENDED,
    MM_HTTPD_STARTED,
    // It was made with a spare descriptor, because no other one was left; its request is to be refused.
    MM_HTTPD_STARTED_IN_EXCESS,
} mm_httpd_event;

struct mm_httpd_callbacks {
    void *context;
    // Accepts the next client although no descriptor is left for it, or returns -1.
    int (*accept_with_spare)(int listener);
    void (*connection)(void *context, void *connection, int descriptor, mm_httpd_event event);
    // A request line has arrived, with its target as sent. `is_whole` is 0 if a NUL hides the rest of the target.
    // The result becomes the request's own pointer.
    void *(*begin)(void *context, void *connection, const char *target, int is_whole);
    // Called when the headers are complete, with each chunk of the body, at the body's end, and after each resumption
    // from there. Returns 0 to close the connection. Sets `*count` to the number of bytes not taken.
    int (*access)(
        void *context, void *connection, void *request, const char *method, const char *version, const char *bytes,
        size_t *count);
    // The request is over, whatever its outcome. Called once for each request begun.
    void (*completed)(void *context, void *connection, void *request);
};

struct mm_httpd_limits {
    size_t connection_memory;
    unsigned connections;
    unsigned idle_seconds;
};

// A certificate chain and its key, both PEM texts.
struct mm_httpd_tls {
    const char *certificate;
    const char *key;
};

// Whether the library was built with TLS.
int mm_httpd_has_tls(void);
// Starts a thread that serves this listening descriptor, over TLS unless `tls` is null. Returns null when it could not
// start.
void *mm_httpd_start(
    int listener, struct mm_httpd_limits limits, const struct mm_httpd_tls *tls,
    const struct mm_httpd_callbacks *callbacks);
// Shows another certificate to new connections. Returns 0, with the certificate unchanged, if the texts can't be used
// or don't belong together. Call it from one thread at a time.
int mm_httpd_renew(void *daemon, const struct mm_httpd_tls *tls);
// Stops accepting; returns ownership of the listening descriptor to the caller.
int mm_httpd_quiesce(void *daemon);
// Closes all connections and ends the thread. Every suspended connection must have been resumed.
void mm_httpd_stop(void *daemon);

// Returns the connection's descriptor, or -1.
int mm_httpd_descriptor(void *connection);
// Calls back for each header field of the request. Returns 0 if a NUL or a line ending without CR hides part of one.
typedef void (*mm_httpd_field)(
    void *context, const char *name, size_t name_length, const char *value, size_t value_length);
int mm_httpd_headers(void *connection, void *context, mm_httpd_field field);

// Call only from within `access` and a reader, on the daemon's thread.
void mm_httpd_suspend(void *connection);
// Call from any thread, but only for a suspended connection.
void mm_httpd_resume(void *connection);

// Responses. Free them with mm_httpd_response_free after queuing them.
typedef void (*mm_httpd_free)(void *context);
void *mm_httpd_response_bytes(const void *bytes, size_t count, void *context, mm_httpd_free release);
enum { MM_HTTPD_END = -1, MM_HTTPD_BROKEN = -2 };
typedef ssize_t (*mm_httpd_reader)(void *context, uint64_t position, char *bytes, size_t room);
void *mm_httpd_response_stream(mm_httpd_reader reader, void *context, mm_httpd_free release);
int mm_httpd_response_header(void *response, const char *name, const char *value);
// Adds a field after a stream's last chunk; call it on the server's thread before the reader reports the end.
int mm_httpd_response_trailer(void *response, const char *name, const char *value);
int mm_httpd_queue(void *connection, unsigned status, void *response);
void mm_httpd_response_free(void *response);

#endif
