import MMCore
import MMOperations
import MMPool
import MMSystem

/// The link with which a browser registers a passkey: made at a terminal, used on the pool's page.
enum PasskeyLink {
    /// Asks the running pool for a link.
    /// - Returns: `link`, `seconds`, and `name` and `owner` of the passkey.
    /// - Throws: `forbidden` without a terminal, `unavailable` without a pool that has a page.
    static func make(
        _ name: String, owner: String, environment: [String: String]
    ) async throws(MMError) -> JSONValue {
        guard Terminal.controlling.isAvailable else {
            throw MMError(
                .forbidden, "A passkey is registered by a person at a terminal, and there is none here.",
                hint: "Run mm key add \(ShellWord.quoted(name)) --page in a terminal of your own.")
        }
        guard let pool = try await PoolFinder(environment: environment).running() else {
            throw MMError(
                .unavailable, "No pool is running, so there is no page.",
                hint: "Start one with a page: mm pool serve --listen 127.0.0.1:5200")
        }
        let urls = try await pool.client.ask("GET", "/v1/pool").body["urls"]?.array?.compactMap(\.string) ?? []
        guard let url = urls.first.flatMap(page) else {
            throw MMError(
                .unavailable, "The pool that runs has no page: it only listens at its socket.",
                hint: "End it and start one with a page: mm pool stop, then mm pool serve --listen 127.0.0.1:5200")
        }
        let body: JSONObject = ["name": .string(name), "owner": .string(owner)]
        let answer = try await pool.client.ask("POST", "/v1/passkeys/invitation", body)
        guard answer.status == 200, let code = answer.body["code"]?.string else {
            throw MMError(
                .forbidden, answer.body["detail"]?.string ?? "The pool gives no link.",
                hint: answer.body["hint"]?.string)
        }
        return [
            "link": .string("\(url)#register=\(code)"), "seconds": answer.body["seconds"] ?? .null,
            "name": .string(name), "owner": .string(owner),
        ]
    }

    /// The page of an address: browsers have passkeys for `localhost`, not for numbers. Behind a proxy the owner puts its name
    /// in place of this one.
    private static func page(_ url: String) -> String? {
        guard let start = url.firstRange(of: "://")?.upperBound, let port = url.lastIndex(of: ":"), port >= start else {
            return nil
        }
        return "\(url[..<start])localhost\(url[port...])/"
    }
}
