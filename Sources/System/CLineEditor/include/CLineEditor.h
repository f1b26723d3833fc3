// The few functions of libedit that a prompt needs. The library is opened on first use; reading a line blocks.
#ifndef MM_CLINEEDITOR_H
#define MM_CLINEEDITOR_H

#include <stddef.h>

enum { mm_edit_room = 4096 };

// What a prompt asks of its owner, on the thread that reads. All texts are UTF-8; those that are returned are copied.
typedef struct {
    void *context;
    // What stands before the line, and what is remarked at its right end: between two \1 what takes no room on the screen.
    void (*shown)(void *context, char *prompt, size_t prompt_room, char *remark, size_t remark_room);
    // The line has changed, or the cursor in it: so many bytes stand before it.
    void (*changed)(void *context, const char *line, size_t cursor);
    // What completes the line up to the cursor, as a text: `text` takes the place of so many characters before the cursor,
    // `list` is shown where there is more than one. Returns that number; -1 for nothing.
    int (*complete)(void *context, const char *line, char *text, size_t text_room, char *list, size_t list_room);
} mm_edit_owner;

enum { mm_edit_line = 0, mm_edit_end = 1, mm_edit_cancelled = 2, mm_edit_failed = 3 };

// Whether the library can be had.
int mm_edit_is_there(void);
// Begins a prompt in this process's terminal; null where it can't be. What is written to `wake` (a descriptor that can be
// read then, or -1) has the prompt ask anew what is shown.
void *mm_edit_open(const mm_edit_owner *owner, int wake);
// Reads a line; returns one of the words above. `line`, also one that was given up, is to be given back with free(3).
int mm_edit_read(void *editor, char **line);
// Adds a text to what the arrow keys recall.
void mm_edit_remember(void *editor, const char *text);
void mm_edit_close(void *editor);

#endif
