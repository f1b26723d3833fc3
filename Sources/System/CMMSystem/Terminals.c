#define _GNU_SOURCE
#include "CMMSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int mm_open_pty(char *path, size_t room) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return -1;
    int problem = 0;
    if (grantpt(master) < 0 || unlockpt(master) < 0) problem = errno;
    else problem = ptsname_r(master, path, room);
    if (problem) {
        close(master);
        errno = problem;
        return -1;
    }
    return master;
}

int mm_window_size(int descriptor, uint16_t *rows, uint16_t *columns) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

int mm_set_window_size(int descriptor, uint16_t rows, uint16_t columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(descriptor, TIOCSWINSZ, &size);
}

size_t mm_terminal_mode_size(void) { return sizeof(struct termios); }

int mm_terminal_quiet(int descriptor, int raw, void *saved) {
    struct termios mode;
    if (tcgetattr(descriptor, &mode) < 0) return -1;
    memcpy(saved, &mode, sizeof mode);
    if (raw) {
        cfmakeraw(&mode);
    } else {
        mode.c_lflag &= ~(tcflag_t)(ECHO);
        mode.c_lflag |= ECHONL;
    }
    return tcsetattr(descriptor, TCSAFLUSH, &mode);
}

int mm_terminal_restore(int descriptor, const void *saved) {
    struct termios mode;
    memcpy(&mode, saved, sizeof mode);
    return tcsetattr(descriptor, TCSAFLUSH, &mode);
}
