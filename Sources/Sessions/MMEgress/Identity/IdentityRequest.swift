import MMCore
import MMHTTP
import MMIdentity

/// A request for a token of the machine's identity, and its answer. It is told from requests that go on by where it is
/// sent: to the wire's own port, or to the metadata address.
struct IdentityRequest: Sendable {
    /// An answer of the endpoint.
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
    }

    private let path: String
    private let query: FormFields
    private let head: RequestHead

    /// Reads a request; nil for one that goes elsewhere.
    /// - Parameter port: the wire's own.
    init?(_ head: RequestHead, port: UInt16) {
        guard head.method != "CONNECT", let target = Self.target(of: head, port) else { return nil }
        self.head = head
        path = String(target.prefix { $0 != "?" })
        let rest = target.dropFirst(path.count).dropFirst()
        query = FormFields(reading: Array(rest.utf8)) ?? FormFields([:])
    }

    /// The path and query of what is meant for the endpoint.
    private static func target(of head: RequestHead, _ port: UInt16) -> String? {
        // Clients that never send what is on this machine through a proxy ask directly.
        if head.target.hasPrefix("/") { return head.target }
        guard head.target.lowercased().hasPrefix("http://") else { return nil }
        let rest = head.target.dropFirst(7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let name = PlainHostName(authority) else { return nil }
        let isMetadata = name.host == ProgramIdentity.metadataHost && (name.port ?? 80) == 80
        let isOwn = (name.host == "127.0.0.1" || name.host == "localhost") && name.port == port
        guard isMetadata || isOwn else { return nil }
        let path = rest[authority.endIndex...]
        return path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// The answer.
    func answer(from identity: ProgramIdentity, clock: WallClock) async -> Answer {
        guard head.method == "GET" || head.method == "HEAD" else {
            return Self.refusal(405, "invalid_request", "Tokens are asked for with GET.")
        }
        guard path.lowercased().hasSuffix("/token") else {
            return Self.refusal(
                404, "not_found", "Of this machine's metadata there is the identity alone: \(ProgramIdentity.path).")
        }
        if let refusal = proofRefusal(identity) { return refusal }
        for name in ["client_id", "clientid", "object_id", "principal_id", "msi_res_id", "mi_res_id"] {
            guard let wanted = query[name], !identity.names.contains(wanted.lowercased()) else { continue }
            return Self.refusal(
                400, "invalid_request",
                "Identity not found: this program has one identity, and \(wanted.prefix(80)) is not it. Leave \(name) out."
            )
        }
        guard let asked = query["resource"] ?? query["scope"].map(Self.audience), !asked.isEmpty else {
            return Self.refusal(400, "invalid_request", "The request names no resource.")
        }
        do throws(MMError) {
            return granted(try await identity.issue(asked), asked, identity.clientID, clock)
        } catch {
            // Clients try again after anything else than a plain refusal.
            let isPassing = error.code == .unavailable || error.code == .throttled
            return Self.refusal(
                isPassing ? 503 : 400, isPassing ? "temporarily_unavailable" : "invalid_request",
                [error.message, error.hint].compactMap(\.self).joined(separator: " "))
        }
    }

    /// Why a request does not prove that it is meant: each protocol has a header that no page or redirect can make a
    /// client send.
    private func proofRefusal(_ identity: ProgramIdentity) -> Answer? {
        for name in ["x-identity-header", "secret"] {
            guard let shown = head.headers[name] else { continue }
            return Secret(shown) == identity.header
                ? nil : Self.refusal(401, "unauthorized", "The header \(name) isn't that of IDENTITY_HEADER.")
        }
        guard head.headers["metadata"]?.lowercased() == "true" else {
            return Self.refusal(
                400, "bad_request",
                "Required metadata header not specified: X-IDENTITY-HEADER, secret or Metadata: true.")
        }
        return nil
    }

    private func granted(
        _ issued: ProgramIdentity.Issued, _ asked: String, _ clientID: String?, _ clock: WallClock
    ) -> Answer {
        let (now, end) = (clock.now.seconds, issued.expiresAt.seconds)
        var body: JSONObject = [
            "access_token": .string(issued.text), "refresh_token": "", "expires_in": .string(String(max(end - now, 0))),
            "expires_on": .string(String(end)), "not_before": .string(String(now)), "resource": .string(asked),
            "token_type": "Bearer",
        ]
        body["client_id"] = clientID.map { .string($0) }
        return Answer(status: 200, body: JSONWriter.bytes(.object(body)))
    }

    private static func refusal(_ status: Int, _ code: String, _ message: String) -> Answer {
        let text = "Microsoft Master: \(message)"
        return Answer(
            status: status,
            body: JSONWriter.bytes([
                "error": .string(code), "error_description": .string(text), "statusCode": .int(Int64(status)),
                "message": .string(text),
            ]))
    }

    /// The audience of a scope, which some clients send in the place of a resource.
    private static func audience(_ scope: String) -> String {
        let first = scope.split(separator: " ").first.map(String.init) ?? ""
        return first.hasSuffix("/.default") ? String(first.dropLast(9)) : first
    }
}
