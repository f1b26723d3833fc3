package import MMCore

/// What confirmations the nodes of a cluster share: a document for each connection, which changes as a whole.
package protocol SharedConfirmations: Sendable {
    /// The document of a connection; `nil` where there is none.
    /// - Throws: `unavailable` with the detail `cluster` where it can't be reached.
    func read(_ connection: String) async throws(MMError) -> SharedConfirmationDocument?

    /// All documents.
    /// - Throws: as `read`.
    func all() async throws(MMError) -> [SharedConfirmationDocument]

    /// Writes a document, if it stands as it was read.
    /// - Parameters:
    ///   - read: how it stood; `nil` where there was none.
    ///   - bytes: how it is to stand.
    ///   - lifetime: how long it is of use.
    ///   - underLease: whether only the node that holds the connection's lease may write this.
    /// - Returns: whether it was written; else somebody else has written meanwhile.
    /// - Throws: as `read`.
    func replace(
        _ connection: String, from read: SharedConfirmationDocument?, with bytes: [UInt8], for lifetime: Duration,
        underLease: Bool
    ) async throws(MMError) -> Bool
}

/// A document of shared confirmations.
package struct SharedConfirmationDocument: Sendable, Hashable {
    /// The connection.
    package let connection: String
    /// What stands there.
    package let bytes: [UInt8]
    /// Changes with each write.
    package let revision: String

    package init(connection: String, bytes: [UInt8], revision: String) {
        self.connection = connection
        self.bytes = bytes
        self.revision = revision
    }
}

extension MMError {
    /// Whether what was to be shared is kept by this node alone: Redis is away, or it is too large for it.
    var keepsToThisNode: Bool { details["cluster"] == "away" || details["cluster"] == "tooLarge" }
}

// MARK: Where entries lie

extension ConfirmationLedger {
    /// What a place holds.
    struct Contents: Equatable, Sendable {
        /// A confirmation of this node's own that was used while others could not be seen.
        struct Spent: Hashable, Sendable {
            var digest: String
            var at: Timestamp
            var expiresAt: Timestamp
        }

        var entries: [PendingConfirmation] = []
        var standing: [StandingApproval] = []
        var spent: [Spent] = []
    }

    /// Where entries lie.
    enum Place: Sendable, Hashable {
        /// The file of this user.
        case own
        /// What nodes share about a connection.
        case shared(String)
    }

    private static let mostEntries = 200
    private static let largestFile = 16 << 20
    /// What one connection may have in Redis.
    private static let largestShared = 2 << 20

    /// All places with what they hold, and why it is this node's file alone where it is.
    func places() async throws(MMError) -> (found: [(place: Place, contents: Contents)], absence: MMError?) {
        var found: [(place: Place, contents: Contents)] = [(.own, try read())]
        guard let shared else { return (found, nil) }
        do throws(MMError) {
            for document in try await shared.all() {
                found.append((.shared(document.connection), try Self.parse(document, of: document.connection)))
            }
        } catch {
            guard error.keepsToThisNode else { throw error }
            return ([found[0]], error)
        }
        return (found, nil)
    }

    /// Asks what is shared; `nil` where nothing is, or it can't be reached.
    func reached<Value: Sendable>(
        _ work: (any SharedConfirmations) async throws(MMError) -> Value
    ) async throws(MMError) -> Value? {
        guard let shared else { return nil }
        do throws(MMError) { return try await work(shared) } catch {
            guard error.keepsToThisNode else { throw error }
            return nil
        }
    }

    /// Changes what a place holds, and removes what has expired.
    /// - Parameters:
    ///   - underLease: whether only the node that holds the connection's lease may do this.
    ///   - body: the change; it may be made anew where somebody else was faster.
    func change<Result: Sendable>(
        _ place: Place, underLease: Bool = false, _ body: (inout Contents) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        guard case .shared(let connection) = place, let shared else { return try await changeOwn(body) }
        for _ in 0..<50 {
            let document = try await shared.read(connection)
            let now = clock.now
            var contents = try Self.parse(document, of: connection)
            contents.removeExpired(now)
            let before = contents
            let result = try body(&contents)
            guard contents != before else { return result }
            let bytes = Self.fitting(&contents, Self.largestShared)
            let last = (contents.entries.map(\.expiresAt) + contents.standing.map(\.expiresAt)).max() ?? now
            let lifetime = Duration.seconds(max(60, last.seconds - now.seconds + 60))
            let isWritten = try await shared.replace(
                connection, from: document, with: bytes, for: lifetime, underLease: underLease)
            if isWritten { return result }
        }
        throw MMError(
            .conflict, "The confirmations of \(connection) are changed all the time.", hint: "Try again.", retry: .now)
    }

    private func changeOwn<Result: Sendable>(
        _ body: (inout Contents) throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        let lock = try await FileLock(awaiting: path)
        var contents = try read()
        contents.removeExpired(clock.now)
        let before = contents
        let result = try body(&contents)
        if contents != before {
            try ProtectedFile.replace(path, with: Self.fitting(&contents, Self.largestFile))
        }
        _ = consume lock
        return result
    }

    /// The oldest entries are removed: what is too large to be read again would block everything.
    private static func fitting(_ contents: inout Contents, _ most: Int) -> [UInt8] {
        if contents.entries.count > mostEntries {
            contents.entries.removeFirst(contents.entries.count - mostEntries)
        }
        var bytes = file(contents)
        while bytes.count > most, contents.entries.count > 1 {
            contents.entries.removeFirst()
            bytes = file(contents)
        }
        return bytes
    }

    private static func file(_ contents: Contents) -> [UInt8] {
        var object: JSONObject = [
            "version": 1, "entries": .array(contents.entries.map(\.json)),
            "standing": .array(contents.standing.map(\.json)),
        ]
        if !contents.spent.isEmpty {
            object["spent"] = .array(
                contents.spent.map {
                    [
                        "digest": .string($0.digest), "at": .int($0.at.seconds),
                        "expiresAt": .int($0.expiresAt.seconds),
                    ]
                })
        }
        return JSONWriter.bytes(.object(object))
    }

    /// What the file holds.
    func read() throws(MMError) -> Contents {
        guard let bytes = try ProtectedFile.read(path, limit: Self.largestFile), !bytes.isEmpty else {
            return Contents()
        }
        guard let contents = Self.parse(bytes) else {
            throw MMError(
                .conflict, "The store of confirmations \(path) can't be read.",
                hint: "Remove the file: pending confirmations have to be requested again.")
        }
        return contents
    }

    /// What the nodes of a cluster keep for a connection.
    static func parse(_ document: SharedConfirmationDocument?, of connection: String) throws(MMError) -> Contents {
        guard let bytes = document?.bytes, !bytes.isEmpty else { return Contents() }
        guard let contents = parse(bytes) else {
            throw MMError(
                .conflict, "What the nodes share of confirmations for \(connection) can't be read by this version.",
                hint: "Run the same version on all nodes. Until it can be read or its time is over, nothing is "
                    + "confirmed for \(connection).")
        }
        return contents
    }

    /// What can't be read confirms nothing: it is neither guessed at nor silently replaced.
    private static func parse(_ bytes: [UInt8]) -> Contents? {
        guard let value = try? JSONParser.parse(bytes, limits: .strict), value["version"]?.int == 1,
            let list = value["entries"]?.array
        else { return nil }
        let spent = value["spent"]?.array?.compactMap { item -> Contents.Spent? in
            guard let digest = item["digest"]?.string, let at = item["at"]?.int, let end = item["expiresAt"]?.int else {
                return nil
            }
            return Contents.Spent(
                digest: digest, at: Timestamp(seconds: Int64(at)), expiresAt: Timestamp(seconds: Int64(end)))
        }
        return Contents(
            entries: list.compactMap(PendingConfirmation.init(json:)),
            standing: value["standing"]?.array?.compactMap(StandingApproval.init(json:)) ?? [], spent: spent ?? [])
    }
}

extension ConfirmationLedger.Contents {
    fileprivate mutating func removeExpired(_ now: Timestamp) {
        entries.removeAll { $0.expiresAt <= now }
        standing.removeAll { $0.expiresAt <= now }
        spent.removeAll { $0.expiresAt <= now }
    }
}
