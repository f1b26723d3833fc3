import Glibc
import MMSystem

/// The processes of one shell session, found in `/proc`: those of its kernel session, their descendants, and those that
/// carry its mark (they left the kernel session with `setsid` and a second fork).
///
/// All calls read files and may block, so call them on a thread for blocking work.
struct ShellSessionProcesses: Sendable {
    /// The shell's process id, which is also the id of its kernel session.
    let shell: Int32
    /// The mark of everything that the session started.
    let mark: LineageMark?
    /// The shell's start time; after its end its process id may be used again.
    private let start: UInt64?

    /// Creates the set for a shell that is running now.
    init(shell: Int32, mark: LineageMark? = nil) {
        self.shell = shell
        self.mark = mark
        start = ProcessEntry(shell)?.start
    }

    /// The group that holds the session's terminal: that of the running command, or the shell's own.
    var foregroundGroup: Int32? {
        guard let entry = ProcessEntry(shell), entry.foreground > 0 else { return nil }
        return entry.foreground
    }

    /// Returns the processes of the session without the shell itself.
    func others() -> [ProcessEntry] {
        ProcessEntry.belonging(to: [shell], session: shell, start: start) { entry in mark?.marks(entry.id) ?? false }
    }

    /// Returns whether one process is the other's parent, directly or further up.
    func isAncestor(_ id: Int32, of other: Int32) -> Bool {
        var current = ProcessEntry(other)
        while let entry = current, entry.parent > 1 {
            if entry.parent == id { return true }
            current = ProcessEntry(entry.parent)
        }
        return false
    }

    /// Kills the matching processes and those that they start in the meantime, and waits a few seconds at most for
    /// their end.
    func killOthers(where matches: (ProcessEntry) -> Bool = { _ in true }) {
        for round in 0..<500 {
            let found = others().filter(matches)
            if found.isEmpty { return }
            for entry in found { kill(entry.id, SIGKILL) }
            // The first process of a PID namespace ends only after all others in it.
            usleep(round < 3 ? 500 : 10_000)
        }
    }

    /// Sends a signal to all processes of a group except one.
    func signal(_ number: Int32, groupOf group: Int32, sparing spared: Int32) {
        for entry in ProcessEntry.all() where entry.group == group && entry.id != spared && !entry.isDead {
            kill(entry.id, number)
        }
    }

    /// Returns whether no process of these groups is alive any more, after a short wait for those that are just ending.
    /// - Parameter again: called once for each group that is still alive after the wait.
    func isGone(_ groups: Set<Int32>, again: (Int32) -> Void) -> Bool {
        var alive: Set<Int32> = []
        for round in 0..<15 {
            alive = Set(ProcessEntry.all().filter { groups.contains($0.group) && !$0.isDead }.map(\.group))
            if alive.isEmpty { return true }
            usleep(round < 3 ? 1_000 : 10_000)
        }
        for group in alive { again(group) }
        return false
    }

    /// Interrupts those processes of a group that end on SIGINT, because they don't catch, ignore or block it.
    func interruptDefaults(of group: Int32) {
        for entry in ProcessEntry.all() where entry.group == group && !entry.isDead && Self.diesOfInterrupt(entry.id) {
            kill(entry.id, SIGINT)
        }
    }

    /// Returns whether SIGINT ends a process. `/proc/<id>/status` lists its signals as hexadecimal bit sets (proc(5)).
    private static func diesOfInterrupt(_ id: Int32) -> Bool {
        guard let text = ProcFile.read("/proc/\(id)/status", limit: 16384) else { return false }
        var found = 0
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            guard ["SigBlk:", "SigIgn:", "SigCgt:"].contains(where: { line.hasPrefix($0) }),
                let set = UInt64(line.dropFirst(7).drop { $0 == "\t" || $0 == " " }, radix: 16)
            else { continue }
            if set & (1 << UInt64(SIGINT - 1)) != 0 { return false }
            found += 1
        }
        return found == 3
    }

    /// Returns the process of the foreground group that reads the terminal.
    func reader(of terminal: String) -> Int32? {
        guard let foreground = foregroundGroup else { return nil }
        return ProcessEntry.all().first { entry in
            entry.group == foreground && !entry.isDead && Self.reads(entry.id, terminal)
        }?.id
    }

    /// Returns the stopped processes of the running command that nothing can resume, such as one member of a pipeline:
    /// all other processes of the session are stopped, too, or wait at a pipe.
    func stuckMembers() -> [Int32] {
        guard let foreground = foregroundGroup else { return [] }
        let left = others().filter { $0.id != shell && !$0.isDead && !isAncestor($0.id, of: shell) }
        let stuck = left.filter { $0.isStopped && $0.group == foreground }
        guard !stuck.isEmpty, left.allSatisfy({ $0.isStopped || Self.waitsAtPipe($0.id) }) else { return [] }
        return stuck.map(\.id)
    }

    #if arch(arm64)
        private static let readCall = 63
        private static let writeCall = 64
        private static let waitCalls: Set<Int> = [72, 73, 22]
    #else
        private static let readCall = 0
        private static let writeCall = 1
        private static let waitCalls: Set<Int> = [7, 23, 232, 270, 271, 281]
    #endif

    /// Returns the number of the system call that a process waits in, and its first argument (`/proc/<id>/syscall`).
    private static func systemCall(of id: Int32) -> (number: Int, first: Int)? {
        guard let text = ProcFile.read("/proc/\(id)/syscall", limit: 256) else { return nil }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let number = Int(fields[0]), fields[1].hasPrefix("0x") else { return nil }
        return (number, Int(fields[1].dropFirst(2), radix: 16) ?? -1)
    }

    /// Returns whether a process waits to read from a pipe or to write into it.
    private static func waitsAtPipe(_ id: Int32) -> Bool {
        guard let call = systemCall(of: id), [readCall, writeCall].contains(call.number) else { return false }
        return ProcFile.linkTarget("/proc/\(id)/fd/\(call.first)")?.hasPrefix("pipe:") ?? false
    }

    private static func reads(_ id: Int32, _ terminal: String) -> Bool {
        guard let call = systemCall(of: id) else { return false }
        let descriptor: Int
        if call.number == readCall {
            guard call.first >= 0 else { return false }
            descriptor = call.first
        } else if waitCalls.contains(call.number) {
            descriptor = 0
        } else {
            return false
        }
        let target = ProcFile.linkTarget("/proc/\(id)/fd/\(descriptor)")
        return target == terminal || target == "/dev/tty"
    }
}
