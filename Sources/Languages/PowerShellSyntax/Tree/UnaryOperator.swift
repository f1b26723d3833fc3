/// A prefix or postfix operator. Raw values are the names of the engine's token kinds.
package enum UnaryOperator: String, Sendable, CaseIterable {
    /// `!`.
    case exclaim = "Exclaim"
    /// `-not`.
    case not = "Not"
    /// `-bnot`.
    case bnot = "Bnot"
    /// `+`.
    case plus = "Plus"
    /// `-`.
    case minus = "Minus"
    /// `++` before its operand.
    case plusPlus = "PlusPlus"
    /// `--` before its operand.
    case minusMinus = "MinusMinus"
    /// `++` after its operand.
    case postfixPlusPlus = "PostfixPlusPlus"
    /// `--` after its operand.
    case postfixMinusMinus = "PostfixMinusMinus"
    /// `-join`.
    case join = "Join"
    /// `-split`, `-isplit`.
    case isplit = "Isplit"
    /// `-csplit`.
    case csplit = "Csplit"
}
