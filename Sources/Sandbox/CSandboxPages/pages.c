#include "CSandboxPages.h"

// Older language modes know #embed as an extension of C23 and say so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char frame[] = {
#embed "Pages/frame.html"
};
static const unsigned char code[] = {
#embed "Pages/code.html"
};
static const unsigned char approval[] = {
#embed "Pages/approval.html"
};

sandbox_page sandbox_page_frame(void) { return (sandbox_page){frame, sizeof frame}; }
sandbox_page sandbox_page_code(void) { return (sandbox_page){code, sizeof code}; }
sandbox_page sandbox_page_approval(void) { return (sandbox_page){approval, sizeof approval}; }
