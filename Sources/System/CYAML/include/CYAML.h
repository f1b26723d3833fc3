// A pull reader over libyaml's events. The library is opened on first use.
#ifndef MM_CYAML_H
#define MM_CYAML_H

#include <stddef.h>
#include <stdint.h>

enum {
    MM_YAML_END = 0,
    MM_YAML_SCALAR = 1,
    MM_YAML_LIST_START = 2,
    MM_YAML_LIST_END = 3,
    MM_YAML_MAP_START = 4,
    MM_YAML_MAP_END = 5,
    MM_YAML_DOCUMENT_START = 6,
    MM_YAML_DOCUMENT_END = 7,
    // Anchors, aliases and tags, which settings don't need.
    MM_YAML_FOREIGN = 8,
    MM_YAML_FAULT = -1,
};

struct mm_yaml_event {
    int kind;
    int is_plain;         // a scalar without quotes
    const uint8_t *bytes; // a scalar's text, valid until the next event
    size_t length;
    size_t line;          // counted from 1
    const char *problem;  // with MM_YAML_FAULT
};

const char *mm_yaml_problem(void);
// A reader over bytes that stay in place until it is closed; null when the library or memory is missing.
void *mm_yaml_open(const uint8_t *bytes, size_t length);
void mm_yaml_next(void *reader, struct mm_yaml_event *event);
void mm_yaml_close(void *reader);

#endif
