import MMCore

/// Finds the end of a command's part of the terminal's output, where a mark was written, and takes marks out of it.
///
/// A mark that came too late for its command is taken out of the output of the next one.
struct TerminalMark {
    /// The mark that is awaited.
    private var awaited: [UInt8]?
    /// Marks that nobody waits for any more. The system may have discarded them: an interrupt empties the terminal.
    private var late: [[UInt8]] = []
    /// Bytes with which a mark may begin.
    private var held: [UInt8] = []

    /// Starts to wait for a mark.
    mutating func expect(_ mark: [UInt8]) { awaited = mark }

    /// Stops waiting for the mark.
    mutating func giveUp() {
        if let awaited { late.append(awaited) }
        awaited = nil
    }

    /// Takes bytes that were written to the terminal.
    /// - Returns: the command's output, and whether it ends with it.
    mutating func take(_ bytes: [UInt8]) -> (output: [UInt8], isEnd: Bool) {
        if awaited == nil, late.isEmpty { return (bytes, false) }
        var output = held + bytes
        held = []
        if let mark = awaited, let place = ByteSearch.find(mark, in: output) {
            output.removeSubrange(place...)
            removeLateMarks(from: &output)
            (awaited, late) = (nil, [])
            return (output, true)
        }
        removeLateMarks(from: &output)
        let count = (late + [awaited ?? []]).map { ByteSearch.beginning(of: $0, atEndOf: output) }.max() ?? 0
        held = Array(output.suffix(count))
        output.removeLast(count)
        return (output, false)
    }

    private mutating func removeLateMarks(from output: inout [UInt8]) {
        late.removeAll { mark in
            guard let place = ByteSearch.find(mark, in: output) else { return false }
            output.removeSubrange(place..<place + mark.count)
            return true
        }
    }
}
