import MMCore
import MMHTTP
import MMIdentity
import MMMCP
import MMOperations

/// Admits requests by their access tokens, and says where to get one (MCP, "Authorization"; RFC 6750, RFC 9728).
final class OAuthGate: Sendable {
    /// Who was admitted.
    let principals: PrincipalTable
    private let verifier: TokenVerifier
    private let resource: String?
    private let scheme: String
    /// Where the protected resource metadata are, below every name of this server.
    static let wellKnown = "/.well-known/oauth-protected-resource"

    /// A gate.
    /// - Parameters:
    ///   - options: whose tokens are admitted.
    ///   - scheme: what the endpoint's address begins with, as clients see it.
    ///   - verifier: checks tokens.
    init(_ options: OAuthOptions, scheme: String, _ verifier: TokenVerifier, principals: PrincipalTable) {
        resource = options.resource
        self.scheme = scheme
        self.verifier = verifier
        self.principals = principals
    }

    /// The gate of a server, which begins to ask the sign-in service for its keys.
    /// - Parameter warn: told when the service has none.
    /// - Throws: `.notFound` when the connection isn't there through which groups are asked for.
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
            warn("nobody is admitted yet. \(error.message)\(error.hint.map { " \($0)" } ?? "")")
        }
        return OAuthGate(
            options, scheme: face.isBehindProxy ? "https" : face.scheme,
            TokenVerifier(options.policy, directory, memberships: memberships), principals: principals)
    }

    /// What is known of a request's sender.
    enum Entry: Sendable {
        case known(Principal)
        case refused(CallerRefusal)
        /// The sign-in service has to be asked.
        case open
    }

    /// Judges a request's head with what is at hand.
    func judge(_ request: HTTPServerRequest) -> Entry {
        let token: Secret
        switch Self.token(of: request) {
        case .success(let given): token = given
        case .failure(let refusal): return .refused(told(refusal))
        }
        switch verifier.look(at: token.reveal()) {
        case .admitted(let holder):
            let principal = principals.note(holder, token)
            if let demand = principals.demand(on: principal, token) { return .refused(told(demand)) }
            return .known(principal)
        case .refused(let refusal): return .refused(told(refusal))
        case .open: return .open
        }
    }

    /// Judges a request after asking the sign-in service.
    func decide(_ request: HTTPServerRequest) async throws(CallerRefusal) -> Principal {
        let token = try Self.token(of: request).get()
        do throws(CallerRefusal) {
            return principals.note(try await verifier.verify(token.reveal()), token)
        } catch {
            throw told(error)
        }
    }

    /// The scopes to ask for belong to every refusal that a sign-in can mend.
    private func told(_ refusal: CallerRefusal) -> CallerRefusal {
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

    /// The answer that refuses a request.
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

    /// The paths that the metadata are asked for at: with the path of the endpoint, and without (RFC 9728, section 3.1).
    var metadataPaths: [String] {
        var paths = [Self.wellKnown, Self.wellKnown + "/mcp"]
        if let own = resource.map(Self.path), !paths.contains(Self.wellKnown + own) {
            paths.append(Self.wellKnown + own)
        }
        return paths
    }

    /// What this server says about itself (RFC 9728, section 2).
    func metadata(for request: HTTPServerRequest) async -> JSONValue {
        let (directory, scopes) = (verifier.directory, verifier.policy.scopes)
        var members: JSONObject = [
            "resource": .string(address(for: request)), "authorization_servers": [.string(directory.issuer)],
            "bearer_methods_supported": ["header"], "resource_name": "Microsoft Master",
        ]
        if !scopes.isEmpty { members["scopes_supported"] = .array(scopes.map { .string($0) }) }
        // Whether a client may name itself by the address of its own document is the sign-in service's to say.
        let told = "client_id_metadata_document_supported"
        if let known = directory.metadata?.document[told] { members[told] = known }
        return .object(members)
    }

    /// The endpoint's address: the one that was configured, else under the name that the request came to, which is one of
    /// this server's own.
    private func address(for request: HTTPServerRequest) -> String {
        resource ?? "\(scheme)://\(request.headers["Host"] ?? "localhost")/mcp"
    }

    private func metadataAddress(for request: HTTPServerRequest) -> String {
        let address = address(for: request)
        let path = Self.path(of: address)
        return String(address.dropLast(path.count)) + Self.wellKnown + path
    }

    /// The path of an address that was checked before.
    private static func path(of address: String) -> String {
        let parts = address.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 4 && !parts[3].isEmpty ? "/" + parts[3] : ""
    }
}

/// Waits for the sign-in service where a token can't be judged without it.
struct OAuthStep: HTTPMiddleware {
    /// Judges tokens.
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

/// The people whose access tokens were admitted: who they are, and the newest token of each, for connections that act on
/// behalf of their callers. It is in memory alone, and a token leaves it when it ends.
final class PrincipalTable: Sendable {
    private struct Entry: Sendable {
        let principal: Caller.Principal
        let token: Secret
        let endsAt: Timestamp
        let issuedAt: Timestamp
        /// What a service behind this one demands of a new token, until the client was told.
        var demand: CallerRefusal?
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let clock: WallClock
    /// At how many entries those that have ended are looked for.
    private static let many = 1000

    /// An empty table.
    init(clock: WallClock = .system) {
        self.clock = clock
    }

    /// Notes an admitted token.
    /// - Returns: its owner, as the engine knows them.
    func note(_ holder: TokenHolder, _ token: Secret) -> Principal {
        let name = "oauth:" + holder.id
        let entry = Entry(
            principal: Caller.Principal(id: holder.id, name: holder.name), token: token, endsAt: holder.endsAt,
            issuedAt: holder.issuedAt ?? holder.endsAt)
        let now = clock.now
        entries.withLock { entries in
            if entries.count >= Self.many { entries = entries.filter { $0.value.endsAt > now } }
            // The end says nothing of which is newer: services give tokens lives of different lengths.
            if let known = entries[name], known.issuedAt > entry.issuedAt || known.token == entry.token { return }
            entries[name] = entry
        }
        return Principal(name)
    }

    /// Notes that a call failed because its caller has to sign in again: the next request with the same token is answered so,
    /// once, in the form that a client understands.
    func note(_ error: MMError, of principal: Principal) {
        guard error.code == .signInNeeded, error.details["challenge"] != nil else { return }
        var demand = CallerRefusal(.invalid, "Sign in again: a service behind this server demands it.")
        demand.claims = error.details["claims"]?.string
        entries.withLock { $0[principal.name]?.demand = demand }
    }

    /// What the owner of a token has to be told, once.
    func demand(on principal: Principal, _ token: Secret) -> CallerRefusal? {
        entries.withLock { entries in
            guard entries[principal.name]?.token == token else { return nil }
            defer { entries[principal.name]?.demand = nil }
            return entries[principal.name]?.demand
        }
    }

    /// Completes a call with who makes it, and their token.
    func complete(_ call: inout CallContext, for principal: Principal) {
        guard let entry = entries.withLock({ $0[principal.name] }) else { return }
        call.caller.signedIn = entry.principal
        call.assertion = entry.token
    }

    /// Whether a principal was admitted by an access token.
    static func holds(_ principal: Principal) -> Bool { principal.name.hasPrefix("oauth:") }
}
