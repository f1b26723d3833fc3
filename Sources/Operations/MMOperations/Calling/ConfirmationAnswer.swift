/// What a person said to a question.
public enum ConfirmationAnswer: String, Sendable {
    /// Not this.
    case no
    /// Exactly this.
    case yes
    /// This, and as many more of its kind as the question offered.
    case yesToAlike
}
