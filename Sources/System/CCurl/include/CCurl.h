// libcurl behind typed functions. The library is opened on first use: linking it would cost every start 3 ms and 6 MB.
// Swift can't call C variadics, so each kind of option has its own function.
#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>
#include <stddef.h>

// Opens and initialises the library, once per process. Returns null on success, otherwise why it could not be opened.
const char *mm_curl_load(void);

// Wrap curl_easy_init, curl_easy_reset, curl_easy_cleanup, curl_easy_pause and curl_easy_strerror.
CURL *mm_curl_easy_init(void);
void mm_curl_easy_reset(CURL *easy);
void mm_curl_easy_cleanup(CURL *easy);
CURLcode mm_curl_easy_pause(CURL *easy, int bitmask);
const char *mm_curl_easy_strerror(CURLcode code);

// Wrap curl_easy_perform, curl_easy_send and curl_easy_recv, for handles that only connect (CURLOPT_CONNECT_ONLY).
CURLcode mm_curl_easy_perform(CURL *easy);
CURLcode mm_curl_easy_send(CURL *easy, const void *bytes, size_t count, size_t *sent);
CURLcode mm_curl_easy_receive(CURL *easy, void *room, size_t size, size_t *count);

// Wrap curl_easy_setopt, one function for each kind of value.
CURLcode mm_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode mm_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
CURLcode mm_curl_set_text(CURL *easy, CURLoption option, const char *value);
CURLcode mm_curl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode mm_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value);

// The transfer's callbacks, called with (bytes, 1, count, context). The first two return the count, or another number
// to stop.
typedef size_t (*mm_curl_bytes)(char *bytes, size_t size, size_t count, void *context);
typedef int (*mm_curl_seek)(void *context, curl_off_t offset, int origin);
CURLcode mm_curl_set_callbacks(
    CURL *easy, void *context, mm_curl_bytes header, mm_curl_bytes write, mm_curl_bytes read, mm_curl_seek seek);

// Sets a function that is called before anything is sent over a connection, and returns CURL_PREREQFUNC_OK or
// CURL_PREREQFUNC_ABORT.
CURLcode mm_curl_set_before(CURL *easy, void *context, curl_prereq_callback before);

// Sets a function that is called about once a second during a transfer, and returns another number than 0 to end it.
CURLcode mm_curl_set_watch(CURL *easy, void *context, curl_xferinfo_callback watch);

// Wrap curl_easy_getinfo; zero or null if there is no information.
long mm_curl_info_long(CURL *easy, CURLINFO info);
curl_off_t mm_curl_info_offset(CURL *easy, CURLINFO info);
void *mm_curl_info_private(CURL *easy);
// Returns the socket of a handle that only connects, or CURL_SOCKET_BAD.
curl_socket_t mm_curl_info_socket(CURL *easy);

// Wrap curl_slist_append and curl_slist_free_all.
struct curl_slist *mm_curl_list_append(struct curl_slist *list, const char *text);
void mm_curl_list_free(struct curl_slist *list);

// Wrap the curl_multi functions of the same names.
CURLM *mm_curl_multi_init(void);
CURLMcode mm_curl_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode mm_curl_multi_add(CURLM *multi, CURL *easy);
CURLMcode mm_curl_multi_remove(CURLM *multi, CURL *easy);
CURLMcode mm_curl_multi_perform(CURLM *multi, int *running);
CURLMcode mm_curl_multi_poll(CURLM *multi, int milliseconds);
CURLMcode mm_curl_multi_wakeup(CURLM *multi);
void mm_curl_multi_cleanup(CURLM *multi);

// Returns the next finished transfer, or null; stores its result in `result`.
CURL *mm_curl_multi_next_done(CURLM *multi, CURLcode *result);

#endif
