import MMCore

/// A workbook in Excel's format, as `Export-Excel` writes it.
struct Workbook: Sendable {
    /// The rows and columns that Excel allows in a sheet.
    static let (mostRows, mostColumns) = (1_048_576, 16_384)

    /// The content of a cell.
    enum Cell: Sendable {
        case text(String), number(String), truth(Bool), date(PSDate), empty

        /// The words of a text.
        var words: String? { if case .text(let words) = self { words } else { nil } }
    }

    /// A sheet.
    struct Sheet: Sendable {
        let name: String
        private(set) var rows: [[Cell]] = []
        /// The row with the names of the columns, and where they begin.
        var header = 0
        var firstColumn = 0
        /// The rows in bold.
        var bold: Set<Int> = []
        /// Whether the rows up to the names of the columns stay visible.
        var freezesTop = false
        var filters = false

        /// Creates an empty sheet; Excel allows 31 characters and no brackets or slashes in its name.
        init(_ name: String) {
            let plain = String(name.filter { !"[]:*?/\\".contains($0) }.prefix(31))
            self.name = plain.isEmpty ? "Sheet1" : plain
        }

        /// The rows and cells that only fill the sheet up to others.
        private var blanks = 0

        /// Writes a row over what is there.
        mutating func put(_ cells: [Cell], row: Int) throws(Interrupt) {
            for (place, cell) in cells.enumerated() { try set(cell, row, firstColumn + place) }
            while rows.count <= row { rows.append([]) }
        }

        /// The number of columns.
        var width: Int { rows.map(\.count).max() ?? 0 }

        /// Returns a cell, which is empty outside of what was written.
        func cell(_ row: Int, _ column: Int) -> Cell {
            rows.indices.contains(row) && rows[row].indices.contains(column) ? rows[row][column] : .empty
        }

        /// Writes a cell.
        mutating func set(_ cell: Cell, _ row: Int, _ column: Int) throws(Interrupt) {
            guard row < Workbook.mostRows, column < Workbook.mostColumns else {
                throw .handOver("a place outside a sheet")
            }
            blanks += max(0, row - rows.count)
            while rows.count <= row { rows.append([]) }
            blanks = try StepBound.count(blanks + max(0, column - rows[row].count), "a large sheet")
            while rows[row].count <= column { rows[row].append(.empty) }
            rows[row][column] = cell
        }

        /// The names of the columns.
        var names: [String] {
            rows.indices.contains(header) ? rows[header].dropFirst(firstColumn).compactMap(\.words) : []
        }
    }

    var sheets: [Sheet] = []

    /// Returns the sheet with a name, in any case.
    func sheet(named name: String) -> Sheet? {
        let name = Sheet(name).name.lowercased()
        return sheets.first { $0.name.lowercased() == name }
    }

    /// Adds a sheet, or replaces the one with its name.
    mutating func put(_ sheet: Sheet) {
        if let place = sheets.firstIndex(where: { $0.name.lowercased() == sheet.name.lowercased() }) {
            sheets[place] = sheet
        } else {
            sheets.append(sheet)
        }
    }

    /// The file: XML parts in an uncompressed archive.
    var bytes: [UInt8] {
        var archive = StoredArchive()
        let numbers = sheets.indices.map { $0 + 1 }
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
                + numbers.map {
                    "<Override PartName=\"/xl/worksheets/sheet\($0).xml\" ContentType=\"\(kind).worksheet+xml\"/>"
                }.joined() + "</Types>")
        archive.add(
            "_rels/.rels",
            head + "<Relationships xmlns=\"\(relations)\"><Relationship Id=\"rId1\" Type=\"\(office)/officeDocument\" "
                + "Target=\"xl/workbook.xml\"/></Relationships>")
        archive.add(
            "xl/workbook.xml",
            head + "<workbook xmlns=\"\(main)\" xmlns:r=\"\(office)\"><sheets>"
                + numbers.map {
                    "<sheet name=\"\(Self.escaped(sheets[$0 - 1].name))\" sheetId=\"\($0)\" r:id=\"rId\($0)\"/>"
                }.joined() + "</sheets></workbook>")
        archive.add(
            "xl/_rels/workbook.xml.rels",
            head + "<Relationships xmlns=\"\(relations)\">"
                + numbers.map {
                    "<Relationship Id=\"rId\($0)\" Type=\"\(office)/worksheet\" Target=\"worksheets/sheet\($0).xml\"/>"
                }.joined()
                + "<Relationship Id=\"rId\(sheets.count + 1)\" Type=\"\(office)/styles\" Target=\"styles.xml\"/>"
                + "</Relationships>")
        archive.add(
            "xl/styles.xml",
            head + "<styleSheet xmlns=\"\(main)\"><fonts count=\"2\"><font/><font><b/></font></fonts>"
                + "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>"
                + "<fill><patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border/></borders>"
                + "<cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"4\"><xf xfId=\"0\"/>"
                + "<xf xfId=\"0\" fontId=\"1\" applyFont=\"1\"/>"
                // Dates, plain and bold: 22 is Excel's own format of a day with a time.
                + "<xf xfId=\"0\" numFmtId=\"22\" applyNumberFormat=\"1\"/>"
                + "<xf xfId=\"0\" numFmtId=\"22\" fontId=\"1\" applyNumberFormat=\"1\" applyFont=\"1\"/></cellXfs></styleSheet>"
        )
        for number in numbers {
            archive.add("xl/worksheets/sheet\(number).xml", head + Self.worksheet(sheets[number - 1], main))
        }
        return archive.finished
    }

    private static func worksheet(_ sheet: Sheet, _ main: String) -> String {
        let rows = sheet.rows
        var text = "<worksheet xmlns=\"\(main)\">"
        if sheet.freezesTop {
            text +=
                "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"\(sheet.header + 1)\" "
                + "topLeftCell=\"A\(sheet.header + 2)\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>"
        }
        text += "<sheetData>"
        for (index, row) in rows.enumerated() {
            text += "<row r=\"\(index + 1)\">"
            for (column, cell) in row.enumerated() {
                var style = sheet.bold.contains(index) ? 1 : 0
                if case .date = cell { style += 2 }
                let place = "r=\"\(letters(column))\(index + 1)\"" + (style > 0 ? " s=\"\(style)\"" : "")
                switch cell {
                case .empty: continue
                case .number(let number): text += "<c \(place)><v>\(number)</v></c>"
                case .date(let date): text += "<c \(place)><v>\(PSText.long(date.automationDays))</v></c>"
                case .truth(let truth): text += "<c \(place) t=\"b\"><v>\(truth ? 1 : 0)</v></c>"
                case .text(let value):
                    text +=
                        "<c \(place) t=\"inlineStr\"><is><t xml:space=\"preserve\">\(escaped(value))</t></is></c>"
                }
            }
            text += "</row>"
        }
        text += "</sheetData>"
        if sheet.filters, let last = rows.map(\.count).max(), last > 0 {
            let first = "\(letters(sheet.firstColumn))\(sheet.header + 1)"
            text += "<autoFilter ref=\"\(first):\(letters(last - 1))\(rows.count)\"/>"
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

    /// Returns a text as it may stand in a sheet, without the control characters that XML doesn't allow.
    private static func escaped(_ text: String) -> String {
        let allowed = text.unicodeScalars.filter { scalar in
            switch scalar.value {
            case 0x09, 0x0A, 0x0D, 0x20...0xFFFD, 0x10000...: true
            default: false
            }
        }
        return HTMLText.escaped(String(allowed))
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
            "StartColumn", "TitleSize", "TitleBackgroundColor", "TitleFillPattern", "MaxAutoSizeRows", "ExcelPackage",
        ],
        switches: [
            "AutoSize", "AutoFilter", "BoldTopRow", "FreezeTopRow", "FreezeFirstColumn", "Append", "ClearSheet", "Show",
            "NoNumberConversion", "FreezeTopRowFirstColumn", "NoHeader", "TitleBold", "PassThru", "KillExcel",
            "MoveToEnd",
            "MoveToStart", "Activate", "AutoNameRange",
        ], positions: ["Path"], aliases: ["WorkSheetname": "WorksheetName", "FilePath": "Path"])

    static func exportExcel(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let open = ExcelPackage.path(of: command["ExcelPackage"])
        let path = if let open { open } else { try onlyPath(command, in: host) }
        guard host.workbook(at: path) != nil || !host.hasFile(path) else { throw .fatal(foreignBook(command)) }
        var workbook = host.workbook(at: path) ?? Workbook()
        let name = command["WorksheetName"]?.text ?? "Sheet1"
        let present = command.isSet("ClearSheet") ? nil : workbook.sheet(named: name)
        var sheet = present ?? Workbook.Sheet(name)
        let rows = items.filter { !$0.isNull }
        let excluded = Set(Cmdlets.list(command["ExcludeProperty"]).map { $0.text.lowercased() })
        var names: [String] = []
        var row: Int
        if command.isSet("Append"), present != nil {
            names = sheet.names
            row = sheet.rows.count
        } else {
            row = try place(command["StartRow"])
            sheet.firstColumn = try place(command["StartColumn"])
            if let title = command["Title"]?.text, !title.isEmpty {
                try sheet.put([.text(title)], row: row)
                if command.isSet("TitleBold") { sheet.bold.insert(row) }
                row += 1
            }
            sheet.header = row
            if case .object(let first)? = rows.first {
                names = first.whole.shape.names.filter { !excluded.contains($0.lowercased()) }
            }
            if !names.isEmpty, !command.isSet("NoHeader") {
                try sheet.put(names.map { .text($0) }, row: row)
                row += 1
            }
        }
        let isTable = command["TableName"] != nil
        if command.isSet("BoldTopRow") || command["TableStyle"] != nil || isTable { sheet.bold.insert(sheet.header) }
        if command.isSet("FreezeTopRow") || command.isSet("FreezeTopRowFirstColumn") { sheet.freezesTop = true }
        if command.isSet("AutoFilter") || isTable { sheet.filters = true }
        for (index, item) in rows.enumerated() {
            guard case .object(let object) = item, !names.isEmpty else {
                try sheet.put([try cell(item)], row: row + index)
                continue
            }
            var cells: [Workbook.Cell] = []
            for name in names { cells.append(try cell(object[name] ?? .null)) }
            try sheet.put(cells, row: row + index)
        }
        workbook.put(sheet)
        try host.write(workbook, to: path)
        if command.isSet("PassThru") { try emit(ExcelPackage.made(at: path)) }
    }

    /// Returns the place that a number names, which counts from one.
    private static func place(_ number: PSValue?) throws(Interrupt) -> Int {
        guard let number else { return 0 }
        let place = try StepBound.count(try Conversion.argument(number, to: .int), "a place outside a sheet")
        guard place > 0 else { throw .handOver("a place outside a sheet") }
        return place - 1
    }

    /// Returns the content of a cell with a value.
    static func cell(_ value: PSValue) throws(Interrupt) -> Workbook.Cell {
        switch value.plain {
        case .null: .empty
        case .bool(let truth): .truth(truth)
        case .date(let date): .date(date)
        case .byte, .int, .long, .decimal: .number(try PSText.string(value))
        case .single(let number) where number.isFinite: .number(PSText.long(number))
        case .double(let number) where number.isFinite: .number(try PSText.string(value))
        default: .text(try PSText.string(value))
        }
    }
}
