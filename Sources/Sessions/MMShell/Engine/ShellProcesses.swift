import MMCore
import MMSystem

/// The processes of a session, whichever shells it has at the moment: for what admits them alone.
package final class ShellProcesses: Sendable {
    private let shells = Mutex<[ShellSessionProcesses]>([])

    /// None yet.
    package init() {}

    /// The shells themselves.
    package var main: [Int32] { shells.withLock { $0.map(\.shell) } }

    /// All of them. Reads `/proc`, and may block.
    package func all() -> [Int32] {
        shells.withLock { $0 }.flatMap { shell in [shell.shell] + shell.others().map(\.id) }
    }

    /// A shell was started.
    func add(_ processes: ShellSessionProcesses) { shells.withLock { $0.append(processes) } }

    /// A shell has ended, and all that it started.
    func remove(_ processes: ShellSessionProcesses) { shells.withLock { $0.removeAll { $0.shell == processes.shell } } }
}
