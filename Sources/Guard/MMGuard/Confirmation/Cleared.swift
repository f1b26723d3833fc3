package import MMCore

/// An action with the guard's verdict on it, and the request that a person is shown to confirm it.
package struct Judged<Act: Sendable>: Sendable {
    /// The action that would be carried out.
    package let act: Act
    /// The request that a person is shown, with the guard's verdict.
    package var request: ConfirmationRequest

    /// - Parameters:
    ///   - act: the action that would be carried out.
    ///   - request: the request that a person is shown, with the guard's verdict.
    package init(_ act: Act, _ request: ConfirmationRequest) {
        self.act = act
        self.request = request
    }

    /// The cleared action, if the guard allows it without asking a person.
    package var allowed: Cleared<Act>? {
        request.verdict.decision == .allow ? Cleared(act, request.verdict) : nil
    }

    /// Returns the cleared action if people have consented to exactly this request; `nil` for a consent to anything
    /// else, and if the verdict is `deny`.
    package func cleared(by consent: Consent) -> Cleared<Act>? {
        guard request.verdict.decision != .deny, consent.digest == request.digest else { return nil }
        return Cleared(act, request.verdict)
    }
}

/// An action that may be carried out: the guard allows it, or people have consented to exactly this action.
///
/// Only this module can create one, and the clients of the operations accept nothing else for changes. So code that
/// sends a request which was neither judged nor confirmed does not compile.
package struct Cleared<Act: Sendable>: Sendable {
    /// The action that may be carried out.
    package let act: Act
    /// The guard's verdict; if it is `ask`, people have consented.
    package let verdict: Verdict

    init(_ act: Act, _ verdict: Verdict) {
        self.act = act
        self.verdict = verdict
    }
}

/// Work that was cleared as a whole and is carried out in parts that only become known one by one. A part may run if
/// the guard allows it by itself, or if it does no more than people have consented to.
package final class ClearedParts: Sendable {
    private let left: Mutex<AuthorityLeft>

    /// Creates the state for the parts of a cleared whole.
    /// - Parameters:
    ///   - whole: the cleared action.
    ///   - text: the complete text that people saw.
    package init(of whole: Cleared<some Sendable>, text: String) {
        left = Mutex(AuthorityLeft(of: CallAuthority(verdict: whole.verdict, text: text)))
    }

    /// Returns the part as cleared if the consent to the whole covers it; `nil` if the part needs a confirmation of its
    /// own or is denied.
    /// - Parameter names: all names that the part refers to.
    package func cleared<Part: Sendable>(_ part: Judged<Part>, naming names: [String]) -> Cleared<Part>? {
        let own = part.request.verdict
        return left.withLock { left in
            if let allowed = part.allowed, left.authority.mayWrite || own.classes.isSubset(of: .read) { return allowed }
            let isNamed = !names.isEmpty && names.allSatisfy(left.authority.shows)
            guard own.decision == .ask, left.cover(own.classes, isNamed: isNamed) else { return nil }
            return Cleared(part.act, own)
        }
    }
}

/// The consent to exactly one request, by as many people as it needs.
package struct Consent: Sendable {
    let digest: String

    init(to request: ConfirmationRequest) { digest = request.digest }

    /// Returns the consent that a signed file carries. The caller has checked the signatures, and that these people may
    /// consent.
    /// - Returns: `nil` if the request needs more people.
    package static func signed(_ request: ConfirmationRequest, by people: Set<String>) -> Consent? {
        people.count >= max(1, request.approvals) ? Consent(to: request) : nil
    }

    /// Returns the consent to work that is resumed: the stored record of the work also proves that people consented to
    /// it.
    package static func kept(since request: ConfirmationRequest) -> Consent { Consent(to: request) }
}

extension ConfirmationRequest {
    /// Asks one person, where one is enough.
    /// - Parameter answer: shows the person exactly this request, and returns whether they said yes.
    /// - Returns: `nil` if the person said no, or if the request needs more than one person.
    package func consent(
        _ answer: () async throws(MMError) -> Bool
    ) async throws(MMError) -> Consent? {
        guard approvals <= 1, try await answer() else { return nil }
        return Consent(to: self)
    }
}

extension Cleared where Act == [ConfirmationRequest] {
    /// Returns the consent to one of several requests that people confirmed together; `nil` if the request was not
    /// among them.
    package func consent(to part: ConfirmationRequest) -> Consent? {
        act.contains { $0.digest == part.digest } ? Consent(to: part) : nil
    }
}

extension Cleared {
    /// Returns a cleared action that does nothing and so needs no consent. Its verdict is that of a read, so it clears
    /// nothing else.
    package static func nothing(_ act: Act) -> Cleared { Cleared(act, Verdict(findings: [], policy: .standard)) }

    /// Returns an action that the owner's settings permit in place of the guard: a list of programs, a person's own
    /// terminal, the rules of an earlier server. `make check` has a list of the places that may call this.
    package static func admitted(_ act: Act) -> Cleared { Cleared(act, Verdict(findings: [], policy: .standard)) }
}
