internal import MMCore
internal import MMHTTP

/// The page that the browser shows when it returns.
struct LoopbackPage: Sendable {
    let title: String
    let text: String

    /// The page for a successful sign-in.
    static func signedIn(_ account: String, to connection: String) -> LoopbackPage {
        LoopbackPage(
            title: "Signed in", text: "\(account) is signed in to \(connection). You can close this page.")
    }

    /// The page for a failed sign-in.
    static func failed(_ reason: String) -> LoopbackPage {
        LoopbackPage(title: "Not signed in", text: "\(reason) See the place where the sign-in was started.")
    }

    /// The page for a request that isn't the answer to this sign-in.
    static let unknown = LoopbackPage(title: "Nothing here", text: "This isn't the answer to a pending sign-in.")

    /// Returns the page: without scripts, external resources or caching.
    func response(status: Int) -> HTTPServerResponse {
        let page = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(HTMLText.escaped(title))</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em}
            @media(prefers-color-scheme:dark){body{background:#111;color:#eee}}</style></head>
            <body><h1>\(HTMLText.escaped(title))</h1><p>\(HTMLText.escaped(text))</p></body></html>

            """
        var response = HTTPServerResponse.text(page, status: status, type: "text/html; charset=utf-8")
        response.headers.set("Cache-Control", "no-store")
        response.headers.set("Referrer-Policy", "no-referrer")
        response.headers.set("X-Content-Type-Options", "nosniff")
        response.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        response.headers.set("Connection", "close")
        return response
    }
}
