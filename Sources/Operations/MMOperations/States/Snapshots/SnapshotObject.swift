package import MMCore

/// Brings an object of a service into the form in which snapshots keep it: without what changes by itself, without secrets,
/// in an order that doesn't depend on the service.
package enum SnapshotObject {
    /// Properties that change by themselves, or that tell only when something happened. In small letters.
    private static let volatile: Set<String> = [
        "createddatetime", "modifieddatetime", "lastmodifieddatetime", "deleteddatetime", "reneweddatetime",
        "expirationdatetime", "version", "etag", "signinactivity", "lastsignindatetime", "lastupdateddatetime",
        "whenchanged", "whenchangedutc", "whencreated", "whencreatedutc", "lastmodifiedtime", "changekey",
        "policyversion",
    ]

    /// Where the derived type of an object is kept: without it a policy can't be made again.
    package static let typeProperty = "$type"

    /// The value as a snapshot keeps it.
    /// - Parameters:
    ///   - members: the object as the service answered it, with its relations.
    ///   - kind: what it is.
    package static func normalized(_ members: JSONObject, as kind: SnapshotKind) -> JSONObject {
        let leftOut = kind.leftOut.map { $0.split(separator: ".").map(String.init) }
        return object(members, leftOut)
    }

    /// The property at a path; `nil` where there is none.
    package static func value(at path: some StringProtocol, in members: JSONObject) -> JSONValue? {
        var value = JSONValue.object(members)
        for name in path.split(separator: ".") {
            guard let next = value[String(name)] else { return nil }
            value = next
        }
        return value
    }

    /// The text of a property; `nil` where there is none or it is empty.
    package static func text(at path: some StringProtocol, in members: JSONObject) -> String? {
        value(at: path, in: members)?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether a property says something: neither missing nor empty.
    package static func isSet(_ property: String, in members: JSONObject) -> Bool {
        switch value(at: property, in: members) {
        case nil, .null, .string(""), .bool(false): false
        case .array(let items): !items.isEmpty
        default: true
        }
    }

    /// A value whose members and list items stand in an order of their own.
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

    /// The items of a list by their text: no service promises an order.
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
        // A list of credentials is configuration; a text under such a name is a secret.
        case .string: Redactor.standard.object([name: value])[name] ?? value
        default: value
        }
    }
}

extension SnapshotKind {
    /// What an object is called: for people, and for its file. Properties with `+` between them make a name together.
    package func displayName(of members: JSONObject) -> String {
        if isSingle { return name }
        for choice in named {
            let parts = choice.split(separator: "+").compactMap { SnapshotObject.text(at: $0, in: members) }
            if !parts.isEmpty { return parts.filter { $0 != "/" }.joined(separator: " - ") }
        }
        return id(of: members)
    }

    /// What tells an object from the others of its tenant.
    package func id(of members: JSONObject) -> String {
        if isSingle { return name }
        return SnapshotObject.text(at: key, in: members) ?? SnapshotObject.text(at: "id", in: members)
            ?? named.lazy.compactMap { SnapshotObject.text(at: $0, in: members) }.first ?? ""
    }

    /// Whether an object is configuration at all.
    func isConfigured(_ members: JSONObject) -> Bool {
        onlyWith.isEmpty || onlyWith.contains { SnapshotObject.isSet($0, in: members) }
    }
}
