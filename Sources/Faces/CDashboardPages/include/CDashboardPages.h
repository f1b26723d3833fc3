#ifndef C_DASHBOARD_PAGES_H
#define C_DASHBOARD_PAGES_H

#include <stddef.h>

/// The parts of the dashboard, compiled in and read in place.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} dashboard_page;

/// The page.
dashboard_page dashboard_page_html(void);
/// What it does.
dashboard_page dashboard_page_script(void);
/// What all its scripts use.
dashboard_page dashboard_page_common(void);
/// Its charts.
dashboard_page dashboard_page_charts(void);
/// What waits for a person, and the passkeys that answer.
dashboard_page dashboard_page_approvals(void);
/// What it looks like.
dashboard_page dashboard_page_style(void);

#endif
