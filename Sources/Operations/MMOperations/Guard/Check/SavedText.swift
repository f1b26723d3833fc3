package import MMCore

/// The text of a file, as editors save it.
package enum SavedText {
    /// Why bytes are no text.
    enum Fault: String, Error {
        case cutUTF16 = "ends in the middle of a UTF-16 character"
        case badUTF16 = "is marked as UTF-16 but contains other bytes"
        case zeroBytes = "contains zero bytes: it is binary, or UTF-16 without a byte order mark"
        case otherBytes = "is no UTF-8 text"
    }

    /// Returns the text of a file: of a script as `readScript` does, of any other file as `read` does.
    /// - Throws: `invalidInput` that says why the file is no text.
    package static func read(_ bytes: [UInt8], from path: String) throws(MMError) -> String {
        do throws(Fault) {
            return try isScript(path) ? readScript(bytes) : read(bytes)
        } catch {
            throw MMError(
                .invalidInput, "The file \(path) \(error.rawValue).", hint: "Save it as UTF-8.",
                details: ["file": .string(path)])
        }
    }

    /// Returns the text of a file: UTF-8, or UTF-16 after a byte order mark.
    static func read(_ bytes: [UInt8]) throws(Fault) -> String {
        for (mark, isLittle) in [([0xFF, 0xFE] as [UInt8], true), ([0xFE, 0xFF], false)] where bytes.starts(with: mark)
        {
            guard bytes.count % 2 == 0 else { throw .cutUTF16 }
            let units = stride(from: 2, to: bytes.count, by: 2).map { place in
                let (one, other) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
                return isLittle ? one | other << 8 : one << 8 | other
            }
            guard let text = String(validating: units, as: UTF16.self) else { throw .badUTF16 }
            return text
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw bytes.contains(0) ? .zeroBytes : .otherBytes
        }
        return text
    }

    /// Returns the text of a script. One that isn't Unicode is read in Windows' Western code page, which older
    /// PowerShell editors use.
    static func readScript(_ bytes: [UInt8]) throws(Fault) -> String {
        do throws(Fault) {
            return try read(bytes)
        } catch {
            guard error == .otherBytes else { throw error }
        }
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
