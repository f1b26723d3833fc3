package import MMCore

/// What people have said of a request.
package enum ConfirmationOutcome: Sendable {
    /// They said yes to exactly this; that is used up now.
    case approved([Approver])
    /// A person allowed its classes on the connection, for a while.
    case allowed(StandingApproval)
    /// A person said no.
    case refused(PendingConfirmation)
}

extension ConfirmationLedger {
    /// Returns what people have said of a request, once; `nil` where it has to be asked.
    /// - Throws: the errors of reading and writing the ledger; nothing may run then.
    package func outcome(of request: ConfirmationRequest) async throws(MMError) -> ConfirmationOutcome? {
        let digest = request.digest
        if let entry = try await take(digest, of: request.connection, .approved) {
            if entry.isEnough(for: request) { return .approved(entry.approvers) }
            try await reopen(entry, for: request)
            return nil
        }
        if let entry = try await take(digest, of: request.connection, .refused) { return .refused(entry) }
        guard let classes = request.standingClasses else { return nil }
        let standing = try await standing(of: request.connection).filter {
            $0.check >= request.check && $0.identity == request.identity
        }
        let covering = classes.compactMap { one in standing.first { $0.guardClass == one } }
        guard covering.count == classes.count, let first = covering.first else { return nil }
        return .allowed(first)
    }

    /// Records that people have said yes to exactly this as a part of more, for the node that carries it out.
    /// - Throws: `unavailable` where nothing is shared.
    package func grant(_ request: ConfirmationRequest, by approver: Approver) async throws(MMError) {
        guard shared != nil else {
            throw MMError(
                .unavailable,
                "\(request.connection) is held by another node, which can't be told that this was confirmed.",
                hint: "Give all nodes a key (MM_CLUSTER_KEY_FILE), or call it by its own name.",
                details: ["cluster": "no key"])
        }
        let now = clock.now
        var entry = PendingConfirmation(
            request, token: Self.makeToken(), createdAt: now, expiresAt: now + approvalLifetime)
        entry.state = .approved
        entry.needed = 1
        entry.approvers = [approver]
        let granted = entry
        try await change(.shared(request.connection)) { (contents: inout Contents) throws(MMError) in
            contents.entries.append(granted)
        }
    }

    /// Takes back what was granted and not used.
    package func withdraw(_ request: ConfirmationRequest) async {
        let digest = request.digest
        _ = try? await change(.shared(request.connection)) { (contents: inout Contents) throws(MMError) in
            contents.entries.removeAll { $0.digest == digest && $0.approvers.contains { $0.means == "together" } }
        }
    }

    /// Returns the standing approvals, oldest first.
    /// - Throws: the errors of reading the ledger.
    package func standing() async throws(MMError) -> [StandingApproval] {
        try await places().found.flatMap(\.contents.standing).filter { $0.expiresAt > clock.now }
            .sorted { $0.createdAt < $1.createdAt }
    }

    private func standing(of connection: String) async throws(MMError) -> [StandingApproval] {
        var standing = try read().standing
        if let document = try await reached({ shared throws(MMError) in try await shared.read(connection) }) {
            standing += try Self.parse(document, of: connection).standing
        }
        let now = clock.now
        return standing.filter { $0.connection == connection && $0.expiresAt > now }
    }

    /// Records that a person allows classes on a connection for a while; it replaces what was allowed of them before.
    /// - Parameters:
    ///   - classes: the classes.
    ///   - connection: the connection, by its registered name.
    ///   - identity: what the connection stands for.
    ///   - duration: for how long, 8 hours at most.
    ///   - approver: who allows it.
    ///   - check: the check that they passed.
    /// - Throws: `.invalidInput` for a class that is always asked about, and for a longer time.
    package func allow(
        _ classes: [GuardClass], on connection: String, as identity: String? = nil, for duration: Duration,
        by approver: Approver,
        check: PersonCheck
    ) async throws(MMError) -> [StandingApproval] {
        guard !classes.isEmpty, classes.allSatisfy(StandingApproval.isPossible) else {
            let possible = GuardClass.allCases.filter(StandingApproval.isPossible).map(\.rawValue)
            throw MMError(
                .invalidInput,
                "\(classes.map(\.rawValue).joined(separator: ", ")) can't be allowed for a while: each of it is asked about.",
                hint: "Classes that can: \(possible.joined(separator: ", ")).")
        }
        guard duration >= .seconds(60), duration <= StandingApproval.longest else {
            throw MMError(
                .invalidInput, "An approval holds for one minute to 8 hours.", hint: "For example 30 minutes.")
        }
        let now = clock.now
        let made = classes.map { one in
            StandingApproval(
                id: RandomBytes.text(bytes: 6), connection: connection, identity: identity, guardClass: one,
                approver: approver, check: check, createdAt: now, expiresAt: now + duration)
        }
        let allow = { @Sendable (contents: inout Contents) throws(MMError) -> [StandingApproval] in
            contents.standing.removeAll { $0.connection == connection && classes.contains($0.guardClass) }
            contents.standing += made
            return made
        }
        guard shared != nil else { return try await change(.own, allow) }
        do throws(MMError) { return try await change(.shared(connection), allow) } catch {
            guard error.keepsToThisNode else { throw error }
            return try await change(.own, allow)
        }
    }

    /// Takes a standing approval back.
    /// - Throws: `.notFound` for one that no longer holds.
    package func revoke(_ id: String) async throws(MMError) -> StandingApproval {
        let unknown = MMError(
            .notFound, "No standing approval \(id.prefix(20)) holds.",
            hint: "It has ended or was revoked: mm allow lists those that hold.")
        let (found, absence) = try await places()
        guard let place = found.first(where: { $0.contents.standing.contains { $0.id == id } })?.place else {
            throw absence ?? unknown
        }
        return try await change(place) { (contents: inout Contents) throws(MMError) in
            guard let index = contents.standing.firstIndex(where: { $0.id == id }) else { throw unknown }
            return contents.standing.remove(at: index)
        }
    }
}
