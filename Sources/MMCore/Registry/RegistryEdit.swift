/// The edits that the owner's commands make to a registry document. Each one succeeds, or throws and leaves the
/// document alone.
package enum RegistryEdit {
    /// Adds a connection at the end.
    /// - Parameters:
    ///   - name: the connection's name.
    ///   - fields: keys and texts, interpreted as in `edit`.
    ///   - document: the registry.
    /// - Throws: `conflict` when the name is taken; `invalidInput` for a bad name or value.
    package static func add(
        _ name: String, fields: [(key: String, text: String?)], to document: inout JSONObject
    ) throws(MMError) {
        try checkName(name)
        var entries = try entries(of: document)
        try checkFree(name, in: entries)
        var entry: JSONObject = [:]
        for (key, text) in wholeKeysFirst(fields) { try apply(key, text, to: &entry, of: name) }
        try checkWritten(fields.map(\.key), of: name, entry)
        entries[name] = .object(entry)
        document["connections"] = .object(entries)
    }

    /// Changes keys of a connection.
    ///
    /// The texts `true` and `false` become booleans; an empty text, `null` or no text at all deletes the key. Lists
    /// (`mcps`, `tags`) take `["a", "b"]` or `a,b`. Members of an object are addressed with a dot, as in
    /// `moduleApps.pnp`; a whole object is written as JSON. `[]` is the empty list, which for `mcps` means no server at
    /// all. A key as a whole is set before its members, in whichever order they are given.
    /// - Parameters:
    ///   - name: the connection's name.
    ///   - fields: keys and new texts.
    ///   - document: the registry.
    /// - Throws: `notFound` for an unknown connection; `invalidInput` for a bad value.
    package static func edit(
        _ name: String, fields: [(key: String, text: String?)], in document: inout JSONObject
    ) throws(MMError) {
        var entries = try entries(of: document)
        var entry = try entry(name, of: entries)
        for (key, text) in wholeKeysFirst(fields) { try apply(key, text, to: &entry, of: name) }
        try checkWritten(fields.map(\.key), of: name, entry)
        entries[name] = .object(entry)
        document["connections"] = .object(entries)
    }

    /// Renames a connection; it keeps its position.
    /// - Throws: `notFound` for an unknown connection; `conflict` when the new name is taken; `invalidInput` for a bad
    ///   name.
    package static func rename(_ name: String, to newName: String, in document: inout JSONObject) throws(MMError) {
        try checkName(newName)
        let entries = try entries(of: document)
        _ = try entry(name, of: entries)
        if name == newName { return }
        try checkFree(newName, in: entries)
        document["connections"] = .object(JSONObject(entries.map { ($0.key == name ? newName : $0.key, $0.value) }))
    }

    /// Removes a connection.
    /// - Throws: `notFound` for an unknown connection.
    package static func remove(_ name: String, from document: inout JSONObject) throws(MMError) {
        var entries = try entries(of: document)
        guard entries.remove(name) != nil else { throw RegistrySnapshot.unknown(name, among: entries.keys) }
        document["connections"] = .object(entries)
    }

    /// Copies a connection for use with another account: drops what identifies the account (`expectedEmail`, `pin`),
    /// and sets a description that says it is a copy.
    /// - Throws: `notFound` for an unknown connection; `conflict` when the new name is taken; `invalidInput` for a bad
    ///   name.
    package static func duplicate(_ name: String, as newName: String, in document: inout JSONObject) throws(MMError) {
        try checkName(newName)
        var entries = try entries(of: document)
        var copy = try entry(name, of: entries)
        try checkFree(newName, in: entries)
        copy.remove("expectedEmail")
        copy.remove("pin")
        copy["description"] = .string("Copy of \(name)")
        entries[newName] = .object(copy)
        document["connections"] = .object(entries)
    }

    /// Returns the fields in an order in which a whole key (`auth`) doesn't overwrite its members (`auth.secretFile`).
    private static func wholeKeysFirst(_ fields: [(key: String, text: String?)]) -> [(key: String, text: String?)] {
        fields.filter { !$0.key.contains(Character(".")) } + fields.filter { $0.key.contains(Character(".")) }
    }

    private static func entries(of document: JSONObject) throws(MMError) -> JSONObject {
        guard let listed = document["connections"] else { return [:] }
        guard let entries = listed.object else {
            throw MMError(
                .invalidInput, "'connections' must be an object, but it is \(listed.kindName).",
                hint: "Correct it in the file first.")
        }
        return entries
    }

    private static func entry(_ name: String, of entries: JSONObject) throws(MMError) -> JSONObject {
        guard let value = entries[name] else { throw RegistrySnapshot.unknown(name, among: entries.keys) }
        guard let entry = value.object else {
            throw MMError(
                .invalidInput, "Connection '\(name)' must be an object, but it is \(value.kindName).",
                hint: "Correct it in the file, or remove it.")
        }
        return entry
    }

    private static func checkFree(_ name: String, in entries: JSONObject) throws(MMError) {
        guard entries[name] == nil else {
            throw MMError(
                .conflict, "There is already a connection '\(name)'.",
                hint: "Choose another name, or edit that connection.")
        }
    }

    private static func checkName(_ name: String) throws(MMError) {
        let scalars = name.unicodeScalars
        guard !name.isEmpty, scalars.count <= 100, scalars.first?.properties.isWhitespace == false,
            scalars.last?.properties.isWhitespace == false,
            !scalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "/" })
        else {
            throw MMError(
                .invalidInput, "'\(String(name.prefix(100)))' can't be the name of a connection.",
                hint: "Use up to 100 characters without '/', control characters, or spaces at the ends.")
        }
    }

    /// Throws the first problem with the keys that were written; existing problems with other keys are left to `check`.
    private static func checkWritten(_ keys: [String], of name: String, _ entry: JSONObject) throws(MMError) {
        let roots = Set(keys.compactMap { $0.split(separator: ".").first.map(String.init) })
        var reader = EntryReader(name: name, entry: entry)
        _ = Connection(reading: &reader)
        let ours = reader.problems.first { problem in
            problem.key.flatMap { $0.split(separator: ".").first.map(String.init) }.map(roots.contains) ?? true
        }
        if let ours { throw ours.commandError }
    }
}

extension RegistryEdit {
    private static let listKeys: Set<String> = ["mcps", "tags", "keepSpares", "shared", "tools", "scopes", "uses"]
    private static let objectKeys: Set<String> = [
        "moduleApps", "auth", "guard", "person", "egress", "pin", "apis", "approvers",
    ]
    /// The member that a bare word stands for, as in `"guard": "strict"`. For other keys, a bare word is replaced.
    private static let wordMembers = ["auth": "method", "guard": "policy", "person": "usual"]
    private static let listMembers: Set<String> = ["guard.allow", "guard.ask", "guard.deny", "egress.allow"]
    /// The members that are a number, or an object of numbers.
    private static let countMembers: Set<String> = ["guard.approvals"]

    /// Sets a key from a text, in the form that the key requires.
    private static func apply(
        _ key: String, _ text: String?, to entry: inout JSONObject, of name: String
    ) throws(MMError) {
        guard !key.isEmpty, !key.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw MMError(.invalidInput, "A key of connection '\(name)' is empty or contains control characters.")
        }
        try checkKnown(key, text, entry, of: name)
        let last = key.split(separator: ".").last.map(String.init) ?? key
        guard text?.isEmpty ?? true || !ConnectionAuth.inlineSecrets.contains(last) else {
            throw MMError(
                .invalidInput, "'\(key)' would put a secret in the registry.",
                hint: "Put it in a file with mode 0600 and set auth.secretFile or auth.tokenFile to that file.")
        }
        if let dot = key.firstIndex(of: "."), entry[key] == nil {
            let root = String(key[..<dot])
            let member = String(key[key.index(after: dot)...])
            let holdsMembers =
                entry[root]?.object != nil || (entry[root] == nil && !Connection.knownKeys.contains(root))
            guard objectKeys.contains(root) || holdsMembers else {
                throw MMError(
                    .invalidInput, "'\(root)' of connection '\(name)' isn't an object, so it has no '\(member)'.",
                    hint: "Change '\(root)' itself.", details: ["connection": .string(name)])
            }
            var object = entry[root]?.object ?? [:]
            // A bare word such as "guard": "strict" becomes an object with room for more members.
            if let word = entry[root]?.string, let name = wordMembers[root] { object[name] = .string(word) }
            object[member] = try value(text, key: key)
            entry[root] = object.isEmpty ? nil : .object(object)
            return
        }
        entry[key] = try value(text, key: key)
    }

    /// Refuses an unknown key, because it is most likely a typing mistake. Keys that are in the file already may belong
    /// to other programs, as do keys that begin with `x-` or an underscore.
    private static func checkKnown(
        _ key: String, _ text: String?, _ entry: JSONObject, of name: String
    ) throws(MMError) {
        let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
        guard !(text?.isEmpty ?? true), entry[key] == nil, let root = parts.first else { return }
        let (holder, word, known): (String, String, [String])
        if root == "auth", parts.count == 2 {
            (holder, word, known) = ("'auth' of a connection", parts[1], ConnectionAuth.keys)
            guard entry["auth"]?[word] == nil, !ConnectionAuth.inlineSecrets.contains(word) else { return }
        } else {
            (holder, word, known) = ("A connection", root, Connection.knownKeys)
            guard entry[root] == nil else { return }
        }
        guard !word.hasPrefix("_"), !word.hasPrefix("x-"), !known.contains(word) else { return }
        let near = NearestNames.of(word, among: known, limit: 1).first.map { " Did you mean '\($0)'?" }
        throw MMError(
            .invalidInput, "\(holder) has no key '\(word)'.\(near ?? "")",
            hint: "The keys are \(known.joined(separator: ", ")); your own keys must start with x-.",
            details: ["connection": .string(name)])
    }

    private static func value(_ text: String?, key: String) throws(MMError) -> JSONValue? {
        switch text {
        case nil, "", "null": return nil
        case "true": return true
        case "false": return false
        case let text?:
            if listKeys.contains(key) || listMembers.contains(key) {
                if text.hasPrefix("[") { return try json(text, key) }
                let items = text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
                return .array(items.map { .string($0) })
            }
            let isCount = countMembers.contains(key)
            if isCount || objectKeys.contains(key), text.hasPrefix("{") { return try json(text, key) }
            return isCount ? Int64(text).map(JSONValue.int) ?? .string(text) : .string(text)
        }
    }

    private static func json(_ text: String, _ key: String) throws(MMError) -> JSONValue {
        do {
            return try JSONParser.parse(text, limits: .strict)
        } catch {
            throw MMError(
                .invalidInput, "The value of '\(key)' isn't JSON: \(error).",
                hint: "Write it as [\"a\"] or {\"a\": \"b\"}.")
        }
    }
}
