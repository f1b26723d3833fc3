package import MMCore

/// The parts of a change that weaken a connection's protection.
///
/// Otherwise a command that changes the registry could remove a PIN, a second person or the sandbox, and no protection
/// would be stronger than the weakest command that removes it. A weakening change therefore requires the proof that was
/// in force before it, from as many people.
package struct Weakening: Sendable, Hashable {
    /// The weakened points in words, with both values: `person: pin, then form`.
    package let points: [String]
    /// The connection before the change.
    package let connection: Connection

    /// Compares an entry before and after a change.
    /// - Parameters:
    ///   - before: the entry in force.
    ///   - after: the new entry; `nil` if it is removed.
    /// - Returns: `nil` if no protection becomes weaker.
    package init?(of before: Connection, to after: Connection?) {
        connection = before
        guard let after else {
            guard Self.isProtected(before) else { return nil }
            points = ["the connection and its confirmation settings: removed"]
            return
        }
        points =
            Self.persons(before, after) + Self.decisions(before, after) + Self.walls(before, after)
            + Self.account(before, after)
        if points.isEmpty { return nil }
    }

    /// Creates the weakening by a new entry that takes over the tokens of an earlier one, whose protection isn't known
    /// any more.
    package init(adoptingTokensFor connection: Connection) {
        self.connection = connection
        points = ["tokens stored under the name \(connection.name): used by the new entry"]
    }

    /// The strongest proof that any class requires of a person, because the change may concern any class.
    package var check: PersonCheck {
        max(.terminal, connection.personChecks.most(of: ConnectionGuardPolicy.classes))
    }

    /// The largest number of approvals that any class requires.
    package var approvals: Int {
        connection.guardPolicy.approvals.most(of: ConnectionGuardPolicy.classes)
    }

    /// The question to a person. The approval is bound to the points, which name the values before and after.
    package var request: ConfirmationRequest {
        let finding = GuardFinding(
            rule: "weakening", classes: .privilege, reason: "It weakens the protection of the connection.",
            minimumDecision: .ask)
        var request = ConfirmationRequest(
            on: connection, module: "registry", title: "weaken its protection",
            text: points.joined(separator: "\n"), verdict: Verdict(findings: [finding], policy: .standard))
        request.check = check
        request.approvals = approvals
        return request
    }

    private static func isProtected(_ connection: Connection) -> Bool {
        ConnectionGuardPolicy.classes.contains {
            connection.personChecks.most(of: [$0]) > .form || connection.guardPolicy.approvals.most(of: [$0]) > 1
        }
    }

    private static func persons(_ before: Connection, _ after: Connection) -> [String] {
        ConnectionGuardPolicy.classes.flatMap { word -> [String] in
            var points: [String] = []
            let checks = (before.personChecks.most(of: [word]), after.personChecks.most(of: [word]))
            if checks.1 < checks.0 {
                points.append("person, \(word) acts: \(checks.0.rawValue), then \(checks.1.rawValue)")
            }
            let people = (before.guardPolicy.approvals.most(of: [word]), after.guardPolicy.approvals.most(of: [word]))
            if people.1 < people.0 { points.append("approvals, \(word) acts: \(people.0), then \(people.1)") }
            return points
        }
    }

    private static func decisions(_ before: Connection, _ after: Connection) -> [String] {
        // The entries are compared, whatever this process's environment switches off.
        let policies = (
            GuardPolicy(of: before, environment: [:], allowances: .confirmedParameter),
            GuardPolicy(of: after, environment: [:], allowances: .confirmedParameter)
        )
        var points = ConnectionGuardPolicy.classes.compactMap { word -> String? in
            let decisions = (policies.0.decision(named: word), policies.1.decision(named: word))
            guard decisions.1 < decisions.0 else { return nil }
            return "guard, \(word) acts: \(decisions.0.rawValue), then \(decisions.1.rawValue)"
        }
        if policies.0.sendGuards, !policies.1.sendGuards { points.append("skipSendGuards: false, then true") }
        if !policies.0.honoursConfirmed, policies.1.honoursConfirmed {
            points.append("legacyConfirm: false, then true")
        }
        return points
    }

    private static func walls(_ before: Connection, _ after: Connection) -> [String] {
        var points: [String] = []
        switch (before.egress, after.egress) {
        case (.wire, .off): points.append("egress: through mm's proxy, then off")
        case (.wire(let old), .wire(let new)):
            let added = new.filter { !old.contains($0) }.map(\.description)
            if !added.isEmpty { points.append("egress.allow: \(added.joined(separator: ", ")) added") }
        case (.off, _): break
        }
        let order: [ConnectionConfinement] = [.off, .preferred, .required]
        if let old = order.firstIndex(of: before.confinement), let new = order.firstIndex(of: after.confinement),
            new < old
        {
            points.append("confinement: \(before.confinement.rawValue), then \(after.confinement.rawValue)")
        }
        if before.audit == .required, after.audit == .preferred { points.append("audit: required, then preferred") }
        if before.language == .constrained, after.language == .full {
            points.append("language: constrained, then full")
        }
        let folders = after.shared.filter { !before.shared.contains($0) }
        if !folders.isEmpty { points.append("shared: \(folders.joined(separator: ", ")) added") }
        if let old = before.mcps {
            let added = after.mcps.map { $0.filter { !old.contains($0) } } ?? ["every server"]
            if !added.isEmpty { points.append("mcps: \(added.joined(separator: ", ")) added") }
        }
        let approvers = after.approvers.filter { before.approvers[$0.key] != $0.value }.keys.sorted()
        if !approvers.isEmpty { points.append("approvers: \(approvers.joined(separator: ", ")) added") }
        return points
    }

    private static func account(_ before: Connection, _ after: Connection) -> [String] {
        var points: [String] = []
        if let pin = before.pin, after.pin != pin {
            points.append("pin: \(Self.text(pin)), then \(after.pin.map(Self.text) ?? "none")")
        }
        if let email = before.expectedEmail, after.expectedEmail == nil {
            points.append("expectedEmail: \(email), then none")
        }
        return points
    }

    private static func text(_ pin: AccountPin) -> String { pin.objectId ?? pin.username ?? pin.tenantId }
}

extension GuardPolicy {
    /// Returns the decision for a class by its name; `dynamic` is for actions that the text doesn't show.
    fileprivate func decision(named word: String) -> GuardDecision {
        if let one = GuardClass(word: word) { return decision(for: one) }
        return decision(for: GuardFinding(rule: word, classes: .read, kind: .dynamic, reason: ""))
    }
}
