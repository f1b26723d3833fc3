/// The guard's decision: the strongest of several wins.
public enum GuardDecision: String, Sendable, Hashable, Comparable, CaseIterable {
    /// It may proceed.
    case allow
    /// A person must confirm it first.
    case ask
    /// It may not proceed, even if confirmed.
    case deny

    private var rank: Int {
        switch self {
        case .allow: 0
        case .ask: 1
        case .deny: 2
        }
    }

    /// Returns whether the left decision is the weaker one.
    public static func < (left: GuardDecision, right: GuardDecision) -> Bool { left.rank < right.rank }
}
