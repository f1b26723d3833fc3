/// What the guard says: the strongest of several wins.
public enum GuardDecision: String, Sendable, Hashable, Comparable, CaseIterable {
    /// It may go on.
    case allow
    /// A person confirms first.
    case ask
    /// It may not go on, whoever confirms.
    case deny

    private var rank: Int {
        switch self {
        case .allow: 0
        case .ask: 1
        case .deny: 2
        }
    }

    /// Whether the left decision is the weaker one.
    public static func < (left: GuardDecision, right: GuardDecision) -> Bool { left.rank < right.rank }
}
