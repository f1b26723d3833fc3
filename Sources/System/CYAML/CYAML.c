#include "CYAML.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

static struct {
    __typeof__(yaml_parser_initialize) *parser_initialize;
    __typeof__(yaml_parser_delete) *parser_delete;
    __typeof__(yaml_parser_set_input_string) *parser_set_input_string;
    __typeof__(yaml_parser_parse) *parser_parse;
    __typeof__(yaml_event_delete) *event_delete;
} yaml;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char reason[256];

static int resolve(void *library, const char *name, void *slot) {
    void *symbol = dlsym(library, name);
    if (!symbol) {
        snprintf(reason, sizeof reason, "libyaml-0.so.2 has no %s", name);
        return 0;
    }
    *(void **)slot = symbol;
    return 1;
}

static void load(void) {
    void *library = dlopen("libyaml-0.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text ? text : "libyaml-0.so.2 can't be opened");
        return;
    }
#define RESOLVE(slot) \
    if (!resolve(library, "yaml_" #slot, &yaml.slot)) return
    RESOLVE(parser_initialize);
    RESOLVE(parser_delete);
    RESOLVE(parser_set_input_string);
    RESOLVE(parser_parse);
    RESOLVE(event_delete);
#undef RESOLVE
}

const char *mm_yaml_problem(void) {
    pthread_once(&once, load);
    return reason[0] ? reason : NULL;
}

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    int has_event;
};

void *mm_yaml_open(const uint8_t *bytes, size_t length) {
    if (mm_yaml_problem()) return NULL;
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    if (!yaml.parser_initialize(&reader->parser)) {
        free(reader);
        return NULL;
    }
    yaml.parser_set_input_string(&reader->parser, bytes, length);
    return reader;
}

void mm_yaml_close(void *opaque) {
    struct reader *reader = opaque;
    if (reader->has_event) yaml.event_delete(&reader->event);
    yaml.parser_delete(&reader->parser);
    free(reader);
}

void mm_yaml_next(void *opaque, struct mm_yaml_event *out) {
    struct reader *reader = opaque;
    for (;;) {
        if (reader->has_event) yaml.event_delete(&reader->event);
        reader->has_event = 0;
        *out = (struct mm_yaml_event){.kind = MM_YAML_FAULT};
        if (!yaml.parser_parse(&reader->parser, &reader->event)) {
            out->line = reader->parser.problem_mark.line + 1;
            out->problem = reader->parser.problem ? reader->parser.problem : "it is no YAML";
            return;
        }
        reader->has_event = 1;
        yaml_event_t *event = &reader->event;
        out->line = event->start_mark.line + 1;
        switch (event->type) {
        case YAML_STREAM_START_EVENT: continue;
        case YAML_STREAM_END_EVENT:
        case YAML_NO_EVENT: out->kind = MM_YAML_END; return;
        case YAML_DOCUMENT_START_EVENT: out->kind = MM_YAML_DOCUMENT_START; return;
        case YAML_DOCUMENT_END_EVENT: out->kind = MM_YAML_DOCUMENT_END; return;
        case YAML_ALIAS_EVENT: out->kind = MM_YAML_FOREIGN; return;
        case YAML_SCALAR_EVENT:
            out->kind = event->data.scalar.anchor || event->data.scalar.tag ? MM_YAML_FOREIGN : MM_YAML_SCALAR;
            out->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
            out->bytes = event->data.scalar.value;
            out->length = event->data.scalar.length;
            return;
        case YAML_SEQUENCE_START_EVENT:
            out->kind = event->data.sequence_start.anchor || event->data.sequence_start.tag ? MM_YAML_FOREIGN
                                                                                          : MM_YAML_LIST_START;
            return;
        case YAML_SEQUENCE_END_EVENT: out->kind = MM_YAML_LIST_END; return;
        case YAML_MAPPING_START_EVENT:
            out->kind = event->data.mapping_start.anchor || event->data.mapping_start.tag ? MM_YAML_FOREIGN
                                                                                        : MM_YAML_MAP_START;
            return;
        case YAML_MAPPING_END_EVENT: out->kind = MM_YAML_MAP_END; return;
        }
    }
}
