import MMCore
import MMHTTP
import MMIdentity
import MMMCP
import MMOperations

/// Admits requests by their access tokens, and tells clients where to get one (MCP, "Authorization"; RFC 6750, RFC
/// 9728).
final class OAuthGate: Sendable {
    /// The principals that were admitted.
    let principals: PrincipalTable
    private let verifier: TokenVerifier
    private let resource: String?
    private let scheme: String
    /// The path of the protected resource metadata, under each of this server's names.
    static let wellKnown = "/.well-known/oauth-protected-resource"

    /// Creates a gate.
    /// - Parameters:
    ///   - options: the accepted tokens.
    ///   - scheme: the scheme of the endpoint's URL, as clients see it.
    ///   - verifier: checks tokens.
    init(_ options: OAuthOptions, scheme: String, _ verifier: TokenVerifier, principals: PrincipalTable) {
        resource = options.resource
        self.scheme = scheme
        self.verifier = verifier
        self.principals = principals
    }

    /// Creates the gate of a server, and begins to fetch the sign-in service's keys.
    /// - Parameter warn: called if the service has none.
    /// - Throws: `.notFound` if the connection for group look-ups doesn't exist.
    static func making(
        _ options: OAuthOptions, _ face: HTTPFaceOptions, _ services: OperationServices, principals: PrincipalTable,
        warn: @escaping @Sendable (String) -> Void
    ) throws(MMError) -> OAuthGate {
        let directory = IssuerDirectory(
            issuer: options.issuer,
            transport: HTTPClient(configuration: HTTPClientConfiguration(environment: services.environment)),
            log: services.log)
        let memberships = try options.directory.map { (name) throws(MMError) in
            GroupMemberships(of: try CallerGroups(through: name, services), issuer: options.issuer)
        }
        Task {
            guard let error = await directory.prepare() else { return }
            warn("no client can sign in yet. \(error.message)\(error.hint.map { " \($0)" } ?? "")")
        }
        return OAuthGate(
            options, scheme: face.isBehindProxy ? "https" : face.scheme,
            TokenVerifier(options.policy, directory, memberships: memberships), principals: principals)
    }

    /// The decision about a request's sender.
    enum Entry: Sendable {
        case known(Principal)
        case refused(CallerRefusal)
        /// The sign-in service has to be asked first.
        case open
    }

    /// Decides about a request by its head and the keys that are already known.
    func judge(_ request: HTTPServerRequest) -> Entry {
        let token: Secret
        switch Self.token(of: request) {
        case .success(let given): token = given
        case .failure(let refusal): return .refused(withScopes(refusal))
        }
        switch verifier.look(at: token.reveal()) {
        case .admitted(let holder):
            let principal = principals.note(holder, token)
            if let demand = principals.demand(on: principal, token) { return .refused(withScopes(demand)) }
            return .known(principal)
        case .refused(let refusal): return .refused(withScopes(refusal))
        case .open: return .open
        }
    }

    /// Decides about a request after asking the sign-in service.
    func decide(_ request: HTTPServerRequest) async throws(CallerRefusal) -> Principal {
        let token = try Self.token(of: request).get()
        do throws(CallerRefusal) {
            return principals.note(try await verifier.verify(token.reveal()), token)
        } catch {
            throw withScopes(error)
        }
    }

    /// Adds the scopes to ask for to a refusal, so that the client can sign in with them.
    private func withScopes(_ refusal: CallerRefusal) -> CallerRefusal {
        var refusal = refusal
        refusal.scopes = verifier.policy.scopes
        return refusal
    }

    private static func token(of request: HTTPServerRequest) -> Result<Secret, CallerRefusal> {
        let given = request.headers.values(for: "Authorization")
        guard let header = given.first else {
            return .failure(CallerRefusal(.missing, "Sign in: this server needs an access token."))
        }
        guard given.count == 1, header.prefix(7).lowercased() == "bearer " else {
            return .failure(
                CallerRefusal(.missing, "Send the access token once, as Authorization: Bearer TOKEN."))
        }
        return .success(Secret(String(header.dropFirst(7).drop { $0 == " " })))
    }

    /// Returns the response that refuses a request.
    func response(to request: HTTPServerRequest, _ refusal: CallerRefusal) -> HTTPServerResponse {
        let error: JSONValue = [
            "jsonrpc": "2.0", "id": nil, "error": ["code": -32600, "message": .string(refusal.message)],
        ]
        var answer = HTTPServerResponse.json(JSONWriter.bytes(error), status: refusal.status)
        if let challenge = refusal.challenge(metadata: metadataAddress(for: request)) {
            answer.headers.set("WWW-Authenticate", challenge)
        }
        if refusal.kind == .unavailable { answer.headers.set("Retry-After", "10") }
        return answer
    }

    // MARK: metadata

    /// The paths of the metadata: with the path of the endpoint, and without (RFC 9728, section 3.1).
    var metadataPaths: [String] {
        var paths = [Self.wellKnown, Self.wellKnown + "/mcp"]
        if let own = resource.map(Self.path), !paths.contains(Self.wellKnown + own) {
            paths.append(Self.wellKnown + own)
        }
        return paths
    }

    /// Returns the metadata of this server (RFC 9728, section 2).
    func metadata(for request: HTTPServerRequest) async -> JSONValue {
        let (directory, scopes) = (verifier.directory, verifier.policy.scopes)
        var members: JSONObject = [
            "resource": .string(address(for: request)), "authorization_servers": [.string(directory.issuer)],
            "bearer_methods_supported": ["header"], "resource_name": "Microsoft Master",
        ]
        if !scopes.isEmpty { members["scopes_supported"] = .array(scopes.map { .string($0) }) }
        // The sign-in service decides whether a client may identify itself by the URL of its own document.
        let told = "client_id_metadata_document_supported"
        if let known = directory.metadata?.document[told] { members[told] = known }
        return .object(members)
    }

    /// Returns the endpoint's URL: the configured one, otherwise one with the host name of the request, which is one of
    /// this server's own names.
    private func address(for request: HTTPServerRequest) -> String {
        resource ?? "\(scheme)://\(request.headers["Host"] ?? "localhost")/mcp"
    }

    private func metadataAddress(for request: HTTPServerRequest) -> String {
        let address = address(for: request)
        let path = Self.path(of: address)
        return String(address.dropLast(path.count)) + Self.wellKnown + path
    }

    /// Returns the path of a URL that was checked before.
    private static func path(of address: String) -> String {
        let parts = address.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 4 && !parts[3].isEmpty ? "/" + parts[3] : ""
    }
}

/// Asks the sign-in service about a request whose token can't be judged without it.
struct OAuthStep: HTTPMiddleware {
    /// Decides about tokens.
    let gate: OAuthGate
    /// Paths that are open to everybody.
    let open: Set<String>

    func respond(
        to request: HTTPServerRequest, from admitted: MCPHTTPRequest, next: HTTPResponder<MCPHTTPRequest>
    ) async -> HTTPServerResponse {
        guard admitted.principal == nil, !open.contains(request.path) else { return await next(request, admitted) }
        var known = admitted
        do throws(CallerRefusal) {
            known.principal = try await gate.decide(request)
        } catch {
            return gate.response(to: request, error)
        }
        return await next(request, known)
    }
}

/// The people whose access tokens were admitted, with the newest token of each, for connections that act on behalf of
/// their callers. The table is only kept in memory, and a token is removed when it expires.
final class PrincipalTable: Sendable {
    private struct Entry: Sendable {
        let principal: Caller.Principal
        let token: Secret
        let endsAt: Timestamp
        let issuedAt: Timestamp
        /// The demand for a new token that a service behind this server made; `nil` once the client has been told.
        var demand: CallerRefusal?
    }

    private let entries = Mutex<[String: Entry]>([:])
    /// The number of entries above which expired ones are removed.
    private static let many = 1000

    /// Records an admitted token.
    /// - Returns: the token's owner as the engine's principal.
    func note(_ holder: TokenHolder, _ token: Secret) -> Principal {
        let name = "oauth:" + holder.id
        let entry = Entry(
            principal: Caller.Principal(id: holder.id, name: holder.name), token: token, endsAt: holder.endsAt,
            issuedAt: holder.issuedAt ?? holder.endsAt)
        let now = Timestamp.now
        entries.withLock { entries in
            if entries.count >= Self.many { entries = entries.filter { $0.value.endsAt > now } }
            // The newer token is recognized by its time of issue, not by its expiry: services give tokens different
            // lifetimes.
            if let known = entries[name], known.issuedAt > entry.issuedAt || known.token == entry.token { return }
            entries[name] = entry
        }
        return Principal(name)
    }

    /// Records that a call failed because its caller has to sign in again. The next request with the same token is
    /// refused for that reason, once, in the form that clients understand.
    func note(_ error: MMError, of principal: Principal) {
        guard error.code == .signInNeeded, error.details["challenge"] != nil else { return }
        var demand = CallerRefusal(.invalid, "Sign in again: a service behind this server requires it.")
        demand.claims = error.details["claims"]?.string
        entries.withLock { $0[principal.name]?.demand = demand }
    }

    /// Returns the demand that the owner of a token has to be told, once.
    func demand(on principal: Principal, _ token: Secret) -> CallerRefusal? {
        entries.withLock { entries in
            guard entries[principal.name]?.token == token else { return nil }
            defer { entries[principal.name]?.demand = nil }
            return entries[principal.name]?.demand
        }
    }

    /// Adds the caller's identity and token to a call.
    func complete(_ call: inout CallContext, for principal: Principal) {
        guard let entry = entries.withLock({ $0[principal.name] }) else { return }
        call.caller.signedIn = entry.principal
        call.assertion = entry.token
    }

    /// Returns whether a principal was admitted by an access token.
    static func holds(_ principal: Principal) -> Bool { principal.name.hasPrefix("oauth:") }
}
