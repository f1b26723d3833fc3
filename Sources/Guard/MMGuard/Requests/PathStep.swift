/// One step of a request path as a reader of OData URLs sees it.
struct PathStep: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// A word: a name of the service, or a key.
        case word
        /// Surely a key: it stood in parentheses, or behind a colon.
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

    /// Whether the step can stand for a key.
    var isKeyLike: Bool {
        switch kind {
        case .key: true
        // $count, $ref and $value are the service's own words.
        case .word: !name.hasPrefix("$")
        case .call, .qualified: false
        }
    }
}
