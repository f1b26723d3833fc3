import MMCore
import MMIdentity

/// A person's yes to a plan, signed with the key of the machine on which it was given: it counts wherever that key is known.
struct PlanApproval: Sendable, Hashable {
    /// The digest of the plan.
    let plan: String
    /// Who said yes, by their login.
    let by: String
    /// The check that they passed.
    let check: PersonCheck
    let at: Timestamp
    /// The public half of the key.
    let key: String
    let signature: String

    /// What is signed.
    private static func bytes(_ plan: String, _ by: String, _ check: PersonCheck, _ at: Timestamp) -> [UInt8] {
        CanonicalJSON.bytes([
            "form": "mm plan approval 1", "plan": .string(plan), "by": .string(by), "check": .string(check.rawValue),
            "at": .string(at.iso8601),
        ])
    }

    /// Signs a yes.
    init(of plan: String, by person: String, check: PersonCheck, with key: EvidenceKey) throws(MMError) {
        let at = Timestamp(seconds: Timestamp.now.seconds)
        self.plan = plan
        by = person
        self.check = check
        self.at = at
        self.key = key.publicText
        signature = try key.signature(of: Self.bytes(plan, person, check, at))
    }

    /// Whether it was signed with the key that it names.
    var isGenuine: Bool { EvidenceKey.verifies(signature, of: Self.bytes(plan, by, check, at), by: key) }

    var json: JSONValue {
        [
            "plan": .string(plan), "by": .string(by), "check": .string(check.rawValue), "at": .string(at.iso8601),
            "key": .string(key), "signature": .string(signature),
        ]
    }

    init?(json: JSONValue) {
        guard let plan = json["plan"]?.string, let by = json["by"]?.string,
            let check = json["check"]?.string.flatMap(PersonCheck.init),
            let at = json["at"]?.string.flatMap(Timestamp.init(iso8601:)), let key = json["key"]?.string,
            let signature = json["signature"]?.string
        else { return nil }
        (self.plan, self.by, self.check, self.at) = (plan, by, check, at)
        (self.key, self.signature) = (key, signature)
    }

    /// Who is behind it on a connection: the name by which the registry knows its key, or this machine's user for its own key.
    /// - Returns: `nil` for a key that nobody knows here.
    func person(on connection: Connection, own: String) -> String? {
        if let known = connection.approvers.first(where: { $0.value == key }) { return known.key }
        return key == own ? by : nil
    }
}

extension StatePaths {
    /// The key that signs approvals and receipts.
    var evidenceKey: String { "\(stateDirectory)/signing-key" }
}
