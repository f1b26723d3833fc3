import MMCore

/// The kinds of answers that a tool gives as data. Each has one shape, whichever tool it comes from.
enum AnswerKind {
    /// The whole answer: the members of an object as they are, the rows of a list in `value`.
    case data
    /// Words alone, in `text`.
    case text
    /// The beginning of a long answer in `text`, with counts and the handle of the rest.
    case page
    /// A call that goes on, with its handle.
    case job
    /// What was not done, and what to do about it; also a sign-in or a person's yes that is waited for.
    case error
}

extension ToolAnswer {
    /// The JSON Schema of every result as data. Its members follow from the kind (Docs/StartAgents.md): to name them on each tool would
    /// cost a model more on every turn than all that the tools say of themselves.
    static let schema: JSONObject = ["type": "object"]
}
