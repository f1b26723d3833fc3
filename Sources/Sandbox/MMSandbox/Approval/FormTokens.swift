internal import MMCore
internal import MMHTTP

/// The tokens of forms, each bound to a cookie, so that no other page can send the form.
struct FormTokens {
    let context: TenantContext
    let mint: TokenMint
    private static let cookieName = "sandbox_form"

    /// Returns the token for a form, and the cookie that goes with it.
    func token(_ request: HTTPServerRequest) -> (token: String, cookie: String) {
        let session = cookie(request) ?? RandomBytes.text(bytes: 18)
        return (mint.tag("form:\(session)"), "\(Self.cookieName)=\(session); Path=/; HttpOnly; SameSite=Strict")
    }

    /// Returns whether a sent token belongs to the sent cookie and the form came from a page of the sandbox.
    func isRight(_ token: String?, _ request: HTTPServerRequest) -> Bool {
        if let origin = request.headers["origin"], origin != "null" {
            let name = origin.lowercased()
            guard name == context.base || name == context.base.replacing("127.0.0.1", with: "localhost") else {
                return false
            }
        }
        if request.headers["origin"] == "null" || request.headers["sec-fetch-site"] == "cross-site" { return false }
        guard let token, let session = cookie(request) else { return false }
        return ConstantTime.equal(Array(token.utf8), Array(mint.tag("form:\(session)").utf8))
    }

    private func cookie(_ request: HTTPServerRequest) -> String? {
        for piece in request.headers.values(for: "Cookie").flatMap({ $0.split(separator: ";") }) {
            let halves = piece.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if halves.count == 2, halves[0] == Self.cookieName, halves[1].utf8.count <= 64 { return String(halves[1]) }
        }
        return nil
    }
}
