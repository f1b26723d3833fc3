/// The text of a file, as editors save it.
package enum SavedText {
    /// Returns the text of a file: of a script as `readScript` does, of any other file as `read` does.
    package static func read(_ bytes: [UInt8], from path: String) -> String? {
        isScript(path) ? readScript(bytes) : read(bytes)
    }

    /// Returns the text of a file: UTF-8, or UTF-16 after a byte order mark; `nil` for any other.
    static func read(_ bytes: [UInt8]) -> String? {
        for (mark, isLittle) in [([0xFF, 0xFE] as [UInt8], true), ([0xFE, 0xFF], false)] where bytes.starts(with: mark)
        {
            guard bytes.count % 2 == 0 else { return nil }
            let units = stride(from: 2, to: bytes.count, by: 2).map { place in
                let (one, other) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
                return isLittle ? one | other << 8 : one << 8 | other
            }
            return String(validating: units, as: UTF16.self)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Returns the text of a script; `nil` for a file that contains no text. A file that isn't Unicode is read in Windows' Western
    /// code page, which older PowerShell editors use.
    static func readScript(_ bytes: [UInt8]) -> String? {
        if let text = read(bytes) { return text }
        guard !bytes.contains(0) else { return nil }
        var text = ""
        for byte in bytes {
            let own = (0x80...0x9F).contains(byte) ? western[Int(byte) - 0x80] : UInt16(byte)
            text.unicodeScalars.append(Unicode.Scalar(own) ?? "\u{FFFD}")
        }
        return text
    }

    /// Returns whether a path is that of a PowerShell script.
    static func isScript(_ path: String) -> Bool {
        let name = path.lowercased()
        return name.hasSuffix(".ps1") || name.hasSuffix(".psm1")
    }

    /// The meanings of the bytes from 0x80 on in that code page, where they differ from Unicode.
    private static let western: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D,
        0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D,
        0x17E, 0x178,
    ]
}
