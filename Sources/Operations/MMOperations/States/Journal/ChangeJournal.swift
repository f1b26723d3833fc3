package import MMCore
package import MMIdentity
internal import MMSystem

/// The journal of writes: what each changed and how that was before, kept so that it can be taken back.
///
/// Each write has a line before it is sent and one after its answer. Both are appended with one write to the newest of a few
/// files, so a process may end between any two steps: a write with no second line says that nobody knows whether it was sent.
/// The files are encrypted where token caches are. The oldest go when there are too many, or when they are too old.
package struct ChangeJournal: Sendable {
    /// How much is kept.
    package struct Limits: Sendable {
        /// When a new file is begun, in bytes.
        package var file = 2 << 20
        /// How many files there are.
        package var count = 16
        /// How long a write is kept.
        package var age = Duration.seconds(90 * 86_400)
        /// The longest line in bytes.
        package var line = 512 << 10

        /// The usual limits.
        package init() {}
    }

    private let directory: String
    private let seal: TokenSeal
    private let limits: Limits
    private let clock: WallClock
    private let exchange: JournalExchange?

    /// Creates the journal of a state folder.
    /// - Parameters:
    ///   - paths: where it lies.
    ///   - seal: encrypts it where token caches are encrypted.
    ///   - exchange: by which those of other nodes get the same lines; `nil` for one alone.
    ///   - limits: how much is kept.
    ///   - clock: tells how old a line is.
    package init(
        paths: StatePaths, seal: TokenSeal, sharing exchange: JournalExchange? = nil, limits: Limits = Limits(),
        clock: WallClock = .system
    ) {
        self.exchange = exchange
        directory = "\(paths.stateDirectory)/journal"
        self.seal = seal
        self.limits = limits
        self.clock = clock
    }

    /// Notes that a write is about to be sent.
    /// - Throws: an error when it can't be noted; `limitExceeded` for a state that is too large to keep.
    package func begin(_ entry: JournalEntry) async throws(MMError) { try await append(entry.begun) }

    /// Notes how a write ended.
    package func end(_ entry: JournalEntry, _ outcome: JournalEntry.Outcome, message: String? = nil)
        async throws(MMError)
    {
        let word =
            switch outcome {
            case .done: "done"
            case .refused: "refused"
            case .unknown: "unknown"
            }
        var line: JSONObject = ["id": .string(entry.id), "ended": .string(word)]
        line["message"] = message.map { .string($0) }
        if outcome == .done { line["change"] = entry.change.json }
        try await append(line)
    }

    /// All writes, oldest first.
    /// - Parameter newest: how many of the newest ones at least; `nil` for all. The journal is read back to there and no further.
    package func entries(newest: Int? = nil) async throws(MMError) -> [JournalEntry] {
        try await prepare()
        // What others wrote is missing as long as they can't be asked; a change of theirs is not known then.
        try? await copy()
        return try await BlockingWork.run { () throws(MMError) in try read(newest) }
    }

    /// Copies what other nodes have noted since.
    /// - Throws: `unavailable` where they can't be asked.
    package func copy() async throws(MMError) {
        guard let exchange else { return }
        try await prepare()
        try await exchange.copy { (lines) throws(MMError) in
            for line in lines { try await write(line) }
        }
    }

    /// Waits until nobody else takes any of these changes back.
    /// - Returns: the claim on them. What was noted meanwhile has to be read once more.
    /// - Throws: `conflict`, naming the process that is at it, when the deadline passes; `unavailable` where other nodes of a
    ///   cluster can't be asked.
    package func claim(_ ids: some Sequence<String>, until deadline: Deadline) async throws(MMError) -> UndoClaim {
        try await UndoClaim.make(on: ids, in: directory, sharing: exchange?.claims, until: deadline)
    }

    private func append(_ line: JSONObject) async throws(MMError) {
        try await prepare()
        let plain = JSONWriter.bytes(.object(line))
        try await write(plain)
        // Before anything is sent: whoever takes over knows what this process was about to do.
        await exchange?.tell(plain)
    }

    private func write(_ plain: [UInt8]) async throws(MMError) {
        let bytes = try sealed(plain)
        guard bytes.count <= limits.line else {
            throw MMError(.limitExceeded, "The state before is too large to be kept (\(bytes.count) bytes).")
        }
        try await BlockingWork.run { () throws(MMError) in
            let number = try place()
            // What a full disk left of another line ends here.
            try ProtectedFile.append([0x0A] + bytes, to: path(number))
        }
    }

    private func path(_ number: Int) -> String { "\(directory)/\(number).jsonl" }

    private func numbers() throws(MMError) -> [Int] {
        try FolderListing.names(in: directory).compactMap { name in
            name.hasSuffix(".jsonl") ? Int(name.dropLast(6)) : nil
        }.sorted()
    }

    /// The file that the next line goes to; clears away what is too old or too much.
    private func place() throws(MMError) -> Int {
        var numbers = try numbers()
        guard let newest = numbers.last else { return 1 }
        guard case .file(let stamp) = FileStamp.lookUp(path(newest)), stamp.size >= limits.file || isOld(stamp) else {
            return newest
        }
        numbers.append(newest + 1)
        for (index, number) in numbers.dropLast().enumerated() {
            var isGone = index < numbers.count - limits.count
            if case .file(let stamp) = FileStamp.lookUp(path(number)) { isGone = isGone || isOld(stamp) }
            if isGone { try ProtectedFile.remove(path(number)) }
        }
        return newest + 1
    }

    private func isOld(_ stamp: FileStamp) -> Bool { clock.now - stamp.modified > limits.age }

    /// Reads from the last line on: ends come before the writes that they belong to.
    private func read(_ newest: Int?) throws(MMError) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        var ends: [String: JSONValue] = [:]
        var seen: Set<String> = []
        for number in try numbers().reversed() {
            guard var rest = try ProtectedFile.read(path(number))?[...] else { continue }
            while !rest.isEmpty, entries.count < newest ?? .max {
                let start = rest.lastIndex(of: 0x0A).map { $0 + 1 } ?? rest.startIndex
                let line = rest[start...]
                rest = rest[..<max(rest.startIndex, start - 1)]
                // A line that can't be read was cut off; what it spoke of stays unknown.
                guard !line.isEmpty, let plain = try plain(Array(line)), let value = try? JSONParser.parse(plain),
                    let id = value["id"]?.string
                else { continue }
                if value["ended"] != nil {
                    // The last word counts.
                    if ends[id] == nil { ends[id] = value }
                } else if var entry = JournalEntry(begun: value), clock.now - entry.time <= limits.age,
                    seen.insert(id).inserted
                {
                    if let end = ends[id] { entry.end(end) }
                    entries.append(entry)
                }
            }
        }
        return entries.reversed()
    }

    // MARK: Sums

    private static let sumLength = 16

    /// What stands before a line that is not encrypted, so that none is believed of which a disk has changed a letter: an undo
    /// would write it to the service.
    private static func sum(_ plain: [UInt8]) -> [UInt8] {
        Array(Hex.text(SHA256.digest(plain).prefix(sumLength / 2)).utf8)
    }

    // MARK: Encryption

    private static let name = "journal"
    private static let mark = Array("sealed ".utf8)

    /// Gets the key at hand where another process keeps it.
    private func prepare() async throws(MMError) {
        do throws(TokenSeal.Fault) { try await seal.prepare() } catch {
            throw MMError(.invalidInput, "The journal of changes \(error.text).", hint: error.hint)
        }
    }

    private func sealed(_ plain: [UInt8]) throws(MMError) -> [UInt8] {
        guard seal.isOn else { return Self.sum(plain) + [0x20] + plain }
        do throws(TokenSeal.Fault) {
            return Self.mark + Array(Base64.text(try seal.stored(plain, name: Self.name)).utf8)
        } catch {
            throw MMError(.invalidInput, "The journal of changes \(error.text).", hint: error.hint)
        }
    }

    private func plain(_ line: [UInt8]) throws(MMError) -> [UInt8]? {
        guard line.starts(with: Self.mark) else {
            // Earlier versions wrote no sum.
            guard line.first != UInt8(ascii: "{") else { return line }
            let plain = Array(line.dropFirst(Self.sumLength + 1))
            return line.prefix(Self.sumLength).elementsEqual(Self.sum(plain)) ? plain : nil
        }
        guard let stored = Base64.bytes(String(decoding: line.dropFirst(Self.mark.count), as: UTF8.self)) else {
            return nil
        }
        do throws(TokenSeal.Fault) { return try seal.plain(stored, name: Self.name) } catch {
            // One damaged line hides no other; a missing key hides all of them.
            if error.isDamage { return nil }
            throw MMError(.invalidInput, "The journal of changes \(error.text).", hint: error.hint)
        }
    }
}
