import MMCore

/// Finds the report of a command in the bytes of a stream, however they are cut.
///
/// What stands before it is the command's; what follows belongs to nobody.
struct FrameReader: Sendable {
    /// A report.
    struct Report: Sendable, Hashable {
        var status: Int32
        /// What follows the status: on standard output `x` or `-`, then the directory.
        var rest: [UInt8]
    }

    /// What came of a piece.
    struct Taken: Sendable {
        /// Bytes of the command, or of nobody when none runs.
        var output: [UInt8] = []
        var report: Report?
        /// The status with which the shell's prompt came round before the report.
        var prompted: Int32?
        /// The exported variables that came with it.
        var exports: [UInt8]?
        /// The status with which the shell itself has ended.
        var ended: Int32?
    }

    private enum State { case reading, exports(isStale: Bool) }

    private enum Kind { case report, stale, prompt, end }

    private var state = State.reading
    /// The number of the command that runs; empty when none does.
    private var id: [UInt8] = []
    /// The number before: where a prompt and a line both report, the second report may come when the next command runs.
    private var past: [UInt8] = []
    /// What a prompt says of itself.
    private let promptMark: [UInt8]
    /// What tells of the shell's end.
    private let endMark: [UInt8]
    private var held: [UInt8] = []
    /// A report whose exported variables are still on their way: nobody hears of a command's end before what it leaves.
    private var pending: Report?

    /// Reads a stream.
    /// - Parameters:
    ///   - promptMark: what a prompt says of itself; see `RemoteDialect.promptMark`.
    ///   - endMark: what tells of the shell's end; see `RemoteDialect.endMark`.
    init(promptMark: String = "", endMark: String = "") {
        self.promptMark = Array(promptMark.utf8)
        self.endMark = Array(endMark.utf8)
    }

    /// From now on this number is looked for.
    mutating func begin(_ id: String) {
        if !self.id.isEmpty { past = self.id }
        self.id = Array(id.utf8)
        pending = nil
    }

    /// Takes a piece.
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

    /// The first number that is known, and what it says.
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

    /// Ends the stream: what was kept because the number might have begun there is the command's after all.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        // A report that was cut off is no output.
        if case .exports = state { return [] }
        return first() == nil ? held : []
    }

    /// How many bytes at the end may be the beginning of a number.
    private func overlap() -> Int { [id, past, promptMark, endMark].map { overlap(with: $0) }.max() ?? 0 }

    private func overlap(with number: [UInt8]) -> Int {
        let longest = min(number.count - 1, held.count)
        guard longest > 0 else { return 0 }
        for count in stride(from: longest, through: 1, by: -1)
        where held.suffix(count).elementsEqual(number.prefix(count)) {
            return count
        }
        return 0
    }
}
