import CYAML
package import MMCore

/// A YAML file of settings: texts, lists and maps; no anchors, aliases or tags.
package enum SettingsYAML: Sendable, Hashable {
    case scalar(String, isPlain: Bool)
    case list([SettingsYAML])
    case map([(key: String, value: SettingsYAML)])

    package static func == (left: SettingsYAML, right: SettingsYAML) -> Bool {
        switch (left, right) {
        case (.scalar(let a, let b), .scalar(let c, let d)): a == c && b == d
        case (.list(let a), .list(let b)): a == b
        case (.map(let a), .map(let b)): a.map(\.key) == b.map(\.key) && a.map(\.value) == b.map(\.value)
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .scalar(let text, _): hasher.combine(text)
        case .list(let items): hasher.combine(items)
        case .map(let entries): for entry in entries { hasher.combine(entry.key) }
        }
    }

    /// Reads one document.
    /// - Parameter name: what the text is called in errors.
    /// - Throws: `.invalidInput` with the line, `.unavailable` without libyaml.
    package static func read(_ bytes: [UInt8], name: String) throws(MMError) -> SettingsYAML? {
        if let problem = mm_yaml_problem() {
            throw MMError(
                .unavailable, "YAML files can't be read here.", hint: "Install the Debian package libyaml-0-2.",
                cause: String(cString: problem))
        }
        let outcome: Result<SettingsYAML?, MMError> = bytes.withUnsafeBufferPointer { buffer in
            guard let opened = mm_yaml_open(buffer.baseAddress, buffer.count) else {
                return .failure(MMError(.unavailable, "There is no memory to read \(name)."))
            }
            var reader = Reader(opened: opened, name: name)
            defer { mm_yaml_close(opened) }
            do throws(MMError) { return .success(try reader.document()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    private struct Reader {
        let opened: UnsafeMutableRawPointer
        let name: String
        var event = mm_yaml_event()

        mutating func next() throws(MMError) {
            mm_yaml_next(opened, &event)
            switch Int(event.kind) {
            case Int(MM_YAML_FAULT):
                throw fault(event.problem.map { String(cString: $0) } ?? "it is no YAML")
            case Int(MM_YAML_FOREIGN): throw fault("anchors, aliases and tags are not accepted")
            default: return
            }
        }

        func fault(_ what: String) -> MMError {
            MMError(
                .invalidInput, "\(name), line \(event.line): \(what).",
                hint: "Correct the file; nothing of it was taken.")
        }

        mutating func document() throws(MMError) -> SettingsYAML? {
            try next()
            guard event.kind == MM_YAML_DOCUMENT_START else { return nil }
            try next()
            let value = try value(depth: 0)
            try next()
            try next()
            guard event.kind == MM_YAML_END else { throw fault("there is more than one document") }
            return value
        }

        mutating func value(depth: Int) throws(MMError) -> SettingsYAML {
            guard depth < 16 else { throw fault("it is nested too deeply") }
            switch Int(event.kind) {
            case Int(MM_YAML_SCALAR):
                let text = String(
                    decoding: UnsafeBufferPointer(start: event.bytes, count: event.length), as: UTF8.self)
                return .scalar(text, isPlain: event.is_plain == 1)
            case Int(MM_YAML_LIST_START):
                var items: [SettingsYAML] = []
                try next()
                while event.kind != MM_YAML_LIST_END {
                    items.append(try value(depth: depth + 1))
                    try next()
                }
                return .list(items)
            case Int(MM_YAML_MAP_START):
                var entries: [(key: String, value: SettingsYAML)] = []
                try next()
                while event.kind != MM_YAML_MAP_END {
                    guard case .scalar(let key, _) = try value(depth: depth + 1) else {
                        throw fault("a key isn't a string")
                    }
                    guard !entries.contains(where: { $0.key == key }) else { throw fault("“\(key)” is there twice") }
                    try next()
                    entries.append((key, try value(depth: depth + 1)))
                    try next()
                }
                return .map(entries)
            default: throw fault("a value is missing")
            }
        }
    }
}
