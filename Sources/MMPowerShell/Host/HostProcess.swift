import Glibc
import MMCore
import MMSystem

/// The process of one host and its child processes.
final class HostProcess: Sendable {
    /// The process that was started. It is the leader of the kernel session that its children belong to.
    let child: ChildProcess
    /// The process id of PowerShell itself: that of `child`, unless a launcher stands in between.
    let powerShell: Int32
    private let mark: String
    /// Whether `child` ends all its descendants when PowerShell has exited.
    private let isLed: Bool

    init(child: ChildProcess, powerShell: Int32, mark: String, isLed: Bool) {
        self.child = child
        self.powerShell = powerShell
        self.mark = mark
        self.isLed = isLed
    }

    /// Kills every other process of the session.
    func endOthers() {
        let (leader, host, mark) = (child.pid, powerShell, mark)
        Task { try? await BlockingWork.run { SessionProcessTree.endOthers(leader: leader, host: host, mark: mark) } }
    }

    /// Returns the other processes of the session: its jobs and their children.
    func others() async -> [SessionProcessTree.Process] {
        let (leader, host, mark) = (child.pid, powerShell, mark)
        return (try? await BlockingWork.run { SessionProcessTree.others(leader: leader, host: host, mark: mark) }) ?? []
    }

    /// Asks PowerShell to exit, which it does even inside a `finally` block.
    func terminate() {
        // A suspended process doesn't handle signals until it continues.
        for number in [SIGTERM, SIGCONT] {
            if powerShell != child.pid, child.exited == nil { Glibc.kill(powerShell, number) }
            child.signal(number)
        }
    }

    /// Kills the process.
    func kill() {
        if powerShell != child.pid, child.exited == nil { Glibc.kill(powerShell, SIGKILL) }
        if !isLed { child.signalGroup(SIGKILL) }
    }

    /// The resident memory of PowerShell in bytes; `nil` when it has exited.
    var memory: Int? {
        guard let text = ProcFile.read("/proc/\(powerShell)/statm", limit: 256) else { return nil }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int(fields[1]).map { $0 * Int(getpagesize()) } : nil
    }

    /// Returns how the process exited, in words.
    static func words(_ exit: ChildProcess.Exit) -> String {
        switch exit {
        case .status(let status): "with status \(status)"
        case .signal(let signal): "by signal \(signal)" + (names[signal].map { " (\($0))" } ?? "")
        }
    }

    private static let names: [Int32: String] = [
        SIGABRT: "abort", SIGKILL: "killed by another process", SIGSEGV: "segmentation fault", SIGTERM: "terminated",
    ]
}
