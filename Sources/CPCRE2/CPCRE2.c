#include "CPCRE2.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static struct {
    __typeof__(pcre2_compile) *compile;
    __typeof__(pcre2_code_free) *code_free;
    __typeof__(pcre2_match) *match;
    __typeof__(pcre2_match_data_create_from_pattern) *match_data_create_from_pattern;
    __typeof__(pcre2_match_data_free) *match_data_free;
    __typeof__(pcre2_match_context_create) *match_context_create;
    __typeof__(pcre2_match_context_free) *match_context_free;
    __typeof__(pcre2_set_match_limit) *set_match_limit;
    __typeof__(pcre2_set_depth_limit) *set_depth_limit;
    __typeof__(pcre2_set_heap_limit) *set_heap_limit;
    __typeof__(pcre2_get_error_message) *get_error_message;
} pcre2;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[256];

static int resolve(void *library, const char *name, void *slot) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(reason, sizeof reason, "libpcre2-8.so.0 has no %s", name);
        return 0;
    }
    *(void **)slot = symbol;
    return 1;
}

static void load(void) {
    void *library = dlopen("libpcre2-8.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text ? text : "libpcre2-8.so.0 can't be opened");
        return;
    }
#define RESOLVE(slot) \
    if (!resolve(library, "pcre2_" #slot "_8", &pcre2.slot)) return
    RESOLVE(compile);
    RESOLVE(code_free);
    RESOLVE(match);
    RESOLVE(match_data_create_from_pattern);
    RESOLVE(match_data_free);
    RESOLVE(match_context_create);
    RESOLVE(match_context_free);
    RESOLVE(set_match_limit);
    RESOLVE(set_depth_limit);
    RESOLVE(set_heap_limit);
    RESOLVE(get_error_message);
#undef RESOLVE
}

const char *mm_pcre_problem(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}

void *mm_pcre_compile(const uint8_t *pattern, size_t length, char *message, size_t room, size_t *place) {
    message[0] = 0;
    *place = 0;
    if (mm_pcre_problem()) {
        snprintf(message, room, "%s", reason);
        return NULL;
    }
    int number = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = pcre2.compile(pattern, length, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &number, &offset, NULL);
    if (!code) {
        pcre2.get_error_message(number, (PCRE2_UCHAR *)message, room);
        *place = offset;
    }
    return code;
}

void mm_pcre_free(void *code) {
    if (code) pcre2.code_free(code);
}

int mm_pcre_search(const void *code, const uint8_t *text, size_t length, uint32_t limit) {
    pcre2_match_data *data = pcre2.match_data_create_from_pattern(code, NULL);
    pcre2_match_context *context = pcre2.match_context_create(NULL);
    int result = -1;
    if (data && context) {
        pcre2.set_match_limit(context, limit);
        pcre2.set_depth_limit(context, limit);
        pcre2.set_heap_limit(context, 20000);
        int count = pcre2.match(code, text, length, 0, 0, data, context);
        result = count >= 0 ? 1 : count == PCRE2_ERROR_NOMATCH ? 0 : -1;
    }
    if (context) pcre2.match_context_free(context);
    if (data) pcre2.match_data_free(data);
    return result;
}
