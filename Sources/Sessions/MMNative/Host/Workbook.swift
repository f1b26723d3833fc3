/// A workbook with one sheet in Excel's format, as `Export-Excel` writes it.
struct Workbook {
    /// The content of a cell.
    enum Cell {
        case text(String), number(String), truth(Bool), empty
    }

    private var rows: [[Cell]] = []
    let sheet: String
    /// Whether the first row is shown in bold, and stays visible.
    var hasBoldTop = false
    var freezesTop = false
    var filters = false

    /// Creates a workbook with an empty sheet.
    /// - Parameter sheet: the sheet's name; Excel allows 31 characters and no brackets or slashes.
    init(sheet: String) {
        let plain = String(sheet.filter { !"[]:*?/\\".contains($0) }.prefix(31))
        self.sheet = plain.isEmpty ? "Sheet1" : plain
    }

    /// Appends a row.
    mutating func add(_ row: [Cell]) { rows.append(row) }

    /// The file: XML parts in an uncompressed archive.
    var bytes: [UInt8] {
        var archive = StoredArchive()
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
        let types = "http://schemas.openxmlformats.org/package/2006/content-types"
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        let relations = "http://schemas.openxmlformats.org/package/2006/relationships"
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        archive.add(
            "[Content_Types].xml",
            head + "<Types xmlns=\"\(types)\"><Default Extension=\"rels\" "
                + "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                + "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
                + "<Override PartName=\"/xl/workbook.xml\" ContentType=\"\(kind).sheet.main+xml\"/>"
                + "<Override PartName=\"/xl/styles.xml\" ContentType=\"\(kind).styles+xml\"/>"
                + "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"\(kind).worksheet+xml\"/></Types>")
        archive.add(
            "_rels/.rels",
            head + "<Relationships xmlns=\"\(relations)\"><Relationship Id=\"rId1\" Type=\"\(office)/officeDocument\" "
                + "Target=\"xl/workbook.xml\"/></Relationships>")
        archive.add(
            "xl/workbook.xml",
            head + "<workbook xmlns=\"\(main)\" xmlns:r=\"\(office)\"><sheets><sheet name=\"\(Self.escaped(sheet))\" "
                + "sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>")
        archive.add(
            "xl/_rels/workbook.xml.rels",
            head + "<Relationships xmlns=\"\(relations)\"><Relationship Id=\"rId1\" Type=\"\(office)/worksheet\" "
                + "Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"\(office)/styles\" "
                + "Target=\"styles.xml\"/></Relationships>")
        archive.add(
            "xl/styles.xml",
            head + "<styleSheet xmlns=\"\(main)\"><fonts count=\"2\"><font/><font><b/></font></fonts>"
                + "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>"
                + "<fill><patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border/></borders>"
                + "<cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"2\"><xf xfId=\"0\"/>"
                + "<xf xfId=\"0\" fontId=\"1\" applyFont=\"1\"/></cellXfs></styleSheet>")
        archive.add("xl/worksheets/sheet1.xml", head + worksheet(main))
        return archive.finished
    }

    private func worksheet(_ main: String) -> String {
        var text = "<worksheet xmlns=\"\(main)\">"
        if freezesTop {
            text +=
                "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" "
                + "activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>"
        }
        text += "<sheetData>"
        for (index, row) in rows.enumerated() {
            text += "<row r=\"\(index + 1)\">"
            for (column, cell) in row.enumerated() {
                let place = "r=\"\(Self.letters(column))\(index + 1)\"" + (index == 0 && hasBoldTop ? " s=\"1\"" : "")
                switch cell {
                case .empty: continue
                case .number(let number): text += "<c \(place)><v>\(number)</v></c>"
                case .truth(let truth): text += "<c \(place) t=\"b\"><v>\(truth ? 1 : 0)</v></c>"
                case .text(let value):
                    text +=
                        "<c \(place) t=\"inlineStr\"><is><t xml:space=\"preserve\">\(Self.escaped(value))</t></is></c>"
                }
            }
            text += "</row>"
        }
        text += "</sheetData>"
        if filters, let last = rows.map(\.count).max(), last > 0 {
            text += "<autoFilter ref=\"A1:\(Self.letters(last - 1))\(rows.count)\"/>"
        }
        return text + "</worksheet>"
    }

    /// Returns the letters of a column: A, B, …, Z, AA.
    static func letters(_ column: Int) -> String {
        var (letters, rest) = ("", column + 1)
        while rest > 0 {
            letters = String(UnicodeScalar(UInt8(65 + (rest - 1) % 26))) + letters
            rest = (rest - 1) / 26
        }
        return letters
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            // XML allows no other control characters.
            case _ where scalar.value < 0x20 && ![0x09, 0x0A, 0x0D].contains(scalar.value): continue
            case "\u{FFFE}", "\u{FFFF}": continue
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

/// A ZIP archive that stores its files without compression.
struct StoredArchive {
    private var contents: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    /// Appends a file.
    mutating func add(_ name: String, _ text: String) {
        let (name, bytes) = (Array(name.utf8), Array(text.utf8))
        var header: [UInt8] = []
        Self.put(20, 2, &header)
        // The flag says that the name is UTF-8; the time is the earliest that archives can express.
        Self.put(0x800, 2, &header)
        Self.put(0, 2, &header)
        Self.put(0, 2, &header)
        Self.put(0x21, 2, &header)
        Self.put(Self.checksum(bytes), 4, &header)
        Self.put(UInt32(bytes.count), 4, &header)
        Self.put(UInt32(bytes.count), 4, &header)
        Self.put(UInt32(name.count), 2, &header)
        Self.put(0, 2, &header)
        let start = UInt32(contents.count)
        contents += [0x50, 0x4B, 3, 4] + header + name + bytes
        directory += [0x50, 0x4B, 1, 2]
        Self.put(20, 2, &directory)
        directory += header
        for size in [2, 2, 2, 4] { Self.put(0, size, &directory) }
        Self.put(start, 4, &directory)
        directory += name
        count += 1
    }

    /// The whole archive.
    var finished: [UInt8] {
        var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
        Self.put(UInt32(count), 2, &end)
        Self.put(UInt32(count), 2, &end)
        Self.put(UInt32(directory.count), 4, &end)
        Self.put(UInt32(contents.count), 4, &end)
        Self.put(0, 2, &end)
        return contents + directory + end
    }

    private static func put(_ number: UInt32, _ size: Int, _ bytes: inout [UInt8]) {
        for place in 0..<size { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt32(place)))) }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    /// Returns the CRC-32 of bytes.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(0xFFFF_FFFF) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }
}

/// `Export-Excel` for tables; parameters for charts and pivot tables are refused by name.
extension HostCommands {
    static let exportExcelSpecification = CommandSpecification(
        name: "Export-Excel", className: "ExportExcel",
        values: [
            "Path", "WorksheetName", "TableName", "TableStyle", "Title", "InputObject", "ExcludeProperty", "StartRow",
        ],
        switches: [
            "AutoSize", "AutoFilter", "BoldTopRow", "FreezeTopRow", "FreezeFirstColumn", "Append", "ClearSheet", "Show",
            "NoNumberConversion", "FreezeTopRowFirstColumn", "NoHeader",
        ], positions: ["Path"], aliases: ["WorkSheetname": "WorksheetName", "FilePath": "Path"])

    static func exportExcel(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = try onlyPath(command)
        guard !command.isSet("Append") || host.read(path) == nil else {
            throw .fatal(
                NativeError(
                    "ExportExcel",
                    "Export-Excel -Append to an existing workbook is not supported: write another file.",
                    isReadable: true))
        }
        var workbook = Workbook(sheet: command["WorksheetName"]?.text ?? "Sheet1")
        workbook.hasBoldTop = command.isSet("BoldTopRow") || command["TableStyle"] != nil || command["TableName"] != nil
        workbook.freezesTop = command.isSet("FreezeTopRow") || command.isSet("FreezeTopRowFirstColumn")
        workbook.filters = command.isSet("AutoFilter") || command["TableName"] != nil
        let excluded = Set(Cmdlets.list(command["ExcludeProperty"]).map { $0.text.lowercased() })
        let rows = items.filter { !$0.isNull }
        var names: [String] = []
        if case .object(let first)? = rows.first {
            names = first.whole.shape.names.filter { !excluded.contains($0.lowercased()) }
        }
        if !names.isEmpty, !command.isSet("NoHeader") { workbook.add(names.map { .text($0) }) }
        for row in rows {
            guard case .object(let object) = row, !names.isEmpty else {
                workbook.add([try cell(row)])
                continue
            }
            var cells: [Workbook.Cell] = []
            for name in names { cells.append(try cell(object[name] ?? .null)) }
            workbook.add(cells)
        }
        try host.write(workbook.bytes, to: path, isAppending: false)
    }

    private static func cell(_ value: PSValue) throws(Interrupt) -> Workbook.Cell {
        switch value.plain {
        case .null: .empty
        case .bool(let truth): .truth(truth)
        case .byte, .int, .long, .decimal: .number(try PSText.string(value))
        case .single(let number) where number.isFinite: .number(try PSText.long(number))
        case .double(let number) where number.isFinite: .number(try PSText.string(value))
        default: .text(try PSText.string(value))
        }
    }
}
