import MMCore

/// Whether the sign-in of one session is good still, as far as anybody has seen: its wire, the sign-in service, or its module's
/// own words.
final class SignInWatch: Sendable {
    private struct State {
        var end: MMError?
        var isModules = false
    }

    private let state = Mutex(State())

    /// Why a person has to sign in again; `nil` while nobody has seen an end.
    var end: MMError? { state.withLock { $0.end } }

    /// Whether what ended is the sign-in that the module made by itself.
    var isModulesOwn: Bool { state.withLock { $0.isModules } }

    /// Notes the end of the sign-in.
    /// - Returns: whether it is news.
    @discardableResult
    func over(_ error: MMError, ofModule isModules: Bool = false) -> Bool {
        state.withLock { state in
            guard state.end == nil else { return false }
            var error = error
            error.details["ended"] = true
            state = State(end: error, isModules: isModules)
            return true
        }
    }

    /// A new sign-in begins.
    func begin() { state.withLock { $0 = State() } }
}
