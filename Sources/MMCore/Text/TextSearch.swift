import Glibc

/// Text search under the standard library's names. A file that imports MMCore uses these, so that the regular
/// expression library with its own versions isn't linked into the programs; it would add more than a megabyte.
///
/// UTF-8 bytes are compared, not characters: the texts searched for are protocol words, paths and messages, and a guard
/// must find `\n` in `\r\n` and `/` before a combining mark.
extension StringProtocol {
    /// Returns whether this text contains another; every text contains the empty one.
    package func contains(_ wanted: String) -> Bool { offset(of: wanted) != nil }

    /// Returns the range of the first occurrence of a text; an empty text occurs at the start.
    package func firstRange(of wanted: String) -> Range<Index>? {
        guard let offset = offset(of: wanted) else { return nil }
        let start = utf8.index(startIndex, offsetBy: offset)
        return start..<utf8.index(start, offsetBy: wanted.utf8.count)
    }

    /// Replaces every occurrence of `wanted` from left to right; an empty text has no occurrences.
    package func replacing(_ wanted: String, with other: String) -> String {
        var result = ""
        var rest = self[...]
        while !wanted.isEmpty, let place = rest.firstRange(of: wanted) {
            result += rest[..<place.lowerBound]
            result += other
            rest = rest[place.upperBound...]
        }
        result += rest
        return result
    }

    private func offset(of wanted: String) -> Int? {
        var wanted = wanted
        return wanted.withUTF8 { word in
            let word = UnsafeRawBufferPointer(word)
            let found = utf8.withContiguousStorageIfAvailable { ByteSearch.find(word, in: UnsafeRawBufferPointer($0)) }
            // Strings without contiguous storage don't occur on Linux; copying handles one that might.
            return found ?? Array(utf8).withUnsafeBytes { ByteSearch.find(word, in: $0) }
        }
    }
}

/// Searches for bytes within bytes.
package enum ByteSearch {
    /// Returns whether a byte occurs. It is many times faster than `contains` on a long text.
    package static func has(_ byte: UInt8, in bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return false }
            return memchr(base, Int32(byte), all.count) != nil
        }
    }

    /// Returns the first position of `wanted` at or after `start`.
    package static func find(_ wanted: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
        bytes.withUnsafeBytes { all in wanted.withUnsafeBytes { find($0, in: all, from: start) } }
    }

    /// Returns how many bytes at the end of `bytes` may be the beginning of `wanted`, which isn't complete there.
    package static func beginning(of wanted: [UInt8], atEndOf bytes: [UInt8]) -> Int {
        let longest = min(wanted.count - 1, bytes.count)
        guard longest > 0 else { return 0 }
        return (1...longest).last { bytes.suffix($0).elementsEqual(wanted.prefix($0)) } ?? 0
    }

    /// Returns the first position of `wanted` at or after `start`; `start` itself if `wanted` is empty.
    fileprivate static func find(
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
