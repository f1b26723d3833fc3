/// Reads the typed values of one entry and collects the problems with them.
///
/// A key whose value is `null` or an empty string counts as absent: people leave both behind when they edit by hand.
struct EntryReader {
    let name: String
    let entry: JSONObject
    private(set) var problems: [RegistryProblem] = []

    init(name: String, entry: JSONObject) {
        self.name = name
        self.entry = entry
    }

    mutating func report(
        _ key: String, _ text: String, hint: String, value: JSONValue? = nil, commandHint: String? = nil
    ) {
        let shown = value.map { " (it is \(Self.shown($0)))" } ?? ""
        problems.append(
            RegistryProblem(
                .error, connection: name, key: key, message: "'\(key)' of connection '\(name)' \(text)\(shown).",
                hint: hint, commandHint: commandHint))
    }

    /// Reports a name that isn't valid for a connection.
    mutating func checkName() {
        if name.isEmpty || name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            report("name", "is empty or contains control characters", hint: "Rename the entry in the file.")
        }
    }

    func value(_ key: String, in object: JSONObject? = nil) -> JSONValue? {
        guard let value = (object ?? entry)[key], !value.isNull, value != "" else { return nil }
        return value
    }

    mutating func text(_ key: String, in object: JSONObject? = nil, label: String? = nil) -> String? {
        guard let value = value(key, in: object) else { return nil }
        guard let text = value.string else {
            report(label ?? key, "must be a string", hint: "Write it in double quotes.", value: value)
            return nil
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            report(label ?? key, "contains control characters", hint: "Type it again.")
            return nil
        }
        return text
    }

    mutating func flag(_ key: String) -> Bool {
        guard let value = value(key) else { return false }
        guard let flag = value.bool else {
            report(key, "must be true or false", hint: "Write it without quotes.", value: value)
            return false
        }
        return flag
    }

    mutating func texts(_ key: String, in object: JSONObject? = nil, label: String? = nil) -> [String]? {
        // An empty list is significant: in `mcps` it means that no server may use the connection.
        guard let value = (object ?? entry)[key], !value.isNull else { return nil }
        guard let items = value.array, items.allSatisfy({ $0.string != nil }) else {
            report(label ?? key, "must be a list of strings", hint: "Write it as [\"one\", \"two\"].", value: value)
            return nil
        }
        return items.compactMap(\.string)
    }

    mutating func guid(_ key: String, in object: JSONObject? = nil, label: String? = nil) -> String? {
        guard let text = text(key, in: object, label: label) else { return nil }
        guard GUID.isValid(text) else {
            report(
                label ?? key, "must be a GUID", hint: "Copy it from the app registration or tenant page in the portal.",
                value: .string(text))
            return nil
        }
        return text
    }

    /// Reads a tenant: a GUID, a domain, or a word such as `organizations`. It becomes part of URLs, so nothing else is
    /// allowed.
    mutating func tenant(_ key: String) -> String? {
        guard let text = text(key) else { return nil }
        let sound = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
        guard sound, !text.hasPrefix("."), !text.contains(".."), text.utf8.count <= 253 else {
            report(
                key, "must be a domain or a GUID", hint: "For example contoso.onmicrosoft.com.", value: .string(text))
            return nil
        }
        return text
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, in object: JSONObject? = nil, label: String? = nil
    ) -> Choice? where Choice.RawValue == String {
        guard let value = value(key, in: object) else { return nil }
        if let text = value.string, let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        report(label ?? key, "must be one of \(known)", hint: "Correct it, or leave it out.", value: value)
        return nil
    }

    mutating func map(_ key: String) -> [String: String] {
        guard let value = value(key) else { return [:] }
        guard let object = value.object else {
            report(key, "must be an object of strings", hint: "Write it as {\"exo\": \"app id\"}.", value: value)
            return [:]
        }
        var map: [String: String] = [:]
        for (module, _) in object {
            if let text = guid(module, in: object, label: "\(key).\(module)") { map[module] = text }
        }
        return map
    }

    /// Returns a value for a message: short, and never the content of an array or object.
    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .array, .object: value.kindName
        default: String(JSONWriter.string(value).prefix(60))
        }
    }
}
