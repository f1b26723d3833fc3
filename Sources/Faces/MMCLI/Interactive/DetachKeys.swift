/// The keys that a terminal in a session doesn't get: `Ctrl-] d` leaves it, `Ctrl-] Ctrl-]` sends one `Ctrl-]`.
struct DetachKeys {
    /// `Ctrl-]`.
    private static let prefix: UInt8 = 0x1D
    /// What leaves the terminal behind the prefix: `d`, also with Ctrl still held.
    private static let leaving: Set<UInt8> = [UInt8(ascii: "d"), UInt8(ascii: "D"), 0x04]

    private var isOpen = false

    /// Takes what was typed.
    /// - Returns: what the terminal gets, and whether the person leaves behind it.
    mutating func take(_ typed: [UInt8]) -> (keys: [UInt8], leaves: Bool) {
        var keys: [UInt8] = []
        for byte in typed {
            if isOpen {
                isOpen = false
                if Self.leaving.contains(byte) { return (keys, true) }
                // Whatever else follows was meant for the program.
                keys += byte == Self.prefix ? [byte] : [Self.prefix, byte]
            } else if byte == Self.prefix {
                isOpen = true
            } else {
                keys.append(byte)
            }
        }
        return (keys, false)
    }
}
