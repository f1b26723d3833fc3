internal import MMCore
internal import MMIdentity

/// What is kept of an upload session, so that an upload goes on where a killed process left it.
///
/// The address of a session is a permission to write, so the file is private, and it goes when the upload ends. What
/// killed processes leave behind is swept when the next upload begins.
struct UploadMemory: Sendable {
    private let directory: String
    private let path: String
    private let clock: WallClock

    /// How long a session is tried at most when the service doesn't say when it ends.
    private static let longest = Duration.seconds(7 * 86_400)

    /// Creates the memory of one upload.
    /// - Parameters:
    ///   - upload: the upload; the same file to the same place has the same memory, until the file changes.
    ///   - links: those of the connection whose upload it is.
    init(of upload: FileUpload, in links: ConnectionLinks, clock: WallClock) {
        directory = links.directory
        path = links.path(of: [
            .string(upload.request.target.service.rawValue), .string(upload.request.target.pathAndQuery),
            .string(upload.conflict.rawValue), .object(upload.file.identity),
        ])
        self.clock = clock
    }

    /// Takes the upload for this process.
    /// - Throws: `.conflict` when another process sends the same file to the same place.
    func claim() throws(MMError) -> FileLock {
        guard let lock = try FileLock.tryAcquire(path) else {
            throw MMError(
                .conflict, "This upload is under way already (\(FileLock.holder(of: path) ?? "another process")).",
                hint: "Wait for it to end.")
        }
        return lock
    }

    /// The address of the session that was begun, while it may still be open.
    func address() throws(MMError) -> Secret? {
        guard let bytes = try ProtectedFile.read(path, limit: 64 << 10), let kept = try? JSONParser.parse(bytes),
            let address = kept["uploadUrl"]?.string,
            let end = kept["expires"]?.string.flatMap({ Timestamp(iso8601: $0) }), end > clock.now
        else { return nil }
        return Secret(address)
    }

    /// Keeps the address of a new session.
    func keep(_ address: Secret, until end: Timestamp?) throws(MMError) {
        let latest = clock.now + Self.longest
        let kept: JSONValue = [
            "uploadUrl": .string(address.reveal()), "expires": .string(min(end ?? latest, latest).iso8601),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(kept), durable: false)
    }

    /// Forgets the session: it has ended.
    func forget() throws(MMError) { try ProtectedFile.remove(path) }

    /// Removes what earlier processes left of sessions that are over.
    func sweep() throws(MMError) {
        let names = Set(try FolderListing.names(in: directory))
        for name in names where name.hasSuffix(".json") {
            let found = directory + "/" + name
            let kept = (try? ProtectedFile.read(found, limit: 64 << 10)).flatMap { try? JSONParser.parse($0) }
            let end = kept?["expires"]?.string.flatMap { Timestamp(iso8601: $0) }
            guard (end ?? clock.now) <= clock.now, FileLock.holder(of: found) == nil else { continue }
            try ProtectedFile.remove(found)
        }
        for name in names where name.hasSuffix(".json.lock") {
            let found = directory + "/" + name.dropLast(".lock".count)
            guard found != path, !names.contains(String(name.dropLast(".lock".count))),
                FileLock.holder(of: found) == nil
            else { continue }
            try ProtectedFile.remove(directory + "/" + name)
        }
    }
}
