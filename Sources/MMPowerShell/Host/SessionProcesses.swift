import Glibc
import MMCore
import MMSystem

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

/// The processes of one session, found in `/proc`: those of its kernel session, the descendants of its PowerShell, and
/// those that carry its mark in their environment (they left both with `setsid` and a second fork).
///
/// All calls read files and may block; they belong on a thread for such work.
enum SessionProcessTree {
    /// The environment variable that marks the processes of a session. Its value isn't secret.
    static let markVariable = "MM_SESSION"

    /// A process of a session.
    struct Process: Sendable, Hashable {
        let id: Int32
        let name: String
    }

    /// Returns the processes of a session except its PowerShell.
    /// - Parameters:
    ///   - leader: the process that was started; also the id of its kernel session.
    ///   - host: PowerShell's own process, if it isn't the leader.
    ///   - mark: the value of the mark.
    static func others(leader: Int32, host: Int32, mark: String) -> [Process] {
        let variable = Array("\(markVariable)=\(mark)".utf8)
        // Between the two is the init process of the session's PID namespace; if it ended, all others would too.
        var leaders: Set<Int32> = [leader, host]
        var next = ProcessEntry(host)?.parent
        while let parent = next, parent > 1, !leaders.contains(parent) {
            leaders.insert(parent)
            next = ProcessEntry(parent)?.parent
        }
        if next != leader { leaders = [leader, host] }
        return ProcessEntry.belonging(to: leaders, session: leader) { $0.carries(variable) }
            .map { Process(id: $0.id, name: $0.name) }
    }

    /// Kills them and the processes that they start meanwhile, in a few rounds.
    static func endOthers(leader: Int32, host: Int32, mark: String) {
        for _ in 0..<5 {
            let found = others(leader: leader, host: host, mark: mark)
            if found.isEmpty { return }
            for process in found { kill(process.id, SIGKILL) }
        }
    }
}
