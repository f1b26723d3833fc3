import Glibc

/// Answers that were too long to give at once: kept under the state folder, ours alone, for a day and up to a bound, and read
/// page by page under a handle that nobody can guess.
package struct OutputStore: Sendable {
    /// How much is kept, and how long.
    package struct Limits: Sendable, Hashable {
        /// Most bytes of one answer.
        package var single: Int
        /// Most bytes of all; the oldest go first.
        package var total: Int
        /// Most answers; the oldest go first.
        package var count: Int
        /// How long an answer stays.
        package var age: Duration

        package init(
            single: Int = 256 << 20, total: Int = 512 << 20, count: Int = 1000, age: Duration = .seconds(86_400)
        ) {
            self.single = single
            self.total = total
            self.count = count
            self.age = age
        }
    }

    /// The folder.
    package let directory: String
    let limits: Limits
    let clock: WallClock

    /// A store.
    /// - Parameters:
    ///   - directory: its folder, made (0700) with the first answer.
    ///   - limits: how much is kept, and how long.
    ///   - clock: the time of day.
    package init(directory: String, limits: Limits = Limits(), clock: WallClock = .system) {
        self.directory = directory
        self.limits = limits
        self.clock = clock
    }

    /// Stores an answer.
    /// - Parameters:
    ///   - bytes: JSON with a list (at the root or under `value`) is counted in rows, other text in lines or bytes.
    ///   - connection: where it came from.
    ///   - asText: whether to count in lines or bytes also what is a JSON list.
    /// - Throws: `limitExceeded` when it is larger than one answer may be or the disk is full.
    package func put(_ bytes: [UInt8], connection: String, asText: Bool = false) throws(MMError) -> StoredOutput {
        var writer = try OutputWriter(store: self, connection: connection)
        try writer.append(bytes)
        if !asText, let rows = JSONRows.find(in: bytes) {
            return try writer.finish(
                unit: .rows, total: rows.items.count, index: Self.index(of: rows.items.map(\.lowerBound)))
        }
        if let starts = OutputLines.starts(of: bytes) {
            return try writer.finish(unit: .lines, total: starts.count, index: Self.index(of: starts))
        }
        return try writer.finish(unit: .bytes, total: bytes.count, index: [])
    }

    /// Begins an answer whose rows come one by one.
    /// - Parameter connection: where they come from.
    package func begin(connection: String) throws(MMError) -> OutputWriter {
        try OutputWriter(store: self, connection: connection)
    }

    /// What is known of a stored answer.
    /// - Parameters:
    ///   - handle: as it was given.
    ///   - connection: the only connection whose answers may be read, where the caller is bound to one.
    /// - Throws: `notFound` for handles that were never given, are over, or belong to another connection.
    package func find(_ handle: String, connection: String? = nil) throws(MMError) -> StoredOutput {
        guard Self.isHandle(handle), let text = try ProtectedFile.read("\(directory)/\(handle).json"),
            let stored = StoredOutput(fileText: text), stored.handle == handle, stored.expires > clock.now,
            connection.map({ $0 == stored.connection }) ?? true
        else {
            throw MMError(
                .notFound, "There is no stored output '\(String(handle.prefix(40)))'.",
                hint: "Stored output is kept for a limited time: run the request again.")
        }
        return stored
    }

    /// The whole of a stored answer.
    package func read(_ stored: StoredOutput) throws(MMError) -> [UInt8] {
        guard let bytes = try ProtectedFile.read(path(of: stored), limit: limits.single) else { throw gone(stored) }
        return bytes
    }

    /// A piece of a stored answer as it is.
    package func bytes(of stored: StoredOutput, from offset: Int, limit: Int) throws(MMError) -> [UInt8] {
        guard let place = try FilePlace.of(path(of: stored), creating: false),
            let file = try place.open(O_RDONLY, to: "read")
        else { throw gone(stored) }
        return try file.bytes(from: offset, limit: min(limit, stored.bytes - offset), of: path(of: stored))
    }

    /// The file in which a stored answer lies, for programs that read it themselves.
    package func path(of stored: StoredOutput) -> String { "\(directory)/\(stored.handle).data" }

    /// All stored answers that are not over, newest first.
    package func list() throws(MMError) -> [StoredOutput] {
        var found: [StoredOutput] = []
        for name in try FolderListing.names(in: directory) where name.hasSuffix(".json") {
            if let stored = try? find(String(name.dropLast(5))) { found.append(stored) }
        }
        return found.sorted { ($0.stored, $0.handle) > ($1.stored, $1.handle) }
    }

    /// Removes a stored answer.
    package func remove(_ handle: String) throws(MMError) {
        guard Self.isHandle(handle) else { return }
        try ProtectedFile.remove("\(directory)/\(handle).json")
        try ProtectedFile.remove("\(directory)/\(handle).data")
    }

    /// Removes everything that came from a connection, as signing out does.
    package func removeAll(of connection: String) throws(MMError) {
        for stored in try list() where stored.connection == connection { try remove(stored.handle) }
    }

    func gone(_ stored: StoredOutput) -> MMError {
        MMError(.notFound, "The stored output '\(stored.handle)' is gone.", hint: "Run the request again.")
    }

    static func index(of starts: [Int]) -> [Int] {
        stride(from: 0, to: starts.count, by: StoredOutput.stride).map { starts[$0] }
    }

    static func newHandle() -> String { "out_" + RandomBytes.text(bytes: 18) }

    private static func isHandle(_ text: String) -> Bool {
        text.utf8.count == 28 && text.hasPrefix("out_")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
