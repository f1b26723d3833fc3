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
        /// The exported variables that came with it.
        var exports: [UInt8]?
    }

    private enum State { case idle, searching, exports }

    private var state = State.idle
    private var id: [UInt8] = []
    /// The number before: where a prompt and a line both report, the second report may come when the next command runs.
    private var past: [UInt8] = []
    private var held: [UInt8] = []
    /// A report whose exported variables are still on their way: nobody hears of a command's end before what it leaves.
    private var pending: Report?

    /// From now on this number is looked for.
    mutating func begin(_ id: String) {
        past = self.id
        self.id = Array(id.utf8)
        state = .searching
        pending = nil
    }

    /// Takes a piece.
    mutating func take(_ bytes: [UInt8]) -> Taken {
        var taken = Taken()
        held += bytes
        while true {
            switch state {
            case .idle:
                taken.output += held
                held = []
                return taken
            case .exports:
                guard let end = held.firstIndex(of: 0) else { return taken }
                taken.exports = Array(held[..<end])
                taken.report = pending
                pending = nil
                held.removeFirst(end + 1)
                state = .idle
            case .searching:
                let place = ByteSearch.find(id, in: held)
                if let stale = past.isEmpty ? nil : ByteSearch.find(past, in: held), stale < place ?? held.count {
                    taken.output += held[..<stale]
                    guard let end = held[stale...].firstIndex(of: 0) else {
                        held.removeFirst(stale)
                        return taken
                    }
                    held.removeFirst(end + 1)
                    continue
                }
                guard let start = place else {
                    let kept = overlap()
                    taken.output += held.dropLast(kept)
                    held.removeFirst(held.count - kept)
                    return taken
                }
                guard let end = held[start...].firstIndex(of: 0) else {
                    taken.output += held[..<start]
                    held.removeFirst(start)
                    return taken
                }
                taken.output += held[..<start]
                let record = held[(start + id.count)..<end]
                held.removeFirst(end + 1)
                guard record.first == 0x20, let blank = record.dropFirst().firstIndex(of: 0x20),
                    let status = Int32(String(decoding: record[(record.startIndex + 1)..<blank], as: UTF8.self))
                else { continue }
                let report = Report(status: status, rest: Array(record[(blank + 1)...]))
                if report.rest.first == UInt8(ascii: "x") {
                    pending = report
                    state = .exports
                } else {
                    taken.report = report
                    state = .idle
                }
            }
        }
    }

    /// Ends the stream: what was kept because the number might have begun there is the command's after all.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        // A report that was cut off is no output.
        return state == .searching && !held.starts(with: id) ? held : []
    }

    /// How many bytes at the end may be the beginning of a number.
    private func overlap() -> Int { max(overlap(with: id), overlap(with: past)) }

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
