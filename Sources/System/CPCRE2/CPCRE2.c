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
    __typeof__(pcre2_set_callout) *set_callout;
    __typeof__(pcre2_get_ovector_pointer) *get_ovector_pointer;
    __typeof__(pcre2_pattern_info) *pattern_info;
    __typeof__(pcre2_compile_context_create) *compile_context_create;
    __typeof__(pcre2_compile_context_free) *compile_context_free;
    __typeof__(pcre2_set_newline) *set_newline;
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
    RESOLVE(set_callout);
    RESOLVE(get_ovector_pointer);
    RESOLVE(pattern_info);
    RESOLVE(compile_context_create);
    RESOLVE(compile_context_free);
    RESOLVE(set_newline);
    RESOLVE(get_error_message);
#undef RESOLVE
}

const char *mm_pcre_problem(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}

void *mm_pcre_compile(
    const uint8_t *pattern, size_t length, uint32_t options, char *message, size_t room, size_t *place) {
    message[0] = 0;
    *place = 0;
    if (mm_pcre_problem()) {
        snprintf(message, room, "%s", reason);
        return NULL;
    }
    pcre2_compile_context *context = pcre2.compile_context_create(NULL);
    if (!context) {
        snprintf(message, room, "no memory is left");
        return NULL;
    }
    // Call out before each item, because the library's own limit starts again at each position of the text.
    uint32_t flags = PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    if (options & MM_PCRE_UTF) flags |= PCRE2_UTF;
    if (options & MM_PCRE_CASELESS) flags |= PCRE2_CASELESS;
    pcre2.set_newline(context, PCRE2_NEWLINE_LF);
    int number = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = pcre2.compile(pattern, length, flags, &number, &offset, context);
    if (!code) {
        pcre2.get_error_message(number, (PCRE2_UCHAR *)message, room);
        *place = offset;
    }
    pcre2.compile_context_free(context);
    return code;
}

void mm_pcre_free(void *code) {
    if (code) pcre2.code_free(code);
}

uint32_t mm_pcre_groups(const void *code) {
    uint32_t count = 0;
    pcre2.pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &count);
    return count;
}

// Counts one step plus the bytes passed since the last one, because a long run that is scanned again from each of its
// positions is work too.
static int count_step(pcre2_callout_block *block, void *data) {
    struct mm_pcre_work *work = data;
    size_t place = block->current_position;
    size_t run = place > work->place ? place - work->place : 0;
    work->place = place;
    work->steps += 1 + run / 8;
    if (work->steps > work->limit) return PCRE2_ERROR_CALLOUT;
    if (work->is_stopped && work->steps >= work->next_look) {
        work->next_look = work->steps + 4096;
        if (work->is_stopped(work->context)) return PCRE2_ERROR_CALLOUT;
    }
    return 0;
}

int mm_pcre_search(
    const void *code, const uint8_t *text, size_t length, size_t from, int known, size_t *ranges, uint32_t groups,
    struct mm_pcre_work *work) {
    pcre2_match_data *data = pcre2.match_data_create_from_pattern(code, NULL);
    pcre2_match_context *context = pcre2.match_context_create(NULL);
    int result = -1;
    if (data && context) {
        uint64_t left = work->limit > work->steps ? work->limit - work->steps : 0;
        uint32_t limit = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
        pcre2.set_match_limit(context, limit);
        pcre2.set_depth_limit(context, limit);
        pcre2.set_heap_limit(context, 20000);
        pcre2.set_callout(context, count_step, work);
        work->place = from;
        int count = pcre2.match(code, text, length, from, known ? PCRE2_NO_UTF_CHECK : 0, data, context);
        if (count > 0) {
            const PCRE2_SIZE *found = pcre2.get_ovector_pointer(data);
            for (uint32_t index = 0; index < 2 * (groups + 1); index++) ranges[index] = found[index];
        }
        result = count > 0 ? 1 : count == PCRE2_ERROR_NOMATCH ? 0 : -1;
    }
    if (context) pcre2.match_context_free(context);
    if (data) pcre2.match_data_free(data);
    return result;
}
