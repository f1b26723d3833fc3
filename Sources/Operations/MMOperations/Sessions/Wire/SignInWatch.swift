import MMCore

/// The state of one session's sign-in, valid or ended, as reported by its proxy, the sign-in service, or its module.
final class SignInWatch: Sendable {
    private struct State {
        var end: MMError?
        var isModulesOwn = false
    }

    private let state = Mutex(State())

    /// Why the sign-in can't be used; `nil` while it is valid.
    var end: MMError? { state.withLock { $0.end } }

    /// Whether the sign-in that ended is the module's own.
    var isModulesOwn: Bool { state.withLock { $0.isModulesOwn } }

    /// Notes the end of the sign-in.
    /// - Parameters:
    ///   - error: why it has ended.
    ///   - isModulesOwn: whether it is the module's own.
    /// - Returns: whether the end was unknown before.
    @discardableResult
    func noteEnd(_ error: MMError, isModulesOwn: Bool = false) -> Bool {
        state.withLock { state in
            guard state.end == nil else { return false }
            var error = error
            error.details["ended"] = true
            state = State(end: error, isModulesOwn: isModulesOwn)
            return true
        }
    }

    /// Resets the state for a new sign-in.
    func begin() { state.withLock { $0 = State() } }
}
