/// The record of what was done: one JSON line an operation, each holding the digest of the line before, so that a line that
/// is changed, removed or put in shows.
///
/// A line is `{"seq":…,"time":…,"prev":"…",` the entry's fields `,"hash":"…"}`, where the hash is the SHA-256 of the bytes in
/// front of `,"hash":`. Beside the file lies `….head` with number and hash of the newest line: it shows lines cut off at the
/// end. Who may write both files can still forge both; copy the head elsewhere to rule that out.
public struct AuditLog: Sendable {
    /// The file.
    public let path: String
    private let redactor: Redactor
    private let clock: WallClock
    private let files: AuditFiles

    /// An audit log.
    /// - Parameters:
    ///   - path: the file, made with the first line.
    ///   - redactor: what is taken out of every entry.
    ///   - clock: the time of day.
    public init(path: String, redactor: Redactor = .standard, clock: WallClock = .system) {
        self.path = path
        self.redactor = redactor
        self.clock = clock
        files = AuditFiles(path: path)
    }

    /// Adds a line, waiting on this thread while another process adds one: for command lines.
    /// - Parameter entry: what was done, as whom, with what outcome: sizes and status, no content.
    /// - Throws: when the line can't be written.
    public func append(_ entry: JSONObject) throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try FileLock(waitingFor: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Adds a line without holding a thread while another process adds one.
    /// - Parameter entry: what was done, as whom, with what outcome: sizes and status, no content.
    /// - Throws: when the line can't be written; `cancelled` when the task is called off while it waits.
    public func append(_ entry: JSONObject) async throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try await FileLock(awaiting: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// The entry's part of a line, which nobody has to wait for in the queue of writers.
    private func members(of entry: JSONObject) -> AuditLine.Members {
        AuditLine.Members(redactor.object(entry))
    }

    /// The line of an entry that continues another line.
    private func seal(_ members: AuditLine.Members, _ tail: AuditTail) -> (bytes: [UInt8], hash: String) {
        AuditLine.seal(members, after: tail, at: clock.now)
    }

    /// The hash that the first line names as the one before it.
    static let start = String(repeating: "0", count: 64)
}
