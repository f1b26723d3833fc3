// The functions of PCRE2 that Swift needs. The library is opened on first use.
#ifndef MM_CPCRE2_H
#define MM_CPCRE2_H

#include <stddef.h>
#include <stdint.h>

// The dialect of a pattern and its texts.
enum {
    MM_PCRE_UTF = 1,        // UTF-8, not bytes
    MM_PCRE_CASELESS = 2,
};

// The work that one or more searches may do in total.
struct mm_pcre_work {
    uint64_t steps;                // done so far
    uint64_t limit;                // at most
    int (*is_stopped)(void *);     // asked now and then, may be null; not 0 ends the search
    void *context;
    uint64_t next_look;
    size_t place;
};

// Returns why the library can't be used, or null.
const char *mm_pcre_problem(void);
// Returns a compiled pattern, or null with a message and the position of the fault in the pattern.
void *mm_pcre_compile(
    const uint8_t *pattern, size_t length, uint32_t options, char *message, size_t room, size_t *place);
void mm_pcre_free(void *code);
// Returns the number of groups in a pattern.
uint32_t mm_pcre_groups(const void *code);
// Searches a text from a position: returns 1, 0, or -1 when the limit was reached, the search was stopped, or it
// failed. `ranges` gets the start and end of the match and of `groups` groups, (size_t)-1 for one that didn't
// participate. `known` says that the text is known to be UTF-8.
int mm_pcre_search(
    const void *code, const uint8_t *text, size_t length, size_t from, int known, size_t *ranges, uint32_t groups,
    struct mm_pcre_work *work);

#endif
