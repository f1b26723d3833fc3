import MMCore

/// Reads the keys of a map in a definition. Its errors name the line, the key and the expected value.
struct KeyReader {
    /// The definition's file or name, for errors.
    let place: String
    /// The kind of map, for errors: `a step`.
    let subject: String
    /// The line where the map begins.
    let line: Int
    private let entries: [YAMLNode.Entry]

    /// Opens a map.
    /// - Throws: `invalidInput` for anything but a map, and for unknown keys.
    init(_ node: YAMLNode, _ subject: String, keys: [String], place: String) throws(MMError) {
        self.place = place
        self.subject = subject
        line = node.line
        guard case .map(let entries) = node.content else {
            throw .definition(
                place, line: node.line, "\(subject) must be a map of \(keys.joined(separator: ", ")).",
                hint: "Write one key: value pair per line.")
        }
        self.entries = entries
        for entry in entries where !keys.contains(entry.key) {
            let near = NearestNames.of(entry.key, among: keys, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
            throw .definition(
                place, line: entry.line, "\(subject) has no key `\(entry.key.prefix(60))`.\(near)",
                hint: "Its keys are \(keys.joined(separator: ", ")).")
        }
    }

    /// Returns the entry of a key; `nil` where it is missing or empty.
    func entry(_ key: String) -> YAMLNode.Entry? {
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        if case .scalar("", isPlain: true) = entry.value.content { return nil }
        return entry
    }

    /// Returns the line of a key, or else of the map.
    func line(of key: String) -> Int { entry(key)?.line ?? line }

    /// Creates the error for a wrong value of a key.
    func wrong(_ key: String, _ due: String, hint: String? = nil) -> MMError {
        .definition(
            place, line: line(of: key), "`\(key)` of \(subject) must be \(due).",
            hint: hint ?? "Correct it, or leave it out.")
    }

    /// Returns the text of a key.
    func text(_ key: String) throws(MMError) -> String? {
        guard let entry = entry(key) else { return nil }
        guard case .scalar(let text, _) = entry.value.content, !text.isEmpty else { throw wrong(key, "a string") }
        return text
    }

    /// Returns the text of a required key.
    func requiredText(_ key: String, example: String) throws(MMError) -> String {
        guard let text = try text(key) else {
            throw .definition(place, line: line, "\(subject) has no `\(key)`.", hint: "For example \(key): \(example)")
        }
        return text
    }

    /// Returns the boolean of a key; `usual` where it is missing.
    func flag(_ key: String, usual: Bool = false) throws(MMError) -> Bool {
        guard let entry = entry(key) else { return usual }
        guard let flag = entry.value.json.bool else { throw wrong(key, "true or false") }
        return flag
    }

    /// Returns the integer of a key, which must be within a range.
    func integer(_ key: String, in range: ClosedRange<Int>) throws(MMError) -> Int? {
        guard let entry = entry(key) else { return nil }
        guard let number = entry.value.json.int, range.contains(number) else {
            throw wrong(key, "a whole number between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// Returns the list of a key; empty where it is missing.
    func list(_ key: String) throws(MMError) -> [YAMLNode] {
        guard let entry = entry(key) else { return [] }
        guard case .list(let items) = entry.value.content else {
            throw wrong(key, "a list", hint: "Start each item with a dash.")
        }
        return items
    }

    /// Returns the list of texts of a key.
    func texts(_ key: String) throws(MMError) -> [String] {
        var texts: [String] = []
        for item in try list(key) {
            guard case .scalar(let text, _) = item.content, !text.isEmpty else { throw wrong(key, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    /// Returns the members of a key's map; empty where it is missing.
    func map(_ key: String) throws(MMError) -> [YAMLNode.Entry] {
        guard let entry = entry(key) else { return [] }
        guard case .map(let entries) = entry.value.content else { throw wrong(key, "a map of names and values") }
        return entries
    }
}
