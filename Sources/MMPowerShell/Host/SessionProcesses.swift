import MMCore

/// The processes of a session, whichever PowerShell it has at the moment: for what admits them alone.
package final class SessionProcesses: Sendable {
    private struct Host {
        let leader: Int32
        let mark: String
        var powerShell: Int32
    }

    private let host = Mutex<Host?>(nil)

    /// None yet.
    package init() {}

    /// PowerShell, and what started it.
    package var main: [Int32] {
        host.withLock { $0.map { $0.leader == $0.powerShell ? [$0.leader] : [$0.powerShell, $0.leader] } ?? [] }
    }

    /// All of them. Reads `/proc`, and may block.
    package func all() -> [Int32] {
        guard let host = host.withLock({ $0 }) else { return [] }
        return [host.leader, host.powerShell]
            + ProcessTree.others(leader: host.leader, host: host.powerShell, mark: host.mark).map(\.id)
    }

    /// A process was started for the session.
    func started(_ leader: Int32, mark: String) {
        host.withLock { $0 = Host(leader: leader, mark: mark, powerShell: leader) }
    }

    /// The process that was started says which one PowerShell is.
    func greeted(_ powerShell: Int32, from leader: Int32) {
        host.withLock { host in
            if host?.leader == leader { host?.powerShell = powerShell }
        }
    }
}
