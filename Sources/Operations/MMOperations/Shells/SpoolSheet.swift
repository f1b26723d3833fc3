import MMCore

/// One output of a command in the output store, while it is written.
actor SpoolSheet {
    private var writer: OutputWriter?
    private var stored: StoredOutput?

    /// Begins a sheet.
    init(in outputs: OutputStore, for owner: String) throws(MMError) {
        writer = try outputs.begin(connection: owner)
    }

    /// Adds bytes.
    /// - Throws: `limitExceeded` where the store takes no more; what is there stays.
    func append(_ bytes: [UInt8]) throws(MMError) { try writer?.append(text: bytes) }

    /// A piece of what was added so far.
    func page(from offset: Int, limit: Int) throws(MMError) -> [UInt8] {
        try writer?.read(from: offset, limit: limit) ?? []
    }

    /// Ends it, and gives it its handle.
    func finish() throws(MMError) -> StoredOutput? {
        if let open = writer.take() { stored = try open.finishText() }
        return stored
    }
}
