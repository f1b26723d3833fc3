import Glibc

/// Finding bytes in bytes.
package enum ByteSearch {
    /// Where `wanted` begins first, at or after `start`.
    package static func find(_ wanted: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
        bytes.withUnsafeBytes { all in wanted.withUnsafeBytes { find($0, in: all, from: start) } }
    }

    /// Where `wanted` begins first, at or after `start`; where it is empty, `start` itself.
    package static func find(
        _ wanted: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer, from start: Int = 0
    ) -> Int? {
        guard start >= 0, start + wanted.count <= bytes.count else { return nil }
        guard let first = wanted.first, let word = wanted.baseAddress, let base = bytes.baseAddress else {
            return start
        }
        var position = start
        // The last place where all of it would still fit.
        let last = bytes.count - wanted.count
        while position <= last, let found = memchr(base + position, Int32(first), last - position + 1) {
            position = UnsafeRawPointer(found) - base
            if memcmp(base + position, word, wanted.count) == 0 { return position }
            position += 1
        }
        return nil
    }
}
