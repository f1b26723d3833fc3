internal import MMCore

/// Reads the decoded segments of a Graph path, with colons, keys in parentheses, functions and casts.
///
/// An ambiguous text has several readings, the most likely one first.
enum PathReader {
    /// Enough for a path with six pairs of parentheses, each of which may contain a key or parameters.
    private static let mostReadings = 64

    /// Returns the readings of a path.
    static func readings(of segments: [String]) -> [[PathStep]] {
        var readings: [[PathStep]] = [[]]
        for piece in joinColons(segments) {
            let choices = piece.isKey ? [[PathStep.key(piece.text)]] : steps(of: piece.text)
            var next: [[PathStep]] = []
            for choice in choices {
                for reading in readings { next.append(reading + choice) }
            }
            readings = Array(next.prefix(mostReadings))
        }
        return readings
    }

    private struct Piece {
        var text: String
        var isKey: Bool
    }

    /// Joins the segments of `root:/a/b:/x` and `items/{id}:/a:/x`, which address an item by its path, into one key.
    private static func joinColons(_ segments: [String]) -> [Piece] {
        var pieces: [Piece] = []
        var rest = ArraySlice(segments.map(\.asciiLowercased))
        while let text = rest.popFirst() {
            let isRoot = text == "root:" || text.hasPrefix("root:/")
            let isAddressed = ["items", "sites", "special", "following", "bundles"].contains(pieces.last?.text ?? "")
            guard isRoot || isAddressed, let key = address(text, &rest) else {
                pieces.append(Piece(text: text, isKey: false))
                continue
            }
            if isRoot, pieces.last?.text != "items" { pieces.append(Piece(text: "items", isKey: false)) }
            pieces.append(Piece(text: key, isKey: true))
        }
        return pieces
    }

    /// Returns the address that begins with a segment, and removes from the rest what belongs to it.
    ///
    /// Clients that take `root:/a:` for a key escape its slashes. Such a segment contains its whole address: what
    /// follows its closing colon is the action, and the segments after it never belong to the address.
    private static func address(_ text: String, _ rest: inout ArraySlice<String>) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts[0].utf8.count > 1, parts[0].hasSuffix(":") else { return nil }
        if parts.count > 1 {
            guard let end = parts.dropFirst().firstIndex(where: { $0.hasSuffix(":") }) else { return text }
            rest = parts[(end + 1)...] + rest
            return parts[...end].joined(separator: "/")
        }
        var key = text
        while let part = rest.popFirst() {
            key += "/" + part
            if part.hasSuffix(":") { break }
        }
        return key
    }

    /// Returns the readings of one segment, each as one or two steps.
    private static func steps(of text: String) -> [[PathStep]] {
        guard text.hasSuffix(")"), let open = text.firstIndex(of: "("), open != text.startIndex else {
            return [[named(text, parameters: nil)]]
        }
        let name = String(text[..<open])
        let inside = text[text.index(after: open)...].dropLast()
        if inside.allSatisfy({ $0 == " " }) { return [[named(name, parameters: [])]] }
        guard let parts = split(inside, at: ",") else { return [[.word(text)]] }
        let names = parts.compactMap { part in
            part.firstIndex(of: "=").map { String(part[..<$0].filter { $0 != " " }) }
        }
        let asKey = [named(name, parameters: nil), PathStep.key(String(inside))]
        if names.count == parts.count, names.allSatisfy({ !$0.contains("'") }) {
            return [[named(name, parameters: names.sorted())], asKey]
        }
        return [asKey]
    }

    private static func named(_ text: String, parameters: [String]?) -> PathStep {
        for prefix in ["microsoft.graph.", "graph."] where text.hasPrefix(prefix) && text.utf8.count > prefix.utf8.count
        {
            return PathStep(kind: .qualified(parameters), name: String(text.dropFirst(prefix.count)))
        }
        if let parameters { return PathStep(kind: .call(parameters), name: text) }
        return .word(text)
    }

    /// Returns the parts of a text between separators outside quotes and parentheses; nil if these do not match.
    static func split(_ inside: Substring, at separator: Character) -> [Substring]? {
        var parts: [Substring] = []
        var start = inside.startIndex
        var isQuoted = false
        var depth = 0
        for position in inside.indices {
            switch inside[position] {
            case "'": isQuoted.toggle()
            case "(" where !isQuoted, "{" where !isQuoted, "[" where !isQuoted: depth += 1
            case ")" where !isQuoted, "}" where !isQuoted, "]" where !isQuoted:
                depth -= 1
                if depth < 0 { return nil }
            case separator where !isQuoted && depth == 0:
                parts.append(inside[start..<position])
                start = inside.index(after: position)
            default: break
            }
        }
        guard !isQuoted, depth == 0 else { return nil }
        parts.append(inside[start...])
        return parts
    }
}

/// One step of a request path, as an OData parser sees it.
struct PathStep: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A word: a name of the service, or a key.
        case word
        /// Certainly a key: it is in parentheses, or follows a colon.
        case key
        /// `name(a=…,b=…)` with the parameter names in order; empty for `name()`.
        case call([String])
        /// `microsoft.graph.x`: a type cast, or an operation written with its namespace. With parameter names when
        /// parentheses follow.
        case qualified([String]?)
    }

    var kind: Kind
    /// The text without parentheses and without `microsoft.graph.`, in lower case.
    var name: String

    static func word(_ name: String) -> PathStep { PathStep(kind: .word, name: name) }
    static func key(_ name: String) -> PathStep { PathStep(kind: .key, name: name) }

    func isWord(_ text: String) -> Bool { kind == .word && name == text }

    /// Whether the step can be a key.
    var isKeyLike: Bool {
        switch kind {
        case .key: true
        // $count, $ref and $value are reserved by the service.
        case .word: !name.hasPrefix("$")
        case .call, .qualified: false
        }
    }
}
