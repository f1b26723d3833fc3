extension StringProtocol {
    /// The text with A–Z in lower case and nothing else changed: the services and PowerShell compare names ordinally,
    /// so that a Kelvin sign is no k.
    var asciiLowercased: String {
        let bytes = utf8
        guard bytes.contains(where: { (0x41...0x5a).contains($0) }) else { return String(self) }
        return String(decoding: bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
