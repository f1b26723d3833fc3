import MMCore

/// The processes of a session, whichever PowerShell it currently has; used to admit only these processes.
package final class SessionProcesses: Sendable {
    private struct Host {
        let leader: Int32
        let mark: String
        var powerShell: Int32
    }

    private let host = Mutex<Host?>(nil)

    /// Creates an empty set of processes.
    package init() {}

    /// PowerShell and its launcher.
    package var main: [Int32] {
        host.withLock { $0.map { $0.leader == $0.powerShell ? [$0.leader] : [$0.powerShell, $0.leader] } ?? [] }
    }

    /// Returns all of them. It reads `/proc` and may block.
    package func all() -> [Int32] {
        guard let host = host.withLock({ $0 }) else { return [] }
        return [host.leader, host.powerShell]
            + SessionProcessTree.others(leader: host.leader, host: host.powerShell, mark: host.mark).map(\.id)
    }

    /// Records that a process was started for the session.
    func started(_ leader: Int32, mark: String) {
        host.withLock { $0 = Host(leader: leader, mark: mark, powerShell: leader) }
    }

    /// Records which process is PowerShell, as the started process reports it.
    func greeted(_ powerShell: Int32, from leader: Int32) {
        host.withLock { host in
            if host?.leader == leader { host?.powerShell = powerShell }
        }
    }
}
