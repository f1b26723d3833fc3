#include "CQRCode.h"

#include <dlfcn.h>
#include <pthread.h>

// The part of libqrencode's interface in use (qrencode.h, version 4). Its headers aren't needed to build.
typedef struct {
    int version;
    int width;
    unsigned char *data;
} QRcode;
enum { level_low = 0, mode_8 = 2 };

static QRcode *(*encode)(const char *, int, int, int, int);
static void (*release)(QRcode *);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    *(void **)&encode = dlsym(library, "QRcode_encodeString");
    *(void **)&release = dlsym(library, "QRcode_free");
}

int mm_qr_encode(const char *text, uint8_t *modules, size_t room) {
    pthread_once(&once, load);
    if (!encode || !release) return 0;
    QRcode *code = encode(text, 0, level_low, mode_8, 1);
    if (!code) return 0;
    int width = code->width;
    if ((size_t)width * (size_t)width > room) width = 0;
    for (int index = 0; index < width * width; index++) modules[index] = code->data[index] & 1;
    release(code);
    return width;
}
