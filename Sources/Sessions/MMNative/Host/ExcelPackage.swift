/// A workbook that a script keeps open to change it: what `Export-Excel -PassThru` and `Open-ExcelPackage` of the
/// module ImportExcel return.
///
/// Its parts only name their places in a workbook of the run, which the script has written itself. Values of cells and
/// bold rows are kept; any other formatting is accepted and left out.
enum ExcelPackage {
    private static let packageType = "OfficeOpenXml.ExcelPackage"
    private static let bookType = "OfficeOpenXml.ExcelWorkbook"
    private static let sheetType = "OfficeOpenXml.ExcelWorksheet"
    private static let cellsType = "OfficeOpenXml.ExcelRange"
    private static let styleType = "OfficeOpenXml.Style.ExcelStyle"
    /// The properties that name a part's place, which scripts can't write.
    private static let (path, sheet, area, trail) = ("\u{0}path", "\u{0}sheet", "\u{0}area", "\u{0}trail")

    private static func part(_ type: String, _ places: [(String, String)]) -> PSValue {
        PSObject(places.map { ($0.0, .string($0.1)) }, typeName: type, isCustom: false).map { .object($0) } ?? .null
    }

    /// Returns the package of the workbook at a path.
    static func made(at path: String) -> PSValue { part(packageType, [(Self.path, path)]) }

    /// Returns the path of a package's workbook; `nil` for any other value.
    static func path(of value: PSValue?) -> String? {
        guard case .object(let object)? = value, object.typeName == packageType else { return nil }
        return object[path]?.text
    }

    /// Returns the name of the sheet that a value is; `nil` for any other value.
    static func sheetName(of value: PSValue?) -> String? {
        guard case .object(let object)? = value, object.typeName == sheetType else { return nil }
        return object[sheet]?.text
    }

    /// Returns whether an object is a part of a package.
    static func isPart(_ object: PSObject) -> Bool { object.typeName.hasPrefix("OfficeOpenXml.") }

    /// A rectangle of cells, counted from zero.
    private struct Area {
        var rows: ClosedRange<Int>
        var columns: ClosedRange<Int>

        /// Reads `B2` or `A1:D9`; a column or row alone reaches to the end of the sheet.
        init?(_ text: String, in sheet: Workbook.Sheet) {
            let ends = text.filter { $0 != "$" }.split(separator: ":", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count) else { return nil }
            var places: [(row: Int?, column: Int?)] = []
            for end in ends {
                let letters = end.prefix { $0.isLetter }.uppercased()
                let digits = end.dropFirst(letters.count)
                let row = digits.isEmpty ? nil : Int(digits)
                guard digits.isEmpty || row.map({ (1...Workbook.mostRows).contains($0) }) == true,
                    letters.utf8.count <= 3, letters.utf8.allSatisfy({ (65...90).contains($0) })
                else { return nil }
                let column = letters.utf8.reduce(0) { $0 * 26 + Int($1) - 64 }
                guard column <= Workbook.mostColumns else { return nil }
                places.append((row.map { $0 - 1 }, letters.isEmpty ? nil : column - 1))
            }
            guard let first = places.first, let last = places.last, first.row != nil || first.column != nil else {
                return nil
            }
            let lastRow = last.row ?? max(0, sheet.rows.count - 1)
            let lastColumn = last.column ?? max(0, sheet.width - 1)
            guard first.row ?? 0 <= lastRow, first.column ?? 0 <= lastColumn else { return nil }
            rows = (first.row ?? 0)...lastRow
            columns = (first.column ?? 0)...lastColumn
        }

        init(row: Int, column: Int) {
            rows = row...row
            columns = column...column
        }

        var address: String {
            let first = Workbook.letters(columns.lowerBound) + String(rows.lowerBound + 1)
            guard rows.count > 1 || columns.count > 1 else { return first }
            return first + ":" + Workbook.letters(columns.upperBound) + String(rows.upperBound + 1)
        }
    }

    /// Returns the cells that a part names; `nil` for all of its sheet.
    private static func area(of object: PSObject, in sheet: Workbook.Sheet) throws(Interrupt) -> Area? {
        guard let address = object[area]?.text, !address.isEmpty else { return nil }
        guard let area = Area(address, in: sheet) else { throw .handOver("an unusual range of cells") }
        return area
    }

    // MARK: Members

    private static func book(_ object: PSObject, _ host: NativeHost?) throws(Interrupt) -> (
        String, Workbook, NativeHost
    ) {
        guard let host, let path = object[path]?.text, let book = host.workbook(at: path) else {
            throw .handOver("a workbook that is not the script's own")
        }
        return (path, book, host)
    }

    /// Returns the value of a cell.
    static func value(of cell: Workbook.Cell) -> PSValue {
        switch cell {
        case .text(let text): .string(text)
        case .number(let text): Int32(text).map { .int($0) } ?? Double(text).map { .double($0) } ?? .string(text)
        case .truth(let truth): .bool(truth)
        case .date(let date): .date(date)
        case .empty: .null
        }
    }

    private static func count(_ number: Int) -> PSValue { .int(Int32(truncatingIfNeeded: number)) }

    private static func dimension(of sheet: Workbook.Sheet) -> PSValue {
        let (rows, columns) = (sheet.rows.count, sheet.width)
        guard rows > 0, columns > 0 else { return .null }
        func end(_ row: Int, _ column: Int) -> PSValue {
            let address = Area(row: row - 1, column: column - 1).address
            let pairs: [(String, PSValue)] = [
                ("Row", count(row)), ("Column", count(column)), ("Address", .string(address)), ("IsRef", .bool(false)),
            ]
            return PSObject(pairs, typeName: "OfficeOpenXml.ExcelCellAddress", isCustom: false).map { .object($0) }
                ?? .null
        }
        var area = Area(row: 0, column: 0)
        (area.rows, area.columns) = (0...rows - 1, 0...columns - 1)
        let pairs: [(String, PSValue)] = [
            ("Address", .string(area.address)), ("Rows", count(rows)), ("Columns", count(columns)),
            ("Start", end(1, 1)), ("End", end(rows, columns)),
        ]
        return PSObject(pairs, typeName: "OfficeOpenXml.ExcelAddressBase", isCustom: false).map { .object($0) } ?? .null
    }

    /// Returns a sheet of the workbook at a path.
    static func property(sheetNamed name: String, at path: String, _ host: NativeHost) throws(Interrupt) -> PSValue {
        guard let sheet = host.workbook(at: path)?.sheet(named: name) else {
            throw .handOver("a sheet that is not there")
        }
        return part(sheetType, [(Self.path, path), (Self.sheet, sheet.name)])
    }

    /// Returns a property of a part.
    static func property(_ object: PSObject, _ name: String, _ host: NativeHost?) throws(Interrupt) -> PSValue {
        if let own = object[name], object.typeName != styleType { return own }
        let (path, book, _) = try book(object, host)
        let folded = name.lowercased()
        func sheets() -> [PSValue] {
            book.sheets.map { part(sheetType, [(Self.path, path), (Self.sheet, $0.name)]) }
        }
        switch object.typeName {
        case packageType:
            if folded == "workbook" { return part(bookType, [(Self.path, path)]) }
            if folded == "file" { return try FileReference.made(of: .string(path)) }
            if let named = book.sheet(named: name) {
                return part(sheetType, [(Self.path, path), (Self.sheet, named.name)])
            }
        case bookType where folded == "worksheets":
            return .list(PSList(.excelSheets, sheets()))
        case sheetType:
            guard let own = object[Self.sheet]?.text, let sheet = book.sheet(named: own) else { break }
            switch folded {
            case "name": return .string(sheet.name)
            case "index": return count((book.sheets.firstIndex { $0.name == sheet.name } ?? 0) + 1)
            case "dimension": return dimension(of: sheet)
            case "cells": return part(cellsType, [(Self.path, path), (Self.sheet, own)])
            default: return part(styleType, [(Self.path, path), (Self.sheet, own), (Self.trail, folded)])
            }
        case cellsType:
            guard let own = object[Self.sheet]?.text, let sheet = book.sheet(named: own) else { break }
            let address = object[Self.area]?.text
            switch (folded, try area(of: object, in: sheet)) {
            case ("value", let area?), ("text", let area?):
                guard area.rows.count == 1, area.columns.count == 1 else { break }
                let value = value(of: sheet.cell(area.rows.lowerBound, area.columns.lowerBound))
                return folded == "text" ? .string(try PSText.string(value)) : value
            case ("address", let area?): return .string(area.address)
            default: break
            }
            let places = [(Self.path, path), (Self.sheet, own), (Self.area, address ?? ""), (Self.trail, folded)]
            return part(styleType, places)
        case styleType:
            let places = [Self.path, Self.sheet, Self.area].map { ($0, object[$0]?.text ?? "") }
            return part(styleType, places + [(Self.trail, (object[Self.trail]?.text ?? "") + "." + folded)])
        default: break
        }
        throw .handOver("a member of \(object.typeName)")
    }

    /// Calls a method of a workbook's sheets; `nil` for other methods.
    static func call(
        _ sheets: PSList, _ method: String, _ arguments: [PSValue], _ host: NativeHost?
    ) throws(Interrupt) -> PSValue? {
        guard ["add", "delete"].contains(method), arguments.count == 1, case .object(let first)? = sheets.items.first
        else { return nil }
        var (path, book, host) = try book(first, host)
        let name = if let known = sheetName(of: arguments[0]) { known } else { try PSText.string(arguments[0]) }
        if method == "add" {
            guard book.sheet(named: name) == nil, !name.isEmpty else {
                throw .handOver("a sheet that is there already")
            }
            book.put(Workbook.Sheet(name))
        } else {
            guard book.sheet(named: name) != nil, book.sheets.count > 1 else {
                throw .handOver("a sheet that is not there")
            }
            book.sheets.removeAll { $0.name.lowercased() == name.lowercased() }
        }
        try host.write(book, to: path)
        return method == "add" ? part(sheetType, [(Self.path, path), (Self.sheet, name)]) : .nothing
    }

    /// Sets a property of a part.
    static func set(_ object: PSObject, _ name: String, _ value: PSValue, _ host: NativeHost?) throws(Interrupt) {
        var (path, book, host) = try book(object, host)
        guard let own = object[Self.sheet]?.text, var sheet = book.sheet(named: own) else {
            throw .handOver("a change of \(object.typeName)")
        }
        let area = try area(of: object, in: sheet)
        switch (object.typeName, name.lowercased()) {
        case (cellsType, "value"):
            guard let area else { throw .handOver("a value of all cells") }
            try StepBound.count(area.rows.count * area.columns.count, "many cells")
            let cell = try HostCommands.cell(value)
            for row in area.rows { for column in area.columns { try sheet.set(cell, row, column) } }
        case (styleType, "bold"):
            guard let area, object[Self.trail]?.text == "style.font", value.isTrue else { return }
            sheet.bold.formUnion(area.rows)
        case (cellsType, _), (styleType, _), (sheetType, "tabcolor"): return
        default: throw .handOver("a change of \(object.typeName)")
        }
        book.put(sheet)
        try host.write(book, to: path)
    }

    /// Returns the cells at an index of cells: an address, or a row and a column; `nil` for any other object.
    static func element(_ object: PSObject, _ index: PSValue) throws(Interrupt) -> PSValue? {
        guard object.typeName == cellsType, object[area] == nil else { return nil }
        var address: String?
        switch index {
        case .string(let text): address = text
        case .array(let ends):
            var numbers: [Int] = []
            for end in ends { if case .int(let number) = end, number > 0 { numbers.append(Int(number)) } }
            guard numbers.count == ends.count else { break }
            if numbers.count == 2 { address = Area(row: numbers[0] - 1, column: numbers[1] - 1).address }
            if numbers.count == 4 {
                address = [(0, 1), (2, 3)].map { Area(row: numbers[$0.0] - 1, column: numbers[$0.1] - 1).address }
                    .joined(separator: ":")
            }
        default: break
        }
        guard let address else { throw .handOver("an unusual range of cells") }
        let places = [path, sheet].map { ($0, object[$0]?.text ?? "") }
        return part(cellsType, places + [(area, address)])
    }

    /// Calls a method of a part, which formats or saves what is saved anyway; `nil` for any other object.
    static func call(_ object: PSObject, _ method: String) throws(Interrupt) -> PSValue? {
        switch (object.typeName, method) {
        case (sheetType, "column"), (sheetType, "row"):
            part(styleType, [path, sheet].map { ($0, object[$0]?.text ?? "") } + [(trail, method)])
        case (packageType, "save"), (packageType, "dispose"), (cellsType, "autofitcolumns"), (styleType, _): .nothing
        default: nil
        }
    }
}

/// The commands of the module ImportExcel beside `Export-Excel`.
extension HostCommands {
    /// The commands that only format, with the parameters that scripts give them.
    private static let formats: [(name: String, values: [String], switches: [String])] = [
        (
            "Set-ExcelRange",
            [
                "Range", "Worksheet", "WorksheetName", "ExcelPackage", "NumberFormat", "BorderAround", "BorderColor",
                "BackgroundColor", "BackgroundPattern", "PatternColor", "FontColor", "FontName", "FontSize",
                "HorizontalAlignment", "VerticalAlignment", "Height", "Width", "FontShift", "TextRotation",
                "BorderBottom", "BorderTop", "BorderLeft", "BorderRight", "UnderLineType",
            ], ["Bold", "Italic", "Underline", "WrapText", "AutoSize", "AutoFit", "ResetFont", "Hidden", "Merge"]
        ),
        (
            "Set-ExcelColumn",
            [
                "ExcelPackage", "WorksheetName", "Worksheet", "Column", "NumberFormat", "FontColor", "BackgroundColor",
                "HorizontalAlignment", "Width", "FontSize",
            ], ["Bold", "AutoSize", "AutoFit", "WrapText", "Hide"]
        ),
        (
            "Set-ExcelRow",
            [
                "ExcelPackage", "WorksheetName", "Worksheet", "Row", "NumberFormat", "FontColor", "BackgroundColor",
                "HorizontalAlignment", "Height", "FontSize",
            ], ["Bold", "WrapText", "Hide"]
        ),
        (
            "Add-ConditionalFormatting",
            [
                "Address", "Range", "Worksheet", "RuleType", "ConditionValue", "ConditionValue2", "ForegroundColor",
                "BackgroundColor", "BackgroundPattern", "DataBarColor", "NumberFormat", "ThreeIconsSet",
            ], ["Bold", "Italic", "Underline", "StopIfTrue", "PassThru"]
        ),
        (
            "Add-ExcelDataValidationRule",
            [
                "Range", "Worksheet", "ValidationType", "Operator", "Value", "Value2", "Formula", "Formula2",
                "ValueSet", "ErrorTitle", "ErrorBody", "ErrorStyle", "PromptTitle", "PromptBody",
            ], ["ShowErrorMessage", "ShowPromptMessage", "NoBlank"]
        ),
        (
            "Add-ExcelTable", ["Range", "TableName", "TableStyle", "Worksheet"],
            ["ShowHeader", "ShowFilter", "ShowTotal", "PassThru"]
        ),
    ]

    static let excelSpecifications: [CommandSpecification] =
        [
            CommandSpecification(
                name: "Open-ExcelPackage", className: "OpenExcelPackage", values: ["Path"],
                switches: ["Create", "KillExcel"],
                positions: ["Path"], aliases: ["FilePath": "Path"], makesObjects: true, isPartial: true),
            CommandSpecification(
                name: "Close-ExcelPackage", className: "CloseExcelPackage", values: ["ExcelPackage", "SaveAs"],
                switches: ["Show", "NoSave", "Calculate"], positions: ["ExcelPackage"], makesObjects: true,
                isPartial: true),
            CommandSpecification(
                name: "Add-Worksheet", className: "AddWorksheet", values: ["ExcelPackage", "WorksheetName"],
                switches: ["ClearSheet", "MoveToEnd", "MoveToStart", "Activate"],
                positions: ["ExcelPackage", "WorksheetName"], makesObjects: true, isPartial: true),
            CommandSpecification(
                name: "Import-Excel", className: "ImportExcel", values: ["Path", "WorksheetName", "StartRow"],
                switches: [], positions: ["Path", "WorksheetName"], aliases: ["FilePath": "Path"], makesObjects: true,
                isPartial: true),
        ]
        + formats.map {
            CommandSpecification(
                name: $0.name, className: $0.name.filter { $0 != "-" }, values: $0.values, switches: $0.switches,
                positions: [$0.values[0]], makesObjects: true, isPartial: true)
        }

    /// Returns the work of a command of ImportExcel.
    static func excelWork(_ name: String) -> Work? {
        switch name {
        case "Open-ExcelPackage": openPackage
        case "Close-ExcelPackage": closePackage
        case "Add-Worksheet": addSheet
        case "Import-Excel": importExcel
        default:
            formats.contains { $0.name == name }
                ? { (command, _, host, _, _) throws(Interrupt) in
                    host.remark("\(command.specification.name): the workbook is written without this format.")
                } : nil
        }
    }

    private static func openPackage(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = try onlyPath(command, in: host)
        if !host.hasFile(path), command.isSet("Create") { try host.write(Workbook(), to: path) }
        guard host.hasFile(path) else { throw .statement(missing(path, command)) }
        guard host.workbook(at: path) != nil else { throw .fatal(foreignBook(command)) }
        try emit(ExcelPackage.made(at: path))
    }

    /// Returns the error for a workbook that the script didn't write.
    static func foreignBook(_ command: BoundCommand) -> NativeError {
        NativeError(
            command.specification.className,
            "\(command.specification.name) of a workbook from elsewhere is not supported: use one that the script writes, or a CSV file.",
            isReadable: true)
    }

    private static func closePackage(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for package in items + [command["ExcelPackage"]].compactMap(\.self) {
            guard let path = ExcelPackage.path(of: package), let book = host.workbook(at: path) else {
                throw .handOver("closing other than a workbook")
            }
            if let other = command["SaveAs"] {
                try host.write(book, to: host.folder.located(try PSText.string(other)))
            }
        }
    }

    private static func addSheet(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let path = ExcelPackage.path(of: command["ExcelPackage"]), var book = host.workbook(at: path) else {
            throw .handOver("a sheet in other than a workbook")
        }
        let name = command["WorksheetName"]?.text ?? "Sheet1"
        if book.sheet(named: name) == nil || command.isSet("ClearSheet") {
            book.put(Workbook.Sheet(name))
            try host.write(book, to: path)
        }
        try emit(try ExcelPackage.property(sheetNamed: name, at: path, host))
    }

    private static func importExcel(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = try onlyPath(command, in: host)
        guard host.hasFile(path) else { throw .statement(missing(path, command)) }
        guard let book = host.workbook(at: path), command["StartRow"] == nil else { throw .fatal(foreignBook(command)) }
        let wanted = command["WorksheetName"]?.text
        guard let sheet = wanted.map({ book.sheet(named: $0) }) ?? book.sheets.first else {
            throw .handOver("a sheet that is not there")
        }
        let names = sheet.rows.first?.map { $0.words ?? "" } ?? []
        for row in sheet.rows.indices.dropFirst() {
            let pairs = names.indices.filter { !names[$0].isEmpty }.map {
                (names[$0], ExcelPackage.value(of: sheet.cell(row, $0)))
            }
            guard let object = PSObject(pairs) else { throw .handOver("columns with the same name") }
            try emit(.object(object))
        }
    }
}
