import Glibc

/// Splits chunks of any size into lines.
package struct LineSplitter: Sendable {
    /// A unit of input.
    package enum Frame: Sendable, Hashable {
        /// A line without its ending (`\n` or `\r\n`). Text after the last line ending counts as a line.
        case line([UInt8])
        /// A line over the limit, which was skipped, with its size.
        case tooLong(bytes: Int)
    }

    private let maxLineBytes: Int
    private var rest: [UInt8] = []
    private var skipped = 0

    /// Creates a splitter at the start of its input.
    /// - Parameter maxLineBytes: the maximum length of a line; longer ones are skipped and reported with their size.
    package init(maxLineBytes: Int) {
        self.maxLineBytes = maxLineBytes
    }

    /// Consumes a chunk and delivers the lines that it completes.
    package mutating func consume(_ piece: UnsafeRawBufferPointer, _ deliver: (Frame) -> Void) {
        guard let base = piece.baseAddress else { return }
        var start = 0
        while start < piece.count {
            guard let found = memchr(base + start, 0x0A, piece.count - start) else {
                keep(UnsafeRawBufferPointer(rebasing: piece[start...]))
                return
            }
            let end = UnsafeRawPointer(found) - base
            let line = UnsafeRawBufferPointer(rebasing: piece[start..<end])
            start = end + 1
            deliver(complete(line))
        }
    }

    /// Ends the input and delivers what follows the last line ending.
    package mutating func finish(_ deliver: (Frame) -> Void) {
        guard !rest.isEmpty || skipped > 0 else { return }
        deliver(complete(UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    private mutating func keep(_ piece: UnsafeRawBufferPointer) {
        if skipped > 0 {
            skipped += piece.count
        } else if rest.count + piece.count > maxLineBytes + 1 {
            // Allow one byte more than the limit, because the last one may be a carriage return.
            skipped = rest.count + piece.count
            rest = []
        } else {
            rest.append(contentsOf: piece)
        }
    }

    private mutating func complete(_ piece: UnsafeRawBufferPointer) -> Frame {
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
