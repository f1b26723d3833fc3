// The few functions of PCRE2 that Swift needs. The library is opened on first use.
#ifndef MM_CPCRE2_H
#define MM_CPCRE2_H

#include <stddef.h>
#include <stdint.h>

// Why the library can't be used, or null.
const char *mm_pcre_problem(void);
// A compiled UTF-8 pattern, or null with a message and the place of the fault in the pattern.
void *mm_pcre_compile(const uint8_t *pattern, size_t length, char *message, size_t room, size_t *place);
void mm_pcre_free(void *code);
// Whether the text holds a match: 1, 0, or -1 when the limit of steps was reached or matching failed.
int mm_pcre_search(const void *code, const uint8_t *text, size_t length, uint32_t limit);

#endif
