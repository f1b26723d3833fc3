import Glibc

/// Cuts pieces of any size into lines.
package struct LineSplitter: Sendable {
    private let maxLineBytes: Int
    private var rest: [UInt8] = []
    private var skipped = 0

    /// A splitter at the start of its input.
    /// - Parameter maxLineBytes: the longest line; longer ones are skipped and reported by their size.
    package init(maxLineBytes: Int) {
        self.maxLineBytes = maxLineBytes
    }

    /// Takes a piece and delivers the lines that it completes.
    /// - Returns: false as soon as `deliver` gives false.
    package mutating func consume(
        _ piece: UnsafeRawBufferPointer, _ deliver: (ReaderThread.Frame) -> Bool
    ) -> Bool {
        guard let base = piece.baseAddress else { return true }
        var start = 0
        while start < piece.count {
            guard let found = memchr(base + start, 0x0A, piece.count - start) else {
                keep(UnsafeRawBufferPointer(rebasing: piece[start...]))
                return true
            }
            let end = UnsafeRawPointer(found) - base
            let line = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            start = end + 1
            guard deliver(complete(line)) else { return false }
        }
        return true
    }

    /// The input has ended: delivers what stands after the last line end.
    package mutating func finish(_ deliver: (ReaderThread.Frame) -> Bool) -> Bool {
        guard !rest.isEmpty || skipped > 0 else { return true }
        return deliver(complete(UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    private mutating func keep(_ piece: UnsafeRawBufferPointer) {
        if skipped > 0 {
            skipped += piece.count
        } else if rest.count + piece.count > maxLineBytes + 1 {
            // One more than the limit, since a carriage return may be the last byte.
            skipped = rest.count + piece.count
            rest = []
        } else {
            rest.append(contentsOf: piece)
        }
    }

    private mutating func complete(_ piece: UnsafeRawBufferPointer) -> ReaderThread.Frame {
        keep(piece)
        if skipped > 0 {
            defer { skipped = 0 }
            return .tooLong(bytes: skipped)
        }
        var line: [UInt8] = []
        swap(&line, &rest)
        if line.last == 0x0D { line.removeLast() }
        return line.count > maxLineBytes ? .tooLong(bytes: line.count) : .line(line)
    }
}
