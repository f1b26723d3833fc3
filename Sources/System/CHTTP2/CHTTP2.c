#include "CHTTP2.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

// The part of libnghttp2's interface in use; its layout is fixed by the library's version, 14.
typedef struct nghttp2_session nghttp2_session;
typedef struct nghttp2_session_callbacks nghttp2_session_callbacks;
typedef struct nghttp2_option nghttp2_option;
typedef struct {
    size_t length;
    int32_t stream_id;
    uint8_t type, flags, reserved;
} frame_head;
typedef struct {
    int32_t id;
    uint32_t value;
} setting;
typedef struct {
    uint8_t *name, *value;
    size_t name_length, value_length;
    uint8_t flags;
} field;
typedef union {
    int descriptor;
    void *pointer;
} data_source;
typedef struct {
    data_source source;
    ssize_t (*read)(nghttp2_session *, int32_t, uint8_t *, size_t, uint32_t *, data_source *, void *);
} data_provider;

typedef int on_header(
    nghttp2_session *, const frame_head *, const uint8_t *, size_t, const uint8_t *, size_t, uint8_t, void *);
typedef int on_frame(nghttp2_session *, const frame_head *, void *);
typedef int on_data(nghttp2_session *, uint8_t, int32_t, const uint8_t *, size_t, void *);
typedef int on_close(nghttp2_session *, int32_t, uint32_t, void *);

#define NGHTTP2(X) \
    X(int, nghttp2_session_callbacks_new, nghttp2_session_callbacks **) \
    X(void, nghttp2_session_callbacks_del, nghttp2_session_callbacks *) \
    X(void, nghttp2_session_callbacks_set_on_header_callback, nghttp2_session_callbacks *, on_header *) \
    X(void, nghttp2_session_callbacks_set_on_begin_headers_callback, nghttp2_session_callbacks *, on_frame *) \
    X(void, nghttp2_session_callbacks_set_on_frame_recv_callback, nghttp2_session_callbacks *, on_frame *) \
    X(void, nghttp2_session_callbacks_set_on_frame_send_callback, nghttp2_session_callbacks *, on_frame *) \
    X(void, nghttp2_session_callbacks_set_on_data_chunk_recv_callback, nghttp2_session_callbacks *, on_data *) \
    X(void, nghttp2_session_callbacks_set_on_stream_close_callback, nghttp2_session_callbacks *, on_close *) \
    X(int, nghttp2_option_new, nghttp2_option **) \
    X(void, nghttp2_option_del, nghttp2_option *) \
    X(void, nghttp2_option_set_no_auto_window_update, nghttp2_option *, int) \
    X(void, nghttp2_option_set_max_outbound_ack, nghttp2_option *, size_t) \
    X(int, nghttp2_session_server_new2, nghttp2_session **, const nghttp2_session_callbacks *, void *, const nghttp2_option *) \
    X(void, nghttp2_session_del, nghttp2_session *) \
    X(int, nghttp2_submit_settings, nghttp2_session *, uint8_t, const setting *, size_t) \
    X(int, nghttp2_session_set_local_window_size, nghttp2_session *, uint8_t, int32_t, int32_t) \
    X(ssize_t, nghttp2_session_mem_recv, nghttp2_session *, const uint8_t *, size_t) \
    X(ssize_t, nghttp2_session_mem_send, nghttp2_session *, const uint8_t **) \
    X(size_t, nghttp2_session_get_outbound_queue_size, nghttp2_session *) \
    X(int, nghttp2_session_want_read, nghttp2_session *) \
    X(int, nghttp2_session_want_write, nghttp2_session *) \
    X(int, nghttp2_session_terminate_session, nghttp2_session *, uint32_t) \
    X(int, nghttp2_session_set_stream_user_data, nghttp2_session *, int32_t, void *) \
    X(void *, nghttp2_session_get_stream_user_data, nghttp2_session *, int32_t) \
    X(int, nghttp2_session_get_stream_remote_close, nghttp2_session *, int32_t) \
    X(int, nghttp2_session_consume_connection, nghttp2_session *, size_t) \
    X(int, nghttp2_session_consume_stream, nghttp2_session *, int32_t, size_t) \
    X(int, nghttp2_session_resume_data, nghttp2_session *, int32_t) \
    X(int, nghttp2_submit_response, nghttp2_session *, int32_t, const field *, size_t, const data_provider *) \
    X(int32_t, nghttp2_submit_headers, nghttp2_session *, uint8_t, int32_t, const void *, const field *, size_t, void *) \
    X(int, nghttp2_submit_rst_stream, nghttp2_session *, uint8_t, int32_t, uint32_t)

#define POINTER(result, name, ...) static result (*name)(__VA_ARGS__);
NGHTTP2(POINTER)

enum { data_frame = 0, headers_frame = 1, end_stream = 1, data_ends = 1, deferred = -508, refuse_stream = -521, fatal = -902 };
enum { max_streams = 3, initial_window = 4, max_head = 6, most_fields = 128, connection_window = 1 << 20, most_waiting = 1000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *problem = "libnghttp2.so.14 can't be opened";

#define RESOLVE(result, name, ...) if (!(*(void **)&name = dlsym(library, #name))) return;

static void load(void) {
    void *library = dlopen("libnghttp2.so.14", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    problem = "libnghttp2.so.14 lacks a function";
    NGHTTP2(RESOLVE)
    problem = NULL;
}

const char *mm_http2_problem(void) {
    pthread_once(&once, load);
    return problem;
}

struct entry {
    struct mm_http2_event event;
    struct entry *next;
    uint8_t bytes[];
};

struct buffer {
    uint8_t *bytes;
    size_t length, room;
};

struct stream {
    struct stream *before, *after;
    struct buffer head, out;
    size_t sent, fields;
    int has_head, is_finished;
};

struct connection {
    nghttp2_session *session;
    struct entry *first, *last, *shown;
    struct stream *streams;
    size_t head_limit;
};

static int add(struct buffer *buffer, const void *bytes, size_t count) {
    if (buffer->room - buffer->length < count) {
        size_t room = buffer->room * 2 > buffer->length + count ? buffer->room * 2 : buffer->length + count;
        uint8_t *larger = realloc(buffer->bytes, room);
        if (!larger) return 0;
        buffer->bytes = larger;
        buffer->room = room;
    }
    if (count) memcpy(buffer->bytes + buffer->length, bytes, count);
    buffer->length += count;
    return 1;
}

static int note(struct connection *connection, int kind, int32_t stream, int ends, const uint8_t *bytes, size_t count) {
    struct entry *entry = malloc(sizeof *entry + count);
    if (!entry) return 0;
    if (count) memcpy(entry->bytes, bytes, count);
    entry->event = (struct mm_http2_event){kind, stream, ends, entry->bytes, count};
    entry->next = NULL;
    if (connection->last) connection->last->next = entry; else connection->first = entry;
    connection->last = entry;
    return 1;
}

static struct stream *find(struct connection *connection, int32_t id) {
    return nghttp2_session_get_stream_user_data(connection->session, id);
}

static void forget(struct connection *connection, struct stream *stream) {
    if (stream->before) stream->before->after = stream->after; else connection->streams = stream->after;
    if (stream->after) stream->after->before = stream->before;
    free(stream->head.bytes);
    free(stream->out.bytes);
    free(stream);
}

static int began(nghttp2_session *session, const frame_head *frame, void *raw) {
    struct connection *connection = raw;
    if (frame->type != headers_frame || find(connection, frame->stream_id)) return 0;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) return fatal;
    stream->after = connection->streams;
    if (stream->after) stream->after->before = stream;
    connection->streams = stream;
    nghttp2_session_set_stream_user_data(session, frame->stream_id, stream);
    return 0;
}

static int got_field(
    nghttp2_session *session, const frame_head *frame, const uint8_t *name, size_t name_length, const uint8_t *value,
    size_t value_length, uint8_t flags, void *raw) {
    (void)session, (void)flags;
    struct connection *connection = raw;
    struct stream *stream = find(connection, frame->stream_id);
    // Trailers could change the meaning of the request's head.
    if (!stream || stream->has_head) return refuse_stream;
    uint32_t lengths[2] = {(uint32_t)name_length, (uint32_t)value_length};
    if (stream->head.length + sizeof lengths + name_length + value_length > connection->head_limit ||
        ++stream->fields > most_fields)
        return refuse_stream;
    return add(&stream->head, lengths, sizeof lengths) && add(&stream->head, name, name_length) &&
            add(&stream->head, value, value_length) ? 0 : fatal;
}

static int got_frame(nghttp2_session *session, const frame_head *frame, void *raw) {
    (void)session;
    struct connection *connection = raw;
    if (frame->type != headers_frame && frame->type != data_frame) return 0;
    struct stream *stream = find(connection, frame->stream_id);
    if (!stream) return 0;
    int ends = (frame->flags & end_stream) != 0, is_head = frame->type == headers_frame && !stream->has_head;
    if (is_head) {
        stream->has_head = 1;
        if (!note(connection, MM_HTTP2_HEAD, frame->stream_id, ends, stream->head.bytes, stream->head.length)) return fatal;
        free(stream->head.bytes);
        stream->head = (struct buffer){0};
    } else if (ends && !note(connection, MM_HTTP2_END, frame->stream_id, 0, NULL, 0)) {
        return fatal;
    }
    return 0;
}

static int got_data(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count, void *raw) {
    (void)flags;
    struct connection *connection = raw;
    // One body that isn't read yet must not block the others.
    nghttp2_session_consume_connection(session, count);
    if (!find(connection, id)) return 0;
    return note(connection, MM_HTTP2_DATA, id, 0, bytes, count) ? 0 : fatal;
}

static int closed(nghttp2_session *session, int32_t id, uint32_t code, void *raw) {
    (void)session, (void)code;
    struct connection *connection = raw;
    struct stream *stream = find(connection, id);
    if (!stream) return 0;
    int was_told = stream->has_head;
    forget(connection, stream);
    nghttp2_session_set_stream_user_data(session, id, NULL);
    return !was_told || note(connection, MM_HTTP2_CLOSED, id, 0, NULL, 0) ? 0 : fatal;
}

// If an answer is complete before its request, tells the client not to send the rest.
static int sent(nghttp2_session *session, const frame_head *frame, void *raw) {
    (void)raw;
    if (frame->type != headers_frame && frame->type != data_frame) return 0;
    if ((frame->flags & end_stream) && nghttp2_session_get_stream_remote_close(session, frame->stream_id) == 0)
        nghttp2_submit_rst_stream(session, 0, frame->stream_id, 0);
    return 0;
}

void *mm_http2_open(uint32_t streams, uint32_t window, uint32_t head) {
    struct connection *connection = calloc(1, sizeof *connection);
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (connection && nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
        connection->head_limit = head;
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, began);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, got_field);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, got_frame);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sent);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, got_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
        nghttp2_option_set_no_auto_window_update(option, 1);
        // Acknowledgements count towards the limit of all data that waits to be sent.
        nghttp2_option_set_max_outbound_ack(option, SIZE_MAX);
        const setting settings[] = {{max_streams, streams}, {initial_window, window}, {max_head, head}};
        if (nghttp2_session_server_new2(&connection->session, callbacks, connection, option) != 0 ||
            nghttp2_submit_settings(connection->session, 0, settings, sizeof settings / sizeof *settings) != 0 ||
            nghttp2_session_set_local_window_size(connection->session, 0, 0, connection_window) != 0) {
            mm_http2_free(connection);
            connection = NULL;
        }
    } else {
        free(connection);
        connection = NULL;
    }
    if (callbacks) nghttp2_session_callbacks_del(callbacks);
    if (option) nghttp2_option_del(option);
    return connection;
}

void mm_http2_free(void *raw) {
    struct connection *connection = raw;
    if (!connection) return;
    if (connection->session) nghttp2_session_del(connection->session);
    while (connection->streams) forget(connection, connection->streams);
    free(connection->shown);
    for (struct entry *entry = connection->first, *next; entry; entry = next) {
        next = entry->next;
        free(entry);
    }
    free(connection);
}

int mm_http2_receive(void *raw, const uint8_t *bytes, size_t count) {
    nghttp2_session *session = ((struct connection *)raw)->session;
    return nghttp2_session_mem_recv(session, bytes, count) >= 0
        && nghttp2_session_get_outbound_queue_size(session) <= most_waiting;
}

struct mm_http2_event mm_http2_next(void *raw) {
    struct connection *connection = raw;
    free(connection->shown);
    struct entry *entry = connection->shown = connection->first;
    if (!entry) return (struct mm_http2_event){0};
    connection->first = entry->next;
    if (!connection->first) connection->last = NULL;
    return entry->event;
}

size_t mm_http2_send(void *raw, const uint8_t **bytes) {
    ssize_t count = nghttp2_session_mem_send(((struct connection *)raw)->session, bytes);
    return count > 0 ? (size_t)count : 0;
}

int mm_http2_is_over(void *raw) {
    nghttp2_session *session = ((struct connection *)raw)->session;
    return !nghttp2_session_want_read(session) && !nghttp2_session_want_write(session);
}

void mm_http2_end(void *raw) { nghttp2_session_terminate_session(((struct connection *)raw)->session, 0); }

static ssize_t give(
    nghttp2_session *session, int32_t id, uint8_t *room, size_t size, uint32_t *flags, data_source *source, void *raw) {
    (void)session, (void)source;
    struct stream *stream = find(raw, id);
    if (!stream) return refuse_stream;
    size_t left = stream->out.length - stream->sent, count = left < size ? left : size;
    if (count == 0 && !stream->is_finished) return deferred;
    if (count) memcpy(room, stream->out.bytes + stream->sent, count);
    stream->sent += count;
    if (stream->sent == stream->out.length) stream->sent = stream->out.length = 0;
    if (stream->is_finished && stream->out.length == 0) *flags |= data_ends;
    return (ssize_t)count;
}

int mm_http2_answer(void *raw, int32_t id, const uint8_t *bytes, size_t length, int is_interim) {
    struct connection *connection = raw;
    if (!find(connection, id)) return -1;
    field fields[256];
    size_t count = 0, at = 0;
    while (at < length && count < sizeof fields / sizeof *fields) {
        uint32_t lengths[2];
        memcpy(lengths, bytes + at, sizeof lengths);
        uint8_t *name = (uint8_t *)bytes + at + sizeof lengths;
        fields[count++] = (field){name, name + lengths[0], lengths[0], lengths[1], 0};
        at += sizeof lengths + lengths[0] + lengths[1];
    }
    if (is_interim) return nghttp2_submit_headers(connection->session, 0, id, NULL, fields, count, NULL) < 0 ? -1 : 0;
    data_provider provider = {.read = give};
    return nghttp2_submit_response(connection->session, id, fields, count, &provider);
}

int mm_http2_append(void *raw, int32_t id, const uint8_t *bytes, size_t count) {
    struct connection *connection = raw;
    struct stream *stream = find(connection, id);
    if (!stream) return -1;
    if (stream->sent) {
        memmove(stream->out.bytes, stream->out.bytes + stream->sent, stream->out.length - stream->sent);
        stream->out.length -= stream->sent;
        stream->sent = 0;
    }
    if (!add(&stream->out, bytes, count)) return -1;
    nghttp2_session_resume_data(connection->session, id);
    return 0;
}

void mm_http2_finish(void *raw, int32_t id) {
    struct connection *connection = raw;
    struct stream *stream = find(connection, id);
    if (!stream) return;
    stream->is_finished = 1;
    nghttp2_session_resume_data(connection->session, id);
}

size_t mm_http2_pending(void *raw, int32_t id) {
    struct stream *stream = find(raw, id);
    return stream ? stream->out.length - stream->sent : 0;
}

void mm_http2_consume(void *raw, int32_t id, size_t count) {
    struct connection *connection = raw;
    if (find(connection, id)) nghttp2_session_consume_stream(connection->session, id, count);
}

void mm_http2_reset(void *raw, int32_t id, uint32_t code) {
    struct connection *connection = raw;
    if (find(connection, id)) nghttp2_submit_rst_stream(connection->session, 0, id, code);
}
