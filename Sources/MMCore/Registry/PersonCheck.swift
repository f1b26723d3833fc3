/// What a person has to show before a yes counts, from the weakest to the strongest.
public enum PersonCheck: String, Sendable, CaseIterable, Comparable {
    /// A terminal of their own, or a form of a client that is theirs.
    case terminal
    /// A PIN that only they know (`mm pin set`), typed in a terminal.
    case pin
    /// The password of their login, typed in a terminal and checked by the system (PAM).
    case login
    /// The touch of a security key that they registered (`mm key add`), which signs the very request.
    case key

    /// A check is less than another when it is weaker.
    public static func < (left: PersonCheck, right: PersonCheck) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// The checks that a connection wants, by the class of what is confirmed.
public struct ConnectionPersonChecks: Sendable, Hashable {
    /// The check for classes that have none of their own.
    public var usual: PersonCheck
    /// Checks of single classes.
    public var classes: [String: PersonCheck]

    public init(_ usual: PersonCheck = .terminal, classes: [String: PersonCheck] = [:]) {
        self.usual = usual
        self.classes = classes
    }

    /// The strongest check that any of these classes wants.
    public func strongest(of words: [String]) -> PersonCheck {
        words.map { classes[$0] ?? usual }.max() ?? usual
    }
}
