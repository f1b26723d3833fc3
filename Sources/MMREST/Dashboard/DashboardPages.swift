import CDashboardPages
import MMHTTP

/// The dashboard's files.
enum DashboardPages {
    /// The paths and their files.
    static var routes: [Route] {
        [
            file("/", "text/html; charset=utf-8", dashboard_page_html),
            file("/dashboard.js", "text/javascript; charset=utf-8", dashboard_page_script),
            file("/dashboard.css", "text/css; charset=utf-8", dashboard_page_style),
        ]
    }

    /// Nothing from elsewhere, no markup from data, in nobody's frame.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"

    private static func file(_ path: String, _ type: String, _ page: @escaping @Sendable () -> dashboard_page) -> Route
    {
        Route(
            path,
            [
                (
                    "GET",
                    { _ in
                        let page = page()
                        let bytes = Array(UnsafeBufferPointer(start: page.bytes, count: page.count))
                        return HTTPServerResponse(
                            headers: [
                                "Content-Type": type, "Cache-Control": "no-cache", "Content-Security-Policy": policy,
                                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
                                "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
                                "Cross-Origin-Resource-Policy": "same-origin",
                            ], body: .bytes(bytes))
                    }
                )
            ])
    }
}
