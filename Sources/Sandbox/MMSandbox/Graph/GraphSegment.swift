internal import MMCore

/// One segment of a Graph path: a name, and for functions their arguments.
struct GraphSegment: Sendable {
    var name: String
    var arguments: [String: String]?

    /// Splits a raw path: slashes inside quotes within parentheses don't separate, escapes are decoded once, and after
    /// that `users('x')` becomes two segments.
    /// - Returns: `nil` if an escape isn't UTF-8 or a segment is `.` or `..`; empty segments are skipped.
    static func all(in path: String) -> [GraphSegment]? {
        var segments: [GraphSegment] = []
        for raw in pieces(path) where !raw.isEmpty {
            guard let text = PercentCoding.decode(raw.utf8), text != "..", text != "." else { return nil }
            if let key = alternateKey(text), let last = segments.indices.last, segments[last].arguments == nil,
                !segments.contains(where: { $0.name.contains(":") })
            {
                segments[last].arguments = key
                continue
            }
            guard text.hasSuffix(")"), let open = text.firstIndex(of: "("), open > text.startIndex else {
                // Clients that take `root:/a:` for a key escape its slashes; the service reads it as the same path.
                let parts = text.contains(":/") ? text.split(separator: "/").map(String.init) : [text]
                segments += parts.map { GraphSegment(name: $0) }
                continue
            }
            let name = String(text[..<open])
            let inside = text[text.index(after: open)...].dropLast()
            let pairs = arguments(String(inside))
            if inside.isEmpty {
                segments.append(GraphSegment(name: name))
            } else if let only = pairs[""] {
                segments.append(GraphSegment(name: name))
                segments.append(GraphSegment(name: only))
            } else {
                segments.append(GraphSegment(name: name, arguments: pairs))
            }
        }
        return segments
    }

    /// Returns the name and value of a key in a segment of its own, as in `directoryRoles/roleTemplateId=ID`; the names
    /// of files may look like that too, but stand behind a colon.
    private static func alternateKey(_ text: String) -> [String: String]? {
        let halves = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard halves.count == 2, halves[0].utf8.allSatisfy({ UInt8(ascii: "A")...UInt8(ascii: "z") ~= $0 }),
            GUID.isValid(halves[1])
        else { return nil }
        return [halves[0]: halves[1]]
    }

    private static func pieces(_ path: String) -> [Substring] {
        var pieces: [Substring] = []
        var start = path.startIndex
        var depth = 0
        var quoted = false
        for position in path.indices {
            switch path[position] {
            case "(" where !quoted: depth += 1
            case ")" where !quoted: depth = max(0, depth - 1)
            case "'" where depth > 0: quoted.toggle()
            case "/" where !quoted:
                pieces.append(path[start..<position])
                start = path.index(after: position)
            default: break
            }
        }
        pieces.append(path[start...])
        return pieces
    }

    /// Returns the arguments of `a=1,b='x'` by name; a single unnamed value has the empty name.
    private static func arguments(_ text: String) -> [String: String] {
        var result: [String: String] = [:]
        var name = ""
        var value = ""
        var quoted = false
        func unquoted(_ text: String) -> String {
            guard text.count >= 2, text.hasPrefix("'"), text.hasSuffix("'") else { return text }
            return text.dropFirst().dropLast().replacing("''", with: "'")
        }
        for character in text {
            switch character {
            case "'":
                quoted.toggle()
                value.append(character)
            case "=" where !quoted && name.isEmpty:
                name = value
                value = ""
            case "," where !quoted:
                result[name] = unquoted(value)
                name = ""
                value = ""
            default: value.append(character)
            }
        }
        result[name] = unquoted(value)
        return result
    }
}
