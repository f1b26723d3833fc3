/// Where commands of a shell session run.
package enum ShellPlace: String, Sendable, Hashable {
    /// On this machine.
    case shell
    /// On a host, by SSH.
    case ssh
}

/// What names a session: whose it is, where it runs, and its own name. Nobody reaches a session under another owner's key.
package struct ShellSessionName: Sendable, Hashable {
    /// Whose it is.
    package var owner: String
    /// Where it runs.
    package var place: ShellPlace
    /// Its name among its owner's.
    package var name: String

    /// A name.
    package init(owner: String, place: ShellPlace, name: String) {
        self.owner = owner
        self.place = place
        self.name = name
    }
}

extension CallContext {
    /// Whose shell sessions a call reaches: those of its client's own session, else those of the face it came through.
    package var shellOwner: String {
        if let sessionID { return "session:" + sessionID }
        return caller.surface == .terminal ? "terminal" : "\(caller.surface.rawValue):\(caller.server ?? caller.name)"
    }
}
