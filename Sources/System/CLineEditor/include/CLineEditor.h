// The functions of libedit that a prompt needs. The library is opened on first use; reading a line blocks.
#ifndef MM_CLINEEDITOR_H
#define MM_CLINEEDITOR_H

#include <stddef.h>

enum { mm_edit_room = 4096 };

// The callbacks of a prompt, called on the thread that reads. All texts are UTF-8; returned texts are copied.
typedef struct {
    void *context;
    // Stores the prompt before the line and the remark at its right end. Text between two \1 takes no room on the screen.
    void (*shown)(void *context, char *prompt, size_t prompt_room, char *remark, size_t remark_room);
    // Called when the line or the cursor has changed; `cursor` is the number of bytes before the cursor.
    void (*changed)(void *context, const char *line, size_t cursor);
    // Completes the line up to the cursor: `text` replaces the returned number of characters before the cursor, and `list`
    // is shown if there are several completions. Returns -1 for none.
    int (*complete)(void *context, const char *line, char *text, size_t text_room, char *list, size_t list_room);
} mm_edit_owner;

enum { mm_edit_line = 0, mm_edit_end = 1, mm_edit_cancelled = 2, mm_edit_failed = 3 };

// Returns whether the library can be opened.
int mm_edit_is_there(void);
// Creates a prompt in this process's terminal; null on failure. When the descriptor `wake` becomes readable (-1 for none),
// the prompt asks again for the texts to show.
void *mm_edit_open(const mm_edit_owner *owner, int wake);
// Reads a line and returns one of the codes above. Free `line` with free(3), even if it was cancelled.
int mm_edit_read(void *editor, char **line);
// Adds a text to the history that the arrow keys recall.
void mm_edit_remember(void *editor, const char *text);
void mm_edit_close(void *editor);

#endif
