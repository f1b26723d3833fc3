/// `Group-Object`.
final class GroupStage: Stage {
    private struct Row {
        let item: PSValue
        let keys: [PSValue?]
    }

    private let evaluator: Evaluator
    private let specification: CommandSpecification
    private let keys: [CalculatedProperty]
    private let keepsElements: Bool
    private let ignoresCase: Bool
    private let makesTable: Bool
    private let namesByText: Bool
    private var rows: [Row] = []
    private var types: [String?]?
    private var hasDifferentTypes = false
    private var hasList = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        specification = command.specification
        guard command["Culture"] == nil else { throw .handOver("an unusual Group-Object") }
        keepsElements = !command.isSet("NoElement")
        ignoresCase = !command.isSet("CaseSensitive")
        makesTable = command.isSet("AsHashTable")
        namesByText = command.isSet("AsString")
        guard !namesByText || makesTable, !makesTable || ignoresCase else { throw .handOver("an unusual Group-Object") }
        var keys: [CalculatedProperty] = []
        for written in Cmdlets.list(command["Property"]) {
            let key = try CalculatedProperty(written, in: evaluator)
            if case .pattern = key.source { throw .handOver("grouping by a pattern") }
            if case .table = written, key.isNamed { throw .handOver("a named key") }
            keys.append(key)
        }
        guard !makesTable || keys.count <= 1 else { throw .handOver("a table by several keys") }
        self.keys = keys
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return }
        var values: [PSValue?] = keys.isEmpty ? [item] : []
        for key in keys {
            do throws(Interrupt) {
                values.append(try key.value(of: item, in: evaluator))
            } catch {
                values.append(try failed(error))
            }
        }
        for value in values {
            switch value {
            case nil, .null?, .bool?, .int?, .long?, .double?, .decimal?, .string?, .date?, .span?, .enumeration?:
                continue
            case .array? where rows.isEmpty: hasList = true
            case let value?: throw .handOver("grouping by \(value.typeName)")
            }
        }
        rows.append(Row(item: item, keys: values))
        guard !hasList || rows.count == 1 else { throw .handOver("grouping by lists") }
        try note(values.map { $0.flatMap { $0.isNull ? nil : $0.typeName } })
    }

    /// Notes the types of the keys. Rows with keys of a single type are sorted first; otherwise groups keep the order
    /// of their first elements.
    private func note(_ own: [String?]) throws(Interrupt) {
        guard var known = types else {
            types = own
            return
        }
        for (place, type) in own.enumerated() {
            guard let type, type != known[place] else { continue }
            if known[place] == nil { known[place] = type } else { hasDifferentTypes = true }
        }
        types = known
    }

    private func order(_ left: Row, _ right: Row) throws(Interrupt) -> Int {
        try evaluator.step()
        for (key, value) in left.keys.enumerated() {
            let order = try KeyOrder.compare(value, right.keys[key], ignoringCase: ignoresCase, isDescending: false)
            if order != 0 { return order }
        }
        return 0
    }

    /// Reports a key that could not be computed, which counts as `$null`.
    private func failed(_ reason: Interrupt) throws(Interrupt) -> PSValue {
        guard case .blockFailed(let record) = reason else { throw reason }
        try report(
            NativeError(
                specification.errorID("ExpressionEvaluation"), record.message, isReadable: record.isReadable))
        return .null
    }

    override func finish() throws(Interrupt) {
        var groups: [(first: Row, items: [PSValue])] = []
        if hasDifferentTypes {
            rows: for row in rows {
                for place in groups.indices where try order(groups[place].first, row) == 0 {
                    groups[place].items.append(row.item)
                    continue rows
                }
                groups.append((row, [row.item]))
            }
        } else {
            // Falls back to the positions, which makes the sort stable.
            let places = try IntroSort.sorted(Array(rows.enumerated())) { (left, right) throws(Interrupt) in
                let difference = try self.order(left.element, right.element)
                return difference == 0 ? left.offset - right.offset : difference
            }
            for (_, row) in places {
                if let last = groups.last, try order(last.first, row) == 0 {
                    groups[groups.count - 1].items.append(row.item)
                } else {
                    groups.append((row, [row.item]))
                }
            }
        }
        rows = []
        guard !groups.isEmpty else { return }
        if makesTable { return try next(try table(groups)) }
        let type = "Microsoft.PowerShell.Commands.GroupInfo" + (keepsElements ? "" : "NoElement")
        let names = ["Values", "Count", "Group", "Name"]
        guard let shape = PSShape(names) else { throw .handOver("Group-Object") }
        for group in groups {
            // A missing property leaves an empty place among the values.
            let values = PSValue.array(group.first.keys.map { $0 ?? .null })
            // With `-NoElement` the group property exists but is empty.
            let elements = PSValue.array(keepsElements ? group.items : [])
            var info = PSObject(
                shape: shape,
                values: [
                    values, .int(Int32(truncatingIfNeeded: group.items.count)), elements,
                    .string(try name(group.first)),
                ],
                typeName: type)
            info.isCustom = false
            info.isListable = false
            try next(.object(info))
        }
    }

    private func name(_ row: Row) throws(Interrupt) -> String {
        var names: [String] = []
        for (place, key) in row.keys.enumerated() {
            guard let key, !key.isNull else { continue }
            if case .double(let number) = key {
                // Only a property named by its name is written with all its digits.
                var isNamed = false
                if keys.indices.contains(place), case .name = keys[place].source { isNamed = true }
                names.append(isNamed ? try PSText.long(number) : PSText.short(number))
            } else if case .array(let items) = key {
                var texts: [String] = []
                for item in items {
                    guard case .string(let text) = item else { throw .handOver("grouping by lists") }
                    texts.append(text)
                }
                names.append("{" + texts.joined(separator: ", ") + "}")
            } else {
                names.append(try PSText.string(key))
            }
        }
        return names.joined(separator: ", ")
    }

    private func table(_ groups: [(first: Row, items: [PSValue])]) throws(Interrupt) -> PSValue {
        let table = PSTable(isOrdered: false)
        for group in groups {
            let key: String
            if namesByText {
                key = try name(group.first)
            } else if case .string(let text)? = group.first.keys.first ?? nil {
                key = text
            } else {
                throw .handOver("a hashtable whose keys aren't strings")
            }
            guard Collation.isCertain(key), table.add(key, .array(group.items)) else {
                throw .handOver("an unusual key")
            }
        }
        return .table(table)
    }
}
