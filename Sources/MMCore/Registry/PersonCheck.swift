/// A check that a person must pass before a confirmation counts, from weakest to strongest.
package enum PersonCheck: String, Sendable, CaseIterable, Comparable {
    /// A form in their own client, or a terminal.
    case form
    /// A terminal of their own: whatever starts `mm-mcp` by itself can answer its own form, and types at no terminal.
    case terminal
    /// A PIN that only they know (`mm pin set`), typed in a terminal.
    case pin
    /// The password of their login, typed in a terminal and checked by the system (PAM).
    case login
    /// A touch of a security key that they registered (`mm key add`), which signs this very request.
    case key

    /// Returns whether the left check is weaker than the right one.
    package static func < (left: PersonCheck, right: PersonCheck) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// The checks that a connection requires, by the class of what is confirmed.
package struct ConnectionPersonChecks: Sendable, Hashable {
    /// The check for classes without one of their own.
    package var standard: PersonCheck
    /// Checks for individual classes.
    package var classes: [String: PersonCheck]

    package init(_ standard: PersonCheck = .form, classes: [String: PersonCheck] = [:]) {
        self.standard = standard
        self.classes = classes
    }

    /// Returns the strongest check that any of these classes requires.
    package func strongest(of words: [String]) -> PersonCheck {
        words.map { classes[$0] ?? standard }.max() ?? standard
    }
}
