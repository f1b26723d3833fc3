import Glibc

/// What `/proc/<id>/stat` says of a process (proc(5)). Reading it may block.
package struct ProcessEntry: Sendable, Hashable {
    /// Its number.
    package let id: Int32
    /// The name of its program, cut to 15 bytes.
    package let name: String
    /// What it does, as a letter.
    package let state: UInt8
    /// The process that started it, or that adopted it.
    package let parent: Int32
    /// Its process group.
    package let group: Int32
    /// Its kernel session.
    package let session: Int32
    /// The foreground group of its terminal.
    package let foreground: Int32
    /// When it started, in ticks since the system did. With the number it names one process; the number alone is soon
    /// somebody else's.
    package let start: UInt64

    /// Reads a process; nil where there is none.
    package init?(_ id: Int32) {
        guard let text = ProcFile.read("/proc/\(id)/stat", limit: 4096) else { return nil }
        let line = String(decoding: text, as: UTF8.self)
        // The name stands in parentheses and may hold any character, so what follows is counted from the last closing one.
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"), open < close else { return nil }
        let fields = line[line.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].utf8.first, let parent = Int32(fields[1]),
            let group = Int32(fields[2]), let session = Int32(fields[3]), let foreground = Int32(fields[5]),
            let start = UInt64(fields[19])
        else { return nil }
        self.id = id
        name = String(line[line.index(after: open)..<close])
        self.state = state
        self.parent = parent
        self.group = group
        self.session = session
        self.foreground = foreground
        self.start = start
    }

    /// Whether it has ended and only waits to be asked after.
    package var isDead: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
    /// Whether a signal or a debugger has stopped it.
    package var isStopped: Bool { state == UInt8(ascii: "T") || state == UInt8(ascii: "t") }

    /// Every process that can be seen from here.
    package static func all() -> [ProcessEntry] { ProcFile.numbers(in: "/proc").compactMap(ProcessEntry.init) }

    /// The living processes that belong to some: their descendants, the members of a kernel session, and those that bear
    /// a mark, because they left both with `setsid` and a second fork.
    /// - Parameters:
    ///   - leaders: the processes they belong to, which are left out, as is this one.
    ///   - session: the number of the kernel session.
    ///   - start: when the session's first process started, where that is known.
    ///   - isMarked: whether a process bears the mark.
    package static func belonging(
        to leaders: Set<Int32>, session: Int32, start: UInt64? = nil, isMarked: (ProcessEntry) -> Bool
    ) -> [ProcessEntry] {
        let all = all()
        // As long as a session has members its number is nobody else's: a stranger under it means that they are all gone.
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

    /// Whether its environment, as it was started with, holds a variable: `NAME=value`.
    package func carries(_ variable: [UInt8]) -> Bool {
        guard let environment = ProcFile.read("/proc/\(id)/environ", limit: 1 << 20) else { return false }
        return environment.split(separator: 0).contains { $0.elementsEqual(variable) }
    }
}
