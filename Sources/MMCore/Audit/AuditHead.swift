import Glibc

/// Number and hash of an audit log's newest line, kept beside it.
struct AuditHead: Equatable {
    let number: Int64
    let hash: String

    /// A head.
    init(number: Int64, hash: String) {
        self.number = number
        self.hash = hash
    }

    /// The head beside a log; `nil` when there is none or it was cut short.
    static func load(beside path: String) throws(MMError) -> AuditHead? {
        guard let bytes = try ProtectedFile.read(path + ".head", limit: 4096) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let number = Int64(words[0]), words[1].utf8.count == 64 else { return nil }
        return AuditHead(number: number, hash: String(words[1]))
    }

    /// Keeps the head, in place and without waiting for the disk: it is written for every operation, under the log's lock.
    ///
    /// One that can't be written stays behind the log, which is allowed: a crash between the two does the same.
    func save(beside path: String) {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits
        let text = Array("\(padded) \(hash)\n".utf8)
        guard let place = try? FilePlace.of(path + ".head", creating: true),
            let file = try? place.open(O_WRONLY | O_CREAT, to: "write to")
        else { return }
        _ = pwrite(file.number, text, text.count, 0)
    }
}
