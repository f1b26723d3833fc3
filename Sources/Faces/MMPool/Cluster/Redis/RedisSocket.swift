import CHiredis
import MMCore

/// One connection to one server. It stays on the thread that opened it, and blocks that thread.
final class RedisSocket {
    /// The reason why there is no reply.
    struct Fault: Error {
        let text: String
        /// Whether the command may have been carried out.
        let mayHaveRun: Bool
    }

    /// Whether the server accepts writes.
    private(set) var isMaster = false
    private let redis: OpaquePointer

    private init(_ redis: OpaquePointer) { self.redis = redis }

    deinit { mm_redis_close(redis) }

    /// Connects and authenticates.
    /// - Parameter address: the credentials, database and encryption to use; its servers are ignored.
    static func open(
        _ server: RedisAddress.Server, _ address: RedisAddress, isSentinel: Bool = false, within limit: Duration
    ) throws(Fault) -> RedisSocket {
        let milliseconds = Int32(limit.milliseconds)
        var why = [CChar](repeating: 0, count: 256)
        let encryption = address.encryption
        let opened = withOptional(server.host) { host in
            withOptional(server.port == 0 ? server.host : nil) { path in
                withOptional(encryption?.authority) { authority in
                    withOptional(encryption?.certificate) { certificate in
                        withOptional(encryption?.key) { key in
                            var place = mm_redis_place(
                                host: host, port: Int32(server.port), path: path,
                                is_encrypted: encryption == nil ? 0 : 1, ca: authority, certificate: certificate,
                                key: key)
                            return mm_redis_open(&place, milliseconds, &why, why.count)
                        }
                    }
                }
            }
        }
        guard let opened else {
            throw Fault(text: "\(server): \(text(why))", mayHaveRun: false)
        }
        let socket = RedisSocket(opened)
        do throws(Fault) {
            try socket.begin(address, isSentinel: isSentinel, within: milliseconds)
        } catch {
            throw Fault(text: "\(server): \(error.text)", mayHaveRun: false)
        }
        return socket
    }

    private func begin(_ address: RedisAddress, isSentinel: Bool, within limit: Int32) throws(Fault) {
        let secret = address.secret.map { ["AUTH"] + [address.user, $0.reveal()].compactMap(\.self) }
        if isSentinel {
            // Sentinels that have no secret refuse this one, and answer nevertheless.
            if let secret { _ = try ask(secret.map { Array($0.utf8) }, milliseconds: limit) }
            return
        }
        if let secret { try expect(secret, limit) }
        if address.database != 0 { try expect(["SELECT", "\(address.database)"], limit) }
        isMaster = RedisFacts(try expect(["INFO"], limit)).isMaster
    }

    @discardableResult
    private func expect(_ words: [String], _ limit: Int32) throws(Fault) -> RedisValue {
        let answer = try ask(words.map { Array($0.utf8) }, milliseconds: limit)
        if case .error(let text) = answer { throw Fault(text: "\(words[0]): \(text)", mayHaveRun: false) }
        return answer
    }

    /// Sends a command and waits for its reply. After a fault the connection can't be used any more.
    func ask(_ words: [[UInt8]], milliseconds: Int32) throws(Fault) -> RedisValue {
        var fault: Int32 = 0
        var why = [CChar](repeating: 0, count: 256)
        var all: [CChar] = []
        for word in words { all += word.map { CChar(bitPattern: $0) } }
        all.append(0)
        let lengths = words.map(\.count)
        let reply = all.withUnsafeBufferPointer { bytes in
            var starts: [UnsafePointer<CChar>?] = []
            var place = 0
            for length in lengths {
                starts.append(bytes.baseAddress.map { $0 + place })
                place += length
            }
            return mm_redis_ask(
                redis, Int32(words.count), &starts, lengths, milliseconds, &fault, &why, why.count)
        }
        guard let reply else {
            throw Fault(text: Self.text(why), mayHaveRun: fault == Int32(mm_redis_lost))
        }
        defer { mm_redis_free(reply) }
        return RedisValue(reply: reply)
    }

    private static func text(_ room: [CChar]) -> String {
        String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func withOptional<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }
}

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

    /// The number, or the number that a text contains.
    package var integer: Int64? {
        if case .number(let number) = self { return number }
        return text.flatMap { Int64($0) }
    }

    /// The elements of a list.
    package var elements: [RedisValue]? { if case .list(let list) = self { list } else { nil } }

    /// The pairs of a list that alternates names and values.
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
