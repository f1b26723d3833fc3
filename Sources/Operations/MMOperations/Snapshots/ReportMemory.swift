import MMCore

/// What the last report told, so that the next one tells only what is new.
struct ReportMemory {
    private let path: String
    private let against: String

    /// The memory of a connection's reports.
    init(paths: StatePaths, connection: String, against: String) {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        path = "\(paths.stateDirectory)/drift/\(StatePaths.safeName(connection))-\(digest).json"
        self.against = against
    }

    /// What was told already; nothing where it was about something else.
    func digests() throws(MMError) -> Set<String> {
        guard let bytes = try ProtectedFile.read(path), let value = try? JSONParser.parse(bytes),
            value["against"]?.string == against
        else { return [] }
        return Set(value["reported"]?.array?.compactMap(\.string) ?? [])
    }

    /// Notes what is told now: what has gone from it is new when it comes back.
    func keep(_ digests: Set<String>) throws(MMError) {
        let value: JSONValue = [
            "against": .string(against), "reported": .array(digests.sorted().map { .string($0) }),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }
}
