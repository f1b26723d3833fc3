import Glibc

/// Searches for bytes within bytes.
package enum ByteSearch {
    /// Returns the first position of `wanted` at or after `start`.
    package static func find(_ wanted: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
        bytes.withUnsafeBytes { all in wanted.withUnsafeBytes { find($0, in: all, from: start) } }
    }

    /// Returns the first position of `wanted` at or after `start`; `start` itself if `wanted` is empty.
    package static func find(
        _ wanted: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer, from start: Int = 0
    ) -> Int? {
        guard start >= 0, start + wanted.count <= bytes.count else { return nil }
        guard let first = wanted.first, let word = wanted.baseAddress, let base = bytes.baseAddress else {
            return start
        }
        var position = start
        // The last position where `wanted` still fits.
        let last = bytes.count - wanted.count
        while position <= last, let found = memchr(base + position, Int32(first), last - position + 1) {
            position = UnsafeRawPointer(found) - base
            if memcmp(base + position, word, wanted.count) == 0 { return position }
            position += 1
        }
        return nil
    }
}
