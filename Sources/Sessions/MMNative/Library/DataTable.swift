/// System.Data.DataTable, in which scripts collect rows: typed columns, and rows whose cells are converted to the types
/// of their columns. PowerShell treats a table in a pipeline or a loop as its rows, and shows of a row only the
/// columns. A cell without a value is `[DBNull]::Value` there, which equals `$null`.
enum DataTable {
    private static let typeName = "System.Data.DataTable"
    private static let columnType = "System.Data.DataColumn"
    static let rowType = "System.Data.DataRow"

    /// Creates a table; its name is the only argument that it takes.
    static func made(_ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        guard arguments.count <= 1 else { throw .handOver("an unusual table") }
        let columns = PSList(.dataColumns)
        let rows = PSList(.dataRows)
        rows.columns = columns
        columns.rows = rows
        let name = try arguments.first.map { (name) throws(Interrupt) in try PSText.string(name) } ?? ""
        let pairs: [(String, PSValue)] = [
            ("TableName", .string(name)), ("Columns", .list(columns)), ("Rows", .list(rows)),
        ]
        return PSObject(pairs, typeName: typeName, isCustom: false).map { .object($0) } ?? .null
    }

    /// Creates a column from its name and its type.
    static func column(_ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        guard let first = arguments.first, arguments.count <= 2 else { throw .handOver("an unusual column") }
        var type = PSType.string
        switch arguments.dropFirst().first {
        case nil: break
        case .type(let given)?: type = given
        case .string(let word)?:
            guard let given = PSType(written: word) else { throw .handOver("a column of \(word)") }
            type = given
        default: throw .handOver("an unusual column")
        }
        let pairs: [(String, PSValue)] = [
            ("ColumnName", .string(try PSText.string(first))), ("DataType", .type(type)),
            ("Caption", .string(try PSText.string(first))), ("AllowDBNull", .bool(true)), ("Unique", .bool(false)),
            ("DefaultValue", .null),
        ]
        return PSObject(pairs, typeName: columnType, isCustom: false).map { .object($0) } ?? .null
    }

    /// Returns the rows of a table; `nil` for any other value.
    static func rows(_ value: PSValue) -> [PSValue]? {
        guard case .object(let object) = value, object.typeName == typeName, case .list(let rows)? = object["Rows"]
        else {
            return nil
        }
        return rows.items
    }

    // MARK: Rows

    private static func name(_ column: PSValue) -> String {
        if case .object(let object) = column { object["ColumnName"]?.text ?? "" } else { "" }
    }

    /// Returns a column by its name, in any case; `nil` if there is none.
    private static func column(_ name: String, in columns: PSList) -> PSValue? {
        columns.items.first { self.name($0).lowercased() == name.lowercased() }
    }

    /// Returns a new row with the default values of its columns.
    private static func row(of columns: PSList) throws(Interrupt) -> PSObject {
        var pairs: [(String, PSValue)] = []
        for column in columns.items {
            guard case .object(let object) = column else { continue }
            pairs.append((name(column), object["DefaultValue"] ?? .null))
        }
        guard var row = PSObject(pairs, typeName: rowType) else { throw .handOver("columns with the same name") }
        row.model = rowType
        row.columns = columns
        return row
    }

    /// Converts the value of a cell to the type of its column.
    static func cell(_ value: PSValue, _ name: String, of row: PSObject) throws(Interrupt) -> PSValue {
        guard !value.isNull, case .object(let object)? = row.columns.flatMap({ column(name, in: $0) }),
            case .type(let type)? = object["DataType"], type != .object
        else { return value.plain }
        return try Conversion.argument(value.plain, to: type)
    }

    /// Returns the name of the column that an index of a row means.
    static func name(_ index: PSValue, of row: PSObject) throws(Interrupt) -> String {
        let names = row.shape.names
        switch index {
        case .int(let place) where names.indices.contains(Int(place)): return names[Int(place)]
        case .string(let name): if let place = row.shape.place(of: name) { return names[place] }
        default: break
        }
        throw .statement(
            NativeError(
                "GetValueInvocationException",
                "Exception getting \"Item\": \"Column '\(index.text)' does not belong to table .\"", isReadable: true))
    }

    // MARK: Calls

    /// Calls a method of a table or a row; `nil` for other objects and names.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        if target.typeName == rowType, target.columns != nil {
            guard method == "item", arguments.count == 1 else { return nil }
            return target[try name(arguments[0], of: target)]
        }
        guard target.typeName == typeName, case .list(let columns)? = target["Columns"],
            case .list(let rows)? = target["Rows"]
        else { return nil }
        switch (method, arguments.count) {
        case ("newrow", 0): return .object(try row(of: columns))
        case ("clear", 0): rows.items = []
        case ("acceptchanges", 0), ("dispose", 0), ("beginloaddata", 0), ("endloaddata", 0): break
        case ("select", 0): return .array(rows.items)
        default: return nil
        }
        return .nothing
    }

    /// Calls a method of a table's rows or columns; `nil` for other names.
    static func call(_ list: PSList, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        if list.kind == .dataRows, method == "add", let columns = list.columns {
            if arguments.count == 1, case .object(let row) = arguments[0], row.typeName == rowType {
                list.items.append(arguments[0])
                return .nothing
            }
            let made = try row(of: columns)
            var cells = arguments
            if cells.count == 1, case .array(let only) = cells[0] { cells = only }
            guard cells.count <= made.shape.names.count else { throw .handOver("a row with too many cells") }
            for (name, value) in zip(made.shape.names, cells) { _ = made.set(name, try cell(value, name, of: made)) }
            list.items.append(.object(made))
            return .object(made)
        }
        guard list.kind == .dataColumns else { return nil }
        switch (method, arguments.count) {
        case ("add", 1...2):
            if case .object(let column) = arguments[0], column.typeName == columnType {
                try add(arguments[0], to: list)
                return .nothing
            }
            let made = try column(arguments)
            try add(made, to: list)
            return made
        case ("addrange", 1):
            for column in Cmdlets.list(arguments[0].plain) { try add(column, to: list) }
            return .nothing
        case ("contains", 1):
            return .bool(column(try PSText.string(arguments[0]), in: list) != nil)
        default: return nil
        }
    }

    private static func add(_ column: PSValue, to columns: PSList) throws(Interrupt) {
        guard case .object(let object) = column, object.typeName == columnType,
            self.column(name(column), in: columns) == nil
        else { throw .handOver("an unusual column") }
        columns.items.append(column)
        for case .object(let row) in columns.rows?.items ?? [] { _ = row.add(name(column), .null) }
    }
}
