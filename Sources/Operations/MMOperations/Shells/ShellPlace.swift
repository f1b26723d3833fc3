import MMCore
import MMSessions
package import MMShell

/// Where commands of a shell session run.
package enum ShellPlace: String, Sendable, Hashable {
    /// On this machine.
    case shell
    /// On a host, by SSH.
    case ssh
}

/// What names a session: whose it is, where it runs, and its own name. Nobody reaches a session under another owner's key.
package struct ShellSessionName: PoolKey {
    /// Whose it is.
    package var owner: String
    /// Where it runs.
    package var place: ShellPlace
    /// Its name among its owner's.
    package var name: String
    /// The host as its target names it, for which secrets are named.
    package private(set) var host: String?

    /// A name.
    package init(owner: String, place: ShellPlace, name: String) {
        self.owner = owner
        self.place = place
        self.name = name
    }

    /// The name of a session on a host.
    /// - Parameter suffix: tells further sessions on it apart.
    package init(owner: String, on target: SSHTarget, suffix: String = "") {
        self.init(owner: owner, place: .ssh, name: target.requestedName + suffix)
        host = target.host
    }

    /// As people and models name it.
    package var description: String { name }

    /// By owner, place and name.
    package static func < (left: ShellSessionName, right: ShellSessionName) -> Bool {
        (left.owner, left.place.rawValue, left.name) < (right.owner, right.place.rawValue, right.name)
    }
}

extension CallContext {
    /// Whose shell sessions a call reaches: those of its client's own session, else those of the face it came through.
    package var shellOwner: String {
        if let session = terms.sessionID { return "session:" + session }
        let caller = terms.caller
        return caller.surface == .terminal ? "terminal" : "\(caller.surface.rawValue):\(caller.server ?? caller.name)"
    }
}
