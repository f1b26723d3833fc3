package import MMCore
package import MMSessions

/// The names of the variables that scripts have left in sessions. They are kept outside the sessions, so that a script
/// that reads a variable of a lost session gets an error instead of an empty value.
package final class SessionVariables: Sendable {
    private struct State {
        var names: [SessionKey: Set<String>] = [:]
        var shared: (any SharedVariableNames)?
    }

    private let state = Mutex(State())
    /// The maximum number of sessions, and of names for each.
    private static let most = 1000

    /// Creates an empty set of names.
    package init() {}

    /// Keeps the names in a store as well from now on, since a session may be lost with its process or machine.
    package func share(_ names: any SharedVariableNames) { state.withLock { $0.shared = names } }

    /// Returns which of the given names were left in sessions with a key, here or in other processes.
    func left(of names: Set<String>, in key: SessionKey) async -> Set<String> {
        let (known, shared) = state.withLock { ($0.names[key] ?? [], $0.shared) }
        let here = names.intersection(known)
        let rest = names.subtracting(here)
        guard let shared, !rest.isEmpty else { return here }
        // If the other processes can't be asked, only this process's names count; until they can, this process only
        // reads.
        return here.union((try? await shared.known(rest, of: key)) ?? [])
    }

    /// Records names that a script leaves in a session.
    /// - Returns: whether the names were also shared with the other processes, if there are any.
    func remember(_ names: Set<String>, in key: SessionKey) async -> Bool {
        guard !names.isEmpty else { return true }
        let shared = state.withLock { state in
            if state.names[key] == nil, state.names.count >= Self.most { state.names.removeAll() }
            var known = state.names[key] ?? []
            for name in names where known.count < Self.most { known.insert(name) }
            state.names[key] = known
            return state.shared
        }
        guard let shared else { return true }
        return (try? await shared.add(names, to: key)) != nil
    }

    /// Forgets the names of sessions that are ended on purpose.
    /// - Parameters:
    ///   - connection: the connection of the sessions.
    ///   - module: the module of the sessions; `nil` for all.
    ///   - signedIn: the principal of the sessions; `nil` for all.
    package func forget(connection: String, module: String? = nil, signedIn: String? = nil) async {
        let shared = state.withLock { state in
            state.names = state.names.filter { key, _ in
                !key.isMeant(by: connection, module: module, signedIn: signedIn)
            }
            return state.shared
        }
        try? await shared?.forget(connection: connection, module: module, signedIn: signedIn)
    }
}

/// A store for the names of variables, for all processes that serve the same connections, at once or one after another.
package protocol SharedVariableNames: Sendable {
    /// Returns which of the given names were left in sessions with a key.
    /// - Throws: `unavailable`.
    func known(_ names: Set<String>, of key: SessionKey) async throws(MMError) -> Set<String>
    /// Adds names to those of a session.
    /// - Throws: `unavailable`.
    func add(_ names: Set<String>, to key: SessionKey) async throws(MMError)
    /// Forgets the names of sessions.
    /// - Throws: `unavailable`.
    func forget(connection: String, module: String?, signedIn: String?) async throws(MMError)
}

/// The variables of one session, for as long as it lasts.
final class HeldVariables: Sendable {
    private struct State {
        /// The names that scripts have set in the session, in lower case.
        var names: Set<String> = []
        /// The names that have not been shared with the other processes yet.
        var untold: Set<String> = []
        /// The process whose end also ends the variables, if there is one.
        var process: Int32?
    }

    private let key: SessionKey
    private let all: SessionVariables
    private let state = Mutex(State())

    init(of key: SessionKey, in all: SessionVariables) {
        (self.key, self.all) = (key, all)
    }

    /// Checks the variables that a script reads, and records those that it sets.
    /// - Parameters:
    ///   - needs: what the script reads and sets.
    ///   - process: the process that holds all variables, if there is one.
    ///   - dropped: the names whose values were lost with a part of the session.
    /// - Throws: `sessionLost` if it reads a variable that was lost with an earlier session.
    func admit(_ needs: VariableNeeds, process: Int32?, dropped: Set<String> = []) async throws(MMError) {
        let missing = state.withLock { state in
            if state.process != process { state.names = [] }
            state.process = process
            state.names.subtract(dropped)
            return needs.reads.subtracting(state.names)
        }
        let lost = missing.isEmpty ? [] : await all.left(of: missing, in: key)
        guard lost.isEmpty else { throw Self.lost(lost, of: key) }
        let fresh = state.withLock { state in
            let fresh = needs.leaves.subtracting(state.names).union(state.untold)
            state.names.formUnion(needs.leaves)
            state.untold = fresh
            return fresh
        }
        if await all.remember(fresh, in: key) { state.withLock { $0.untold.subtract(fresh) } }
    }

    private static func lost(_ names: Set<String>, of key: SessionKey) -> MMError {
        let list = names.sorted()
        let shown = list.prefix(5).map { "$\($0)" }.joined(separator: ", ") + (list.count > 5 ? " and more" : "")
        var error = MMError(
            .sessionLost,
            "\(shown) \(list.count == 1 ? "was" : "were") set in a session of \(key) that has ended, and lost: nothing was run.",
            hint:
                "Set \(list.count == 1 ? "it" : "them") again, then repeat this call; `reset` clears this error.",
            details: ["lostVariables": .array(list.map { .string($0) })])
        error.isUnsent = true
        return error
    }
}
