// The function of libqrencode that Swift needs. The library is opened on first use.
#ifndef MM_CQRCODE_H
#define MM_CQRCODE_H

#include <stddef.h>
#include <stdint.h>

// Creates the QR code of a text: `modules` gets a byte for each module, line by line, 1 for a dark one. Returns its width; 0
// if the library can't be opened, the text is too long, or `room` is too small.
int mm_qr_encode(const char *text, uint8_t *modules, size_t room);

#endif
