import MMCore

/// The path of a route: `/v1/jobs/{job}`, where `{job}` matches one segment, or `/files/{path...}`, where `{path...}`
/// matches any number of segments at the end.
struct RoutePath: Sendable {
    private enum Segment: Sendable {
        case literal(String)
        case name(String)
        case rest(String)
    }

    /// The maximum length of a name's value in a request's path, in bytes.
    private static let longestName = 200

    /// The path as written.
    let text: String
    private let segments: [Segment]
    private let ignoresCase: Bool

    /// Parses a path.
    /// - Parameters:
    ///   - text: the path.
    ///   - ignoresCase: whether its literal segments match those of a request in any case.
    /// - Precondition: it begins with a slash; a name that matches any number of segments comes last.
    init(_ text: String, ignoresCase: Bool = false) {
        precondition(text.hasPrefix("/"), "the path \(text) of a route does not begin with a slash")
        self.text = text
        self.ignoresCase = ignoresCase
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        segments = parts.enumerated().map { place, segment in
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else {
                return .literal(ignoresCase ? segment.lowercased() : String(segment))
            }
            guard segment.hasSuffix("...}") else { return .name(String(segment.dropFirst().dropLast())) }
            precondition(place == parts.count - 1, "\(segment) is not the last segment of the route \(text)")
            return .rest(String(segment.dropFirst().dropLast(4)))
        }
    }

    /// Whether the path contains no names.
    var isPlain: Bool {
        segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// Returns whether this path is more specific than another that matches the same request: at the first difference,
    /// a literal precedes a name, and either precedes a name for any number of segments.
    func isMoreExact(than other: RoutePath) -> Bool {
        for case (let mine, let others) in zip(segments, other.segments) {
            switch (mine, others) {
            case (.literal, .name), (.literal, .rest), (.name, .rest): return true
            case (.name, .literal), (.rest, .literal), (.rest, .name): return false
            default: continue
            }
        }
        return segments.count < other.segments.count
    }

    /// Matches the segments of a request's path and returns the values of the names: one segment decoded, several as
    /// sent; `nil` when it doesn't match.
    func names(in parts: [Substring]) -> [String: String]? {
        var named = segments[...]
        var names: [String: String] = [:]
        if case .rest(let name)? = segments.last {
            named.removeLast()
            guard parts.count >= named.count else { return nil }
            names[name] = parts[named.count...].joined(separator: "/")
        } else if parts.count != segments.count {
            return nil
        }
        for (part, segment) in zip(parts, named) {
            switch segment {
            case .rest: continue
            case .literal(let text):
                guard part == text || ignoresCase && part.lowercased() == text else { return nil }
            case .name(let name):
                guard let value = PercentCoding.decode(part.utf8), !value.isEmpty, value.utf8.count <= Self.longestName
                else { return nil }
                names[name] = value
            }
        }
        return names
    }
}
