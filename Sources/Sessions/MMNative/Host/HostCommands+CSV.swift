/// Tables in text files, a record in each line.
extension HostCommands {
    static func exportCSV(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = try onlyPath(command, in: host)
        try keepExisting(path, command, host)
        var delimiter = ","
        if let given = command["Delimiter"] { delimiter = try PSText.string(given) }
        let columns = try columns(of: path, command, host, delimiter)
        let stage = ToCSVStage(
            delimiter: delimiter, quotes: try CSVQuotes(command), showsHeader: !command.isSet("NoHeader"),
            columns: columns, for: command)
        stage.report = { (error) throws(Interrupt) in try evaluator.report(error, command.errorAction) }
        var text = ""
        stage.next = { (line) throws(Interrupt) in text += try PSText.string(line) + "\n" }
        for item in items { try stage.process(item) }
        try stage.finish()
        guard let columns else {
            if command.isSet("IncludeTypeInformation"), case .object(let first)? = items.first(where: { !$0.isNull }) {
                text = "#TYPE \(first.typeName)\n" + text
            }
            return try write(text, to: path, command, host, isAppending: false)
        }
        if case .object(let first)? = items.first(where: { !$0.isNull }), !command.isSet("Force") {
            let shape = first.whole.shape
            if let lacking = columns.first(where: { shape.place(of: $0) == nil }) {
                throw .statement(mismatch(lacking, path, command))
            }
        }
        try append(text, to: path, command, host)
    }

    /// Returns the columns of the file to which rows are appended; `nil` for a new file and for an empty one, which
    /// gets its header now.
    private static func columns(
        of path: String, _ command: BoundCommand, _ host: NativeHost, _ delimiter: String
    ) throws(Interrupt) -> [String]? {
        guard command.isSet("Append") else { return nil }
        guard !command.isSet("NoHeader") else { throw .handOver("-NoHeader with -Append") }
        guard let bytes = host.read(path), case let text = FileText.read(bytes), !text.isEmpty else { return nil }
        guard Encodings.marked(bytes) != "utf-32" else { throw .handOver("rows in the encoding of their file") }
        guard delimiter.utf8.count == 1, let unit = delimiter.utf8.first else {
            throw .handOver("an unusual delimiter")
        }
        return try FromCSVStage.header(of: text, delimiter: unit)
    }

    /// Appends to a file in the file's own encoding, which its byte order mark or the command tells.
    private static func append(
        _ text: String, to path: String, _ command: BoundCommand, _ host: NativeHost
    ) throws(Interrupt) {
        let marked = host.read(path).flatMap(Encodings.marked)
        let given = try command["Encoding"].map { (encoding) throws(Interrupt) in
            try Encodings.file(text, in: encoding, begins: false)
        }
        let bytes = try marked.map { (name) throws(Interrupt) in
            try Encodings.file(text, in: .string(name), begins: false)
        }
        guard marked != nil || given == nil || given == Array(text.utf8) else {
            throw .handOver("rows in the encoding of their file")
        }
        try host.write(bytes ?? Array(text.utf8), to: path, isAppending: true)
    }

    private static func mismatch(_ column: String, _ path: String, _ command: BoundCommand) -> NativeError {
        NativeError(
            command.specification.errorID("CannotAppendCsvWithMismatchedPropertyNames"),
            "Cannot append CSV content to the following file: \(path). The appended object does not have a property that "
                + "corresponds to the following column: \(column). To continue with mismatched properties, add the -Force "
                + "parameter, and then retry the command.", category: "InvalidData", isReadable: true)
    }

    static func importCSV(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var paths = try paths(command, in: host)
        for item in items { paths.append(try PSText.string(item)) }
        let delimiter = command["Delimiter"]?.text.utf8.first ?? UInt8(ascii: ",")
        for path in paths {
            let stage = try FromCSVStage(
                delimiter: delimiter, names: Cmdlets.list(command["Header"]).map(\.text))
            var rows: [PSValue] = []
            stage.next = { (row) throws(Interrupt) in rows.append(row) }
            try stage.process(.string(try text(path, command, host)))
            try stage.finish()
            for row in rows { try emit(row) }
        }
    }
}
