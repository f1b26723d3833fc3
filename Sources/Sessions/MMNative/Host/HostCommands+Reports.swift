import MMCore

/// Commands that only reports use here: they were never compared with a real PowerShell.
extension HostCommands {
    static let reportSpecifications: [CommandSpecification] =
        [
            make(
                "Format-Wide", ["Property", "Column", "View", "GroupBy", "InputObject"], ["AutoSize", "Force"],
                ["Property"]),
            make("Get-UICulture", [], [], [], makesObjects: true),
            make("Test-Json", ["Json", "Schema"], [], ["Json"], makesObjects: true),
            make("Unblock-File", ["Path", "LiteralPath"], ["Confirm", "WhatIf"], ["Path"], makesObjects: true),
            make("Set-PSDebug", ["Trace"], ["Off", "Step", "Strict"], [], makesObjects: true),
        ] + machine.map { make($0, machineParameters, machineSwitches, ["Name"], makesObjects: true, takesRest: true) }

    /// Commands that read the machine that runs a script, or ask its network.
    private static let machine = [
        "Get-Acl", "Get-CimInstance", "Get-WmiObject", "Get-ItemProperty", "Get-ItemPropertyValue", "Get-PSDrive",
        "Get-Service", "Get-ComputerInfo", "Get-EventLog", "Get-WinEvent", "Get-NetAdapter", "Get-NetIPAddress",
        "Get-HotFix", "Test-Connection", "Test-NetConnection", "Resolve-DnsName", "Get-Printer", "Get-Volume",
    ]

    private static let machineParameters = [
        "Name", "Path", "LiteralPath", "ClassName", "Class", "Namespace", "Filter", "Query", "Property", "ComputerName",
        "CimSession", "PSProvider", "LogName", "Newest", "FilterHashtable", "MaxEvents", "ProviderName", "Credential",
        "InterfaceAlias", "AddressFamily", "TargetName", "Count", "Port", "Type", "Server", "Id", "DriveLetter",
        "InformationLevel", "TimeoutSeconds", "Delay", "Scope",
    ]
    private static let machineSwitches = [
        "Quiet", "DnsOnly", "NoHostsFile", "Physical", "IPv4", "IPv6", "QuickTimeout",
    ]

    /// Returns the work of such a command; `nil` for any other.
    static func reportWork(_ name: String) -> Work? {
        if machine.contains(name) { return readMachine }
        return switch name {
        case "Format-Wide": formatWide
        case "Get-UICulture": cultureOfTexts
        case "Test-Json": testJSON
        case "Unblock-File", "Set-PSDebug": { (_, _, _, _, _) throws(Interrupt) in }
        default: nil
        }
    }

    private static func cultureOfTexts(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        try emit(PSCulture.value(named: "en-US") ?? .null)
    }

    private static func readMachine(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let name = command.specification.name
        let error = NativeError(
            command.specification.errorID("NotAvailable"),
            "\(name) reads the machine that runs the script or asks its network, which a run here doesn't reach.",
            category: "ObjectNotFound", isReadable: true)
        try evaluator.report(error, command.errorAction)
    }

    private static func testJSON(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command["Schema"] == nil else { throw .handOver("a schema of JSON") }
        var areAll = true
        for item in items + Cmdlets.list(command["Json"]) {
            let text = try PSText.string(item)
            let isOne = (try? JSONParser.parse(text)) != nil
            areAll = areAll && isOne
            try emit(.bool(isOne))
        }
        guard !areAll else { return }
        let error = NativeError(
            command.specification.errorID("InvalidJson"), "Cannot parse the JSON.", category: "InvalidData",
            isReadable: true)
        try evaluator.report(error, command.errorAction)
    }

    /// Shows one property of each object, in columns, and plain values as their text.
    private static func formatWide(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command["GroupBy"] == nil, command["View"] == nil else { throw .handOver("an unusual Format-Wide") }
        guard !command.isSet("AutoSize") || command["Column"] == nil else {
            throw .statement(
                NativeError(
                    command.specification.errorID("FormatCannotSpecifyAutosizeAndColumns"),
                    "Cmdlet parameters AutoSize and Column are mutually exclusive.", category: "InvalidArgument",
                    isReadable: true))
        }
        let property = try command["Property"].map { (value) throws(Interrupt) in
            try CalculatedProperty(value, of: command.specification, in: evaluator)
        }
        let isForced = command.isSet("Force")
        var texts: [String] = []
        let entries = items.flatMap { item in
            if case .table(let table) = item, table.hasOrder(orAny: true) { table.entryObjects } else { [item] }
        }
        for item in entries where !item.isNull {
            let shown: CalculatedProperty
            switch item {
            case _ where CellText.isPlain(item):
                guard isForced else {
                    guard texts.isEmpty else { throw .handOver("formatting \(item.typeName) behind objects") }
                    try emit(item)
                    continue
                }
                guard let property else { throw .handOver("formatting the members of \(item.typeName)") }
                shown = property
            case .object(let object): shown = property ?? CalculatedProperty(name: chief(of: object.whole.shape.names))
            default: throw .handOver("formatting \(item.typeName)")
            }
            texts.append(try FormatStage.cell(shown, item, isTable: false, evaluator))
        }
        let isSized = command.isSet("AutoSize")
        var columns: Int? = isSized ? nil : 2
        if let given = command["Column"], case .int(let count) = try Conversion.argument(given, to: .int) {
            columns = Int(count)
        }
        guard !texts.isEmpty else { return }
        let group = FormattedBlock.Group(columns: [], rows: texts.map { [$0] })
        var block = FormattedBlock(.wide(columns: columns), groups: [group])
        block.isSized = isSized
        guard columns.map({ $0 > 0 }) ?? true, let value = block.value else {
            throw .handOver("an unusual Format-Wide")
        }
        try emit(value)
    }

    /// Returns the property that names an object best, as PowerShell chooses it; its first one where none does.
    private static func chief(of names: [String]) -> String {
        for part in ["name", "id", "key"] {
            if let name = names.first(where: { $0.lowercased() == part }) { return name }
        }
        for part in ["key", "name", "id"] {
            if let name = names.first(where: { $0.lowercased().hasSuffix(part) }) { return name }
        }
        return names.first ?? ""
    }
}
