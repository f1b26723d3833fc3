import CYAML

/// A value of a YAML file and the line where it begins. Anchors, aliases and tags are refused.
package struct YAMLNode: Sendable {
    /// The three kinds of values.
    package enum Content: Sendable {
        /// A text. If it has no quotes (`isPlain`), `true` and `12` may also be a boolean and a number.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([Entry])
    }

    /// A key of a map with its value.
    package struct Entry: Sendable {
        /// The key.
        package let key: String
        /// The line of the key, counted from 1.
        package let line: Int
        /// The value.
        package let value: YAMLNode
    }

    /// The value.
    package let content: Content
    /// The line where it begins, counted from 1.
    package let line: Int

    /// Reads one document.
    /// - Parameters:
    ///   - bytes: the text of the file.
    ///   - name: the name of the text in error messages.
    /// - Returns: `nil` for an empty document.
    /// - Throws: `.invalidInput` with the line (also as the detail `line`), `.unavailable` without libyaml.
    package static func read(_ bytes: [UInt8], name: String) throws(MMError) -> YAMLNode? {
        if let problem = mm_yaml_problem() {
            throw MMError(
                .unavailable, "YAML files can't be read here.", hint: "Install the Debian package libyaml-0-2.",
                cause: String(cString: problem))
        }
        let outcome: Result<YAMLNode?, MMError> = bytes.withUnsafeBufferPointer { buffer in
            guard let opened = mm_yaml_open(buffer.baseAddress, buffer.count) else {
                return .failure(MMError(.unavailable, "There is not enough memory to read \(name)."))
            }
            var reader = YAMLReader(opened: opened, name: name)
            defer { mm_yaml_close(opened) }
            do throws(MMError) { return .success(try reader.document()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// The value as JSON: plain scalars that are written as numbers, booleans or null become such values.
    package var json: JSONValue {
        switch content {
        case .scalar(let text, isPlain: false): return .string(text)
        case .scalar(let text, isPlain: true):
            switch text {
            case "", "~", "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default:
                // Only JSON numbers are converted: 007 and 1e999 remain texts.
                if let value = try? JSONParser.parse(text), value.double != nil { return value }
                return .string(text)
            }
        case .list(let items): return .array(items.map(\.json))
        case .map(let entries): return .object(JSONObject(entries.map { ($0.key, $0.value.json) }))
        }
    }
}

/// Builds values from the events of libyaml.
struct YAMLReader {
    let opened: UnsafeMutableRawPointer
    let name: String
    private var event = mm_yaml_event()

    init(opened: UnsafeMutableRawPointer, name: String) {
        self.opened = opened
        self.name = name
    }

    private mutating func next() throws(MMError) {
        mm_yaml_next(opened, &event)
        switch Int(event.kind) {
        case Int(MM_YAML_FAULT):
            throw fault(event.problem.map { String(cString: $0) } ?? "it is not YAML")
        case Int(MM_YAML_FOREIGN): throw fault("anchors, aliases and tags are not accepted")
        default: return
        }
    }

    private func fault(_ what: String) -> MMError {
        MMError(
            .invalidInput, "\(name), line \(event.line): \(what).",
            hint: "Correct the file; it was not used.", details: ["line": .int(Int64(event.line))])
    }

    /// Reads the only document.
    mutating func document() throws(MMError) -> YAMLNode? {
        try next()
        guard event.kind == MM_YAML_DOCUMENT_START else { return nil }
        try next()
        let value = try value(depth: 0)
        try next()
        try next()
        guard event.kind == MM_YAML_END else { throw fault("there is more than one document") }
        return value
    }

    private mutating func value(depth: Int) throws(MMError) -> YAMLNode {
        guard depth < 16 else { throw fault("it is nested too deeply") }
        let line = Int(event.line)
        switch Int(event.kind) {
        case Int(MM_YAML_SCALAR):
            let text = String(decoding: UnsafeBufferPointer(start: event.bytes, count: event.length), as: UTF8.self)
            return YAMLNode(content: .scalar(text, isPlain: event.is_plain == 1), line: line)
        case Int(MM_YAML_LIST_START):
            var items: [YAMLNode] = []
            try next()
            while event.kind != MM_YAML_LIST_END {
                items.append(try value(depth: depth + 1))
                try next()
            }
            return YAMLNode(content: .list(items), line: line)
        case Int(MM_YAML_MAP_START):
            var entries: [YAMLNode.Entry] = []
            try next()
            while event.kind != MM_YAML_MAP_END {
                let key = try value(depth: depth + 1)
                guard case .scalar(let name, _) = key.content else { throw fault("a key isn't a string") }
                guard !entries.contains(where: { $0.key == name }) else { throw fault("“\(name)” is there twice") }
                try next()
                entries.append(YAMLNode.Entry(key: name, line: key.line, value: try value(depth: depth + 1)))
                try next()
            }
            return YAMLNode(content: .map(entries), line: line)
        default: throw fault("a value is missing")
        }
    }
}
