#ifndef C_DASHBOARD_PAGES_H
#define C_DASHBOARD_PAGES_H

#include <stddef.h>

/// The parts of the dashboard, compiled in and read in place.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} dashboard_page;

/// The HTML of the page.
dashboard_page dashboard_page_html(void);
/// The main script.
dashboard_page dashboard_page_script(void);
/// The functions that the other scripts share.
dashboard_page dashboard_page_common(void);
/// The script of the charts.
dashboard_page dashboard_page_charts(void);
/// The script of the approvals and their passkeys.
dashboard_page dashboard_page_approvals(void);
/// The style sheet.
dashboard_page dashboard_page_style(void);

#endif
