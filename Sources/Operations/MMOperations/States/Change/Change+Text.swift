import MMCore

extension Change {
    /// The change in one line: `changes 2 properties of ada@contoso.com`.
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
                ? cmdletKind.map { "creates \($0.word) \(subject.name ?? "")" }
                    ?? "creates an object in \(place)\(subject.name.map { ": \($0)" } ?? "")"
                : cmdletKind.map { "creates \($0.word) \(subject.text)" } ?? "creates \(subject.text) in \(place)"
        case .deletion: return "deletes \(objectText)"
        case .restoration: return "restores \(subject.text) from the deleted items"
        case .file: return "replaces the \(objectText)"
        case .content:
            let name = subject.name.map { "\($0) (\(place))" } ?? place
            return others.first.map { "makes version \($0.id) of \(name) the current one" }
                ?? "replaces the content of \(name)"
        case .action:
            let verb = service == .other ? "writes to" : "does"
            return cmdlet.map { "runs \($0.name)\(subject.id.isEmpty ? "" : " on \(subject.text)")" }
                ?? "\(verb) \(place)"
        }
    }

    /// The object of the change for people: its name where it is known, and its kind.
    package var objectText: String {
        if let kind = cmdletKind { return [kind.word, subject.text].filter { !$0.isEmpty }.joined(separator: " ") }
        if service == .flow { return "flow \(subject.text)" }
        if service == .teams { return teamsText }
        if kind == .file { return "file \(subject.id) on \(place)" }
        guard isTopLevel || [.link, .unlink, .reference].contains(kind) else { return place }
        let collection = collection.lowercased()
        let noun = Self.nouns[collection] ?? collection
        return "\(noun) \(subject.text)"
    }

    private var cmdletKind: CmdletKind? { cmdlet?.kind }

    private static let nouns = [
        "users": "user", "groups": "group", "applications": "app registration",
        "serviceprincipals": "service principal",
        "devices": "device", "directoryroles": "role", "me": "the signed-in user",
    ]

    private var othersText: String {
        guard others.count > 3 else { return others.map(\.text).joined(separator: ", ") }
        return "\(others.count) objects"
    }

    /// The properties with their values now and after the change, line by line.
    package var lines: [String] {
        var lines: [String] = []
        switch kind {
        case .properties, .reference, .licenses:
            if isBeforeKnown {
                lines = ObjectDifference(before: shown(before), after: shown(knownAfter)).lines
                lines += hiddenKeys.map { "\($0): unknown → \(ObjectDifference.Change.text(after?[$0] ?? .null))" }
                if lines.isEmpty, secretKeys.isEmpty { lines = ["no change: it is already so"] }
            } else {
                lines = (shown(after)?.object ?? [:]).map {
                    "\($0.key): unknown → \(ObjectDifference.Change.text($0.value))"
                }
            }
            lines += secretKeys.map { "\($0): a new value, which is not shown" }
        case .link where after != nil, .unlink where after != nil: lines = grantLines(before, after)
        case .link: lines = others.map { "\(relation): + \($0.text)" }
        case .unlink: lines = others.map { "\(relation): - \($0.text)" }
        case .creation: lines = ObjectDifference(before: [:], after: after).lines
        case .deletion:
            lines = isBeforeKnown ? [] : ["its state is unknown"]
            if cmdlet != nil, !others.isEmpty { lines.append("members: \(Self.counted(others.map(\.text)))") }
        case .action where !isBeforeKnown: lines = ["what it changes is unknown"]
        case .file:
            if let copy = before?["copy"]?.string { lines = ["its earlier content is kept in \(copy)"] }
        case .content:
            lines = [
                before?[Self.versionKey]?.string.map { "its current content is kept in its history as version \($0)" }
                    ?? "its current content is unknown"
            ]
        case .restoration, .action: break
        }
        return lines
    }

    /// The properties whose state before isn't shown by the service.
    private var hiddenKeys: [String] { cmdlet == nil ? [] : keys.filter { before?[$0] == nil } }

    private var knownAfter: JSONValue? {
        guard !hiddenKeys.isEmpty, let after = after?.object else { return after }
        return .object(JSONObject(after.filter { before?[$0.key] != nil }.map { ($0.key, $0.value) }))
    }

    /// Returns the rights of a list entry before and after, as lines.
    func grantLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
        guard isBeforeKnown else {
            return (new?.object ?? [:]).map { "\($0.key): unknown → \(ObjectDifference.Change.text($0.value))" }
        }
        let lines = ObjectDifference(before: old, after: new).lines
        return lines.isEmpty ? ["no change: it is already so"] : lines
    }

    /// Joins names; of more than `most` only the first, with the total count.
    package static func counted(_ names: [String], most: Int = 10) -> String {
        guard names.count > most else { return names.joined(separator: ", ") }
        return "\(names.count): \(names.prefix(most).joined(separator: ", ")) and \(names.count - most) more"
    }

    /// Returns a state with names in place of ids, as far as names are known.
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
