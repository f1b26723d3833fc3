/// What a stream wrote: the beginning, the end, and how much is missing in between.
struct OutputCapture: Sendable {
    private(set) var head: [UInt8] = []
    private var tail: [UInt8] = []
    private(set) var total = 0
    private let headLimit: Int
    private let tailLimit: Int

    init(head: Int, tail: Int) {
        headLimit = head
        tailLimit = tail
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        total += bytes.count
        let first = min(bytes.count, headLimit - head.count)
        if first > 0 { head.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes.prefix(first))) }
        let rest = bytes.dropFirst(max(first, 0))
        guard !rest.isEmpty, tailLimit > 0 else { return }
        tail.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest.suffix(tailLimit)))
        // Cutting at twice the limit makes the cost of a byte constant.
        if tail.count >= 2 * tailLimit { tail.removeFirst(tail.count - tailLimit) }
    }

    private var tailStart: Int { total - min(tail.count, tailLimit) }

    /// How many bytes between beginning and end are gone.
    var omitted: Int { tailStart - head.count }

    /// Everything that is kept.
    var kept: (head: [UInt8], tail: [UInt8]) { (head, Array(tail.suffix(tailLimit))) }

    /// A piece from an offset on. An offset in the gap gives what follows the gap.
    func page(from offset: Int, limit: Int) -> (start: Int, bytes: [UInt8]) {
        let offset = max(0, min(offset, total))
        if offset < head.count { return (offset, Array(head[offset...].prefix(limit))) }
        let start = max(offset, tailStart)
        return (start, Array(tail.suffix(total - start).prefix(limit)))
    }
}
