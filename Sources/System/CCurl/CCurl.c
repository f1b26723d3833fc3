#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

// The headers' type-checking macros would get in the way of the pointers below.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

// One pointer per function, of exactly the type in the header, so that variadic calls stay variadic (arm64 and x86-64
// pass them differently from fixed arguments).
static struct {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_pause) *easy_pause;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__(curl_easy_recv) *easy_recv;
    __typeof__(curl_easy_send) *easy_send;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_setopt) *multi_setopt;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_perform) *multi_perform;
    __typeof__(curl_multi_poll) *multi_poll;
    __typeof__(curl_multi_wakeup) *multi_wakeup;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[256];

static int resolve(void *library, const char *name, void *slot) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(reason, sizeof reason, "libcurl.so.4 has no %s", name);
        return 0;
    }
    *(void **)slot = symbol;
    return 1;
}

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text ? text : "libcurl.so.4 can't be opened");
        return;
    }
#define RESOLVE(slot) \
    if (!resolve(library, "curl_" #slot, &curl.slot)) return
    RESOLVE(global_init);
    RESOLVE(easy_init);
    RESOLVE(easy_reset);
    RESOLVE(easy_cleanup);
    RESOLVE(easy_pause);
    RESOLVE(easy_perform);
    RESOLVE(easy_recv);
    RESOLVE(easy_send);
    RESOLVE(easy_strerror);
    RESOLVE(easy_setopt);
    RESOLVE(easy_getinfo);
    RESOLVE(slist_append);
    RESOLVE(slist_free_all);
    RESOLVE(multi_init);
    RESOLVE(multi_setopt);
    RESOLVE(multi_add_handle);
    RESOLVE(multi_remove_handle);
    RESOLVE(multi_perform);
    RESOLVE(multi_poll);
    RESOLVE(multi_wakeup);
    RESOLVE(multi_info_read);
    RESOLVE(multi_cleanup);
#undef RESOLVE
    if (curl.global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        snprintf(reason, sizeof reason, "libcurl could not initialise itself");
    }
}

const char *mm_curl_load(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}

CURL *mm_curl_easy_init(void) { return curl.easy_init(); }
void mm_curl_easy_reset(CURL *easy) { curl.easy_reset(easy); }
void mm_curl_easy_cleanup(CURL *easy) { curl.easy_cleanup(easy); }
CURLcode mm_curl_easy_pause(CURL *easy, int bitmask) { return curl.easy_pause(easy, bitmask); }
CURLcode mm_curl_easy_perform(CURL *easy) { return curl.easy_perform(easy); }

CURLcode mm_curl_easy_send(CURL *easy, const void *bytes, size_t count, size_t *sent) {
    *sent = 0;
    return curl.easy_send(easy, bytes, count, sent);
}

CURLcode mm_curl_easy_receive(CURL *easy, void *room, size_t size, size_t *count) {
    *count = 0;
    return curl.easy_recv(easy, room, size, count);
}

const char *mm_curl_easy_strerror(CURLcode code) { return curl.easy_strerror(code); }

CURLcode mm_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode mm_curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode mm_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode mm_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode mm_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl.easy_setopt(easy, option, value);
}

CURLcode mm_curl_set_callbacks(
    CURL *easy, void *context, mm_curl_bytes header, mm_curl_bytes write, mm_curl_bytes read, mm_curl_seek seek) {
    CURLcode code = curl.easy_setopt(easy, CURLOPT_PRIVATE, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_HEADERDATA, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_WRITEDATA, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_READDATA, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_READFUNCTION, read);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_SEEKDATA, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek);
    return code;
}

CURLcode mm_curl_set_before(CURL *easy, void *context, curl_prereq_callback before) {
    CURLcode code = curl.easy_setopt(easy, CURLOPT_PREREQDATA, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_PREREQFUNCTION, before);
    return code;
}

CURLcode mm_curl_set_watch(CURL *easy, void *context, curl_xferinfo_callback watch) {
    CURLcode code = curl.easy_setopt(easy, CURLOPT_XFERINFODATA, context);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch);
    if (!code) code = curl.easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    return code;
}

curl_socket_t mm_curl_info_socket(CURL *easy) {
    curl_socket_t value = CURL_SOCKET_BAD;
    return curl.easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &value) == CURLE_OK ? value : CURL_SOCKET_BAD;
}

long mm_curl_info_long(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

curl_off_t mm_curl_info_offset(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

void *mm_curl_info_private(CURL *easy) {
    char *value = NULL;
    return curl.easy_getinfo(easy, CURLINFO_PRIVATE, &value) == CURLE_OK ? value : NULL;
}

struct curl_slist *mm_curl_list_append(struct curl_slist *list, const char *text) {
    return curl.slist_append(list, text);
}

void mm_curl_list_free(struct curl_slist *list) { curl.slist_free_all(list); }

CURLM *mm_curl_multi_init(void) { return curl.multi_init(); }

CURLMcode mm_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl.multi_setopt(multi, option, value);
}

CURLMcode mm_curl_multi_add(CURLM *multi, CURL *easy) { return curl.multi_add_handle(multi, easy); }
CURLMcode mm_curl_multi_remove(CURLM *multi, CURL *easy) { return curl.multi_remove_handle(multi, easy); }
CURLMcode mm_curl_multi_perform(CURLM *multi, int *running) { return curl.multi_perform(multi, running); }

CURLMcode mm_curl_multi_poll(CURLM *multi, int milliseconds) {
    return curl.multi_poll(multi, NULL, 0, milliseconds, NULL);
}

CURLMcode mm_curl_multi_wakeup(CURLM *multi) { return curl.multi_wakeup(multi); }
void mm_curl_multi_cleanup(CURLM *multi) { curl.multi_cleanup(multi); }

CURL *mm_curl_multi_next_done(CURLM *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl.multi_info_read(multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}
