import CHiredis

/// A reply of Redis.
package enum RedisValue: Sendable, Hashable {
    case none
    case bytes([UInt8])
    case number(Int64)
    case list([RedisValue])
    case status(String)
    case error(String)

    /// The text of a string, status or number.
    package var text: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        case .number(let number): "\(number)"
        case .none, .list, .error: nil
        }
    }

    /// The number, also of a text.
    package var integer: Int64? {
        if case .number(let number) = self { return number }
        return text.flatMap { Int64($0) }
    }

    /// The elements of a list.
    package var elements: [RedisValue]? { if case .list(let list) = self { list } else { nil } }

    /// A list of names and values as pairs.
    package var pairs: [String: RedisValue] {
        guard let list = elements, list.count.isMultiple(of: 2) else { return [:] }
        var found: [String: RedisValue] = [:]
        for place in stride(from: 0, to: list.count, by: 2) {
            if let name = list[place].text { found[name] = list[place + 1] }
        }
        return found
    }

    init(reply: UnsafeRawPointer?) {
        switch mm_redis_kind(reply) {
        case Int32(mm_redis_integer): self = .number(mm_redis_number(reply))
        case Int32(mm_redis_string): self = .bytes(Self.bytes(reply))
        case Int32(mm_redis_status): self = .status(String(decoding: Self.bytes(reply), as: UTF8.self))
        case Int32(mm_redis_error): self = .error(String(decoding: Self.bytes(reply), as: UTF8.self))
        case Int32(mm_redis_array):
            self = .list((0..<mm_redis_count(reply)).map { RedisValue(reply: mm_redis_element(reply, $0)) })
        default: self = .none
        }
    }

    private static func bytes(_ reply: UnsafeRawPointer?) -> [UInt8] {
        var count = 0
        guard let start = mm_redis_bytes(reply, &count) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}
