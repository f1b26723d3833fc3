import PowerShellSyntax

/// The built-in commands that the engine implements itself.
enum Cmdlets {
    private static let comparisons = [
        "EQ", "NE", "GT", "GE", "LT", "LE", "Like", "NotLike", "Match", "NotMatch", "Contains", "NotContains", "In",
        "NotIn", "CEQ", "CNE", "CGT", "CGE", "CLT", "CLE", "CLike", "CNotLike", "CMatch", "CNotMatch", "CContains",
        "CNotContains", "CIn", "CNotIn", "Is", "IsNot",
    ]

    private static let specifications: [CommandSpecification] = [
        CommandSpecification(
            name: "Where-Object", className: "WhereObjectCommand",
            values: ["FilterScript", "Property", "Value", "InputObject"], switches: comparisons + ["Not"],
            positions: ["Property", "Value"],
            aliases: [
                "IEQ": "EQ", "INE": "NE", "IGT": "GT", "IGE": "GE", "ILT": "LT", "ILE": "LE", "ILike": "Like",
                "INotLike": "NotLike", "IMatch": "Match", "INotMatch": "NotMatch", "IContains": "Contains",
                "INotContains": "NotContains", "IIn": "In", "INotIn": "NotIn",
            ]),
        CommandSpecification(
            name: "Select-Object", className: "SelectObjectCommand",
            values: [
                "Property", "ExcludeProperty", "ExpandProperty", "First", "Last", "Skip", "SkipLast", "Index",
                "SkipIndex", "InputObject",
            ], switches: ["Unique", "CaseInsensitive", "Wait"], positions: ["Property"],
            counts: ["First", "Last", "Skip", "SkipLast"]),
        CommandSpecification(
            name: "Sort-Object", className: "SortObjectCommand",
            values: ["Property", "Culture", "Top", "Bottom", "InputObject"],
            switches: ["Descending", "Unique", "CaseSensitive", "Stable"], positions: ["Property"],
            counts: ["Top", "Bottom"]),
        CommandSpecification(
            name: "Group-Object", className: "GroupObjectCommand", values: ["Property", "Culture", "InputObject"],
            switches: ["NoElement", "AsHashTable", "AsString", "CaseSensitive"], positions: ["Property"],
            aliases: ["AHT": "AsHashTable"]),
        CommandSpecification(
            name: "Measure-Object", className: "MeasureObjectCommand", values: ["Property", "InputObject"],
            switches: [
                "Sum", "Average", "Maximum", "Minimum", "StandardDeviation", "AllStats", "Word", "Line", "Character",
                "IgnoreWhiteSpace",
            ], positions: ["Property"]),
        CommandSpecification(
            name: "ForEach-Object", className: "ForEachObjectCommand",
            values: [
                "Process", "Begin", "End", "RemainingScripts", "MemberName", "ArgumentList", "Parallel",
                "ThrottleLimit", "TimeoutSeconds", "InputObject",
            ], switches: ["AsJob", "UseNewRunspace", "WhatIf", "Confirm"], positions: ["Process", "ArgumentList"],
            takesRest: true, aliases: ["Args": "ArgumentList", "wi": "WhatIf", "cf": "Confirm"]),
        CommandSpecification(
            name: "ConvertTo-Json", className: "ConvertToJsonCommand",
            values: ["Depth", "EscapeHandling", "InputObject"], switches: ["Compress", "AsArray", "EnumsAsStrings"],
            positions: ["InputObject"], counts: ["Depth"]),
        CommandSpecification(
            name: "ConvertFrom-Json", className: "ConvertFromJsonCommand",
            values: ["Depth", "DateKind", "InputObject"], switches: ["AsHashtable", "NoEnumerate"],
            positions: ["InputObject"]),
        CommandSpecification(
            name: "ConvertTo-Csv", className: "ConvertToCsvCommand",
            values: ["Delimiter", "QuoteFields", "UseQuotes", "InputObject"],
            switches: ["IncludeTypeInformation", "NoTypeInformation", "NoHeader", "UseCulture"],
            positions: ["InputObject"],
            aliases: [
                "ITI": "IncludeTypeInformation", "NTI": "NoTypeInformation", "UQ": "UseQuotes", "QF": "QuoteFields",
            ]),
        CommandSpecification(
            name: "Write-Output", className: "WriteOutputCommand", values: ["InputObject"],
            switches: ["NoEnumerate"], positions: ["InputObject"], takesRest: true),
        CommandSpecification(
            name: "Write-Warning", className: "WriteWarningCommand", values: ["Message"], switches: [],
            positions: ["Message"], aliases: ["Msg": "Message"], makesObjects: true),
        CommandSpecification(
            name: "Write-Error", className: "WriteErrorCommand",
            values: [
                "Message", "Category", "ErrorId", "TargetObject", "Exception", "ErrorRecord", "RecommendedAction",
                "CategoryActivity", "CategoryReason", "CategoryTargetName", "CategoryTargetType",
            ], switches: [], positions: ["Message"],
            aliases: [
                "Msg": "Message", "Activity": "CategoryActivity", "Reason": "CategoryReason",
                "TargetName": "CategoryTargetName", "TargetType": "CategoryTargetType",
            ], makesObjects: true),
        CommandSpecification(
            name: "Write-Host", className: "WriteHostCommand",
            values: ["Object", "Separator", "ForegroundColor", "BackgroundColor"], switches: ["NoNewline"],
            positions: ["Object"], takesRest: true, aliases: ["Message": "Object", "Msg": "Object"],
            makesObjects: true),
        CommandSpecification(
            name: "Write-Verbose", className: "WriteVerboseCommand", values: ["Message"], switches: [],
            positions: ["Message"], aliases: ["Msg": "Message"], makesObjects: true),
        CommandSpecification(
            name: "Write-Debug", className: "WriteDebugCommand", values: ["Message"], switches: [],
            positions: ["Message"], aliases: ["Msg": "Message"], makesObjects: true),
        CommandSpecification(
            name: "Write-Progress", className: "WriteProgressCommand",
            values: [
                "Activity", "Status", "Id", "PercentComplete", "SecondsRemaining", "CurrentOperation", "ParentId",
                "SourceId",
            ], switches: ["Completed"], positions: ["Activity", "Status", "Id"], makesObjects: true),
        CommandSpecification(
            name: "New-TimeSpan", className: "NewTimeSpanCommand",
            values: ["Start", "End", "Days", "Hours", "Minutes", "Seconds", "Milliseconds"], switches: [],
            positions: ["Start", "End"], aliases: ["LastWriteTime": "Start"], makesObjects: true),
        CommandSpecification(
            name: "Measure-Command", className: "MeasureCommandCommand", values: ["Expression", "InputObject"],
            switches: [], positions: ["Expression"], makesObjects: true),
        CommandSpecification(
            name: "New-Object", className: "NewObjectCommand",
            values: ["TypeName", "ArgumentList", "Property", "ComObject"], switches: ["Strict"],
            positions: ["TypeName", "ArgumentList"], aliases: ["Args": "ArgumentList"], makesObjects: true),
        CommandSpecification(
            name: "Get-Unique", className: "GetUniqueCommand", values: ["InputObject"],
            switches: ["AsString", "OnType", "CaseInsensitive"], positions: []),
        CommandSpecification(
            name: "ConvertFrom-Csv", className: "ConvertFromCsvCommand",
            values: ["Delimiter", "Header", "InputObject"],
            switches: ["UseCulture"], positions: ["InputObject", "Delimiter"]),
        CommandSpecification(
            name: "Get-Date", className: "GetDateCommand",
            values: [
                "Date", "UnixTimeSeconds", "Year", "Month", "Day", "Hour", "Minute", "Second", "Millisecond",
                "DisplayHint", "UFormat", "Format",
            ], switches: ["AsUTC"], positions: ["Date"],
            aliases: ["LastWriteTime": "Date", "UnixTime": "UnixTimeSeconds"],
            makesObjects: true),
        CommandSpecification(
            name: "Format-Table", className: "FormatTableCommand",
            values: ["Property", "GroupBy", "View", "DisplayError", "ShowError", "Expand", "InputObject"],
            switches: ["AutoSize", "HideTableHeaders", "Wrap", "RepeatHeader", "Force"], positions: ["Property"],
            takesRest: false),
        CommandSpecification(
            name: "Format-List", className: "FormatListCommand",
            values: ["Property", "GroupBy", "View", "DisplayError", "ShowError", "Expand", "InputObject"],
            switches: ["Force"], positions: ["Property"]),
        CommandSpecification(
            name: "Out-String", className: "OutStringCommand", values: ["Width", "InputObject"],
            switches: ["Stream", "NoNewline"], positions: [], counts: ["Width"]),
        CommandSpecification(
            name: "Join-String", className: "Utility.JoinStringCommand",
            values: ["Property", "Separator", "OutputPrefix", "OutputSuffix", "FormatString", "InputObject"],
            switches: ["SingleQuote", "DoubleQuote", "UseCulture"], positions: ["Property", "Separator"],
            aliases: ["op": "OutputPrefix", "os": "OutputSuffix"]),
        CommandSpecification(
            name: "Out-Null", className: "OutNullCommand", values: ["InputObject"], switches: [], positions: []),
    ]

    private static let byName: [String: CommandSpecification] = {
        var known: [String: CommandSpecification] = [:]
        for specification in specifications + HostCommands.specifications {
            known[specification.name.lowercased()] = specification
        }
        // Aliases that exist on every platform; on some, `sort` is a program.
        let aliases = [
            "?": "where-object", "where": "where-object", "%": "foreach-object", "foreach": "foreach-object",
            "select": "select-object", "group": "group-object", "measure": "measure-object",
            "echo": "write-output", "gu": "get-unique", "ft": "format-table",
            "fl": "format-list",
        ]
        for (alias, name) in aliases { known[alias] = known[name] }
        for (alias, name) in HostCommands.aliases { known[alias] = known[name] }
        return known
    }()

    /// Returns the command with this name or alias; `nil` when the engine has none.
    static func specification(of written: String) -> CommandSpecification? {
        byName[written.lowercased()]
    }

    /// Creates the stage of a bound command.
    static func stage(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) -> Stage {
        switch command.specification.name {
        case "Where-Object": return try WhereStage.make(command, evaluator)
        case "Select-Object": return try SelectStage(command, evaluator)
        case "Sort-Object": return try SortStage(command, evaluator)
        case "Group-Object": return try GroupStage(command, evaluator)
        case "Measure-Object": return try MeasureStage(command, evaluator)
        case "ForEach-Object":
            if command["Parallel"] != nil { return try ParallelStage(command, evaluator) }
            return try ForEachStage(command, evaluator)
        case "ConvertTo-Json": return try ToJSONStage(command, evaluator)
        case "ConvertFrom-Json": return try FromJSONStage(command)
        case "ConvertTo-Csv": return try ToCSVStage(command)
        case "Write-Output": return try OutputStage(command)
        case "Write-Warning", "Write-Error": return try MessageStage(command, evaluator)
        case "Write-Host": return try HostStage(command, evaluator)
        case "Write-Progress": return try ProgressStage(command, evaluator)
        case "Write-Verbose", "Write-Debug": return try RemarkStage(command, evaluator)
        case "Measure-Command": return try TimingStage(command, evaluator)
        case "Get-Random": return try RandomStage(command)
        case "New-Object": return try ObjectStage(command, evaluator)
        case "New-TimeSpan": return try SpanStage(command)
        case "Get-Unique": return try UniqueStage(command, evaluator)
        case "ConvertFrom-Csv": return try FromCSVStage(command)
        case "Get-Date": return try DateStage(command, evaluator)
        case "Format-Table", "Format-List": return try FormatStage(command, evaluator)
        case "Out-String": return try OutStringStage(command, evaluator)
        case "Join-String": return try JoinStage(command, evaluator)
        case "Out-Null": return NullStage()
        case "Select-String": return try LineSearchStage(command, evaluator)
        case "Tee-Object": return try TeeStage(command, evaluator)
        case "Add-Member": return try WorkStage(command, evaluator, isEach: true)
        default: return try WorkStage(command, evaluator)
        }
    }

    /// Returns a property as the pipeline cmdlets read it: only the object's own.
    static func property(_ item: PSValue, _ name: String) throws(Interrupt) -> PSValue? {
        switch item {
        case .object(let object):
            if let found = object.read(name) { return found.plain }
            if XMLNode.isNode(object) { return try XMLNode.property(object, name)?.plain }
            guard object.isListable else { throw .handOver("a member of \(object.typeName)") }
            guard !name.lowercased().hasPrefix("ps") else { throw .handOver("a member of the shell's own") }
            return nil
        case .null, .nothing: return nil
        case .table(let table):
            // Keys can be read as properties; the table's own members can't.
            if let found = table[name] { return found.plain }
            switch name.lowercased() {
            case "count": return .int(Int32(truncatingIfNeeded: table.count))
            case "keys": return .array(table.entries.map(\.key))
            case "values": return .array(table.entries.map(\.value))
            case "name", "key", "value", "length": return nil
            default: throw .handOver("a property of \(item.typeName)")
            }
        case .array, .list, .block, .type, .ownType: throw .handOver("a property of \(item.typeName)")
        case .date, .typeInfo, .span, .guid, .version, .enumeration:
            let folded = name.lowercased()
            if folded == "count" || folded == "length" { return nil }
            return try Members.ownProperty(item, name)
        case .string(let text):
            if Members.isOfLines(name.lowercased()) { throw .handOver("what a line of a file says of itself") }
            return name.lowercased() == "length" ? .int(Int32(truncatingIfNeeded: text.utf16.count)) : nil
        case .bool, .byte, .int, .long, .double, .single, .decimal, .char: return nil
        }
    }

    /// Returns an argument's list of property names and blocks.
    static func list(_ value: PSValue?) -> [PSValue] {
        switch value {
        case nil: []
        case .array(let items)?: items
        case let item?: [item]
        }
    }
}

/// `Write-Output`: passes its input on.
final class OutputStage: Stage {
    private let unrolls: Bool

    init(_ command: BoundCommand) throws(Interrupt) {
        unrolls = !command.isSet("NoEnumerate")
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return try next(.null) }
        if unrolls, case .array(let items) = item {
            for item in items { try next(item) }
        } else {
            try next(item)
        }
    }
}

/// `Out-Null`.
final class NullStage: Stage {}

/// `Where-Object`.
final class WhereStage: Stage {
    private let test: (PSValue) throws(Interrupt) -> Bool
    private let isBlock: Bool
    /// Returns the error of an object without the property that is asked for, where the script is strict.
    private var fault: (PSValue) throws(Interrupt) -> NativeError? = { _ in nil }

    private init(isBlock: Bool = false, _ test: @escaping (PSValue) throws(Interrupt) -> Bool) {
        self.test = test
        self.isBlock = isBlock
    }

    private static let operators: [String: BinaryOperator] = [
        "EQ": .ieq, "NE": .ine, "GT": .igt, "GE": .ige, "LT": .ilt, "LE": .ile, "Like": .ilike, "NotLike": .inotlike,
        "Match": .imatch, "NotMatch": .inotmatch, "Contains": .icontains, "NotContains": .inotcontains, "In": .iin,
        "NotIn": .inotin, "CEQ": .ceq, "CNE": .cne, "CGT": .cgt, "CGE": .cge, "CLT": .clt, "CLE": .cle,
        "CLike": .clike, "CNotLike": .cnotlike, "CMatch": .cmatch, "CNotMatch": .cnotmatch, "CContains": .ccontains,
        "CNotContains": .cnotcontains, "CIn": .cin, "CNotIn": .cnotin, "Is": .is, "IsNot": .isNot,
    ]

    /// Creates the stage of a bound command: a block, a property with an operator, or a property alone.
    static func make(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) -> WhereStage {
        let stage = try made(command, evaluator)
        guard !stage.isBlock, case .string(let name)? = command["Property"] else { return stage }
        let specification = command.specification
        stage.fault = { (item) throws(Interrupt) in
            try evaluator.unresolved(name, of: item, "property", "PropertyNotFound", in: specification)
        }
        return stage
    }

    private static func made(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) -> WhereStage {
        let set = command.names.filter { operators[$0] != nil || $0 == "Not" }
        if case .block(let block)? = command["FilterScript"] ?? command["Property"] {
            guard set.isEmpty, command["Value"] == nil else { throw .handOver("an unusual Where-Object") }
            return WhereStage(isBlock: true) { (item) throws(Interrupt) in
                try evaluator.result(of: block, on: item).isTrue
            }
        }
        if command["Property"] == nil, command["FilterScript"] == nil, set.isEmpty {
            let id = command.specification.errorID("MissingMandatoryParameter")
            throw .statement(NativeError(id, "A mandatory parameter is missing: Property or FilterScript."))
        }
        guard case .string(let name)? = command["Property"], command["FilterScript"] == nil else {
            throw .handOver("an unusual Where-Object")
        }
        guard !Wildcard.isPattern(name), Collation.isCertain(name) else { throw .handOver("a property by pattern") }
        guard let written = set.first else {
            guard command["Value"] == nil else { throw .handOver("an unusual Where-Object") }
            return WhereStage { (item) throws(Interrupt) in try evaluator.property(name, of: item)?.isTrue ?? false }
        }
        guard set.count == 1, command.isSet(written) else { throw .handOver("an unusual Where-Object") }
        if written == "Not" {
            guard command["Value"] == nil else { throw .handOver("an unusual Where-Object") }
            return WhereStage { (item) throws(Interrupt) in try !(evaluator.property(name, of: item)?.isTrue ?? false) }
        }
        guard let op = operators[written] else { throw .handOver("an unusual Where-Object") }
        guard var value = command["Value"] else {
            let message = "The specified operator requires both the -Property and -Value parameters."
            let id = command.specification.errorID("ValueNotSpecifiedForWhereObject")
            throw .statement(NativeError(id, message))
        }
        if op == .is || op == .isNot {
            guard case .string(let text) = value, text.hasPrefix("["), text.hasSuffix("]"),
                let named = evaluator.scriptTypes.named(String(text.dropFirst().dropLast())),
                case .known(let type) = named
            else {
                switch value {
                case .type, .ownType: break
                default: throw .handOver("a type test")
                }
                return WhereStage { (item) throws(Interrupt) in
                    try evaluator.apply(op, try evaluator.property(name, of: item) ?? .null, value).isTrue
                }
            }
            value = .type(type)
        }
        let right = value
        return WhereStage { (item) throws(Interrupt) in
            try evaluator.apply(op, try evaluator.property(name, of: item) ?? .null, right).isTrue
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if let fault = try fault(item) { return try report(fault) }
        let passes: Bool
        do throws(Interrupt) {
            passes = try test(item)
        } catch {
            guard case .statement(let record) = error else { throw error }
            guard isBlock else { throw .handOver("an error in a filter") }
            throw .statement(record.leaving("WhereObjectCommand"))
        }
        if passes { try next(item) }
    }
}

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
        for written in command.properties {
            let key = try CalculatedProperty(written, of: command.specification, in: evaluator)
            if case .pattern = key.source { throw .handOver("grouping by a pattern") }
            keys.append(key)
        }
        guard !makesTable || namesByText || keys.count <= 1 else { throw .handOver("a table by several keys") }
        self.keys = keys
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return }
        var values: [PSValue?] = keys.isEmpty ? [item] : []
        for key in keys {
            do throws(Interrupt) {
                values.append(try key.value(of: item, in: evaluator))
            } catch {
                values.append(try withoutKey(error, specification))
            }
        }
        for (place, value) in values.enumerated() {
            switch value {
            case nil, .null?, .bool?, .int?, .long?, .double?, .decimal?, .string?, .date?, .span?, .enumeration?:
                continue
            case .array? where isNamed(place): hasList = true
            case let value?: throw .handOver("grouping by \(value.typeName)")
            }
        }
        rows.append(Row(item: item, keys: values))
        try note(values.map { $0.flatMap { $0.isNull ? nil : $0.typeName } })
    }

    /// Records the types of the keys. Rows with keys of a single type are sorted first; otherwise groups keep the order
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
            // Equal keys keep their order, which makes the sort stable.
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
        // Different lists of one type are in one group, where the engine doesn't know the types of lists.
        guard !hasList || groups.count < 2 else { throw .handOver("grouping by lists") }
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
            info.view = keepsElements ? .ofGroups : .ofGroupCounts
            try next(.object(info))
        }
    }

    /// Returns whether a key is a property, given by its name.
    private func isNamed(_ place: Int) -> Bool {
        if keys.indices.contains(place), case .name = keys[place].source { true } else { false }
    }

    private func name(_ row: Row) throws(Interrupt) -> String {
        var names: [String] = []
        for (place, key) in row.keys.enumerated() {
            guard let key, !key.isNull else { continue }
            if case .double(let number) = key {
                // Only a key given as a property name is written with all its digits.
                names.append(isNamed(place) ? PSText.long(number) : PSText.short(number))
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

/// `ForEach-Object`: blocks, or one member of each object.
final class ForEachStage: Stage {
    private let evaluator: Evaluator
    private let specification: CommandSpecification
    private var beginning: PSBlock?
    private var processing: [PSBlock] = []
    private var ending: PSBlock?
    private var member: String?
    private var arguments: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        specification = command.specification
        let known: Set<String> = ["Process", "Begin", "End", "MemberName", "ArgumentList", "InputObject"]
        guard command.names.isSubset(of: known) else { throw .handOver("an unusual ForEach-Object") }
        super.init()
        var blocks: [PSBlock] = []
        switch command["Process"] ?? command["MemberName"] {
        case .block(let block)?:
            blocks.append(block)
            for extra in [command["ArgumentList"]].compactMap(\.self) + command.rest {
                guard case .block(let block) = extra else { throw .handOver("an unusual ForEach-Object") }
                blocks.append(block)
            }
        case .string(let name)?:
            guard Collation.isCertain(name), !Wildcard.isPattern(name), command["Begin"] == nil, command["End"] == nil
            else {
                throw .handOver("a member by pattern")
            }
            member = name
            arguments = [command["ArgumentList"]].compactMap(\.self) + command.rest
            guard !arguments.contains(where: { if case .array = $0 { true } else { false } }) else {
                throw .handOver("a list of arguments")
            }
            return
        default: throw .handOver("an unusual ForEach-Object")
        }
        switch blocks.count {
        case 1: processing = blocks
        case 2, 3:
            guard command["Begin"] == nil, command["End"] == nil else { throw .handOver("an unusual ForEach-Object") }
            beginning = blocks[0]
            processing = [blocks[1]]
            ending = blocks.count == 3 ? blocks[2] : nil
        default: throw .handOver("an unusual ForEach-Object")
        }
        if let begin = command["Begin"] {
            guard case .block(let block) = begin else { throw .handOver("an unusual ForEach-Object") }
            beginning = block
        }
        if let end = command["End"] {
            guard case .block(let block) = end else { throw .handOver("an unusual ForEach-Object") }
            ending = block
        }
    }

    override func begin() throws(Interrupt) {
        if let beginning { try evaluator.run(beginning, on: nil, into: next) }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        guard let member else {
            do throws(Interrupt) {
                for block in processing { try evaluator.run(block, on: item, into: next) }
            } catch {
                if case .statement(let record) = error { throw .statement(record.leaving("ForEachObjectCommand")) }
                throw error
            }
            return
        }
        if arguments.isEmpty || item.isNull,
            let fault = try evaluator.unresolved(
                member, of: item, "member", "PropertyOrMethodNotFound", in: specification)
        {
            return try report(fault)
        }
        if item.isNull {
            guard !arguments.isEmpty else { return try next(.null) }
            return try report(
                NativeError(
                    specification.errorID("InvokeMethodOnNull"),
                    "You cannot call a method on a null-valued expression.",
                    category: "InvalidOperation", isReadable: true))
        }
        // What no output left in a property is none again.
        if arguments.isEmpty, case .object(let object) = item, object.read(member)?.isNothing ?? false { return }
        if arguments.isEmpty, let value = try evaluator.property(member, of: item) {
            return try Evaluator.enumerate(value, into: next)
        }
        switch item {
        case .object(let object):
            guard object.isCustom, arguments.isEmpty, !ForEachStage.objectMethods.contains(member.lowercased()) else {
                throw .handOver("a method of an object")
            }
            try next(.null)
        default:
            do throws(Interrupt) {
                let result = try Methods.call(item, member, arguments)
                try Evaluator.enumerate(result, into: next)
            } catch {
                guard case .statement(let record) = error else { throw error }
                if record.id == "MethodNotFound" {
                    guard arguments.isEmpty else { throw .handOver("a method that doesn't exist") }
                    guard evaluator.strictness < 2 else {
                        let id = specification.errorID("PropertyOrMethodNotFound")
                        let message = "The input name \"\(member)\" cannot be resolved to a member."
                        return try report(NativeError(id, message, category: "InvalidArgument", isReadable: true))
                    }
                    return try next(.null)
                }
                guard record.id == "ArgumentOutOfRangeException" else { throw error }
                try report(
                    NativeError(specification.errorID("MethodInvocationError"), record.message))
            }
        }
    }

    private static let objectMethods: Set<String> = ["tostring", "gettype", "equals", "gethashcode"]

    override func finish() throws(Interrupt) {
        if let ending { try evaluator.run(ending, on: nil, into: next) }
    }
}
