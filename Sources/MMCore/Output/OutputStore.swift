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
    ///   - isForeign: whether other people wrote it, where its members don't show that.
    /// - Throws: `limitExceeded` when the answer is too large or the disk is full.
    package func put(
        _ bytes: [UInt8], connection: String, asText: Bool = false, isForeign: Bool = false
    ) throws(MMError) -> StoredOutput {
        var writer = try OutputWriter(store: self, connection: connection)
        let rows = asText ? nil : JSONRows.find(in: bytes)
        writer.isForeign = isForeign || !asText && ForeignContent.isWithin(json: bytes, rows, from: connection)
        try writer.append(bytes)
        if let rows {
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

    func gone(_ stored: StoredOutput) -> MMError {
        MMError(.notFound, "The stored output '\(stored.handle)' no longer exists.", hint: "Run the request again.")
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

extension OutputStore {
    /// Returns a page of a stored answer, as long as requested and as the budget allows, and never less than part of
    /// one row.
    /// - Parameters:
    ///   - handle: the handle of the answer.
    ///   - offset: the first row, line or byte, from 0.
    ///   - limit: the maximum number of rows, lines or bytes; `nil` for as many as the budget allows.
    ///   - unit: the unit to count in; `nil` for the answer's own. Every answer can be paged in bytes.
    ///   - connection: the only connection whose answers may be read, where the caller is bound to one.
    ///   - budget: the maximum returned at once.
    ///   - layout: the layout of rows.
    /// - Throws: `notFound` for an unknown handle; `invalidInput` for an offset, limit or unit that doesn't apply to
    ///   the answer.
    package func page(
        _ handle: String, offset: Int = 0, limit: Int? = nil, unit: OutputUnit? = nil, connection: String? = nil,
        budget: OutputBudget = .standard, layout: JSONWriter.Layout = .indented(2)
    ) throws(MMError) -> OutputPage {
        let stored = try find(handle, connection: connection)
        let unit = unit ?? stored.unit
        guard unit == stored.unit || unit == .bytes else {
            throw MMError(
                .invalidInput, "This output has no \(unit.rawValue); it is counted in \(stored.unit.rawValue).",
                hint: "Read it in \(stored.unit.rawValue) or bytes.")
        }
        let total = unit == stored.unit ? stored.total : stored.bytes
        guard offset >= 0, offset <= total, limit.map({ $0 > 0 }) ?? true else {
            throw MMError(
                .invalidInput,
                limit.map { $0 > 0 } ?? true
                    ? "Offset \(offset) is past the end: there are \(total) \(unit.rawValue)."
                    : "A limit of \(limit ?? 0) returns nothing; it must be above 0.",
                hint: "Use an offset from 0 to \(total), and a limit above 0 or none.")
        }
        guard let place = try FileLocation.resolve(path(of: stored), creating: false),
            let file = try place.open(O_RDONLY, to: "read")
        else { throw gone(stored) }
        var reader = OutputReader(file: file, stored: stored)
        let wanted = min(limit ?? Int.max, total - offset)
        switch unit {
        case .rows: return try reader.rows(offset, wanted, budget, layout)
        case .lines: return try reader.lines(offset, wanted, budget)
        case .bytes: return try reader.bytes(offset, wanted, budget)
        }
    }
}

/// Reads pages from the file of a stored answer.
private struct OutputReader: ~Copyable {
    let file: Descriptor
    let stored: StoredOutput
    private var chunk: [UInt8] = []
    private var chunkStart = 0

    init(file: consuming Descriptor, stored: StoredOutput) {
        self.file = file
        self.stored = stored
    }

    /// Returns the byte at a position; `nil` past the end.
    private mutating func byte(at position: Int) throws(MMError) -> UInt8? {
        if position >= chunkStart, position < chunkStart + chunk.count { return chunk[position - chunkStart] }
        chunk = try slice(position..<min(stored.bytes, position + (128 << 10)))
        chunkStart = position
        return chunk.first
    }

    private func slice(_ range: Range<Int>) throws(MMError) -> [UInt8] {
        try file.bytes(from: range.lowerBound, limit: range.count, of: "stored output \(stored.handle)")
    }

    mutating func rows(
        _ offset: Int, _ wanted: Int, _ budget: OutputBudget, _ layout: JSONWriter.Layout
    ) throws(MMError) -> OutputPage {
        var items: [JSONValue] = []
        var cost = OutputCost(of: "[\n]".utf8)
        var scanner = JSONItemScanner(at: 0)
        var number = 0
        var position = 0
        if let start = start(of: offset) {
            (number, position) = start
            scanner = JSONItemScanner(at: position)
        }
        while items.count < wanted, let next = try byte(at: position) {
            position += 1
            let found = scanner.consume(next)
            if let range = found {
                if number >= offset {
                    let bytes = try slice(range)
                    let value = (try? JSONParser.parse(bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
                    let rowCost = OutputHead.cost(ofRow: value, layout)
                    if !budget.allows(cost + rowCost) {
                        if items.isEmpty { return try cutRow(offset, range, budget) }
                        break
                    }
                    cost = cost + rowCost
                    items.append(value)
                }
                number += 1
            }
            if scanner.ended { break }
        }
        let text = JSONWriter.string(.array(items), layout: layout)
        return page(.rows, offset, items.count, stored.total, text)
    }

    /// Returns the beginning of a row that exceeds the budget by itself.
    private mutating func cutRow(_ offset: Int, _ range: Range<Int>, _ budget: OutputBudget) throws(MMError)
        -> OutputPage
    {
        let part = try bytes(range.lowerBound, range.count, budget)
        let next = offset + 1 < stored.total ? offset + 1 : nil
        return OutputPage(
            stored: stored, unit: .rows, offset: offset, count: 1, total: stored.total, nextOffset: next,
            text: part.text,
            cutAtByte: part.offset + part.count)
    }

    mutating func lines(_ offset: Int, _ wanted: Int, _ budget: OutputBudget) throws(MMError) -> OutputPage {
        var text: [UInt8] = []
        var line: [UInt8] = []
        var cost = OutputCost()
        var (number, position) = start(of: offset) ?? (0, 0)
        var taken = 0
        while taken < wanted {
            let next = try byte(at: position)
            if let next { line.append(next) }
            position += 1
            guard next == 0x0A || next == nil else { continue }
            if number >= offset, !line.isEmpty {
                let lineCost = OutputCost(of: line)
                // Always include the first line: lines are short, or the answer would be counted in bytes.
                if taken > 0, !budget.allows(cost + lineCost) { break }
                cost = cost + lineCost
                text += line
                taken += 1
            }
            line.removeAll(keepingCapacity: true)
            number += 1
            if next == nil { break }
        }
        return page(.lines, offset, taken, stored.total, String(decoding: text, as: UTF8.self))
    }

    mutating func bytes(_ offset: Int, _ wanted: Int, _ budget: OutputBudget) throws(MMError) -> OutputPage {
        // Characters are never split: an offset inside a character moves to the next one.
        var start = offset
        while start < stored.bytes, let byte = try byte(at: start), byte & 0xC0 == 0x80 { start += 1 }
        let end = min(stored.bytes, offset + wanted)
        var text: [UInt8] = []
        var cost = OutputCost()
        var position = start
        while position < end, let byte = try byte(at: position) {
            cost.add(byte)
            if !budget.allows(cost), !text.isEmpty { break }
            text.append(byte)
            position += 1
        }
        while position < stored.bytes, let byte = try byte(at: position), byte & 0xC0 == 0x80 {
            text.append(byte)
            position += 1
        }
        let count = position - start
        return OutputPage(
            stored: stored, unit: .bytes, offset: start, count: count, total: stored.bytes,
            nextOffset: position < stored.bytes ? position : nil, text: String(decoding: text, as: UTF8.self),
            cutAtByte: nil)
    }

    /// Returns the nearest indexed position at or before a row or line.
    private func start(of offset: Int) -> (number: Int, position: Int)? {
        guard !stored.index.isEmpty else { return nil }
        let entry = min(offset / StoredOutput.stride, stored.index.count - 1)
        return (entry * StoredOutput.stride, stored.index[entry])
    }

    private func page(_ unit: OutputUnit, _ offset: Int, _ count: Int, _ total: Int, _ text: String) -> OutputPage {
        let next = offset + count
        return OutputPage(
            stored: stored, unit: unit, offset: offset, count: count, total: total,
            nextOffset: next < total && count > 0 ? next : nil, text: text, cutAtByte: nil)
    }
}

extension OutputStore {
    /// Removes expired answers, the leftovers of killed processes, and the oldest answers beyond the limits.
    func sweep() {
        guard let names = try? FolderListing.names(in: directory) else { return }
        let present = Set(names)
        var kept: [StoredOutput] = []
        for name in names {
            if name.hasSuffix(".json") {
                let handle = String(name.dropLast(5))
                if let stored = try? find(handle) { kept.append(stored) } else { try? remove(handle) }
            } else if name.hasSuffix(".data"), !present.contains(name.dropLast(5) + ".json"), isLeftover(name) {
                try? ProtectedFile.remove("\(directory)/\(name)")
            }
        }
        kept.sort { $0.stored > $1.stored }
        var bytes = 0
        for (position, stored) in kept.enumerated() {
            bytes += stored.bytes
            if position >= limits.count || bytes > limits.total { try? remove(stored.handle) }
        }
    }

    /// Returns whether a file hasn't been written to for an hour: its writer is gone and its handle was never returned.
    private func isLeftover(_ name: String) -> Bool {
        var status = stat()
        guard lstat("\(directory)/\(name)", &status) == 0 else { return false }
        return Glibc.time(nil) - status.st_mtim.tv_sec > 3600
    }
}

/// One page of a stored answer.
package struct OutputPage: Sendable, Hashable {
    /// The answer that the page is taken from.
    package let stored: StoredOutput
    /// The unit of offset and count.
    package let unit: OutputUnit
    /// The position of the page's first unit, from 0.
    package let offset: Int
    /// The number of rows, lines or bytes in the page.
    package let count: Int
    /// The number of rows, lines or bytes in the answer.
    package let total: Int
    /// The offset of the next page; `nil` at the end.
    package let nextOffset: Int?
    /// The rows as a JSON array, or the text.
    package let text: String
    /// The byte offset to continue from when a single row exceeds the budget and its text was cut.
    package let cutAtByte: Int?
}

/// The maximum size of an answer that is returned at once; the rest is stored and can be paged.
package struct OutputBudget: Sendable, Hashable {
    /// The maximum number of characters (Unicode scalars).
    package var characters: Int
    /// The maximum estimated number of language model tokens.
    package var tokens: Int

    package init(characters: Int = 25_000, tokens: Int = 10_000) {
        self.characters = characters
        self.tokens = tokens
    }

    /// 25,000 characters and about 10,000 tokens.
    package static let standard = OutputBudget()

    /// Returns whether a text fits into the budget as a whole.
    package func allows(_ text: some Sequence<UInt8>) -> Bool {
        var cost = OutputCost()
        for byte in text {
            cost.add(byte)
            if cost.characters > characters || cost.tokens > tokens { return false }
        }
        return true
    }

    /// Returns whether a cost is within the budget.
    func allows(_ cost: OutputCost) -> Bool { cost.characters <= characters && cost.tokens <= tokens }

    /// Returns a budget reduced by `aside` characters, which are reserved for the notes that accompany an answer.
    package func reserving(characters aside: Int) -> OutputBudget {
        OutputBudget(characters: max(1, characters - aside), tokens: max(1, tokens - aside / 3))
    }
}

/// The cost of a text against a budget, counted byte by byte.
///
/// The token estimate errs on the high side: four letters, three digits or two symbols make one token, and so does
/// every character beyond ASCII. A space costs a twelfth of a token, since it usually belongs to the word after it.
struct OutputCost: Sendable, Hashable {
    private(set) var characters = 0
    private var twelfths = 0

    /// The tokens so far, rounded up.
    var tokens: Int { (twelfths + 11) / 12 }

    init() {}

    /// Computes the cost of a whole text.
    init(of text: some Sequence<UInt8>) {
        for byte in text { add(byte) }
    }

    mutating func add(_ byte: UInt8) {
        // Continuation bytes belong to the preceding character.
        if byte & 0xC0 == 0x80 { return }
        characters += 1
        switch byte {
        case 0x41...0x5A, 0x61...0x7A: twelfths += 3
        case 0x30...0x39: twelfths += 4
        case 0x20: twelfths += 1
        case 0x80...: twelfths += 12
        default: twelfths += 6
        }
    }

    static func + (left: OutputCost, right: OutputCost) -> OutputCost {
        var sum = left
        sum.characters += right.characters
        sum.twelfths += right.twelfths
        return sum
    }
}
