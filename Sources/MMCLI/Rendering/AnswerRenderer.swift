package import MMCore
package import MMOperations

/// Writes an answer in the requested format, batch by batch where the answer is a long list.
package struct AnswerRenderer {
    private let format: GlobalOptions.Format?
    private let note: (String) -> Void
    private let write: ([UInt8]) async throws(MMError) -> Void
    private let writeError: ([UInt8]) -> Void

    /// Creates a renderer.
    /// - Parameters:
    ///   - format: the requested format; `nil` for the one that suits the answer.
    ///   - note: receives a line for the person about what the format leaves out.
    ///   - writeError: receives what a command writes to its standard error.
    ///   - write: receives the bytes in order.
    package init(
        format: GlobalOptions.Format?, note: @escaping (String) -> Void = { _ in },
        writeError: @escaping ([UInt8]) -> Void = { _ in },
        write: @escaping ([UInt8]) async throws(MMError) -> Void
    ) {
        self.format = format
        self.note = note
        self.writeError = writeError
        self.write = write
    }

    /// Writes the whole answer.
    /// - Throws: the `MMError` of fetching a list or of writing.
    package func render(_ answer: OperationAnswer) async throws(MMError) {
        if let text = answer.text, format == nil || format == .text { return try await line(text) }
        switch answer.body {
        case .text(let text):
            if format == .json { return try await line(JSONWriter.string(.string(text))) }
            try await write(Array(text.utf8))
            if !text.isEmpty, !text.hasSuffix("\n") { try await write([0x0A]) }
        case .bytes(let bytes, _): try await write(bytes)
        case .value(let value): try await render(value, columns: answer.columns)
        case .json(let bytes): try await render(text: bytes, columns: answer.columns)
        case .items(let stream): try await render(stream, columns: answer.columns)
        case .output(let stream): try await pass(stream)
        }
    }

    /// Writes a command's output as it arrives, each piece to the stream that it came from.
    private func pass(_ stream: ItemStream) async throws(MMError) {
        while let batch = try await stream.next() {
            for row in batch {
                let piece = try CommandPiece(row: row)
                if piece.isError { writeError(piece.bytes) } else { try await write(piece.bytes) }
            }
        }
    }

    private func line(_ text: String) async throws(MMError) {
        try await write(Array(text.utf8) + [0x0A])
    }

    /// Writes many lines in chunks, which limits both memory and system calls.
    private func lines<Item>(_ items: [Item], _ text: (Item) -> String) async throws(MMError) {
        var bytes: [UInt8] = []
        for item in items {
            bytes += text(item).utf8
            bytes.append(0x0A)
            if bytes.count >= Self.piece {
                try await write(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        if !bytes.isEmpty { try await write(bytes) }
    }

    private static let piece = 64 << 10

    private func render(text bytes: [UInt8], columns: [String]) async throws(MMError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes)
        } catch {
            // A service's own text is shown unchanged, even if it turns out not to be JSON.
            return try await write(bytes)
        }
        try await render(value, columns: columns)
        if let format, format != .json, value["@odata.nextLink"] != nil {
            note("These are the first rows. All of them: --all; so many: --top N.")
        }
    }

    private func render(_ value: JSONValue, columns: [String]) async throws(MMError) {
        switch format ?? (columns.isEmpty ? .json : .table) {
        case .json: try await line(JSONWriter.string(value, layout: .indented(2)))
        case .jsonl:
            guard let rows = Rows(of: value, columns: columns) else { return try await line(JSONWriter.string(value)) }
            try await lines(rows.items) { JSONWriter.string($0) }
        case .csv:
            let rows = Rows(of: value, columns: columns) ?? Rows(items: [value], columns: columns)
            try await lines([rows.columns] + rows.items.map { rows.cells(of: $0) }) { CSVText.line($0) }
        case .table:
            guard let rows = Rows(of: value, columns: columns) else { return try await members(value) }
            let shown = forTable(rows, named: !columns.isEmpty)
            let cells = shown.items.map { shown.cells(of: $0) }
            let table = TableText(fitting: [shown.columns] + cells)
            try await lines([shown.columns.map { $0.uppercased() }] + cells) { table.line($0) }
        case .text:
            guard let rows = Rows(of: value, columns: columns) else { return try await members(value) }
            try await lines(rows.items) { rows.cells(of: $0).joined(separator: "\t") }
        }
    }

    /// Leaves out of a table the columns that don't fit into a cell, and notes how many.
    private func forTable(_ rows: Rows, named: Bool) -> Rows {
        guard !named, let simple = rows.simple, simple.columns.count < rows.columns.count else { return rows }
        let hidden = rows.columns.filter { !simple.columns.contains($0) }
        note(
            "\(hidden.count) more columns (\(hidden.prefix(4).joined(separator: ", "))"
                + "\(hidden.count > 4 ? ", …" : "")): --output json or csv.")
        return simple
    }

    /// Writes one object as two columns: name and value.
    private func members(_ value: JSONValue) async throws(MMError) {
        guard let object = value.object else {
            return try await line(value.string ?? JSONWriter.string(value))
        }
        let rows = object.map { [$0.key, $0.value.string ?? $0.value.description] }
        let table = TableText(fitting: rows, limit: 100)
        try await lines(rows) { table.line($0) }
    }

    private func render(_ stream: ItemStream, columns: [String]) async throws(MMError) {
        switch format ?? .json {
        case .json:
            try await write([UInt8(ascii: "[")])
            var separator = Array("\n".utf8)
            while let batch = try await stream.next() {
                var bytes: [UInt8] = []
                for item in batch {
                    bytes += separator
                    bytes += item
                    separator = Array(",\n".utf8)
                }
                try await write(bytes)
            }
            try await write(Array("\n]\n".utf8))
        case .jsonl:
            while let batch = try await stream.next() {
                var bytes: [UInt8] = []
                for item in batch {
                    // A service may spread its JSON over several lines.
                    if item.contains(0x0A), let value = try? JSONParser.parse(item) {
                        bytes += JSONWriter.bytes(value)
                    } else {
                        bytes += item
                    }
                    bytes.append(0x0A)
                }
                try await write(bytes)
            }
        case .csv, .table, .text: try await renderRows(stream, columns: columns)
        }
    }

    /// Writes a table with the columns and widths of its first batch, so that later batches need no memory and move no
    /// columns.
    private func renderRows(_ stream: ItemStream, columns: [String]) async throws(MMError) {
        var layout: (rows: Rows, table: TableText)?
        var cut = 0
        while let batch = try await stream.next() {
            var items: [JSONValue] = []
            for bytes in batch {
                guard let item = try? JSONParser.parse(bytes) else {
                    throw MMError(.remoteFailed, "The service sent an item that is no JSON.")
                }
                items.append(item)
            }
            if layout == nil {
                let all = Rows(items: items, columns: columns)
                let rows = format == .table ? forTable(all, named: !columns.isEmpty) : all
                let table = TableText(fitting: [rows.columns] + items.map { rows.cells(of: $0) })
                layout = (rows, table)
                if format == .csv { try await line(CSVText.line(rows.columns)) }
                if format == .table { try await line(table.line(rows.columns.map { $0.uppercased() })) }
            }
            guard let (rows, table) = layout else { continue }
            if format == .csv, columns.isEmpty { cut += items.count { rows.isCut($0) } }
            try await lines(items.map { rows.cells(of: $0) }) { cells in
                switch format {
                case .csv: CSVText.line(cells)
                case .table: table.line(cells)
                default: cells.joined(separator: "\t")
                }
            }
        }
        if cut > 0 { note("\(cut) rows have members that the first rows lack and CSV leaves out: --output jsonl.") }
    }
}
