/// A parser for a terminal's bytes: text, control characters and escape sequences (ECMA-48, and those that xterm adds).
struct TerminalParser: Sendable {
    enum Item: Sendable, Hashable {
        case character(Unicode.Scalar)
        /// A control character of C0.
        case control(UInt8)
        /// ESC and one final byte, as in ESC 7.
        case escape(UInt8)
        /// CSI: its private mark (0 for none), its numbers (-1 for a missing one) and its final byte.
        case sequence(mark: UInt8, numbers: [Int], final: UInt8)
    }

    private enum State: Sendable {
        case ground, escape, charset, sequence, string, stringEscape
    }

    private var state = State.ground
    private var mark: UInt8 = 0
    private var numbers: [Int] = []
    private var current = -1
    private var isOdd = false
    private var pending: UInt32 = 0
    private var missing = 0

    /// Returns the text of terminal output, without the sequences that move the cursor and set colours.
    static func text(of bytes: some Sequence<UInt8>) -> String {
        var parser = TerminalParser()
        var text = ""
        for byte in bytes {
            parser.take(byte) { item in
                switch item {
                case .character(let character): text.unicodeScalars.append(character)
                case .control(0x09): text += " "
                default: break
                }
            }
        }
        return text
    }

    /// Parses one byte.
    mutating func take(_ byte: UInt8, _ deliver: (Item) -> Void) {
        // These characters end a sequence at any point (ECMA-48, 5.5; CAN, SUB, ESC).
        if byte == 0x18 || byte == 0x1A {
            state = .ground
            return
        }
        switch state {
        case .ground: ground(byte, deliver)
        case .escape:
            switch byte {
            case 0x5B:
                state = .sequence
                (mark, numbers, current, isOdd) = (0, [], -1, false)
            case 0x5D, 0x50, 0x58, 0x5E, 0x5F: state = .string
            case 0x20...0x2F: state = .charset
            case 0x1B: break
            default:
                state = .ground
                deliver(.escape(byte))
            }
        case .charset: if byte >= 0x30 { state = .ground }
        case .sequence: sequence(byte, deliver)
        case .string:
            if byte == 0x07 { state = .ground } else if byte == 0x1B { state = .stringEscape }
        case .stringEscape: state = byte == 0x5C ? .ground : .string
        }
    }

    private mutating func ground(_ byte: UInt8, _ deliver: (Item) -> Void) {
        if missing > 0, byte & 0xC0 == 0x80 {
            pending = pending << 6 | UInt32(byte & 0x3F)
            missing -= 1
            if missing == 0 { deliver(.character(Unicode.Scalar(pending) ?? "\u{FFFD}")) }
            return
        }
        if missing > 0 {
            missing = 0
            deliver(.character("\u{FFFD}"))
        }
        switch byte {
        case 0x1B: state = .escape
        case 0..<0x20: deliver(.control(byte))
        case 0x7F: return
        case 0..<0x80: deliver(.character(Unicode.Scalar(byte)))
        case 0xC2...0xDF: (pending, missing) = (UInt32(byte & 0x1F), 1)
        case 0xE0...0xEF: (pending, missing) = (UInt32(byte & 0x0F), 2)
        case 0xF0...0xF4: (pending, missing) = (UInt32(byte & 0x07), 3)
        default: deliver(.character("\u{FFFD}"))
        }
    }

    private mutating func sequence(_ byte: UInt8, _ deliver: (Item) -> Void) {
        switch byte {
        case 0x30...0x39: current = min(max(current, 0) * 10 + Int(byte - 0x30), 9999)
        case 0x3B, 0x3A:
            if numbers.count < 32 { numbers.append(current) }
            current = -1
        case 0x3C...0x3F: mark = byte
        case 0x20...0x2F: isOdd = true
        case 0x1B: state = .escape
        case 0x40...0x7E:
            state = .ground
            numbers.append(current)
            if !isOdd { deliver(.sequence(mark: mark, numbers: numbers, final: byte)) }
        case 0..<0x20: deliver(.control(byte))
        default: state = .ground
        }
    }
}
