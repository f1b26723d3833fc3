import CDashboardPages
import MMHTTP

/// The dashboard's files.
enum DashboardPages {
    /// Adds the paths of the files.
    static func add(to router: inout Router<AdmittedPeer>) {
        router.get("/") { _ in file("text/html; charset=utf-8", dashboard_page_html()) }
        router.get("/dashboard.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_script()) }
        router.get("/page.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_common()) }
        router.get("/charts.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_charts()) }
        router.get("/approvals.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_approvals()) }
        router.get("/dashboard.css") { _ in file("text/css; charset=utf-8", dashboard_page_style()) }
    }

    /// Loads nothing from elsewhere, creates no markup from data, and can't be framed.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"

    private static func file(_ type: String, _ page: dashboard_page) -> HTTPServerResponse {
        HTTPServerResponse(
            headers: [
                "Content-Type": type, "Cache-Control": "no-cache", "Content-Security-Policy": policy,
                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
            ], body: .bytes(Array(UnsafeBufferPointer(start: page.bytes, count: page.count))))
    }
}
