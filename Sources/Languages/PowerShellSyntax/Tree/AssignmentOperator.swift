/// An operator that writes to its left-hand side. Raw values are the names of the engine's token kinds.
package enum AssignmentOperator: String, Sendable, CaseIterable {
    /// `=`.
    case equals = "Equals"
    /// `+=`.
    case plusEquals = "PlusEquals"
    /// `-=`.
    case minusEquals = "MinusEquals"
    /// `*=`.
    case multiplyEquals = "MultiplyEquals"
    /// `/=`.
    case divideEquals = "DivideEquals"
    /// `%=`.
    case remainderEquals = "RemainderEquals"
    /// `??=`.
    case questionQuestionEquals = "QuestionQuestionEquals"
}
