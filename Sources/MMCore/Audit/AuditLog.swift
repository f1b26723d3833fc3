/// A tamper-evident record of what was done: one JSON line per operation. Each line holds the digest of the line before
/// it, so changed, removed and inserted lines are detected.
///
/// A line is `{"seq":…,"time":…,"prev":"…",` the entry's fields `,"hash":"…"}`, where the hash is the SHA-256 of the
/// bytes before `,"hash":`. A `….head` file beside the log holds the number and hash of the newest line, so lines cut
/// off at the end are detected too. Anyone who may write both files can forge both; copy the head elsewhere to rule
/// that out.
///
/// A file that has grown large is set aside under the number of its last line, and the chain goes on in a new one.
public struct AuditLog: Sendable {
    /// The path of the log file.
    public let path: String
    private let redactor: Redactor
    private let clock: WallClock
    private let files: AuditFiles

    /// Creates an audit log.
    /// - Parameters:
    ///   - path: the log file; created with the first line.
    ///   - redactor: what is removed from every entry.
    ///   - clock: supplies the time of each line.
    public init(path: String, redactor: Redactor = .standard, clock: WallClock = .system) {
        self.init(path: path, redactor: redactor, clock: clock, fileLimit: Self.fileLimit)
    }

    /// Creates an audit log whose files have a size of their own.
    /// - Parameter fileLimit: how many bytes a file has before the next line begins another one.
    package init(path: String, redactor: Redactor = .standard, clock: WallClock = .system, fileLimit: Int) {
        self.path = path
        self.redactor = redactor
        self.clock = clock
        files = AuditFiles(path: path, limit: fileLimit)
    }

    /// How large a file gets: some hundred thousand lines.
    private static let fileLimit = 64 << 20

    /// Appends a line, blocking this thread while another process writes; for command lines.
    /// - Parameter entry: what was done, as whom and with what outcome: sizes and status, never content.
    /// - Throws: an error when the line can't be written.
    public func append(_ entry: JSONObject) throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try FileLock(waitingFor: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Appends a line, suspending rather than blocking while another process writes.
    /// - Parameter entry: what was done, as whom and with what outcome: sizes and status, never content.
    /// - Throws: an error when the line can't be written; `cancelled` when the task is cancelled while it waits.
    public func append(_ entry: JSONObject) async throws(MMError) {
        let members = members(of: entry)
        if try files.append(isLocked: false, { seal(members, $0) }) { return }
        let lock = try await FileLock(awaiting: path)
        _ = try files.append(isLocked: true) { seal(members, $0) }
        _ = consume lock
    }

    /// Serialises the entry outside the lock, so that other writers don't wait for it.
    private func members(of entry: JSONObject) -> AuditLine.Members {
        AuditLine.Members(redactor.object(entry))
    }

    /// Seals the entry into the line that continues `tail`.
    private func seal(_ members: AuditLine.Members, _ tail: AuditTail) -> (bytes: [UInt8], hash: String) {
        AuditLine.seal(members, after: tail, at: clock.now)
    }

    /// The hash that the first line gives as the hash of its predecessor.
    static let start = String(repeating: "0", count: 64)
}
