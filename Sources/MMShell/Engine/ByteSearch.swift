import Glibc

/// Finding bytes in bytes.
enum ByteSearch {
    /// Where `wanted` begins first, at or after `start`.
    static func find(_ wanted: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
        guard !wanted.isEmpty else { return start <= bytes.count ? start : nil }
        guard start >= 0, start + wanted.count <= bytes.count else { return nil }
        return bytes.withUnsafeBytes { all in
            wanted.withUnsafeBytes { word in
                guard let base = all.baseAddress, let first = word.first, let whole = word.baseAddress else {
                    return nil
                }
                var position = start
                // The last place where all of it would still fit.
                let last = all.count - word.count
                while position <= last, let found = memchr(base + position, Int32(first), last - position + 1) {
                    position = UnsafeRawPointer(found) - base
                    if memcmp(base + position, whole, word.count) == 0 { return position }
                    position += 1
                }
                return nil
            }
        }
    }
}
