import Glibc

/// The number and hash of an audit log's newest line, kept in a file beside the log.
struct AuditHead: Equatable {
    let number: Int64
    let hash: String

    init(number: Int64, hash: String) {
        self.number = number
        self.hash = hash
    }

    /// Reads the head kept beside a log; returns `nil` when there is none or it was cut short.
    static func load(beside path: String) throws(MMError) -> AuditHead? {
        guard let bytes = try ProtectedFile.read(path + ".head", limit: 4096) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let number = Int64(words[0]), words[1].utf8.count == 64 else { return nil }
        return AuditHead(number: number, hash: String(words[1]))
    }

    /// The content of the head file, always the same length so that it can be overwritten in place.
    var text: [UInt8] {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits
        return Array("\(padded) \(hash)\n".utf8)
    }
}
