package import MMCore

extension Change {
    /// What the change is, in one line: `changes 2 properties of ada@contoso.com`.
    package var title: String {
        switch kind {
        case .properties:
            let count = keys.count + secretKeys.count
            return "changes \(count == 1 ? (keys + secretKeys)[0] : "\(count) properties") of \(objectText)"
        case .link: return "adds \(othersText) to the \(relation) of \(objectText)"
        case .unlink: return "removes \(othersText) from the \(relation) of \(objectText)"
        case .reference:
            return "\(after?[relation]?.string == nil ? "clears" : "sets") the \(relation) of \(objectText)"
        case .licenses: return "changes the licences of \(objectText)"
        case .creation:
            return subject.id.isEmpty
                ? "creates an object in \(place)\(subject.name.map { ": \($0)" } ?? "")"
                : "creates \(subject.text) in \(place)"
        case .deletion: return "deletes \(objectText)"
        case .restoration: return "restores \(subject.text) from the deleted items"
        case .action: return "does \(place)"
        }
    }

    /// What the change speaks of, for people: its name where it is known, with where it is.
    package var objectText: String {
        guard isTopLevel || [.link, .unlink, .reference].contains(kind) else { return place }
        let collection = collection.lowercased()
        let noun = Self.nouns[collection] ?? collection
        return "\(noun) \(subject.text)"
    }

    private static let nouns = [
        "users": "user", "groups": "group", "applications": "app registration",
        "serviceprincipals": "service principal",
        "devices": "device", "directoryroles": "role", "me": "the signed-in user",
    ]

    private var othersText: String {
        guard others.count > 3 else { return others.map(\.text).joined(separator: ", ") }
        return "\(others.count) objects"
    }

    /// Property, now and then, line by line.
    package var lines: [String] {
        var lines: [String] = []
        switch kind {
        case .properties, .reference, .licenses:
            if isBeforeKnown {
                lines = ObjectDifference(before: shown(before), after: shown(after)).lines
                if lines.isEmpty, secretKeys.isEmpty { lines = ["nothing: it is so already"] }
            } else {
                lines = (shown(after)?.object ?? [:]).map {
                    "\($0.key): unknown → \(ObjectDifference.Change.text($0.value))"
                }
            }
            lines += secretKeys.map { "\($0): a new value, which is not shown" }
        case .link: lines = others.map { "\(relation): + \($0.text)" }
        case .unlink: lines = others.map { "\(relation): - \($0.text)" }
        case .creation: lines = ObjectDifference(before: [:], after: after).lines
        case .deletion:
            lines = isBeforeKnown ? [] : ["its state is unknown"]
        case .restoration, .action: break
        }
        return lines
    }

    /// A state with names in the place of ids, as far as they are known.
    func shown(_ state: JSONValue?) -> JSONValue? {
        switch kind {
        case .reference:
            let id = state?[relation]?.string
            let known = others.first { $0.id == id }?.text
            return .object([relation: (known ?? id).map { .string($0) } ?? .null])
        case .licenses:
            guard let held = state?["assignedLicenses"]?.object else { return state }
            return .object(["licences": .object(JSONObject(held.map { (LicenseProduct.name(of: $0.key), $0.value) }))])
        default: return state
        }
    }
}
