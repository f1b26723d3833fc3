#ifndef C_SANDBOX_PAGES_H
#define C_SANDBOX_PAGES_H

#include <stddef.h>

/// The pages of the sandbox tenant, compiled in and read in place.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} sandbox_page;

/// The frame around every page: head, style, header.
sandbox_page sandbox_page_frame(void);
/// The form that asks for a code.
sandbox_page sandbox_page_code(void);
/// The form that asks for approval.
sandbox_page sandbox_page_approval(void);

#endif
