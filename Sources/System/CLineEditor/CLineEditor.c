#define _GNU_SOURCE
#include "CLineEditor.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

// The part of libedit's interface in use (editline(3)). Its headers aren't needed to build.
typedef struct editline EditLine;
typedef struct history History;
typedef struct {
    const char *buffer;
    const char *cursor;
    const char *lastchar;
} LineInfo;
typedef struct {
    int num;
    const char *str;
} HistEvent;

enum {
    el_prompt_esc = 21, el_rprompt_esc = 22, el_editor = 2, el_signal = 3, el_bind = 4, el_setty = 8, el_addfn = 9,
    el_hist = 10, el_getcfn = 13, el_clientdata = 14,
    h_setsize = 1, h_enter = 10, h_setunique = 20,
    cc_newline = 1, cc_refresh = 4, cc_error = 6, cc_redisplay = 8,
};

#define FUNCTIONS(X) \
    X(EditLine *, el_init, const char *, FILE *, FILE *, FILE *) \
    X(void, el_end, EditLine *) \
    X(const char *, el_gets, EditLine *, int *) \
    X(int, el_set, EditLine *, int, ...) \
    X(int, el_get, EditLine *, int, ...) \
    X(const LineInfo *, el_line, EditLine *) \
    X(int, el_insertstr, EditLine *, const char *) \
    X(void, el_deletestr, EditLine *, int) \
    X(void, el_resize, EditLine *) \
    X(History *, history_init, void) \
    X(void, history_end, History *) \
    X(int, history, History *, HistEvent *, int, ...)

#define POINTER(result, name, ...) static result (*name)(__VA_ARGS__);
FUNCTIONS(POINTER)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_loaded;

static void load(void) {
    void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    is_loaded = 1;
#define RESOLVE(result, name, ...) if (!(*(void **)&name = dlsym(library, #name))) is_loaded = 0;
    FUNCTIONS(RESOLVE)
}

int mm_edit_is_there(void) {
    pthread_once(&once, load);
    return is_loaded;
}

// A key that no keyboard sends; it makes the editor redraw the line.
static const wchar_t look_key = 0x9F;

struct editor {
    EditLine *line_editor;
    History *history;
    mm_edit_owner owner;
    int wake;
    int is_cancelled;
    unsigned short rows, columns;
    char *seen;
    size_t seen_cursor;
    char prompt[mm_edit_room];
    char remark[mm_edit_room];
};

static struct editor *editor_of(EditLine *line_editor) {
    struct editor *editor = NULL;
    el_get(line_editor, el_clientdata, &editor);
    return editor;
}

static char *prompt_of(EditLine *line_editor) { return editor_of(line_editor)->prompt; }
static char *remark_of(EditLine *line_editor) { return editor_of(line_editor)->remark; }

static void ask_what_is_shown(struct editor *editor) {
    editor->owner.shown(
        editor->owner.context, editor->prompt, sizeof editor->prompt, editor->remark, sizeof editor->remark);
}

// Asks for the prompt and the remark, and returns whether they have changed.
static int shows_something_else(struct editor *editor) {
    char prompt[mm_edit_room], remark[mm_edit_room];
    memcpy(prompt, editor->prompt, sizeof prompt);
    memcpy(remark, editor->remark, sizeof remark);
    ask_what_is_shown(editor);
    return strcmp(prompt, editor->prompt) != 0 || strcmp(remark, editor->remark) != 0;
}

static void tell_of_changes(struct editor *editor) {
    const LineInfo *info = el_line(editor->line_editor);
    size_t length = (size_t)(info->lastchar - info->buffer);
    size_t cursor = (size_t)(info->cursor - info->buffer);
    if (editor->seen && editor->seen_cursor == cursor && strlen(editor->seen) == length
        && memcmp(editor->seen, info->buffer, length) == 0)
        return;
    char *line = strndup(info->buffer, length);
    if (!line) return;
    // During a history search the buffer contains the search.
    if (strstr(line, "\nbck:") || strstr(line, "\nfwd:")) {
        free(line);
        return;
    }
    free(editor->seen);
    editor->seen = line;
    editor->seen_cursor = cursor;
    editor->owner.changed(editor->owner.context, line, cursor);
}

static void follow_the_size(struct editor *editor) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
    if (size.ws_row == editor->rows && size.ws_col == editor->columns) return;
    if (editor->rows || editor->columns) el_resize(editor->line_editor);
    editor->rows = size.ws_row;
    editor->columns = size.ws_col;
}

static int next_key(EditLine *line_editor, wchar_t *key) {
    struct editor *editor = editor_of(line_editor);
    tell_of_changes(editor);
    for (;;) {
        struct pollfd wanted[2] = {{STDIN_FILENO, POLLIN, 0}, {editor->wake, POLLIN, 0}};
        // This thread gets no signal for a new window size, so it checks regularly.
        int found = poll(wanted, editor->wake < 0 ? 1 : 2, 250);
        if (found < 0 && errno != EINTR) return -1;
        follow_the_size(editor);
        if (found > 0 && editor->wake >= 0 && (wanted[1].revents & POLLIN)) {
            char drained[64];
            if (read(editor->wake, drained, sizeof drained) <= 0) editor->wake = -1;
            if (shows_something_else(editor)) {
                *key = look_key;
                return 1;
            }
        }
        if (found > 0 && wanted[0].revents) break;
    }
    mbstate_t state = {0};
    for (;;) {
        char byte;
        ssize_t count = read(STDIN_FILENO, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count < 0 ? -1 : 0;
        size_t length = mbrtowc(key, &byte, 1, &state);
        if (length == (size_t)-2) continue;
        // A byte that belongs to no character is skipped.
        if (length == (size_t)-1) memset(&state, 0, sizeof state);
        else return 1;
    }
}

static unsigned char look(EditLine *line_editor, int key) {
    (void)line_editor;
    (void)key;
    // The editor notices a changed invisible sequence only when it redraws the whole line.
    return cc_redisplay;
}

static unsigned char cancel(EditLine *line_editor, int key) {
    (void)key;
    editor_of(line_editor)->is_cancelled = 1;
    return cc_newline;
}

static unsigned char complete(EditLine *line_editor, int key) {
    (void)key;
    struct editor *editor = editor_of(line_editor);
    const LineInfo *info = el_line(line_editor);
    char *before = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
    if (!before) return cc_error;
    char *text = calloc(1, mm_edit_room), *list = calloc(1, 16 * mm_edit_room);
    int back = -1;
    if (text && list)
        back = editor->owner.complete(
            editor->owner.context, before, text, mm_edit_room, list, 16 * mm_edit_room);
    free(before);
    unsigned char outcome = cc_error;
    if (back >= 0) {
        el_deletestr(line_editor, back);
        outcome = el_insertstr(line_editor, text) == 0 ? cc_refresh : cc_error;
        if (list[0]) {
            fprintf(stdout, "\n%s\n", list);
            fflush(stdout);
            outcome = cc_redisplay;
        }
    }
    free(text);
    free(list);
    return outcome;
}

void *mm_edit_open(const mm_edit_owner *owner, int wake) {
    if (!mm_edit_is_there()) return NULL;
    struct editor *editor = calloc(1, sizeof *editor);
    if (!editor) return NULL;
    editor->owner = *owner;
    editor->wake = wake;
    // The editor decodes characters by the locale; today's terminals use UTF-8.
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX < 2) setlocale(LC_CTYPE, "C.UTF-8");
    editor->line_editor = el_init("mm", stdin, stdout, stderr);
    editor->history = history_init();
    if (!editor->line_editor || !editor->history) {
        mm_edit_close(editor);
        return NULL;
    }
    HistEvent event;
    history(editor->history, &event, h_setsize, 2000);
    history(editor->history, &event, h_setunique, 1);
    EditLine *line_editor = editor->line_editor;
    el_set(line_editor, el_clientdata, editor);
    el_set(line_editor, el_editor, "emacs");
    el_set(line_editor, el_signal, 0);
    el_set(line_editor, el_hist, history, editor->history);
    el_set(line_editor, el_prompt_esc, prompt_of, '\1');
    el_set(line_editor, el_rprompt_esc, remark_of, '\1');
    el_set(line_editor, el_getcfn, next_key);
    el_set(line_editor, el_addfn, "mm-look", "Draw the line anew", look);
    el_set(line_editor, el_addfn, "mm-cancel", "Give the line up", cancel);
    el_set(line_editor, el_addfn, "mm-complete", "Complete the word", complete);
    // Ctrl-C is a key of the editor, not a signal to the process.
    el_set(line_editor, el_setty, "-d", "-isig", NULL);
    el_set(line_editor, el_bind, "\\237", "mm-look", NULL);
    el_set(line_editor, el_bind, "^C", "mm-cancel", NULL);
    el_set(line_editor, el_bind, "^I", "mm-complete", NULL);
    el_set(line_editor, el_bind, "^R", "em-inc-search-prev", NULL);
    el_set(line_editor, el_bind, "\\e[3~", "ed-delete-next-char", NULL);
    el_set(line_editor, el_bind, "\\e[1;5C", "em-next-word", NULL);
    el_set(line_editor, el_bind, "\\e[1;5D", "ed-prev-word", NULL);
    return editor;
}

int mm_edit_read(void *opaque, char **line) {
    struct editor *editor = opaque;
    editor->is_cancelled = 0;
    free(editor->seen);
    editor->seen = NULL;
    ask_what_is_shown(editor);
    int count = 0;
    const char *read = el_gets(editor->line_editor, &count);
    if (editor->is_cancelled) {
        fputs("^C\n", stdout);
        fflush(stdout);
        *line = editor->seen ? strdup(editor->seen) : NULL;
        return mm_edit_cancelled;
    }
    if (!read || count <= 0) return count < 0 ? mm_edit_failed : mm_edit_end;
    *line = strdup(read);
    return *line ? mm_edit_line : mm_edit_failed;
}

void mm_edit_remember(void *opaque, const char *text) {
    struct editor *editor = opaque;
    HistEvent event;
    history(editor->history, &event, h_enter, text);
}

void mm_edit_close(void *opaque) {
    struct editor *editor = opaque;
    if (!editor) return;
    if (editor->line_editor) el_end(editor->line_editor);
    if (editor->history) history_end(editor->history);
    free(editor->seen);
    free(editor);
}
