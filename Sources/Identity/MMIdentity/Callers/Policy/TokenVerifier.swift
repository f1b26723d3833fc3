package import MMCore

/// Decides whether an access token is admitted: signature, issuer, audience, time, tenant, scopes, groups.
package struct TokenVerifier: Sendable {
    /// Whose tokens are admitted.
    package let policy: TokenPolicy
    /// The keys and names of the sign-in service.
    package let directory: IssuerDirectory
    /// Knows of accounts whose tokens have no room for their groups; `nil` where nobody can be asked.
    private let memberships: GroupMemberships?
    private let clock: WallClock

    /// What is known of a token at once.
    package enum Verdict: Sendable {
        /// It is admitted.
        case admitted(TokenHolder)
        /// It is refused.
        case refused(CallerRefusal)
        /// The sign-in service has to be asked: `verify` does.
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

    /// Judges a token with what is at hand.
    package func look(at text: String) -> Verdict {
        do throws(CallerRefusal) {
            let token = try SignedToken(text)
            // A token that is refused whoever signed it sends nobody after keys.
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

    /// Judges a token, after asking the sign-in service where that is needed.
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
            "Have the app's groups claim name only groups assigned to the application, admit an app role (--oauth-roles), "
                + "or let the server ask Microsoft Graph (--oauth-directory)."))

    private func admission(
        of token: SignedToken, _ metadata: IssuerMetadata
    ) throws(CallerRefusal) -> TokenPolicy.Admission {
        try policy.checkOrigin(of: token, metadata.name, now: clock.now)
        // Without a name any key may have signed it: services with one key give it none.
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
