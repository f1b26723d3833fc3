import MMCore

/// The path of a route: `/v1/jobs/{job}`, where `{job}` stands for one segment.
struct RoutePath: Sendable {
    private enum Segment: Sendable {
        case literal(String)
        case name(String)
    }

    /// The longest name that a request may put into a path, in bytes.
    private static let longestName = 200

    /// As it was written.
    let text: String
    private let segments: [Segment]

    /// A path.
    /// - Precondition: it begins with a slash.
    init(_ text: String) {
        precondition(text.hasPrefix("/"), "the path \(text) of a route does not begin with a slash")
        self.text = text
        segments = text.split(separator: "/", omittingEmptySubsequences: false).map { segment in
            segment.hasPrefix("{") && segment.hasSuffix("}")
                ? .name(String(segment.dropFirst().dropLast())) : .literal(String(segment))
        }
    }

    /// Whether no segment stands for a name.
    var isPlain: Bool {
        segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// Whether another path that both match is less exact: where they differ first, a literal comes before a name.
    func isMoreExact(than other: RoutePath) -> Bool {
        for case (let mine, let others) in zip(segments, other.segments) {
            switch (mine, others) {
            case (.literal, .name): return true
            case (.name, .literal): return false
            default: continue
            }
        }
        return false
    }

    /// The names that the segments of a request's path give, decoded; `nil` when it is another path.
    func names(in parts: [Substring]) -> [String: String]? {
        guard parts.count == segments.count else { return nil }
        var names: [String: String] = [:]
        for (part, segment) in zip(parts, segments) {
            switch segment {
            case .literal(let text):
                guard part == text else { return nil }
            case .name(let name):
                guard let value = PercentCoding.decode(part.utf8), !value.isEmpty, value.utf8.count <= Self.longestName
                else { return nil }
                names[name] = value
            }
        }
        return names
    }
}
