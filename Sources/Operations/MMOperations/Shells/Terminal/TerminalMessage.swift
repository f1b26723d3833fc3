package import MMShell

/// What a person's terminal tells a terminal in a session, as one piece of a call's input.
package enum TerminalMessage: Sendable, Hashable {
    /// What keys send.
    case keys([UInt8])
    /// The terminal has another size.
    case size(ShellCommand.Size)
    /// The person leaves; what runs goes on.
    case detach

    private enum Kind: UInt8 {
        case keys, size, detach
    }

    /// The message as a piece of input.
    package var bytes: [UInt8] {
        switch self {
        case .keys(let bytes): return [Kind.keys.rawValue] + bytes
        case .size(let size):
            let (rows, columns) = (UInt16(size.rows), UInt16(size.columns))
            return [
                Kind.size.rawValue, UInt8(rows >> 8), UInt8(rows & 0xFF), UInt8(columns >> 8), UInt8(columns & 0xFF),
            ]
        case .detach: return [Kind.detach.rawValue]
        }
    }

    /// The message of a piece of input; `nil` for none that this version knows.
    package init?(_ bytes: [UInt8]) {
        switch bytes.first.flatMap(Kind.init) {
        case .keys?: self = .keys(Array(bytes.dropFirst()))
        case .size? where bytes.count == 5:
            let (rows, columns) = (Int(bytes[1]) << 8 | Int(bytes[2]), Int(bytes[3]) << 8 | Int(bytes[4]))
            self = .size(ShellCommand.Size(rows: rows, columns: columns))
        case .detach?: self = .detach
        default: return nil
        }
    }
}
