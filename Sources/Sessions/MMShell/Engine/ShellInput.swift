public import MMCore

/// Input that is typed into a terminal.
public struct ShellInput: Sendable {
    /// The bytes that the terminal receives.
    package let bytes: [UInt8]

    /// Returns text without an added line end.
    public static func text(_ text: String) -> ShellInput { ShellInput(bytes: Array(text.utf8)) }

    /// Returns the bytes that keys send, unchanged.
    package static func raw(_ bytes: [UInt8]) -> ShellInput { ShellInput(bytes: bytes) }

    /// Returns a line: the text, followed by Return.
    public static func line(_ text: String) -> ShellInput { ShellInput(bytes: Array(text.utf8) + [0x0D]) }

    /// Returns a secret, followed by Return. It isn't stored anywhere.
    public static func secret(_ secret: Secret) -> ShellInput {
        ShellInput(bytes: Array(secret.reveal().utf8) + [0x0D])
    }

    /// Returns the bytes of named keys, such as `enter`, `up`, `ctrl-c`, `f5`, and of single characters.
    /// - Throws: `.invalidInput` for an unknown key; the error lists the known ones.
    public static func keys(_ names: [String]) throws(MMError) -> ShellInput {
        var bytes: [UInt8] = []
        for name in names { bytes += try key(name) }
        return ShellInput(bytes: bytes)
    }

    private static let named: [String: String] = [
        "enter": "\r", "return": "\r", "tab": "\t", "escape": "\u{1B}", "esc": "\u{1B}", "space": " ",
        "backspace": "\u{7F}", "up": "\u{1B}[A", "down": "\u{1B}[B", "right": "\u{1B}[C", "left": "\u{1B}[D",
        "home": "\u{1B}[H", "end": "\u{1B}[F", "insert": "\u{1B}[2~", "delete": "\u{1B}[3~", "pageup": "\u{1B}[5~",
        "pagedown": "\u{1B}[6~", "shift-tab": "\u{1B}[Z", "f1": "\u{1B}OP", "f2": "\u{1B}OQ", "f3": "\u{1B}OR",
        "f4": "\u{1B}OS", "f5": "\u{1B}[15~", "f6": "\u{1B}[17~", "f7": "\u{1B}[18~", "f8": "\u{1B}[19~",
        "f9": "\u{1B}[20~", "f10": "\u{1B}[21~", "f11": "\u{1B}[23~", "f12": "\u{1B}[24~",
    ]

    private static func key(_ name: String) throws(MMError) -> [UInt8] {
        let lower = name.lowercased()
        if let sequence = named[lower] { return Array(sequence.utf8) }
        if name.unicodeScalars.count == 1 { return Array(name.utf8) }
        for prefix in ["ctrl-", "ctrl+", "c-", "^"] where lower.hasPrefix(prefix) {
            // Control characters are the codes of the letters without their upper bits (ECMA-48).
            let rest = Array(lower.dropFirst(prefix.count).utf8)
            if rest.count == 1,
                (0x61...0x7A).contains(rest[0]) || [0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0x40].contains(rest[0])
            {
                return [rest[0] & 0x1F]
            }
        }
        for prefix in ["alt-", "alt+", "m-"] where lower.hasPrefix(prefix) {
            return [0x1B] + (try key(String(name.dropFirst(prefix.count))))
        }
        throw MMError(
            .invalidInput, "“\(name)” isn't a known key.",
            hint:
                "Known keys: \(named.keys.sorted().joined(separator: ", ")), ctrl-a to ctrl-z, alt- with any of these, and single characters."
        )
    }
}

/// What a command is waiting for at its terminal.
package struct ShellPrompt: Sendable, Hashable {
    /// Whether the terminal's echo is off: it asks for a password or another secret.
    package var isSecret: Bool
    /// The last unfinished line, which is usually the question.
    package var text: String
    /// The executable of the reading program, if the system reveals it.
    package var program: String?
}
