#include "CDashboardPages.h"

// Older language modes know #embed as an extension of C23 and say so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char html[] = {
#embed "Pages/dashboard.html"
};
static const unsigned char script[] = {
#embed "Pages/dashboard.js"
};
static const unsigned char page[] = {
#embed "Pages/page.js"
};
static const unsigned char charts[] = {
#embed "Pages/charts.js"
};
static const unsigned char approvals[] = {
#embed "Pages/approvals.js"
};
static const unsigned char style[] = {
#embed "Pages/dashboard.css"
};

dashboard_page dashboard_page_html(void) { return (dashboard_page){html, sizeof html}; }
dashboard_page dashboard_page_script(void) { return (dashboard_page){script, sizeof script}; }
dashboard_page dashboard_page_style(void) { return (dashboard_page){style, sizeof style}; }
dashboard_page dashboard_page_common(void) { return (dashboard_page){page, sizeof page}; }
dashboard_page dashboard_page_charts(void) { return (dashboard_page){charts, sizeof charts}; }
dashboard_page dashboard_page_approvals(void) { return (dashboard_page){approvals, sizeof approvals}; }
