import MMCore

/// Reads the keys of one map of a definition; a fault names the line, the key and what it has to be.
struct KeyReader {
    /// What the text is called in errors.
    let place: String
    /// What the map is, for errors: `a step`.
    let subject: String
    /// The line where the map begins.
    let line: Int
    private let entries: [YAMLNode.Entry]

    /// Opens a map.
    /// - Throws: `invalidInput` for anything but a map, and for keys that have no meaning.
    init(_ node: YAMLNode, _ subject: String, keys: [String], place: String) throws(MMError) {
        self.place = place
        self.subject = subject
        line = node.line
        guard case .map(let entries) = node.content else {
            throw .definition(
                place, line: node.line, "\(subject) must be a map of \(keys.joined(separator: ", ")).",
                hint: "Write it as key: value, one a line.")
        }
        self.entries = entries
        for entry in entries where !keys.contains(entry.key) {
            let near = NearestNames.of(entry.key, among: keys, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
            throw .definition(
                place, line: entry.line, "\(subject) has no key `\(entry.key.prefix(60))`.\(near)",
                hint: "Its keys are \(keys.joined(separator: ", ")).")
        }
    }

    /// The entry of a key; `nil` where it is missing or has no value.
    func entry(_ key: String) -> YAMLNode.Entry? {
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        if case .scalar("", isPlain: true) = entry.value.content { return nil }
        return entry
    }

    /// The line of a key, else of the map.
    func line(of key: String) -> Int { entry(key)?.line ?? line }

    /// A fault with the value of a key.
    func wrong(_ key: String, _ due: String, hint: String? = nil) -> MMError {
        .definition(
            place, line: line(of: key), "`\(key)` of \(subject) must be \(due).",
            hint: hint ?? "Correct it, or leave it out.")
    }

    /// A text.
    func text(_ key: String) throws(MMError) -> String? {
        guard let entry = entry(key) else { return nil }
        guard case .scalar(let text, _) = entry.value.content, !text.isEmpty else { throw wrong(key, "a string") }
        return text
    }

    /// A text that must be there.
    func requiredText(_ key: String, example: String) throws(MMError) -> String {
        guard let text = try text(key) else {
            throw .definition(place, line: line, "\(subject) has no `\(key)`.", hint: "For example \(key): \(example)")
        }
        return text
    }

    /// True or false; false where it is missing.
    func flag(_ key: String, usual: Bool = false) throws(MMError) -> Bool {
        guard let entry = entry(key) else { return usual }
        guard let flag = entry.value.json.bool else { throw wrong(key, "true or false") }
        return flag
    }

    /// A whole number within bounds.
    func integer(_ key: String, in range: ClosedRange<Int>) throws(MMError) -> Int? {
        guard let entry = entry(key) else { return nil }
        guard let number = entry.value.json.int, range.contains(number) else {
            throw wrong(key, "a whole number between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// The items of a list; none where it is missing.
    func list(_ key: String) throws(MMError) -> [YAMLNode] {
        guard let entry = entry(key) else { return [] }
        guard case .list(let items) = entry.value.content else {
            throw wrong(key, "a list", hint: "Begin each item with a dash.")
        }
        return items
    }

    /// A list of texts.
    func texts(_ key: String) throws(MMError) -> [String] {
        var texts: [String] = []
        for item in try list(key) {
            guard case .scalar(let text, _) = item.content, !text.isEmpty else { throw wrong(key, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    /// Members of a map by their keys; none where it is missing.
    func map(_ key: String) throws(MMError) -> [YAMLNode.Entry] {
        guard let entry = entry(key) else { return [] }
        guard case .map(let entries) = entry.value.content else { throw wrong(key, "a map of names and values") }
        return entries
    }
}
