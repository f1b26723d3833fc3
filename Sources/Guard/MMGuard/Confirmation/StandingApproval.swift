package import MMCore

/// A person's yes to a class of requests on a connection, for a while.
package struct StandingApproval: Sendable, Hashable {
    /// The longest time that one may hold.
    package static let longest = Duration.seconds(8 * 3600)

    /// What it is revoked by.
    package var id: String
    /// The connection.
    package var connection: String
    /// What the connection stood for when it was given; for anything else it doesn't hold.
    package var identity: String?
    /// The class of what passes.
    package var guardClass: GuardClass
    /// Who gave it.
    package var approver: Approver
    /// The check that was passed for it: what needs a stronger one is still asked about.
    package var check: PersonCheck
    /// When it was given.
    package var createdAt: Timestamp
    /// When it ends.
    package var expiresAt: Timestamp

    /// Whether a class can be approved for a while: never what reads without being asked about, gives out secrets, or
    /// changes rights or the sign-in.
    package static func isPossible(_ one: GuardClass) -> Bool {
        switch one {
        case .write, .subscription, .send, .external, .destructive: true
        case .read, .secret, .privilege, .session: false
        }
    }
}

extension StandingApproval {
    /// The approval as it is stored and shown.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id), "connection": .string(connection), "class": .string(guardClass.rawValue),
            "approver": approver.json, "check": .string(check.rawValue), "createdAt": .int(createdAt.seconds),
            "expiresAt": .int(expiresAt.seconds),
        ]
        object["identity"] = identity.map { .string($0) }
        return .object(object)
    }

    /// Reads a stored approval; `nil` if the value isn't one that may exist.
    init?(json: JSONValue) {
        guard let id = json["id"]?.string, let connection = json["connection"]?.string,
            let guardClass = json["class"]?.string.flatMap(GuardClass.init(rawValue:)),
            let approver = json["approver"].flatMap(Approver.init(json:)),
            let check = json["check"]?.string.flatMap(PersonCheck.init), let created = json["createdAt"]?.int,
            let expires = json["expiresAt"]?.int, Self.isPossible(guardClass),
            expires - created <= Int(Self.longest.components.seconds)
        else { return nil }
        self.init(
            id: id, connection: connection, identity: json["identity"]?.string, guardClass: guardClass,
            approver: approver, check: check, createdAt: Timestamp(seconds: Int64(created)),
            expiresAt: Timestamp(seconds: Int64(expires)))
    }
}

extension ConfirmationRequest {
    /// The classes that a standing approval has to name for this request to pass; `nil` for one that is always asked about:
    /// what the text doesn't show, what no table knows, what a rule of the user's own holds back, and what needs two people.
    package var standingClasses: [GuardClass]? {
        guard approvals == 1, verdict.decision == .ask, !verdict.asking.isEmpty else { return nil }
        var needed = GuardClassSet()
        for finding in verdict.asking {
            switch finding.kind {
            case .classified, .warned, .sendGuard, .earlierBlocked: break
            case .dynamic, .unknown, .blocked, .missing, .broken: return nil
            }
            guard finding.minimumDecision == nil else { return nil }
            needed.formUnion(finding.classes)
        }
        needed.formUnion(verdict.classes)
        let classes = needed.subtracting(.read).classes
        return !classes.isEmpty && classes.allSatisfy(StandingApproval.isPossible) ? classes : nil
    }
}
