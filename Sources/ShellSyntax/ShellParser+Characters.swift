/// Single characters: classes, look-ahead and what the plain grammar forbids.
extension ShellParser {
    static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }

    mutating func skipBlanks() {
        while position < bytes.count {
            if bytes[position] == 0x20 || bytes[position] == 0x09 {
                position += 1
            } else if bytes[position] == 0x5C, position + 1 < bytes.count, bytes[position + 1] == 0x0A {
                position += 2
            } else {
                return
            }
        }
    }

    func peek(_ character: Unicode.Scalar, after steps: Int = 0) -> Bool {
        position + steps < bytes.count && UInt32(bytes[position + steps]) == character.value
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek(character) else { return false }
        position += 1
        return true
    }

    /// Refuses, under the plain grammar, characters that a shell reads differently from how people see them.
    func checkCharacter(isQuoted: Bool = false) throws(ShellRefusal) {
        guard grammar == .plain else { return }
        let byte = bytes[position]
        if byte < 0x20, byte != 0x09, !(isQuoted && byte == 0x0A) {
            throw refusal(
                byte == 0 ? "a NUL character" : byte == 0x0D ? "a carriage return" : "a control character",
                at: position)
        }
        if byte == 0x7F { throw refusal("a control character", at: position) }
        // In UTF-8, the blank and invisible characters beyond ASCII begin with one of these bytes.
        guard !isQuoted, byte == 0xC2 || byte == 0xE1 || byte == 0xE2 || byte == 0xE3 || byte == 0xEF else { return }
        let scalar = scalarHere()
        let isBlank =
            scalar == 0x85 || scalar == 0xA0 || scalar == 0xAD || scalar == 0x1680 || scalar == 0x180E
            || (0x2000...0x200F).contains(scalar) || (0x2028...0x202F).contains(scalar)
            || (0x205F...0x206F).contains(scalar) || scalar == 0x3000 || scalar == 0xFEFF
            || (0x80...0x9F).contains(scalar)
        if isBlank { throw refusal("a blank or invisible character beyond ASCII", at: position) }
    }

    private func scalarHere() -> UInt32 {
        String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self).unicodeScalars.first?.value
            ?? 0
    }
}
