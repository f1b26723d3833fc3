extension StringProtocol {
    /// The text without the white space at both of its ends.
    package var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }

    /// The text without the spaces and tabs at both of its ends, and nothing else: what may surround a field value (RFC
    /// 9110, section 5.6.3).
    package var trimmedOfSpacesAndTabs: String {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
