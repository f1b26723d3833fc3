package import MMCore

/// An act with what the guard says of it, and the words by which a person is asked about it.
package struct Judged<Act: Sendable>: Sendable {
    /// What would be done.
    package let act: Act
    /// What a person is asked, and the guard's verdict.
    package var request: ConfirmationRequest

    /// - Parameters:
    ///   - act: what would be done.
    ///   - request: what a person is asked about it, with the guard's verdict.
    package init(_ act: Act, _ request: ConfirmationRequest) {
        self.act = act
        self.request = request
    }

    /// The act, where the guard lets it pass by itself.
    package var allowed: Cleared<Act>? {
        request.verdict.decision == .allow ? Cleared(act, request.verdict) : nil
    }

    /// The act, where people have said yes to exactly this; `nil` for a yes to anything else, and for what is denied.
    package func cleared(by consent: Consent) -> Cleared<Act>? {
        guard request.verdict.decision != .deny, consent.digest == request.digest else { return nil }
        return Cleared(act, request.verdict)
    }
}

/// What may be carried out: the guard lets it pass, or people have said yes to exactly this.
///
/// Nothing outside of this module can make one, and the clients of operations take nothing else for what changes anything. So a
/// request that was neither judged nor asked about does not compile, wherever it is written.
package struct Cleared<Act: Sendable>: Sendable {
    /// What may be done.
    package let act: Act
    /// What the guard said of it; where that was to ask, people have said yes.
    package let verdict: Verdict

    init(_ act: Act, _ verdict: Verdict) {
        self.act = act
        self.verdict = verdict
    }
}

/// Work that was cleared as a whole and is carried out in parts, each of which shows only when its turn comes: a part passes that the
/// guard lets through by itself, or that is no more than people have said yes to.
package final class ClearedParts: Sendable {
    private let left: Mutex<AuthorityLeft>

    /// The parts of a whole.
    /// - Parameters:
    ///   - whole: what was cleared.
    ///   - text: all of it that people saw.
    package init(of whole: Cleared<some Sendable>, text: String) {
        left = Mutex(AuthorityLeft(of: CallAuthority(verdict: whole.verdict, text: text)))
    }

    /// A part, where it passes with the whole; `nil` for what has to be asked about by itself, and for what is denied.
    /// - Parameter names: everything that it names.
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

/// The yes of as many people as a request needs, to exactly this request.
package struct Consent: Sendable {
    let digest: String

    init(to request: ConfirmationRequest) { digest = request.digest }

    /// The consent that a signed file carries: its signatures were checked, and are those of people who may give it.
    /// - Returns: `nil` for fewer people than the request needs.
    package static func signed(_ request: ConfirmationRequest, by people: Set<String>) -> Consent? {
        people.count >= max(1, request.approvals) ? Consent(to: request) : nil
    }

    /// The consent to work that was begun with it and is gone on with: whoever keeps what was done keeps that it was given.
    package static func kept(since request: ConfirmationRequest) -> Consent { Consent(to: request) }
}

extension ConfirmationRequest {
    /// Asks one person, where one is enough.
    /// - Parameter answer: shows them exactly this, and returns whether they said yes.
    /// - Returns: `nil` for a no, and where it takes more people.
    package func consent(
        _ answer: () async throws(MMError) -> Bool
    ) async throws(MMError) -> Consent? {
        guard approvals <= 1, try await answer() else { return nil }
        return Consent(to: self)
    }
}

extension Cleared where Act == [ConfirmationRequest] {
    /// The consent to one of several requests that people were asked about together; `nil` for one that was not among them.
    package func consent(to part: ConfirmationRequest) -> Consent? {
        act.contains { $0.digest == part.digest } ? Consent(to: part) : nil
    }
}

extension Cleared {
    /// An act of nothing at all, which needs nobody's leave: as a read, it lets nothing else pass.
    package static func nothing(_ act: Act) -> Cleared { Cleared(act, Verdict(findings: [], policy: .standard)) }

    /// An act that its owner's settings admit in place of the guard: a list of programs, a person's own terminal, the rules of an
    /// earlier server. `make check` knows the places that say so.
    package static func admitted(_ act: Act) -> Cleared { Cleared(act, Verdict(findings: [], policy: .standard)) }
}
