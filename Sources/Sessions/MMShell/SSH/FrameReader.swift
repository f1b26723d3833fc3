import MMCore

/// Finds the report of a command in the bytes of a stream, however they are divided.
///
/// What precedes the report is the command's output; what follows belongs to no command.
struct FrameReader: Sendable {
    /// A report.
    struct Report: Sendable, Hashable {
        var status: Int32
        /// The text after the status: on standard output `x` or `-`, then the directory.
        var rest: [UInt8]
    }

    /// The result of reading a piece.
    struct Taken: Sendable {
        /// Output of the command, or of background jobs if no command runs.
        var output: [UInt8] = []
        var report: Report?
        /// The status with which the shell showed its prompt before the report.
        var prompted: Int32?
        /// The exported variables that came with the report.
        var exports: [UInt8]?
        /// The status with which the shell itself has ended.
        var ended: Int32?
    }

    private enum State { case reading, exports(isStale: Bool) }

    private enum Kind { case report, stale, prompt, end }

    private var state = State.reading
    /// The number of the running command; empty if none runs.
    private var id: [UInt8] = []
    /// The number of the previous command: if both a prompt and a line caused a report, the second one may come when
    /// the next command runs.
    private var past: [UInt8] = []
    /// The bytes that begin the report of a prompt.
    private let promptMark: [UInt8]
    /// The bytes that begin the report of the shell's end.
    private let endMark: [UInt8]
    private var held: [UInt8] = []
    /// A report whose exported variables haven't arrived yet: a command's end is reported only together with them.
    private var pending: Report?

    /// Creates a reader of one stream.
    /// - Parameters:
    ///   - promptMark: the bytes that begin the report of a prompt; see `RemoteDialect.promptMark`.
    ///   - endMark: the bytes that begin the report of the shell's end; see `RemoteDialect.endMark`.
    init(promptMark: String = "", endMark: String = "") {
        self.promptMark = Array(promptMark.utf8)
        self.endMark = Array(endMark.utf8)
    }

    /// Sets the number to look for from now on.
    mutating func begin(_ id: String) {
        if !self.id.isEmpty { past = self.id }
        self.id = Array(id.utf8)
        pending = nil
    }

    /// Reads a piece.
    mutating func take(_ bytes: [UInt8]) -> Taken {
        var taken = Taken()
        held += bytes
        while true {
            if case .exports(let isStale) = state {
                guard let end = held.firstIndex(of: 0) else { return taken }
                if !isStale {
                    taken.exports = Array(held[..<end])
                    taken.report = pending
                    pending = nil
                }
                held.removeFirst(end + 1)
                state = .reading
                continue
            }
            guard let (start, kind, number) = first() else {
                let kept = overlap()
                taken.output += held.dropLast(kept)
                held.removeFirst(held.count - kept)
                return taken
            }
            taken.output += held[..<start]
            guard let end = held[start...].firstIndex(of: 0) else {
                held.removeFirst(start)
                return taken
            }
            let record = held[(start + number.count)..<end]
            held.removeFirst(end + 1)
            if kind == .prompt || kind == .end {
                let status = Int32(String(decoding: record, as: UTF8.self))
                if kind == .prompt { taken.prompted = status } else { taken.ended = status }
                continue
            }
            guard record.first == 0x20, let blank = record.dropFirst().firstIndex(of: 0x20),
                let status = Int32(String(decoding: record[(record.startIndex + 1)..<blank], as: UTF8.self))
            else { continue }
            let report = Report(status: status, rest: Array(record[(blank + 1)...]))
            let bringsExports = report.rest.first == UInt8(ascii: "x")
            if bringsExports { state = .exports(isStale: kind == .stale) }
            guard kind == .report else { continue }
            if bringsExports { pending = report } else { taken.report = report }
            past = id
            id = []
        }
    }

    /// Returns the first known number in the held bytes, and its meaning.
    private func first() -> (start: Int, kind: Kind, number: [UInt8])? {
        var found: (start: Int, kind: Kind, number: [UInt8])?
        for (number, kind) in [(id, Kind.report), (past, .stale), (promptMark, .prompt), (endMark, .end)]
        where !number.isEmpty {
            if let place = ByteSearch.find(number, in: held), place < found?.start ?? held.count {
                found = (place, kind, number)
            }
        }
        return found
    }

    /// Ends the stream and returns the bytes that were held because a number might have begun there.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        // A report that was cut off isn't output.
        if case .exports = state { return [] }
        return first() == nil ? held : []
    }

    /// Returns how many bytes at the end may be the beginning of a number.
    private func overlap() -> Int {
        [id, past, promptMark, endMark].map { ByteSearch.beginning(of: $0, atEndOf: held) }.max() ?? 0
    }
}
