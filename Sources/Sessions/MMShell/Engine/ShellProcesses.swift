import MMCore
import MMSystem

/// The processes of a session, whichever shells it has at the moment: for what admits them alone.
package final class ShellProcesses: Sendable {
    private let shells = Mutex<[ShellSessionProcesses]>([])

    /// None yet.
    package init() {}

    /// The shells, and all below them that has its parent still: nearly always all. Reads a few files of `/proc`, however
    /// many processes the machine has, and may block.
    package func below() -> [Int32] {
        shells.withLock { $0.map(\.shell) }.flatMap { [$0] + Descendants.running(below: $0).map(\.pid) }
    }

    /// All of them. Reads `/proc`, and may block.
    package func all() -> [Int32] {
        shells.withLock { $0 }.flatMap { shell in [shell.shell] + shell.others().map(\.id) }
    }

    /// A shell was started.
    func add(_ processes: ShellSessionProcesses) { shells.withLock { $0.append(processes) } }

    /// A shell has ended, and all that it started.
    func remove(_ processes: ShellSessionProcesses) { shells.withLock { $0.removeAll { $0.shell == processes.shell } } }
}
