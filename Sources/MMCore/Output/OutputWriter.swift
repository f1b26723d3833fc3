import Glibc

/// Stores an answer piece by piece, in constant memory. A writer that is dropped without `finish` leaves nothing
/// behind.
package struct OutputWriter: ~Copyable {
    private let store: OutputStore
    private let connection: String
    private let handle: String
    private let path: String
    private let file: Descriptor
    private var held: [UInt8] = []
    private var written = 0
    private var rows = 0
    private var index: [Int] = []
    private var lines = OutputLines()
    private var finished = false
    /// Whether other people wrote it, as far as is known. Rows show it by themselves, a text doesn't.
    package var isForeign = false
    private var lookedAt = 0

    private static let holdLimit = 64 << 10

    init(store: OutputStore, connection: String) throws(MMError) {
        try ProtectedFile.makeDirectory(store.directory)
        store.sweep()
        let handle = OutputStore.newHandle()
        let path = "\(store.directory)/\(handle).data"
        let file = try FileLocation.made(path, O_RDWR | O_EXCL, to: "store output in")
        self.store = store
        self.connection = connection
        self.handle = handle
        self.path = path
        self.file = file
    }

    deinit {
        if !finished { try? ProtectedFile.remove(path) }
    }

    /// Appends one row, which must be a whole JSON value.
    package mutating func append(row: some Collection<UInt8>) throws(MMError) {
        held.append(UInt8(ascii: rows == 0 ? "[" : ","))
        held.append(0x0A)
        if rows % StoredOutput.stride == 0 { index.append(written + held.count) }
        rows += 1
        look(at: row)
        try append(row)
    }

    /// Looks at a row, which may be appended in another form, for content of other people.
    package mutating func look(at row: some Collection<UInt8>) {
        guard !isForeign, lookedAt < ForeignContent.mostRows else { return }
        lookedAt += 1
        isForeign = ForeignContent.isWithin(json: Array(row), from: connection)
    }

    /// Appends a piece of text.
    package mutating func append(text: [UInt8]) throws(MMError) {
        try append(text)
        lines.append(text)
    }

    /// Returns a range of what has been appended so far; nothing where that doesn't reach.
    package mutating func read(from offset: Int, limit: Int) throws(MMError) -> [UInt8] {
        try flush()
        guard offset < written else { return [] }
        return try file.bytes(from: offset, limit: min(limit, written - offset), of: path)
    }

    /// Finishes a text and returns its description. It is counted in lines if it has several.
    package consuming func finishText() throws(MMError) -> StoredOutput {
        let lines = lines
        if lines.canPageByLines { return try finish(unit: .lines, total: lines.count, index: lines.index) }
        let total = written + held.count
        return try finish(unit: .bytes, total: total, index: [])
    }

    /// Appends raw bytes.
    mutating func append(_ bytes: some Collection<UInt8>) throws(MMError) {
        guard written + held.count + bytes.count <= store.limits.single else {
            throw MMError(
                .limitExceeded, "The answer is larger than \(store.limits.single) bytes.",
                hint: "Request less: fewer fields, a filter, or a limit.")
        }
        held.append(contentsOf: bytes)
        if held.count >= Self.holdLimit { try flush() }
    }

    /// Finishes a list of rows and returns its description.
    package consuming func finish() throws(MMError) -> StoredOutput {
        let end: StaticString = rows == 0 ? "[]\n" : "\n]\n"
        try append(UnsafeBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount))
        let (total, starts) = (rows, index)
        return try finish(unit: .rows, total: total, index: starts)
    }

    /// Finishes an answer in any unit and returns its description.
    consuming func finish(unit: OutputUnit, total: Int, index: [Int]) throws(MMError) -> StoredOutput {
        try flush()
        // Rounded to the millisecond, as the description file stores it.
        let moment = store.clock.now
        let now = Timestamp(seconds: moment.seconds, nanoseconds: moment.nanoseconds / 1_000_000 * 1_000_000)
        let stored = StoredOutput(
            handle: handle, connection: connection, unit: unit, total: total, bytes: written, stored: now,
            expires: now + store.limits.age, isForeign: isForeign, index: index)
        // The handle is valid once this file exists; until then the data is a leftover that a later sweep removes.
        try ProtectedFile.replace("\(store.directory)/\(handle).json", with: stored.fileText, durable: false)
        finished = true
        return stored
    }

    private mutating func flush() throws(MMError) {
        try ProtectedFile.write(held, to: file, path: path)
        written += held.count
        held.removeAll(keepingCapacity: true)
    }
}

/// The unit in which an answer is paged.
package enum OutputUnit: String, Sendable, CaseIterable {
    /// Items of a JSON array.
    case rows
    /// Lines of text.
    case lines
    /// Bytes of text, for answers without usable lines.
    case bytes
}

/// The description of a stored answer.
package struct StoredOutput: Sendable, Hashable {
    /// The random name to request it by; it never contains a path.
    package let handle: String
    /// The connection that it came from; only callers that may use that connection may read it.
    package let connection: String
    /// The unit of `total`.
    package let unit: OutputUnit
    /// The number of rows, lines or bytes.
    package let total: Int
    /// The length in bytes.
    package let bytes: Int
    /// When it was stored.
    package let stored: Timestamp
    /// When it is removed.
    package let expires: Timestamp
    /// Whether other people wrote what it contains.
    package let isForeign: Bool

    /// The start of every 256th row or line.
    let index: [Int]
    static let stride = 256

    init(
        handle: String, connection: String, unit: OutputUnit, total: Int, bytes: Int, stored: Timestamp,
        expires: Timestamp, isForeign: Bool, index: [Int]
    ) {
        self.handle = handle
        self.connection = connection
        self.unit = unit
        self.total = total
        self.bytes = bytes
        self.stored = stored
        self.expires = expires
        self.isForeign = isForeign
        self.index = index
    }

    /// The description that callers receive.
    package var json: JSONObject {
        var object: JSONObject = [
            "handle": .string(handle), "connection": .string(connection), "unit": .string(unit.rawValue),
            "total": .int(Int64(total)), "bytes": .int(Int64(bytes)), "stored": .string(stored.iso8601),
            "expires": .string(expires.iso8601),
        ]
        if isForeign { object["foreign"] = true }
        return object
    }

    var fileText: [UInt8] {
        var object = json
        object["stored"] = .string(stored.iso8601Milliseconds)
        object["expires"] = .string(expires.iso8601Milliseconds)
        object["index"] = .array(index.map { .int(Int64($0)) })
        return JSONWriter.bytes(.object(object)) + [0x0A]
    }

    init?(fileText: [UInt8]) {
        guard let object = (try? JSONParser.parse(fileText))?.object else { return nil }
        self.init(json: object)
    }

    /// Reads a description that a caller received; `nil` when it is anything else.
    package init?(json object: JSONObject) {
        guard let handle = object["handle"]?.string,
            let connection = object["connection"]?.string,
            let unit = object["unit"]?.string.flatMap(OutputUnit.init(rawValue:)), let total = object["total"]?.int,
            let bytes = object["bytes"]?.int, let stored = object["stored"]?.string.flatMap(Timestamp.init(iso8601:)),
            let expires = object["expires"]?.string.flatMap(Timestamp.init(iso8601:)), total >= 0, bytes >= 0
        else { return nil }
        let index = (object["index"]?.array ?? []).compactMap(\.int)
        guard index.allSatisfy({ (0...bytes).contains($0) }) else { return nil }
        self.init(
            handle: handle, connection: connection, unit: unit, total: total, bytes: bytes, stored: stored,
            expires: expires, isForeign: object["foreign"] == true, index: index)
    }
}

/// An index of the line starts in a text.
struct OutputLines: Sendable {
    /// The longest line, in bytes, for which paging by lines makes sense.
    private static let maxLineLength = 8000

    /// The start of every `StoredOutput.stride`-th line.
    private(set) var index: [Int] = []
    /// The number of lines so far.
    private(set) var count = 0
    private var position = 0
    private var lineStart = 0
    private var hasOnlyShortLines = true

    /// Whether to page the text by lines: there are several, and none is too long.
    var canPageByLines: Bool { hasOnlyShortLines && count > 1 && position - lineStart <= Self.maxLineLength }

    /// Continues with the next piece of the text.
    mutating func append(_ text: some Sequence<UInt8>) {
        for byte in text {
            if position == lineStart {
                if count % StoredOutput.stride == 0 { index.append(position) }
                count += 1
            }
            position += 1
            guard byte == 0x0A else { continue }
            if position - 1 - lineStart > Self.maxLineLength { hasOnlyShortLines = false }
            lineStart = position
        }
    }

    /// Returns the start of each line; `nil` when there are fewer than two lines or one is too long.
    static func starts(of text: [UInt8]) -> [Int]? {
        var starts: [Int] = text.isEmpty ? [] : [0]
        var last = 0
        for (index, byte) in text.enumerated() where byte == 0x0A {
            if index - last > maxLineLength { return nil }
            last = index + 1
            if last < text.count { starts.append(last) }
        }
        return text.count - last > maxLineLength || starts.count < 2 ? nil : starts
    }
}
