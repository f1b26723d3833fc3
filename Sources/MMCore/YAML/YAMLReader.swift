import CYAML

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
            throw fault(event.problem.map { String(cString: $0) } ?? "it is no YAML")
        case Int(MM_YAML_FOREIGN): throw fault("anchors, aliases and tags are not accepted")
        default: return
        }
    }

    private func fault(_ what: String) -> MMError {
        MMError(
            .invalidInput, "\(name), line \(event.line): \(what).",
            hint: "Correct the file; nothing of it was taken.", details: ["line": .int(Int64(event.line))])
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
