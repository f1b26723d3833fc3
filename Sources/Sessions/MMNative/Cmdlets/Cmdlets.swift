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
            ], switches: [], positions: ["Message"], aliases: ["Msg": "Message"], makesObjects: true),
        CommandSpecification(
            name: "Write-Host", className: "WriteHostCommand",
            values: ["Object", "Separator", "ForegroundColor", "BackgroundColor"], switches: ["NoNewline"],
            positions: ["Object"], takesRest: true, makesObjects: true),
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
        case "Measure-Object": return try MeasureStage(command)
        case "ForEach-Object": return try ForEachStage(command, evaluator)
        case "ConvertTo-Json": return try ToJSONStage(command, evaluator)
        case "ConvertFrom-Json": return try FromJSONStage(command)
        case "ConvertTo-Csv": return try ToCSVStage(command)
        case "Write-Output": return try OutputStage(command)
        case "Write-Warning", "Write-Error": return try MessageStage(command, evaluator)
        case "Write-Host": return try HostStage(command, evaluator)
        case "Write-Progress": return ProgressStage(command, evaluator)
        case "Write-Verbose", "Write-Debug": return SilentStage()
        case "New-Object": return try ObjectStage(command, evaluator)
        case "New-TimeSpan": return try SpanStage(command)
        case "Get-Unique": return try UniqueStage(command, evaluator)
        case "ConvertFrom-Csv": return try FromCSVStage(command)
        case "Get-Date": return try DateStage(command)
        case "Format-Table", "Format-List": return try FormatStage(command, evaluator)
        case "Out-String": return try OutStringStage(command, evaluator)
        case "Out-Null": return NullStage()
        default: return try WorkStage(command, evaluator)
        }
    }

    /// Returns a property as the pipeline cmdlets read it: only the object's own.
    static func property(_ item: PSValue, _ name: String) throws(Interrupt) -> PSValue? {
        switch item {
        case .object(let object):
            if let found = object[name] { return found.plain }
            guard object.isCustom || object.isListable else { throw .handOver("a member of \(object.typeName)") }
            guard !name.lowercased().hasPrefix("ps") else { throw .handOver("a member of the shell's own") }
            return nil
        case .null, .nothing: return nil
        case .table(let table):
            // Keys are read as properties; the table's own members are not.
            if let found = table[name] { return found.plain }
            switch name.lowercased() {
            case "count": return .int(Int32(truncatingIfNeeded: table.count))
            case "name", "key", "value", "length": return nil
            default: throw .handOver("a property of \(item.typeName)")
            }
        case .array, .list, .block, .type: throw .handOver("a property of \(item.typeName)")
        case .date, .typeInfo, .span, .guid, .version, .enumeration:
            let folded = name.lowercased()
            if folded == "count" || folded == "length" { return nil }
            return try Members.ownProperty(item, name)
        case .string(let text):
            return name.lowercased() == "length" ? .int(Int32(truncatingIfNeeded: text.utf16.count)) : nil
        case .bool, .int, .long, .double, .decimal, .char: return nil
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
        if item.isNull { throw .handOver("Write-Output of $null") }
        if unrolls, case .array(let items) = item {
            for item in items { try next(item) }
        } else {
            try next(item)
        }
    }
}

/// `Out-Null`.
final class NullStage: Stage {}
