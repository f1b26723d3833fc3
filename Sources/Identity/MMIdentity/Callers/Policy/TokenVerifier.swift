package import MMCore

/// Decides whether an access token is admitted, by signature, issuer, audience, time, tenant, scopes and groups.
package struct TokenVerifier: Sendable {
    /// The rules for admission.
    package let policy: TokenPolicy
    /// The keys and names of the sign-in service.
    package let directory: IssuerDirectory
    /// The group memberships of accounts whose tokens have no room for them; `nil` where no directory can be asked.
    private let memberships: GroupMemberships?
    private let clock: WallClock

    /// The result of checking a token without waiting.
    package enum Verdict: Sendable {
        /// The token is admitted.
        case admitted(TokenHolder)
        /// The token is refused.
        case refused(CallerRefusal)
        /// The sign-in service or a directory has to be asked first, which `verify` does.
        case open
    }

    /// Creates a verifier.
    package init(
        _ policy: TokenPolicy, _ directory: IssuerDirectory, memberships: GroupMemberships? = nil,
        clock: WallClock = .system
    ) {
        self.policy = policy
        self.memberships = memberships
        self.directory = directory
        self.clock = clock
    }

    /// Checks a token with the cached keys and memberships, without waiting.
    package func look(at text: String) -> Verdict {
        do throws(CallerRefusal) {
            let token = try SignedToken(text)
            // A token that is refused regardless of its signature must not cause a request for keys.
            if let metadata = directory.metadata { try policy.checkOrigin(of: token, metadata.name, now: clock.now) }
            switch directory.answer(for: token.keyID) {
            case .unknown: return .open
            case .failed(let error): throw Self.unavailable(error)
            case .known(let metadata):
                let admission = try admission(of: token, metadata)
                guard admission.isOpen else { return .admitted(admission.holder) }
                guard let memberships else { throw Self.unseen }
                guard let known = memberships.known(admission.holder.id) else { return .open }
                return .admitted(try Self.holder(admission, known))
            }
        } catch {
            return .refused(error)
        }
    }

    /// Checks a token, asking the sign-in service or a directory where that is needed.
    package func verify(_ text: String) async throws(CallerRefusal) -> TokenHolder {
        switch look(at: text) {
        case .admitted(let holder): return holder
        case .refused(let refusal): throw refusal
        case .open: break
        }
        let token = try SignedToken(text)
        switch await directory.ask(for: token.keyID) {
        case .known(let metadata):
            let admission = try admission(of: token, metadata)
            guard admission.isOpen else { return admission.holder }
            guard let memberships else { throw Self.unseen }
            return try Self.holder(
                admission, await memberships.ask(admission.holder.id, token, among: policy.groups))
        case .failed(let error): throw Self.unavailable(error)
        case .unknown: throw Self.unavailable(nil)
        }
    }

    private static func holder(
        _ admission: TokenPolicy.Admission, _ answer: GroupMemberships.Answer
    ) throws(CallerRefusal) -> TokenHolder {
        guard try answer.get() else { throw TokenPolicy.stranger }
        return admission.holder
    }

    private static let unseen = CallerRefusal(
        .forbidden,
        GroupMemberships.unseen(
            "Limit the app's groups claim to groups assigned to the application, accept an app role (--oauth-roles), "
                + "or let the server read groups from Microsoft Graph (--oauth-directory)."))

    private func admission(
        of token: SignedToken, _ metadata: IssuerMetadata
    ) throws(CallerRefusal) -> TokenPolicy.Admission {
        try policy.checkOrigin(of: token, metadata.name, now: clock.now)
        // Without a key id any key may have signed the token: services with a single key may omit the id.
        let keys = metadata.keys.filter { token.keyID == nil || $0.id == token.keyID }
        guard !keys.isEmpty else { throw .invalid("is signed with a key that the sign-in service doesn't publish") }
        guard keys.contains(where: { metadata.name.admits($0, for: token) && $0.verifies(token) }) else {
            throw .invalid("has a wrong signature")
        }
        return try policy.admission(of: token, metadata.name)
    }

    private static func unavailable(_ error: MMError?) -> CallerRefusal {
        let reason = error.map { " \($0.message)" } ?? ""
        return CallerRefusal(.unavailable, "The access token can't be checked at present.\(reason)")
    }
}

/// The group memberships of accounts whose tokens have no room for them. A directory is asked, and its answers are
/// cached for a few minutes.
package final class GroupMemberships: Sendable {
    /// A request to a directory: which of these groups the owner of a token is a member of.
    package typealias Directory = @Sendable (SignedToken, Set<String>) async throws(CallerRefusal) -> Set<String>

    /// Whether an account is in one of the groups, or the reason why that can't be determined.
    typealias Answer = Result<Bool, CallerRefusal>

    private struct State {
        var known: [String: (answer: Answer, until: Timestamp)] = [:]
        var flights: [String: Task<Answer, Never>] = [:]
    }

    /// The time for which an answer is cached.
    private static let life = Duration.seconds(300)
    /// The time for which a failure is cached, so that a client that retries quickly doesn't cause a request each time.
    private static let pause = Duration.seconds(10)
    /// The number of cached accounts from which expired answers are removed.
    private static let many = 1000

    private let state = Mutex(State())
    private let directory: Directory
    private let clock: WallClock

    /// Creates an empty cache.
    /// - Parameter directory: the directory that is asked.
    package init(clock: WallClock = .system, directory: @escaping Directory) {
        self.directory = directory
        self.clock = clock
    }

    /// Returns the message for an account whose groups can't be read.
    /// - Parameter remedy: the remedy, as a sentence.
    package static func unseen(_ remedy: String) -> String {
        "This account is in more groups than an access token can list, so its membership is unknown. \(remedy)"
    }

    /// Returns the cached answer for an account; `nil` where there is none.
    func known(_ account: String) -> Answer? {
        let now = clock.now
        return state.withLock { state in
            guard let known = state.known[account], known.until > now else { return nil }
            return known.answer
        }
    }

    /// Returns the answer for an account, asking the directory if none is cached. Concurrent callers share one request.
    func ask(_ account: String, _ token: SignedToken, among groups: Set<String>) async -> Answer {
        if let known = known(account) { return known }
        let flight = state.withLock { state in
            if let flight = state.flights[account] { return flight }
            let flight = Task<Answer, Never> { [self] in
                let answer: Answer
                do throws(CallerRefusal) {
                    answer = .success(!(try await directory(token, groups)).isDisjoint(with: groups))
                } catch {
                    answer = .failure(error)
                }
                finish(account, answer)
                return answer
            }
            state.flights[account] = flight
            return flight
        }
        return await flight.value
    }

    private func finish(_ account: String, _ answer: Answer) {
        let now = clock.now
        let isKnown = if case .success = answer { true } else { false }
        state.withLock { state in
            state.flights[account] = nil
            if state.known.count >= Self.many { state.known = state.known.filter { $0.value.until > now } }
            state.known[account] = (answer, now + (isKnown ? Self.life : Self.pause))
        }
    }
}

/// The owner of an access token.
package struct TokenHolder: Sendable, Hashable {
    /// The service that issued the token.
    package let issuer: String
    /// The subject: the owner's id at the issuer.
    package let subject: String
    /// The tenant, in Entra ID.
    package let tenantID: String?
    /// The account's object id in that tenant.
    package let objectID: String?
    /// A name to show; it can be changed by the account's owner or others, so nothing may be decided by it.
    package let name: String?
    /// The time at which the token expires.
    package let endsAt: Timestamp
    /// The time at which the token was issued, if it says so.
    package var issuedAt: Timestamp?

    /// The account's unique id. It stays the same for the life of the account, across apps and tokens.
    package var id: String {
        if let tenantID, let objectID { return "\(tenantID)/\(objectID)" }
        let name = "\(issuer) \(subject)"
        // The id is used in headers and file names, so a long one is replaced by its digest.
        return name.utf8.count <= 300 ? name : "sha256 " + Hex.text(SHA256.digest(name.utf8))
    }
}

/// The rules by which access tokens are admitted.
package struct TokenPolicy: Sendable, Hashable {
    /// The accepted audiences; a token must name one of them exactly.
    package var audiences: Set<String>
    /// The tenants whose accounts are admitted, in lower case; if empty, only that of the issuer.
    package var tenants: Set<String> = []
    /// The groups of which an account must be in one, unless it has one of `roles`. If both are empty, there is no such
    /// rule.
    package var groups: Set<String> = []
    /// The app roles of which an account must have one.
    package var roles: Set<String> = []
    /// The scopes that a token must have (all of them), in the form in which a client requests them.
    package var scopes: [String] = []

    /// The tolerated difference between the clocks of two machines, in seconds.
    private static let skew: Double = 60
    /// The maximum length of a subject (OpenID Connect Core 1.0, section 2).
    private static let longestSubject = 255

    /// Creates a policy.
    /// - Parameter audiences: the audiences of which a token must name one.
    package init(audiences: Set<String>) {
        self.audiences = audiences
    }

    /// Checks the issuer, the audience and the times of a token.
    func checkOrigin(of token: SignedToken, _ issuer: IssuerName, now: Timestamp) throws(CallerRefusal) {
        guard issuer.issued(token) else { throw .invalid("is from another issuer than \(issuer.text)") }
        guard token.texts("aud").contains(where: audiences.contains) else {
            throw .invalid("is meant for another service (aud)")
        }
        let moment = Double(now.seconds)
        guard let end = token.moment("exp") else { throw .invalid("doesn't say how long it is valid (exp)") }
        guard end + Self.skew > moment else { throw .invalid("has expired") }
        for claim in ["nbf", "iat"] where token.claims[claim] != nil {
            guard let start = token.moment(claim), start - Self.skew <= moment else {
                throw .invalid("isn't valid yet (\(claim))")
            }
        }
        // An id token tells an app who signed in. It grants nothing here, even if it names our audience.
        guard ["nonce", "at_hash", "c_hash"].allSatisfy({ token.claims[$0] == nil }) else {
            throw .invalid("is an id token; send the access token")
        }
    }

    /// The result of checking a valid token.
    struct Admission {
        let holder: TokenHolder
        /// Whether a directory has to be asked for the owner's groups, because the token has no room for them.
        let isOpen: Bool
    }

    /// Checks whether the owner of a valid token is admitted.
    func admission(of token: SignedToken, _ name: IssuerName) throws(CallerRefusal) -> Admission {
        let tenantID = token.text("tid")?.lowercased()
        guard tenants.isEmpty || tenantID.map(tenants.contains) == true else {
            throw CallerRefusal(.forbidden, "This server does not accept accounts of this tenant.")
        }
        guard let issuer = token.text("iss"), let subject = token.text("sub") ?? token.text("oid"),
            subject.utf8.count <= Self.longestSubject
        else { throw .invalid("has no subject (sub)") }
        let granted = token.words("scp").union(token.words("scope"))
        let missing = scopes.filter { !Self.grants(granted, $0) }
        let held = Set(token.texts("roles"))
        // An app that signs in by itself has roles in place of scopes.
        let isAppWithRole = granted.isEmpty && !held.isDisjoint(with: roles)
        guard missing.isEmpty || isAppWithRole else {
            throw CallerRefusal(
                .insufficientScope, "The access token lacks the scope \(missing.joined(separator: " ")).",
                scopes: scopes)
        }
        let isOpen = try !isMember(token, held)
        let holder = TokenHolder(
            issuer: issuer, subject: subject, tenantID: name.namesAccounts ? tenantID : nil,
            objectID: name.namesAccounts ? token.text("oid")?.lowercased() : nil,
            name: token.text("preferred_username") ?? token.text("upn") ?? token.text("email") ?? token.text("name"),
            endsAt: Timestamp(clamping: token.moment("exp") ?? 0),
            issuedAt: token.moment("iat").map { Timestamp(clamping: $0) })
        return Admission(holder: holder, isOpen: isOpen)
    }

    /// Returns whether the token itself shows that its owner is admitted; `false` if it has no room for the owner's
    /// groups.
    private func isMember(_ token: SignedToken, _ held: Set<String>) throws(CallerRefusal) -> Bool {
        guard !groups.isEmpty || !roles.isEmpty else { return true }
        guard held.isDisjoint(with: roles), groups.isDisjoint(with: token.texts("groups")) else { return true }
        // With too many groups the token names an address to ask instead ("groups overage claim").
        let hasTooMany = token.claims["hasgroups"] == true || token.claims["_claim_names"]?["groups"] != nil
        guard !groups.isEmpty, hasTooMany else { throw Self.stranger }
        return false
    }

    /// The refusal of an account that is in none of the groups.
    static let stranger = CallerRefusal(
        .forbidden, "This account has none of the groups or roles that this server accepts.")

    /// Returns whether a scope is among those granted. A client asks for `api://APP/mm.use`, and the token says
    /// `mm.use`.
    private static func grants(_ granted: Set<String>, _ scope: String) -> Bool {
        if granted.contains(scope) { return true }
        guard scope.contains("://"), let slash = scope.lastIndex(of: "/") else { return false }
        return granted.contains(String(scope[scope.index(after: slash)...]))
    }
}
