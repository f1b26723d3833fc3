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

    private static let holdLimit = 64 << 10

    init(store: OutputStore, connection: String) throws(MMError) {
        try ProtectedFile.makeDirectory(store.directory)
        store.sweep()
        let handle = OutputStore.newHandle()
        let path = "\(store.directory)/\(handle).data"
        guard let place = try FileLocation.resolve(path, creating: true),
            let file = try place.open(O_RDWR | O_CREAT | O_EXCL, to: "store output in")
        else { throw FileFault.error(ENOENT, "store output in", path) }
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
        try append(row)
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
                hint: "Ask for less: fewer fields, a filter, or a limit.")
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
            expires: now + store.limits.age, index: index)
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
