import Glibc

/// Stores answers that are too long to return at once: private files in the state folder, kept for a limited time and
/// up to a size limit, and read page by page under an unguessable handle.
package struct OutputStore: Sendable {
    /// Size and age limits of the store.
    package struct Limits: Sendable, Hashable {
        /// The maximum size of one answer in bytes.
        package var single: Int
        /// The maximum size of all answers in bytes; the oldest are removed first.
        package var total: Int
        /// The maximum number of answers; the oldest are removed first.
        package var count: Int
        /// How long an answer is kept.
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

    /// The store's folder.
    package let directory: String
    let limits: Limits
    let clock: WallClock

    /// Creates a store.
    /// - Parameters:
    ///   - directory: its folder, created (0700) with the first answer.
    ///   - limits: size and age limits.
    ///   - clock: supplies the time of day.
    package init(directory: String, limits: Limits = Limits(), clock: WallClock = .system) {
        self.directory = directory
        self.limits = limits
        self.clock = clock
    }

    /// Stores an answer.
    /// - Parameters:
    ///   - bytes: the answer. JSON with an array (the root or under `value`) is counted in rows, other text in lines or
    ///     bytes.
    ///   - connection: the connection that it came from.
    ///   - asText: whether to count in lines or bytes even if the answer is a JSON list.
    /// - Throws: `limitExceeded` when the answer is too large or the disk is full.
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

    /// Starts an answer whose rows arrive one by one.
    /// - Parameter connection: the connection that they come from.
    package func begin(connection: String) throws(MMError) -> OutputWriter {
        try OutputWriter(store: self, connection: connection)
    }

    /// Returns the description of a stored answer.
    /// - Parameters:
    ///   - handle: the handle of the answer.
    ///   - connection: the only connection whose answers may be read, where the caller is bound to one.
    /// - Throws: `notFound` for a handle that is unknown, has expired or belongs to another connection.
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

    /// Returns the whole of a stored answer.
    package func read(_ stored: StoredOutput) throws(MMError) -> [UInt8] {
        guard let bytes = try ProtectedFile.read(path(of: stored), limit: limits.single) else { throw gone(stored) }
        return bytes
    }

    /// Returns a range of a stored answer's bytes.
    package func bytes(of stored: StoredOutput, from offset: Int, limit: Int) throws(MMError) -> [UInt8] {
        guard let place = try FileLocation.resolve(path(of: stored), creating: false),
            let file = try place.open(O_RDONLY, to: "read")
        else { throw gone(stored) }
        return try file.bytes(from: offset, limit: min(limit, stored.bytes - offset), of: path(of: stored))
    }

    /// Returns the path of a stored answer's file, for programs that read it themselves.
    package func path(of stored: StoredOutput) -> String { "\(directory)/\(stored.handle).data" }

    /// Returns all stored answers that haven't expired, newest first.
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

    /// Removes all answers of a connection; signing out does this.
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
