/// Text search under the standard library's names: a file that imports MMCore takes these, and the regular expression
/// library, which has the others, stays out of the programs. It is a megabyte and more for these few words.
///
/// Bytes of UTF-8 are compared, not characters: what is searched for here are words of protocols, paths and messages,
/// and a guard must find `\n` in `\r\n` and `/` before a combining mark.
extension StringProtocol {
    /// Whether a text occurs in this one; the empty one does in each.
    package func contains(_ wanted: String) -> Bool { offset(of: wanted) != nil }

    /// Where a text first occurs; the empty one at the start.
    package func firstRange(of wanted: String) -> Range<Index>? {
        guard let offset = offset(of: wanted) else { return nil }
        let start = utf8.index(startIndex, offsetBy: offset)
        return start..<utf8.index(start, offsetBy: wanted.utf8.count)
    }

    /// The text with another one in each place of `wanted`, from left to right; an empty one has no places.
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
            // A text without storage of its own does not come about on Linux; the copy is for one that might.
            return found ?? Array(utf8).withUnsafeBytes { ByteSearch.find(word, in: $0) }
        }
    }
}
