/// A value as far as the text alone determines it: constants with their values, everything else by kind.
public indirect enum FactValue: Sendable, Equatable {
    /// A constant string, decoded.
    case string(String)
    /// A number.
    case number(FactNumber)
    /// `$true`, `$false` or `$null`.
    case literal(FactLiteral)
    /// An array literal.
    case array([FactValue])
    /// A hashtable literal with the values of its keys.
    case hashtable(keys: [FactValue])
    /// A value known only at run time; the name is that of a variable, type or constant member.
    case dynamic(FactDynamic, name: String?)
}

/// A number literal with its type and value.
public struct FactNumber: Sendable, Equatable {
    /// The literal as written.
    public let text: String
    /// The value.
    public let value: NumberValue

    /// Creates a number from its text and value.
    public init(text: String, value: NumberValue) {
        self.text = text
        self.value = value
    }
}

/// The three variables that are constants.
public enum FactLiteral: String, Sendable {
    /// `$true`.
    case `true`
    /// `$false`.
    case `false`
    /// `$null`.
    case null
}

/// The kind of expression that yields a dynamic value.
public enum FactDynamic: String, Sendable {
    /// A variable.
    case variable = "var"
    /// A splatted variable.
    case splat
    /// An expandable string.
    case expandableString = "xstr"
    /// A script block.
    case scriptBlock = "sb"
    /// A pipeline in parentheses.
    case paren
    /// `$( )`.
    case sub
    /// `@( )`.
    case arrayExpression = "arr"
    /// A member read.
    case member = "mem"
    /// A method call.
    case call
    /// An index access.
    case index = "idx"
    /// A binary operator.
    case binary = "bin"
    /// A unary operator.
    case unary = "un"
    /// A cast.
    case cast
    /// An attribute before a variable.
    case attributed = "attr"
    /// A type literal.
    case type
    /// `? :`.
    case ternary = "tern"
    /// `$using:`.
    case using
    /// Anything else.
    case other
}
