/// One line of an audit log, sealed and opened.
struct AuditLine {
    let number: Int64
    let previous: String
    let hash: String
    let entry: JSONObject

    private static let sealStart = Array(",\"hash\":\"".utf8)
    private static let sealEnd = Array("\"}".utf8)
    private static let sealCount = sealStart.count + 64 + sealEnd.count

    /// The bytes of a line, without its newline, and its hash.
    static func seal(_ line: JSONObject) -> (bytes: [UInt8], hash: String) {
        var bytes = JSONWriter.bytes(.object(line))
        bytes.removeLast()
        let hash = Hex.text(SHA256.digest(bytes))
        return (bytes + sealStart + Array(hash.utf8) + sealEnd, hash)
    }

    /// Opens a line; `nil` when it is no sealed line, or its seal is broken.
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
