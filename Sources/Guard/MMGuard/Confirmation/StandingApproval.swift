package import MMCore

/// A person's approval, for a limited time, of a class of requests on a connection.
package struct StandingApproval: Sendable, Hashable {
    /// The longest time for which a standing approval may hold.
    package static let longest = Duration.seconds(8 * 3600)

    /// The identifier by which it is revoked.
    package var id: String
    /// The connection.
    package var connection: String
    /// The identity of the connection (`Connection.identity`) when it was given; it doesn't hold for any other
    /// identity.
    package var identity: String?
    /// The class of requests that it allows.
    package var guardClass: GuardClass
    /// The person who gave it.
    package var approver: Approver
    /// The check that was passed for it; requests that need a stronger check still have to be confirmed.
    package var check: PersonCheck
    /// When it was given.
    package var createdAt: Timestamp
    /// When it ends.
    package var expiresAt: Timestamp

    /// Returns whether a class can have a standing approval. Classes that need no confirmation, return secrets, or
    /// change permissions or the session can't.
    package static func isPossible(_ one: GuardClass) -> Bool {
        switch one {
        case .write, .subscription, .send, .external, .destructive: true
        case .read, .secret, .privilege, .session: false
        }
    }
}

extension StandingApproval {
    /// The approval as JSON, for storing and showing.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id), "connection": .string(connection), "class": .string(guardClass.rawValue),
            "approver": approver.json, "check": .string(check.rawValue), "createdAt": .int(createdAt.seconds),
            "expiresAt": .int(expiresAt.seconds),
        ]
        object["identity"] = identity.map { .string($0) }
        return .object(object)
    }

    /// Reads a stored approval; `nil` if the value isn't a valid one.
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
    /// The classes that standing approvals have to name for this request to pass; `nil` if it always has to be
    /// confirmed: code that the text doesn't show, names that no table knows, a match of a user's own rule, and
    /// requests that need two people.
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
