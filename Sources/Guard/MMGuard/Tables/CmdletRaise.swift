/// A parameter that adds classes to its cmdlet.
struct CmdletRaise: Sendable {
    enum Condition: Sendable, Hashable {
        case any
        case isTrue
        case isFalse
        /// One of these values, in lower case.
        case values([String])
    }

    let parameter: String
    /// The name in lower case.
    let folded: String
    let condition: Condition
    let reason: String
    let classes: GuardClassSet
}
