internal import MMCore

/// The service's own filters (OPATH): `RecipientTypeDetails -eq 'SharedMailbox' -and Name -like 'A*'`.
struct ExchangeFilter: Sendable {
    private indirect enum Node: Sendable {
        case all([Node])
        case any([Node])
        case not(Node)
        case test(String, String, JSONValue)
    }

    private let root: Node

    /// Reads a filter.
    /// - Parameters:
    ///   - text: the filter.
    ///   - properties: the properties that it may name, in lower case.
    init(_ text: String, properties: Set<String>) throws(ExchangeFailure) {
        var reader = Reader(text)
        guard let node = reader.any(depth: 0), reader.isAtEnd else {
            throw .invalid(
                "Filter", "The filter \"\(text.prefix(200))\" is not valid: \"\(reader.place)\" was not expected.")
        }
        root = node
        if let stranger = Self.names(in: node).first(where: { !properties.contains($0) }) {
            throw ExchangeFailure(
                400, "BadRequest", id: "Ex5A3B8D",
                type: "Microsoft.Exchange.Configuration.Tasks.TaskArgumentException",
                "\"\(stranger)\" is not a recognized filterable property. For a complete list of filterable properties see the "
                    + "command help.")
        }
    }

    private static func names(in node: Node) -> [String] {
        switch node {
        case .all(let parts), .any(let parts): parts.flatMap(names)
        case .not(let part): names(in: part)
        case .test(let name, _, _): [name]
        }
    }

    /// Returns whether a text matches a pattern with `*`, ignoring case.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        matches(Array(text.lowercased()), Array(pattern.lowercased()))
    }

    /// Returns whether a row passes; property names are case-insensitive.
    func passes(_ row: JSONObject) -> Bool { Self.passes(root, row) }

    private static func passes(_ node: Node, _ row: JSONObject) -> Bool {
        switch node {
        case .all(let parts): return parts.allSatisfy { passes($0, row) }
        case .any(let parts): return parts.contains { passes($0, row) }
        case .not(let part): return !passes(part, row)
        case .test(let name, let op, let wanted):
            let value = row.first { $0.key.lowercased() == name }?.value ?? .null
            if let items = value.array, op != "ne", op != "notlike" {
                return items.contains { holds($0, op, wanted) }
            }
            return holds(value, op, wanted)
        }
    }

    private static func holds(_ value: JSONValue, _ op: String, _ wanted: JSONValue) -> Bool {
        let left = text(value)
        let right = text(wanted)
        switch op {
        case "eq": return left == right
        case "ne": return left != right
        case "like": return left.map { matches(Array($0), Array(right ?? "")) } ?? false
        case "notlike": return !(left.map { matches(Array($0), Array(right ?? "")) } ?? false)
        default:
            guard let left, let right else { return false }
            let before: Bool
            let same: Bool
            if let first = Double(left), let second = Double(right) {
                (before, same) = (first < second, first == second)
            } else {
                (before, same) = (left < right, left == right)
            }
            switch op {
            case "lt": return before
            case "le": return before || same
            case "gt": return !before && !same
            default: return !before
            }
        }
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .null: nil
        case .bool(let flag): flag ? "true" : "false"
        case .string(let text): text.isEmpty ? nil : text.lowercased()
        default: value.description.lowercased()
        }
    }

    private static func matches(_ text: [Character], _ pattern: [Character]) -> Bool {
        var (place, star, mark, at) = (0, -1, 0, 0)
        while place < text.count {
            if at < pattern.count, pattern[at] == "*" {
                star = at
                mark = place
                at += 1
            } else if at < pattern.count, pattern[at] == text[place] {
                place += 1
                at += 1
            } else if star >= 0 {
                mark += 1
                place = mark
                at = star + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }

    private struct Reader {
        private var words: [String] = []
        private var at = 0

        init(_ text: String) {
            var rest = Array(text)[...]
            while let first = rest.first {
                if first.isWhitespace {
                    rest.removeFirst()
                } else if first == "(" || first == ")" {
                    words.append(String(rest.removeFirst()))
                } else if first == "'" || first == "\"" {
                    rest.removeFirst()
                    var word = "'"
                    while let next = rest.first {
                        rest.removeFirst()
                        if next == first {
                            guard rest.first == first else { break }
                            rest.removeFirst()
                        }
                        word.append(next)
                    }
                    words.append(word)
                } else {
                    let word = rest.prefix { !$0.isWhitespace && $0 != "(" && $0 != ")" && $0 != "'" && $0 != "\"" }
                    words.append(String(word))
                    rest = rest.dropFirst(word.count)
                }
            }
        }

        var isAtEnd: Bool { at >= words.count }
        var place: String { isAtEnd ? "the end" : words[at] }

        private func word(_ step: Int = 0) -> String? { at + step < words.count ? words[at + step].lowercased() : nil }

        mutating func any(depth: Int) -> Node? {
            guard depth < 40, let first = all(depth: depth) else { return nil }
            var parts = [first]
            while word() == "-or" {
                at += 1
                guard let next = all(depth: depth) else { return nil }
                parts.append(next)
            }
            return parts.count == 1 ? first : .any(parts)
        }

        private mutating func all(depth: Int) -> Node? {
            guard let first = one(depth: depth) else { return nil }
            var parts = [first]
            while word() == "-and" {
                at += 1
                guard let next = one(depth: depth) else { return nil }
                parts.append(next)
            }
            return parts.count == 1 ? first : .all(parts)
        }

        private mutating func one(depth: Int) -> Node? {
            if word() == "-not" {
                at += 1
                guard depth < 40 else { return nil }
                return one(depth: depth + 1).map { .not($0) }
            }
            if word() == "(" {
                at += 1
                guard let inner = any(depth: depth + 1), word() == ")" else { return nil }
                at += 1
                return inner
            }
            guard let name = word(), name.allSatisfy({ $0.isLetter || $0.isNumber }), let op = word(1),
                let value = word(2),
                ["-eq", "-ne", "-like", "-notlike", "-gt", "-ge", "-lt", "-le"].contains(op)
            else { return nil }
            at += 3
            let wanted: JSONValue =
                switch value {
                case "$null": .null
                case "$true", "'true": .bool(true)
                case "$false", "'false": .bool(false)
                default: .string(value.hasPrefix("'") ? String(value.dropFirst()) : value)
                }
            return .test(name, String(op.dropFirst()), wanted)
        }
    }
}
