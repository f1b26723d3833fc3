/// Base64 encoding and decoding (RFC 4648, sections 4 and 5).
package enum Base64 {
    /// The characters for the values 62 and 63, and whether the end is padded.
    package enum Alphabet: Sendable {
        /// `+` and `/`, padded with `=` (section 4).
        case standard
        /// `-` and `_`, without padding (section 5), as tokens use it.
        case url
    }

    /// Encodes bytes as base64 text.
    package static func text(_ bytes: some Collection<UInt8>, alphabet: Alphabet = .standard) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        func put(_ group: UInt32, _ count: Int) {
            for place in 0..<count {
                text.append(letter(of: UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * place) & 63), alphabet))
            }
        }
        var held: UInt32 = 0
        var count = 0
        for byte in bytes {
            held = held << 8 | UInt32(byte)
            count += 1
            guard count == 3 else { continue }
            put(held, 4)
            (held, count) = (0, 0)
        }
        if count > 0 {
            put(held << (count == 1 ? 16 : 8), count + 1)
            if alphabet == .standard { text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - count)) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func letter(of value: UInt8, _ alphabet: Alphabet) -> UInt8 {
        switch value {
        case 0..<26: 0x41 + value
        case 26..<52: 0x61 + value - 26
        case 52..<62: 0x30 + value - 52
        case 62: alphabet == .standard ? UInt8(ascii: "+") : UInt8(ascii: "-")
        default: alphabet == .standard ? UInt8(ascii: "/") : UInt8(ascii: "_")
        }
    }

    /// Decodes base64 text; returns `nil` when it isn't valid.
    ///
    /// Padding may be missing (MSAL writes both forms) but not wrong, and unused trailing bits must be zero.
    package static func bytes(_ text: String, alphabet: Alphabet = .standard) -> [UInt8]? {
        var letters = Array(text.utf8)
        if letters.last == UInt8(ascii: "=") {
            guard letters.count % 4 == 0 else { return nil }
            letters.removeLast(letters.dropLast().last == UInt8(ascii: "=") ? 2 : 1)
        }
        guard letters.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letters.count * 3 / 4)
        var held: UInt32 = 0
        var bits = 0
        for letter in letters {
            guard let value = value(of: letter, alphabet) else { return nil }
            held = held << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(bits)))
            held &= (1 << UInt32(bits)) - 1
        }
        return held == 0 ? bytes : nil
    }

    private static func value(of letter: UInt8, _ alphabet: Alphabet) -> UInt8? {
        switch letter {
        case 0x41...0x5A: letter - 0x41
        case 0x61...0x7A: letter - 0x61 + 26
        case 0x30...0x39: letter - 0x30 + 52
        case UInt8(ascii: "+") where alphabet == .standard, UInt8(ascii: "-") where alphabet == .url: 62
        case UInt8(ascii: "/") where alphabet == .standard, UInt8(ascii: "_") where alphabet == .url: 63
        default: nil
        }
    }
}
