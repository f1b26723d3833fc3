package import MMCore
package import MMIdentity
internal import MMSystem

/// The journal of writes: what each changed and the state before, kept so that it can be taken back.
///
/// A line is written before each write is sent and another one after its answer. Each line is appended with one
/// write(2) to the newest of a few files, so the process may end between any two steps: a write without a second line
/// may have been sent or not. The files are encrypted if token caches are. The oldest files are removed when there are
/// too many, or when they are too old.
package struct ChangeJournal: Sendable {
    /// Limits of the size and age of the journal.
    package struct Limits: Sendable {
        /// The size in bytes from which a new file is begun.
        package var file = 2 << 20
        /// The maximum number of files.
        package var count = 16
        /// The age up to which a write is kept.
        package var age = Duration.seconds(90 * 86_400)
        /// The maximum length of a line in bytes.
        package var line = 512 << 10

        /// Creates the default limits.
        package init() {}
    }

    private let directory: String
    private let seal: TokenSeal
    private let limits: Limits
    private let exchange: JournalExchange?

    /// Creates the journal of a state folder.
    /// - Parameters:
    ///   - paths: the paths of the state folder.
    ///   - seal: encrypts the journal if token caches are encrypted.
    ///   - exchange: shares the lines with the other nodes of a cluster; `nil` for a single node.
    ///   - limits: the limits of size and age.
    package init(
        paths: StatePaths, seal: TokenSeal, sharing exchange: JournalExchange? = nil, limits: Limits = Limits()
    ) {
        self.exchange = exchange
        directory = "\(paths.stateDirectory)/journal"
        self.seal = seal
        self.limits = limits
    }

    /// Records that a write is about to be sent.
    /// - Throws: an error when it can't be recorded; `limitExceeded` for a state that is too large to keep.
    package func begin(_ entry: JournalEntry) async throws(MMError) { try await append(entry.begun) }

    /// Records how a write ended.
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

    /// Returns the writes, oldest first.
    /// - Parameter position: only those recorded behind it; `nil` for all.
    package func entries(behind position: Position? = nil) async throws(MMError) -> [JournalEntry] {
        try await contents(behind: position).entries
    }

    /// The end of the journal at some time: what is recorded later stands behind it.
    package struct Position: Sendable {
        fileprivate let file: Int
        fileprivate let size: Int
    }

    /// Returns the current end of the journal.
    package func position() async throws(MMError) -> Position {
        try await BlockingWork.run { () throws(MMError) in
            let newest = try numbers().last ?? 1
            guard case .file(let stamp) = FileStamp.lookUp(path(newest)) else { return Position(file: newest, size: 0) }
            return Position(file: newest, size: stamp.size)
        }
    }

    /// What could be read of the journal.
    package struct Contents: Sendable {
        /// The writes, oldest first.
        package fileprivate(set) var entries: [JournalEntry] = []
        /// The number of damaged lines. Lines that were cut off don't count: the next write begins a new one.
        package fileprivate(set) var damaged = 0

        /// The sentence about damaged lines; `nil` if there are none.
        package var damage: String? {
            guard damaged > 0 else { return nil }
            return "\(damaged.counted("damaged line")) of the journal can't be read: changes may be "
                + "missing from it, or their outcome unknown. The audit log names their calls."
        }
    }

    /// Returns the writes, and how many lines can't be read.
    /// - Parameter position: as of `entries`.
    package func contents(behind position: Position? = nil) async throws(MMError) -> Contents {
        try await prepare()
        // If the other nodes can't be reached, their writes are missing, and so their changes can't be found.
        try? await copy()
        return try await BlockingWork.run { () throws(MMError) in try read(behind: position) }
    }

    /// Copies the lines that other nodes have written since the last copy.
    /// - Throws: `unavailable` where the other nodes can't be reached.
    package func copy() async throws(MMError) {
        guard let exchange else { return }
        try await prepare()
        try await exchange.copy { (lines) throws(MMError) in
            for line in lines { try await write(line) }
        }
    }

    /// Waits until no other call takes any of these changes back.
    /// - Returns: the claim on them. The journal has to be read again afterwards, since it may have changed meanwhile.
    /// - Throws: `conflict`, naming the other process, when the deadline passes; `unavailable` where the other nodes of
    ///   a cluster can't be reached.
    package func claim(_ ids: some Sequence<String>, until deadline: Deadline) async throws(MMError) -> UndoClaim {
        try await UndoClaim.make(on: ids, in: directory, sharing: exchange?.claims, until: deadline)
    }

    private func append(_ line: JSONObject) async throws(MMError) {
        try await prepare()
        let plain = JSONWriter.bytes(.object(line))
        try await write(plain)
        // Shared before the request is sent, so that a node that takes over knows what this process was about to do.
        await exchange?.tell(plain)
    }

    private func write(_ plain: [UInt8]) async throws(MMError) {
        let bytes = try sealed(plain)
        guard bytes.count <= limits.line else {
            throw MMError(.limitExceeded, "The state before is too large to be kept (\(bytes.count) bytes).")
        }
        try await BlockingWork.run { () throws(MMError) in
            let number = try place()
            // The leading newline ends a line that a full disk has cut off.
            try ProtectedFile.append([0x0A] + bytes, to: path(number))
        }
    }

    private func path(_ number: Int) -> String { "\(directory)/\(number).jsonl" }

    private func numbers() throws(MMError) -> [Int] {
        try FolderListing.names(in: directory).compactMap { name in
            name.hasSuffix(".jsonl") ? Int(name.dropLast(6)) : nil
        }.sorted()
    }

    /// Returns the number of the file for the next line, and removes files that are too old or too many.
    ///
    /// The age of a file is measured at the last write rather than now, so that the first write after a clock has
    /// jumped ahead removes nothing.
    private func place() throws(MMError) -> Int {
        var numbers = try numbers()
        guard let newest = numbers.last else { return 1 }
        guard case .file(let last) = FileStamp.lookUp(path(newest)),
            last.size >= limits.file || .now - last.modified > limits.age
        else { return newest }
        numbers.append(newest + 1)
        for (index, number) in numbers.dropLast().enumerated() {
            var isGone = index < numbers.count - limits.count
            if case .file(let stamp) = FileStamp.lookUp(path(number)) {
                isGone = isGone || last.modified - stamp.modified > limits.age
            }
            if isGone { try ProtectedFile.remove(path(number)) }
        }
        return newest + 1
    }

    /// Reads backwards from the last line, so that each end is read before the beginning that it belongs to.
    private func read(behind position: Position?) throws(MMError) -> Contents {
        var contents = Contents()
        var ends: [String: JSONValue] = [:]
        var seen: Set<String> = []
        for number in try numbers().reversed() where number >= position?.file ?? 0 {
            guard let bytes = try ProtectedFile.read(path(number)) else { continue }
            var rest = number == position?.file ? bytes.dropFirst(position?.size ?? 0) : bytes[...]
            let end = rest.endIndex
            while !rest.isEmpty {
                let start = rest.lastIndex(of: 0x0A).map { $0 + 1 } ?? rest.startIndex
                let line = rest[start...]
                rest = rest[..<max(rest.startIndex, start - 1)]
                guard !line.isEmpty else { continue }
                guard let plain = try plain(Array(line)), let value = try? JSONParser.parse(plain),
                    let id = value["id"]?.string
                else {
                    // The outcome of the line's write stays unknown.
                    if !Self.isCutOff(line, isLast: line.endIndex == end) { contents.damaged += 1 }
                    continue
                }
                if value["ended"] != nil {
                    // Reading backwards, the first end is the latest, which counts.
                    if ends[id] == nil { ends[id] = value }
                } else if var entry = JournalEntry(begun: value), .now - entry.time <= limits.age,
                    seen.insert(id).inserted
                {
                    if let end = ends[id] { entry.end(end) }
                    contents.entries.append(entry)
                }
            }
        }
        contents.entries.reverse()
        return contents
    }

    /// Returns whether a line that can't be read was cut off while it was written, by a crash or a full disk. The end
    /// of an encrypted line can't be seen, so only the last of a file is taken to be cut off.
    private static func isCutOff(_ line: ArraySlice<UInt8>, isLast: Bool) -> Bool {
        line.starts(with: mark) ? isLast : line.last != UInt8(ascii: "}")
    }

    // MARK: Sums

    private static let sumLength = 16

    /// Returns the checksum in front of an unencrypted line. A line damaged on disk must not be used: an undo would
    /// write it to the service.
    private static func sum(_ plain: [UInt8]) -> [UInt8] {
        Array(Hex.text(SHA256.digest(plain).prefix(sumLength / 2)).utf8)
    }

    // MARK: Encryption

    private static let name = "journal"
    private static let mark = Array("sealed ".utf8)

    /// Fetches the encryption key in advance where another process keeps it.
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
            // Earlier versions wrote no checksum.
            guard line.first != UInt8(ascii: "{") else { return line }
            let plain = Array(line.dropFirst(Self.sumLength + 1))
            return line.prefix(Self.sumLength).elementsEqual(Self.sum(plain)) ? plain : nil
        }
        guard let stored = Base64.bytes(String(decoding: line.dropFirst(Self.mark.count), as: UTF8.self)) else {
            return nil
        }
        do throws(TokenSeal.Fault) { return try seal.plain(stored, name: Self.name) } catch {
            // A single damaged line is skipped; a missing key makes all lines unreadable.
            if error.isDamage { return nil }
            throw MMError(.invalidInput, "The journal of changes \(error.text).", hint: error.hint)
        }
    }
}
