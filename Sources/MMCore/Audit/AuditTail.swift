import Glibc

/// The end of an audit log, from which the next line continues.
struct AuditTail {
    /// The number of the newest intact line; 0 when there is none.
    var number: Int64 = 0
    /// The hash of that line.
    var hash = AuditLog.start
    /// Whether anything other than an intact line follows it.
    var torn = false
    /// Whether the head file is missing, so that lines cut off at the end can't be noticed.
    var lostHead = false
    /// Whether the file ends in the middle of a line.
    var needsBreak = false

    /// Lines are short. A longer one is found by reading backwards in growing pieces.
    private static let firstPiece = 4096

    /// Reads the end of an open file backwards until a whole line is found.
    static func read(_ number: Int32, size: Int, _ path: String) throws(MMError) -> AuditTail {
        var tail = AuditTail()
        guard size > 0 else { return tail }
        var bytes: [UInt8] = []
        var start = size
        var piece = firstPiece
        while start > 0 {
            let from = max(0, start - piece)
            piece *= 4
            bytes = try readBytes(of: number, from: from, count: start - from, path) + bytes
            start = from
            if tail.find(in: bytes, fromStart: start == 0) { return tail }
        }
        return tail
    }

    private mutating func find(in bytes: [UInt8], fromStart: Bool) -> Bool {
        needsBreak = bytes.last != 0x0A
        torn = false
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        // Unless it starts the file, the first line of a piece may be the end of a longer one.
        if !fromStart, !lines.isEmpty { lines.removeFirst() }
        for line in lines.reversed() {
            if let whole = AuditLine(line) {
                (number, hash) = (whole.number, whole.hash)
                return true
            }
            torn = true
        }
        return false
    }

    static func readBytes(
        of number: Int32, from: Int, count: Int, _ path: String
    ) throws(MMError) -> [UInt8] {
        let bytes = try FileBytes.read(number, at: from, upTo: count) { FileFault.error($0, "read", path) }
        guard bytes.count == count else { throw FileFault.error(EIO, "read", path) }
        return bytes
    }
}

/// One line of an audit log. `seal` makes a line and its hash; `init` reads one and checks its hash.
struct AuditLine {
    let number: Int64
    let previous: String
    let hash: String
    let entry: JSONObject

    private static let sealStart = Array(",\"hash\":\"".utf8)
    private static let sealEnd = Array("\"}".utf8)
    private static let sealCount = sealStart.count + 64 + sealEnd.count

    /// The serialised members of an entry, without the members that the chain itself sets.
    struct Members {
        fileprivate let text: ArraySlice<UInt8>

        private static let reserved = ["seq", "time", "prev", "hash", "afterTorn", "afterLostHead"]

        init(_ entry: JSONObject) {
            var entry = entry
            for name in Self.reserved { entry[name] = nil }
            text = JSONWriter.bytes(.object(entry)).dropFirst().dropLast()
        }
    }

    /// Returns the bytes of a line, without its newline, and the line's hash.
    static func seal(_ members: Members, after tail: AuditTail, at time: Timestamp) -> (bytes: [UInt8], hash: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(members.text.count + sealCount + 160)
        bytes.append(contentsOf: "{\"seq\":\(tail.number + 1),\"time\":".utf8)
        JSONWriter.append(time.iso8601Milliseconds, to: &bytes)
        bytes.append(contentsOf: ",\"prev\":".utf8)
        JSONWriter.append(tail.hash, to: &bytes)
        if tail.torn { bytes.append(contentsOf: ",\"afterTorn\":true".utf8) }
        if tail.lostHead { bytes.append(contentsOf: ",\"afterLostHead\":true".utf8) }
        if !members.text.isEmpty {
            bytes.append(UInt8(ascii: ","))
            bytes.append(contentsOf: members.text)
        }
        let hash = Hex.text(SHA256.digest(bytes))
        bytes.append(contentsOf: sealStart)
        bytes.append(contentsOf: hash.utf8)
        bytes.append(contentsOf: sealEnd)
        return (bytes, hash)
    }

    /// Parses a line; `nil` when it isn't a sealed line or its hash doesn't match.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count > Self.sealCount, bytes.suffix(Self.sealEnd.count).elementsEqual(Self.sealEnd) else {
            return nil
        }
        let body = bytes.dropLast(Self.sealCount)
        let seal = bytes.suffix(Self.sealCount)
        guard seal.prefix(Self.sealStart.count).elementsEqual(Self.sealStart) else { return nil }
        hash = String(decoding: seal.dropFirst(Self.sealStart.count).prefix(64), as: UTF8.self)
        guard hash == Hex.text(SHA256.digest(body)),
            let value = try? JSONParser.parse(bytes, limits: .strict), let entry = value.object,
            case .int(let number)? = entry["seq"], let previous = entry["prev"]?.string
        else { return nil }
        self.number = number
        self.previous = previous
        self.entry = entry
    }
}
