package import MMCore

/// Brings a service's object into the form that snapshots keep: without values that change by themselves, without
/// secrets, in an order that doesn't depend on the service.
package enum SnapshotObject {
    /// Properties that change by themselves or only record a time, in lower case.
    private static let volatile: Set<String> = [
        "createddatetime", "modifieddatetime", "lastmodifieddatetime", "deleteddatetime", "reneweddatetime",
        "expirationdatetime", "version", "etag", "signinactivity", "lastsignindatetime", "lastupdateddatetime",
        "whenchanged", "whenchangedutc", "whencreated", "whencreatedutc", "lastmodifiedtime", "changekey",
        "policyversion",
    ]

    /// The property that keeps an object's derived type, which is needed to recreate a policy.
    package static let typeProperty = "$type"

    /// Returns an object in the form that a snapshot keeps.
    /// - Parameters:
    ///   - members: the object as the service returned it, with its relations.
    ///   - kind: the object's kind.
    package static func normalized(_ members: JSONObject, as kind: SnapshotKind) -> JSONObject {
        let leftOut = kind.leftOut.map { $0.split(separator: ".").map(String.init) }
        return object(members, leftOut)
    }

    /// Returns the property at a path; `nil` where there is none.
    private static func value(at path: some StringProtocol, in members: JSONObject) -> JSONValue? {
        var value = JSONValue.object(members)
        for name in path.split(separator: ".") {
            guard let next = value[String(name)] else { return nil }
            value = next
        }
        return value
    }

    /// Returns the text of a property; `nil` where it is missing or empty.
    package static func text(at path: some StringProtocol, in members: JSONObject) -> String? {
        value(at: path, in: members)?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether a property is set: not missing, null, empty or `false`.
    package static func isSet(_ property: String, in members: JSONObject) -> Bool {
        switch value(at: property, in: members) {
        case nil, .null, .string(""), .bool(false): false
        case .array(let items): !items.isEmpty
        default: true
        }
    }

    /// Returns a value with sorted members and list items.
    package static func ordered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                JSONObject(
                    members.map { ($0.key, ordered($0.value)) }.sorted {
                        $0.0.utf8.lexicographicallyPrecedes($1.0.utf8)
                    }))
        case .array(let items): .array(sorted(items.map(ordered)))
        default: value
        }
    }

    /// Sorts the items of a list by their text, since services promise no order.
    private static func sorted(_ items: [JSONValue]) -> [JSONValue] {
        items.map { ($0, JSONWriter.bytes($0)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
    }

    private static func object(_ members: JSONObject, _ leftOut: [[String]]) -> JSONObject {
        var kept: [(String, JSONValue)] = []
        for (key, value) in members {
            let name = key == "@odata.type" ? typeProperty : key
            guard !name.contains("@"), !volatile.contains(name.lowercased()), !leftOut.contains([name]) else {
                continue
            }
            let below = leftOut.filter { $0.count > 1 && $0[0] == name }.map { Array($0.dropFirst()) }
            kept.append((name, Self.value(value, named: name, below)))
        }
        return ordered(.object(JSONObject(kept))).object ?? [:]
    }

    private static func value(_ value: JSONValue, named name: String, _ leftOut: [[String]]) -> JSONValue {
        switch value {
        case .object(let members): .object(object(members, leftOut))
        case .array(let items): .array(items.map { Self.value($0, named: name, leftOut) })
        // A list of credentials is configuration; a string in a property of such a name is a secret.
        case .string: Redactor.standard.object([name: value])[name] ?? value
        default: value
        }
    }
}

extension SnapshotKind {
    /// Returns an object's name, for people and for its file. Properties joined by `+` form the name together.
    package func displayName(of members: JSONObject) -> String {
        if isSingle { return name }
        for choice in named {
            let parts = choice.split(separator: "+").compactMap { SnapshotObject.text(at: $0, in: members) }
            if !parts.isEmpty { return parts.filter { $0 != "/" }.joined(separator: " - ") }
        }
        return id(of: members)
    }

    /// Returns the id that distinguishes an object within its tenant.
    package func id(of members: JSONObject) -> String {
        if isSingle { return name }
        return SnapshotObject.text(at: key, in: members) ?? SnapshotObject.text(at: "id", in: members)
            ?? named.lazy.compactMap { SnapshotObject.text(at: $0, in: members) }.first ?? ""
    }

    /// Whether an object is configuration at all, by the properties that are set.
    func isConfigured(_ members: JSONObject) -> Bool {
        onlyWith.isEmpty || onlyWith.contains { SnapshotObject.isSet($0, in: members) }
    }
}
