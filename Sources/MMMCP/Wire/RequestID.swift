package import MMCore

/// The id of a JSON-RPC request: a string or an integer, echoed with the type and value it came with
/// (JSON-RPC 2.0, section 4).
package enum RequestID: Sendable, Hashable {
    /// A string id; `"1"` is another id than `1`.
    case string(String)
    /// An integer id.
    case int(Int64)
    /// The text of an integer id that 64 bits don't hold.
    case big(String)

    /// The id that a message carries; `nil` when the value is no legal id.
    /// - Parameter value: the member `id` as it was parsed.
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

    /// The id as it goes back on the wire.
    package var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .int(let number): .int(number)
        case .big(let text): .number(text)
        }
    }
}
