import Glibc
package import MMCore

/// A process as described by `/proc/<id>/stat` (proc(5)). Reading it may block.
package struct ProcessEntry: Sendable, Hashable {
    /// The process id.
    package let id: Int32
    /// The program's name, truncated to 15 bytes.
    package let name: String
    /// The process state, as a letter.
    package let state: UInt8
    /// The parent: the process that started it or adopted it.
    package let parent: Int32
    /// The process group.
    package let group: Int32
    /// The kernel session.
    package let session: Int32
    /// Whether it has a controlling terminal.
    package let hasTerminal: Bool
    /// The foreground process group of its terminal.
    package let foreground: Int32
    /// The start time in clock ticks since boot. Together with the id it identifies a process; ids alone are reused.
    package let start: UInt64

    /// Reads a process; nil when there is none.
    package init?(_ id: Int32) {
        guard let found = try? ProcessEntry.look(id) else { return nil }
        self = found
    }

    /// Reads a process; nil when there is none.
    /// - Throws: `unavailable` if this process lacks the means to look.
    package static func look(
        _ id: Int32, reading read: ProcFile.Reader = ProcFile.look
    ) throws(MMError) -> ProcessEntry? {
        try read("/proc/\(id)/stat", 4096).flatMap { ProcessEntry(id, line: $0) }
    }

    private init?(_ id: Int32, line: [UInt8]) {
        // The name stands in parentheses and may contain any character, so fields are counted from the last closing
        // parenthesis.
        guard let open = line.firstIndex(of: UInt8(ascii: "(")), let close = line.lastIndex(of: UInt8(ascii: ")")),
            open < close
        else { return nil }
        let fields = line[(close + 1)...].split(separator: 0x20, maxSplits: 20)
        func number(_ field: Int) -> Int64? { Int64(String(decoding: fields[field], as: UTF8.self)) }
        guard fields.count > 19, let state = fields[0].first, let parent = number(1), let group = number(2),
            let session = number(3), let terminal = number(4), let foreground = number(5), let start = number(19)
        else { return nil }
        self.id = id
        name = String(decoding: line[(open + 1)..<close], as: UTF8.self)
        self.state = state
        // The kernel writes these as `int`.
        self.parent = Int32(truncatingIfNeeded: parent)
        self.group = Int32(truncatingIfNeeded: group)
        self.session = Int32(truncatingIfNeeded: session)
        hasTerminal = terminal != 0
        self.foreground = Int32(truncatingIfNeeded: foreground)
        self.start = UInt64(bitPattern: start)
    }

    /// Whether it has ended and only waits to be reaped.
    package var isDead: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
    /// Whether a signal or a debugger has stopped it.
    package var isStopped: Bool { state == UInt8(ascii: "T") || state == UInt8(ascii: "t") }

    /// Returns the ids of a process: the one here, followed by those in nested PID namespaces (`NSpid`).
    package static func numbers(of id: Int32) -> [Int32] {
        guard let text = ProcFile.read("/proc/\(id)/status", limit: 64 << 10) else { return [] }
        for line in text.split(separator: 0x0A) where line.starts(with: "NSpid:".utf8) {
            return line.dropFirst(6).split { $0 == 0x09 || $0 == 0x20 }.compactMap {
                Int32(String(decoding: $0, as: UTF8.self))
            }
        }
        return []
    }

    /// Returns every visible process.
    package static func all() -> [ProcessEntry] { ProcFile.numericNames(in: "/proc").compactMap(ProcessEntry.init) }

    /// Returns the living processes that belong to some leaders: their descendants, the members of a kernel session,
    /// and marked processes, which may have escaped both with `setsid` and a double fork.
    /// - Parameters:
    ///   - leaders: the processes they belong to; these and this process are left out.
    ///   - session: the id of the kernel session.
    ///   - start: the start time of the session's first process, where known.
    ///   - isMarked: returns whether a process bears the mark.
    package static func belonging(
        to leaders: Set<Int32>, session: Int32, start: UInt64? = nil, isMarked: (ProcessEntry) -> Bool
    ) -> [ProcessEntry] {
        let all = all()
        // A session's id isn't reused while it has members: if another process has the id, all members are gone.
        let isTaken = start.map { start in all.contains { $0.id == session && $0.start != start } } ?? false
        var members = isTaken ? leaders.subtracting([session]) : leaders
        var grew = true
        while grew {
            grew = false
            for entry in all where !members.contains(entry.id) && members.contains(entry.parent) {
                members.insert(entry.id)
                grew = true
            }
        }
        return all.filter { entry in
            guard !leaders.contains(entry.id), entry.id != getpid(), !entry.isDead else { return false }
            return members.contains(entry.id) || !isTaken && entry.session == session || isMarked(entry)
        }
    }

    /// Returns whether the environment that it was started with contains a variable, given as `NAME=value`.
    package func carries(_ variable: [UInt8]) -> Bool {
        guard let environment = ProcFile.read("/proc/\(id)/environ", limit: 1 << 20) else { return false }
        return environment.split(separator: 0).contains { $0.elementsEqual(variable) }
    }
}
