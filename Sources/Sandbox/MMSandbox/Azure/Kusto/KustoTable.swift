internal import MMCore

/// Rows with named columns, and the operators that make other ones of them.
struct KustoTable: Sendable {
    var columns: [String]
    var rows: [JSONObject]

    /// Returns the order of two values: negative, zero or positive. Null comes first.
    static func order(_ one: JSONValue, _ other: JSONValue) -> Int {
        if let one = one.double, let other = other.double { return one < other ? -1 : one > other ? 1 : 0 }
        if one.isNull || other.isNull { return one.isNull ? other.isNull ? 0 : -1 : 1 }
        let (left, right) = (KustoFunctions.text(one), KustoFunctions.text(other))
        return left < right ? -1 : left > right ? 1 : 0
    }

    /// Returns the type of a column's values, by the first one that isn't null.
    func type(of column: String) -> KustoType {
        switch rows.lazy.compactMap({ $0[column] }).first(where: { !$0.isNull }) {
        case .int?: .long
        case .double?, .number?: .real
        case .bool?: .bool
        case .array?, .object?: .dynamic
        case .string(let text)?: KustoTime.seconds(.string(text)) == nil ? .string : .datetime
        case .null?, nil: .string
        }
    }

    private static func key(_ values: [JSONValue]) -> String { JSONWriter.string(.array(values)) }

    /// Adds columns, or keeps only these.
    mutating func set(_ named: [KustoColumn], keepsOthers: Bool, now: Int64) throws(KustoFailure) {
        for column in named { try column.expression.check(columns) }
        let names = KustoColumn.names(of: named)
        rows = rows.map { row in
            var made = keepsOthers ? row : [:]
            for (name, column) in zip(names, named) { made[name] = column.expression.value(row, now: now) }
            return made
        }
        columns = keepsOthers ? columns + names.filter { !columns.contains($0) } : names
    }

    /// Removes columns.
    mutating func remove(_ names: [String]) throws(KustoFailure) {
        for name in names where !columns.contains(name) { throw .unknownColumn(name) }
        columns.removeAll(where: names.contains)
        rows = rows.map { row in JSONObject(row.filter { !names.contains($0.key) }.map { ($0.key, $0.value) }) }
    }

    /// Keeps one of the rows that are the same.
    mutating func makeDistinct() {
        var seen: Set<String> = []
        rows = rows.filter { row in seen.insert(Self.key(columns.map { row[$0] ?? .null })).inserted }
    }

    /// Sorts the rows by expressions, each rising or falling.
    mutating func sort(
        by keys: [(expression: KustoExpression, isRising: Bool)], now: Int64
    ) throws(KustoFailure) {
        for key in keys { try key.expression.check(columns) }
        let keyed = rows.enumerated().map { place, row in
            (place: place, row: row, values: keys.map { $0.expression.value(row, now: now) })
        }
        rows = keyed.sorted { one, other in
            for (place, key) in keys.enumerated() {
                let order = Self.order(one.values[place], other.values[place])
                if order != 0 { return (order < 0) == key.isRising }
            }
            return one.place < other.place
        }.map(\.row)
    }

    /// Puts one row in the place of those with the same values of `groups`.
    mutating func summarize(
        _ sums: [KustoColumn], by groups: [KustoColumn], now: Int64
    ) throws(KustoFailure) {
        for group in groups { try group.expression.check(columns) }
        for sum in sums { try KustoSum.check(sum.expression, columns) }
        var order: [String] = []
        var parts: [String: (values: [JSONValue], rows: [JSONObject])] = [:]
        for row in rows {
            let values = groups.map { $0.expression.value(row, now: now) }
            let key = Self.key(values)
            if parts[key] == nil { order.append(key) }
            parts[key, default: (values, [])].rows.append(row)
        }
        // Without groups there is one row, even of nothing.
        if groups.isEmpty, order.isEmpty { (order, parts) = ([""], ["": ([], [])]) }
        let names = KustoColumn.names(of: groups + sums)
        let keys = Array(names.prefix(groups.count))
        let made = sums.enumerated().map { place, sum in
            KustoSum.columns(
                of: sum.expression, named: names[groups.count + place], columns.filter { !keys.contains($0) })
        }
        rows = order.compactMap { parts[$0] }.map { part in
            var row = JSONObject(zip(keys, part.values).map { ($0, $1) })
            for (sum, names) in zip(sums, made) {
                let values = KustoSum.values(sum.expression, part.rows, names, now: now)
                for (name, value) in zip(names, values) { row[name] = value }
            }
            return row
        }
        columns = keys + made.flatMap(\.self)
    }

    /// Adds the columns of the rows of another table with the same keys.
    mutating func join(
        _ other: KustoTable, kind: String, on keys: [(left: String, right: String)]
    ) throws(KustoFailure) {
        for key in keys where !columns.contains(key.left) { throw .unknownColumn(key.left) }
        for key in keys where !other.columns.contains(key.right) { throw .unknownColumn(key.right) }
        let found = Dictionary(grouping: other.rows) { row in Self.key(keys.map { row[$0.right] ?? .null }) }
        let names = other.columns.map { name in columns.contains(name) ? "\(name)1" : name }
        let before = columns
        var seen: Set<String> = []
        rows = rows.flatMap { row -> [JSONObject] in
            let key = Self.key(keys.map { row[$0.left] ?? .null })
            // The usual kind takes one row of each key on its left side.
            if kind == "innerunique", !seen.insert(key).inserted { return [] }
            let partners = found[key] ?? (kind == "leftouter" ? [[:]] : [])
            return partners.map { partner in
                JSONObject(
                    before.map { ($0, row[$0] ?? .null) }
                        + zip(names, other.columns).map { ($0, partner[$1] ?? .null) })
            }
        }
        columns += names
    }

    /// Makes a row of each item of a list.
    mutating func expand(_ column: KustoColumn, now: Int64) throws(KustoFailure) {
        try column.expression.check(columns)
        let name = KustoColumn.names(of: [column])[0]
        rows = rows.flatMap { row -> [JSONObject] in
            let value = column.expression.value(row, now: now)
            return (value.array.map { $0.isEmpty ? [.null] : $0 } ?? [value]).map { item in
                var made = row
                made[name] = item
                return made
            }
        }
        if !columns.contains(name) { columns.append(name) }
    }
}

/// The type of a column.
enum KustoType: String, Sendable {
    case string, long, real, bool, datetime, dynamic
}

/// An expression that becomes a column.
struct KustoColumn: Sendable {
    /// The name that the query gives.
    let given: String?
    let expression: KustoExpression

    /// Returns the names of columns: the given ones, those that follow from their expressions, and numbers.
    static func names(of columns: [KustoColumn]) -> [String] {
        var number = 0
        return columns.map { column in
            if let name = column.given ?? column.expression.name ?? KustoSum.name(of: column.expression) { return name }
            number += 1
            return "Column\(number)"
        }
    }
}

/// The functions over the rows of a group.
enum KustoSum {
    private static let prefixes = [
        "count": "count_", "countif": "countif_", "dcount": "dcount_", "sum": "sum_", "avg": "avg_", "min": "min_",
        "max": "max_", "make_list": "list_", "make_set": "set_", "take_any": "", "any": "any_", "sumif": "sumif_",
        "dcountif": "dcountif_", "percentile": "percentile_", "arg_max": "", "arg_min": "",
    ]

    /// Whether a function returns the columns of a row, of which `*` means all.
    static func takesRows(_ function: String) -> Bool { ["arg_max", "arg_min"].contains(function) }

    /// Returns the name of the column that a function makes; nil for other expressions.
    static func name(of expression: KustoExpression) -> String? {
        guard case .call(let function, let arguments) = expression, let prefix = prefixes[function] else { return nil }
        let end =
            if function == "percentile", case .literal(let share)? = arguments.last { "_\(share.description)" } else {
                ""
            }
        return prefix + (arguments.first?.name ?? "") + end
    }

    /// Checks that an expression is such a function of columns that exist.
    static func check(_ expression: KustoExpression, _ columns: [String]) throws(KustoFailure) {
        guard case .call(let function, let arguments) = expression, prefixes[function] != nil else {
            throw .notServed("this expression in summarize")
        }
        for argument in arguments where !takesRows(function) || argument.name != "*" { try argument.check(columns) }
    }

    /// Returns the names of the columns that a function makes.
    /// - Parameters:
    ///   - name: the name of the first one.
    ///   - others: the columns that `*` stands for.
    static func columns(of expression: KustoExpression, named name: String, _ others: [String]) -> [String] {
        guard case .call(let function, let arguments) = expression, takesRows(function) else { return [name] }
        let own = arguments.first?.name
        return [name]
            + arguments.dropFirst().flatMap { argument -> [String] in
                argument.name == "*" ? others.filter { $0 != name && $0 != own } : [argument.name ?? "Column1"]
            }
    }

    /// Returns the values of these columns for the rows of a group.
    static func values(
        _ expression: KustoExpression, _ rows: [JSONObject], _ names: [String], now: Int64
    ) -> [JSONValue] {
        guard case .call(let function, let arguments) = expression, takesRows(function), let wanted = arguments.first
        else { return [value(expression, rows, now: now)] }
        let sign = function == "arg_max" ? 1 : -1
        let keyed = rows.map { (row: $0, value: wanted.value($0, now: now)) }.filter { !$0.value.isNull }
        let found = keyed.max { KustoTable.order($0.value, $1.value) * sign < 0 }
        return [found?.value ?? .null]
            + names.dropFirst().map { name in
                let given = arguments.dropFirst().first { $0.name == name }
                return found.map { given?.value($0.row, now: now) ?? $0.row[name] ?? .null } ?? .null
            }
    }

    /// Returns the value of a function for the rows of a group.
    static func value(_ expression: KustoExpression, _ rows: [JSONObject], now: Int64) -> JSONValue {
        guard case .call(let function, let arguments) = expression else { return .null }
        let values = arguments.first.map { argument in rows.map { argument.value($0, now: now) } } ?? []
        let present = values.filter { !$0.isNull }
        switch function {
        case "count": return .int(Int64(rows.count))
        case "sumif", "dcountif":
            let inner: KustoExpression = .call(String(function.dropLast(2)), Array(arguments.prefix(1)))
            return value(inner, rows.filter { arguments.last?.value($0, now: now) == true }, now: now)
        case "percentile":
            let share = arguments.dropFirst().first?.value([:], now: now).double ?? 50
            let sorted = present.sorted { KustoTable.order($0, $1) < 0 }
            // The nearest rank (Hyndman and Fan, 1996, definition 1).
            let rank = Int((max(0, min(share, 100)) / 100 * Double(sorted.count)).rounded(.up))
            return sorted.isEmpty ? .null : sorted[max(0, rank - 1)]
        case "countif": return .int(Int64(values.count { $0 == true }))
        case "dcount": return .int(Int64(Set(values).count))
        case "sum": return present.reduce(.int(0)) { KustoFunctions.arithmetic("+", $0, $1) }
        case "avg":
            let total = present.reduce(0.0) { $0 + ($1.double ?? 0) }
            return present.isEmpty ? .null : .double(total / Double(present.count))
        case "min": return present.min { KustoTable.order($0, $1) < 0 } ?? .null
        case "max": return present.max { KustoTable.order($0, $1) < 0 } ?? .null
        case "make_list": return .array(present)
        case "make_set":
            var seen: Set<JSONValue> = []
            return .array(present.filter { seen.insert($0).inserted })
        default: return present.first ?? .null
        }
    }
}
