/// A token: its kind, its position in the current text, and its value.
struct Token {
    var kind: TokenKind
    /// For redirections, the stream; the high bit marks appending.
    var detail: UInt8 = 0
    /// The position of the first unit, in the current text.
    var start: Int32
    /// The position after the last unit.
    var end: Int32
    var value: TokenValue = .none

    /// The redirected stream.
    var stream: RedirectionStream { RedirectionStream(rawValue: Int(detail & 0x0F)) ?? .all }
    /// Whether a file redirection appends.
    var isAppending: Bool { detail & 0x80 != 0 }
    /// Whether a merging redirection goes to a stream other than output.
    var mergesElsewhere: Bool { detail & 0x40 != 0 }
}

/// The value of a token, beyond its text.
enum TokenValue {
    case none
    case string(StringTokenValue)
    case number(NumberTokenValue)
    case variable(VariableTokenValue)
    case parameter(ParameterTokenValue)
}

/// The value of a string, a generic word or a label.
final class StringTokenValue {
    let text: String
    /// The evaluated parts; empty for a constant string.
    let parts: [NestedToken]

    init(_ text: String, parts: [NestedToken] = []) {
        self.text = text
        self.parts = parts
    }
}

/// An evaluated part of a string.
struct NestedToken {
    enum Part {
        case variable(Token)
        /// The text of a `$( )`, which is yet to be parsed.
        case subExpression(SourceText)
    }

    let part: Part
    /// Where it stands in the string's text, in UTF-16 units.
    let place: Range<Int>
}

final class NumberTokenValue {
    let value: NumberValue
    init(_ value: NumberValue) { self.value = value }
}

final class VariableTokenValue {
    let path: VariablePath
    init(_ path: VariablePath) { self.path = path }
}

final class ParameterTokenValue {
    let name: String
    let usedColon: Bool

    init(_ name: String, usedColon: Bool) {
        self.name = name
        self.usedColon = usedColon
    }
}
