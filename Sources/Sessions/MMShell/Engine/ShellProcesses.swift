import MMCore
import MMSystem

/// The processes of a session, across the shells that it has at the moment; used to admit only connections from them.
package final class ShellProcesses: Sendable {
    private let shells = Mutex<[ShellSessionProcesses]>([])

    /// Creates an empty set.
    package init() {}

    /// Returns the shells and their descendants by parent process, which are nearly all processes of the session. Reads
    /// only a few files of `/proc`, however many processes the machine has, but may block.
    package func below() -> [Int32] {
        shells.withLock { $0.map(\.shell) }.flatMap { [$0] + Descendants.running(below: $0).map(\.pid) }
    }

    /// Returns all processes of the session. Reads all of `/proc`, and may block.
    package func all() -> [Int32] {
        shells.withLock { $0 }.flatMap { shell in [shell.shell] + shell.others().map(\.id) }
    }

    /// Adds the processes of a shell that was started.
    func add(_ processes: ShellSessionProcesses) { shells.withLock { $0.append(processes) } }

    /// Removes the processes of a shell that has ended together with everything that it started.
    func remove(_ processes: ShellSessionProcesses) { shells.withLock { $0.removeAll { $0.shell == processes.shell } } }
}
