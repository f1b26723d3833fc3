package import MMCore

/// The id of a JSON-RPC request: a string or an integer, echoed with its original type and value (JSON-RPC 2.0, section
/// 4).
package enum RequestID: Sendable, Hashable {
    /// A string id; `"1"` and `1` are different ids.
    case string(String)
    /// An integer id.
    case int(Int64)
    /// The digits of an integer id that doesn't fit into 64 bits.
    case big(String)

    /// Reads the id of a message; `nil` when the value is no valid id.
    /// - Parameter value: the parsed `id` member.
    package init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .int(let number): self = .int(number)
        case .double(let number):
            guard let whole = Int64(exactly: number) else { return nil }
            self = .int(whole)
        case .number(let text):
            guard text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || ($0 >= 0x30 && $0 <= 0x39) }) else { return nil }
            self = .big(text)
        default: return nil
        }
    }

    /// The id as JSON, for the wire.
    package var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .int(let number): .int(number)
        case .big(let text): .number(text)
        }
    }
}
