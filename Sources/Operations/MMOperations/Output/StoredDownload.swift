import MMCore
import MMShell

/// Writes a stored answer to a file of the caller's: its rows in a form, or what a jq program makes of them; a text as it is.
struct StoredDownload {
    let stored: StoredOutput
    let outputs: OutputStore
    let context: OperationContext
    let services: ShellServices

    /// Writes it.
    /// - Throws: `invalidInput` for a form that the answer can't have, and what the file's folder refuses.
    func run(to named: String, form word: String?, filter: String?) async throws(MMError) -> OperationAnswer {
        let form = try RowForm.of(word, file: named)
        let export = RowExport(
            context: context, services: services, connection: stored.connection, form: form, replaces: false)
        let place = try await export.place(named, suggested: "\(stored.handle).\(form.rawValue)")
        if let filter {
            let result = try await JQProgram(filter).run(on: try Self.json(of: stored, in: outputs))
            return try await export.write(Self.stream(of: result), to: place)
        }
        if stored.unit == .rows { return try await export.write(ItemStream(of: stored, in: outputs), to: place) }
        guard word != nil || RowForm.byName(named) != nil, let rows = CSVRows.read(try outputs.read(stored)),
            form != .csv
        else {
            return try await copy(to: place)
        }
        return try await export.write(
            ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil }, to: place)
    }

    /// The text as it is.
    private func copy(to place: LocalFiles.Place?) async throws(MMError) -> OperationAnswer {
        guard let place else {
            return OperationAnswer(.value(["handle": .string(stored.handle)]), connection: stored.connection)
        }
        let file = try await RowFile(at: place, replaces: false)
        var start = 0
        while start < stored.bytes {
            let piece = try outputs.bytes(of: stored, from: start, limit: 1 << 20)
            guard !piece.isEmpty else { break }
            try await file.write(piece)
            start += piece.count
        }
        let size = try await file.finish()
        return OperationAnswer(
            .value(["path": .string(place.path), "size": .int(Int64(size))]), text: "\(place.path): \(size) bytes",
            connection: stored.connection)
    }

    /// An answer as JSON for a jq program: a table of comma-separated values is its rows, other text is one text.
    static func json(of stored: StoredOutput, in outputs: OutputStore) throws(MMError) -> [UInt8] {
        let bytes = try outputs.read(stored)
        if stored.unit == .rows || (try? JSONParser.parse(bytes)) != nil { return bytes }
        if let rows = CSVRows.read(bytes) { return JSONWriter.bytes(.array(rows)) }
        return JSONWriter.bytes(.string(String(decoding: bytes, as: UTF8.self)))
    }

    /// The values that a jq program wrote; a list is its items.
    private static func stream(of result: [UInt8]) -> ItemStream {
        let lines = result.split(separator: 0x0A)
        if lines.count == 1, let rows = JSONRows.find(in: Array(lines[0])) {
            let line = Array(lines[0])
            return ItemStream(startingWith: rows.items.map { line[$0] }) { nil }
        }
        return ItemStream(startingWith: lines.map { $0 }) { nil }
    }
}
