package import MMCore

/// How far the copies of the audit log for one destination have come; kept in a file (0600) over restarts.
package struct AuditCopyState: Sendable, Hashable {
    /// The destination, as people write it.
    package let destination: String
    /// Behind the last line that arrived.
    package var position = AuditPosition.start
    /// When lines last arrived.
    package var delivered: String?
    /// Why they don't arrive now.
    package var fault: String?
    /// Since when they don't.
    package var faultSince: String?
    /// Lines that the destination never takes, each of them named in the log.
    package var skipped = 0

    init(destination: String) { self.destination = destination }

    /// The folder of the files.
    private static func folder(_ paths: StatePaths) -> String { paths.stateDirectory + "/audit-copies" }

    /// The file of a destination.
    static func path(of destination: AuditDestination, _ paths: StatePaths) -> String {
        let digest = Hex.text(SHA256.digest("\(destination)".utf8).prefix(6))
        return "\(folder(paths))/\(StatePaths.safeName(destination.name).prefix(60))-\(digest).json"
    }

    /// The state of a destination; that of a new one where there is none.
    /// - Throws: an error when the file can't be read.
    package static func read(_ destination: AuditDestination, _ paths: StatePaths) throws(MMError) -> AuditCopyState {
        var state = AuditCopyState(destination: destination.name)
        guard let bytes = try ProtectedFile.read(path(of: destination, paths), limit: 1 << 16),
            let json = try? JSONParser.parse(bytes), let offset = json["offset"]?.int, let number = json["seq"]?.int,
            let hash = json["hash"]?.string
        else { return state }
        state.position = AuditPosition(offset: offset, number: Int64(number), hash: hash)
        state.delivered = json["delivered"]?.string
        state.fault = json["fault"]?.string
        state.faultSince = json["faultSince"]?.string
        state.skipped = json["skipped"]?.int ?? 0
        return state
    }

    func write(_ destination: AuditDestination, _ paths: StatePaths) throws(MMError) {
        // What a power cut loses of it is sent again.
        try ProtectedFile.replace(
            Self.path(of: destination, paths), with: JSONWriter.bytes(.object(json)), durable: false)
    }

    /// As the file and `mm pool status` hold it.
    package var json: JSONObject {
        var json: JSONObject = [
            "destination": .string(destination), "offset": .int(Int64(position.offset)),
            "seq": .int(position.number), "hash": .string(position.hash),
        ]
        if let delivered { json["delivered"] = .string(delivered) }
        if let fault { json["fault"] = .string(fault) }
        if let faultSince { json["faultSince"] = .string(faultSince) }
        if skipped > 0 { json["skipped"] = .int(Int64(skipped)) }
        return json
    }
}
