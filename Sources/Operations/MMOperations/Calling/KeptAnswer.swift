package import MMCore

/// An answer that can be read later and several times. A large body is kept in the output store instead of memory.
package struct KeptAnswer: Sendable {
    private enum Place {
        case memory
        case text(StoredOutput)
        case json(StoredOutput)
        case rows(StoredOutput)
        case bytes(StoredOutput, contentType: String)
    }

    private var answer: OperationAnswer
    private var place = Place.memory
    private let outputs: OutputStore

    /// Keeps an answer.
    /// - Parameters:
    ///   - answer: the answer; a streamed list is read to its end.
    ///   - outputs: the store for large bodies.
    ///   - server: the server that owns the answer if it comes from no connection.
    ///   - waits: returns whether the answer has to wait for its reader, so that a large body must not stay in memory.
    /// - Throws: the errors of the stream or the store.
    init(
        _ answer: OperationAnswer, in outputs: OutputStore, for server: String?, waits: () -> Bool
    ) async throws(MMError) {
        self.answer = answer
        self.outputs = outputs
        let owner = answer.connection ?? "/\(server ?? "")"
        if let stream = answer.body.stream {
            let outcome = try await OutputCollection.collect(
                stream, into: outputs, connection: owner, budget: .standard, isForeign: answer.isForeign)
            self.answer.add(stream.end())
            switch outcome {
            case .whole(let bytes):
                self.answer.body = .json(bytes)
                isList = true
            case .stored(let stored):
                self.answer.body = .value(nil)
                place = .rows(stored)
            }
        }
        guard waits() else { return }
        let isForeign = self.answer.isForeign
        switch self.answer.body {
        case .text(let text) where text.utf8.count > Self.most:
            place = .text(try outputs.put(Array(text.utf8), connection: owner, asText: true, isForeign: isForeign))
        case .json(let bytes) where bytes.count > Self.most:
            place = .json(try outputs.put(bytes, connection: owner, isForeign: isForeign))
        case .value(let value):
            if case .rows = place { return }
            let bytes = JSONWriter.bytes(value)
            guard bytes.count > Self.most else { return }
            place = .json(try outputs.put(bytes, connection: owner, isForeign: isForeign))
        case .bytes(let bytes, let type) where bytes.count > Self.most:
            place = .bytes(try outputs.put(bytes, connection: owner, asText: true), contentType: type)
        default: return
        }
        if case .memory = place { return }
        self.answer.body = .value(nil)
    }

    /// Whether the body is a list that was fetched in pieces.
    private var isList = false
    /// The size in bytes up to which a body stays in memory.
    private static let most = 25_000

    /// The output format that the caller asked for.
    var form: String? {
        get { answer.form }
        set { answer.form = newValue }
    }

    /// Returns the answer, with a new body for each reader.
    /// - Throws: `notFound` if the store has discarded it.
    package func read() throws(MMError) -> OperationAnswer {
        var given = answer
        switch place {
        case .memory:
            guard isList, case .json(let bytes) = answer.body, let rows = JSONRows.find(in: bytes) else { break }
            given.body = .items(ItemStream(startingWith: rows.items.map { bytes[$0] }) { nil })
        case .text(let stored):
            given.stored = stored
            given.body = .text(String(decoding: try outputs.read(stored), as: UTF8.self))
        case .json(let stored):
            given.stored = stored
            given.body = .json(try outputs.read(stored))
        case .bytes(let stored, let type):
            given.body = .bytes(try outputs.read(stored), contentType: type)
        case .rows(let stored):
            given.stored = stored
            given.body = .items(ItemStream(of: stored, in: outputs))
        }
        return given
    }
}

extension ItemStream {
    /// Reads the rows of a stored answer page by page.
    init(of stored: StoredOutput, in outputs: OutputStore) {
        let position = Mutex<Int?>(0)
        let budget = OutputBudget(characters: 1 << 20, tokens: .max)
        self.init { () async throws(MMError) in
            guard let offset = position.withLock({ $0 }) else { return nil }
            let page = try outputs.page(
                stored.handle, offset: offset, unit: .rows, budget: budget, layout: .compact)
            if let cut = page.cutAtByte {
                // A single row is larger than a page, so the whole answer is read at once.
                _ = cut
                position.withLock { $0 = nil }
                let bytes = try outputs.read(stored)
                guard let rows = JSONRows.find(in: bytes) else { return nil }
                return rows.items.dropFirst(offset).map { bytes[$0] }
            }
            position.withLock { $0 = page.nextOffset }
            let bytes = Array(page.text.utf8)
            return JSONRows.find(in: bytes)?.items.map { bytes[$0] }
        }
    }
}
