/// What becomes of parameters that the code of a command doesn't ask for: those that would change what it does are
/// handed over, when the command is bound or, at the latest, after it has run (`BoundCommand.refuseUnread`).
extension HostCommands {
    /// Parameters that change what a command does and that aren't implemented here.
    static let beyond: [String: Set<String>] = [
        "Get-Content": ["Delimiter"], "Join-Path": ["Resolve"],
        "Resolve-Path": ["Relative"], "Get-ChildItem": ["Include", "Exclude", "Depth", "Name", "Directory"],
        "Pop-Location": ["StackName"],
        "Start-Process": ["PassThru"], "Start-Sleep": ["Duration"], "Set-Clipboard": ["PassThru"],
        "Add-Member": ["TypeName", "SecondValue"], "Select-String": ["Context"],
        "Compare-Object": ["SyncWindow", "CaseSensitive"], "ConvertTo-Html": ["Transitional"],
        "Get-Culture": ["Name"], "Set-Variable": ["PassThru", "Visibility", "Option"],
        "New-Variable": ["PassThru", "Option"], "Get-Command": ["Verb", "Noun", "Module", "CommandType", "All"],
        "Get-Member": ["Force", "Static"], "Set-PSDebug": ["Trace", "Step", "Strict"],
    ]

    /// Parameters of the same kind that only a script which changes something must do without, because they were never
    /// compared with a real PowerShell.
    static let beyondWhenChanging: [String: Set<String>] = ["Get-Variable": ["Scope"]]

    /// Parameters that change nothing here, or nothing where the code doesn't get to ask for them. A run opens nothing
    /// on a screen, keeps no transcript, has no sessions of remoting, and its files have no attributes. The separator
    /// of its culture is the comma.
    private static let idle: [String: Set<String>] = [
        "Export-Csv": ["NoTypeInformation", "UseCulture"], "Import-Csv": ["UseCulture"],
        "Add-Member": ["PassThru"], "Remove-Item": ["Recurse"], "Split-Path": ["Parent"],
        "Get-ChildItem": ["File", "Recurse"],
        "Invoke-Item": ["WhatIf"], "Start-Process": ["ArgumentList", "Verb", "WindowStyle", "Wait"],
        "Out-GridView": ["Wait", "OutputMode", "PassThru", "Title"], "Read-Host": ["MaskInput"],
        "Start-Transcript": [
            "Path", "LiteralPath", "OutputDirectory", "Append", "NoClobber", "IncludeInvocationHeader",
        ],
        "Write-Information": ["Tags"], "Out-Host": ["Paging"], "Out-Default": ["Transcript"],
        "Set-Variable": ["Description"], "New-Variable": ["Description"],
        "Set-ExecutionPolicy": ["ExecutionPolicy", "Scope"], "Set-Clipboard": ["Value", "Append"],
        "Get-PSSession": ["Name", "Id", "ComputerName"], "Remove-PSSession": ["Session", "Name", "Id"],
        "Unblock-File": ["Path", "LiteralPath", "WhatIf"], "Set-PSDebug": ["Off"],
    ]

    /// The commands of ImportExcel, most of whose parameters concern the look of a workbook.
    private static let ofWorkbooks = Set((excelSpecifications + [exportExcelSpecification]).map(\.name))

    /// Returns whether a command does the same with a parameter as without.
    static func changesNothing(_ parameter: String, _ command: String) -> Bool {
        ["Force", "Confirm"].contains(parameter) || ofWorkbooks.contains(command)
            || idle[command]?.contains(parameter) ?? false
    }

    /// The parameters above that no command has.
    static var unknown: [String] {
        let tables = [beyond, beyondWhenChanging, idle]
        return tables.flatMap { $0 }.flatMap { (command, names) in
            let known = Cmdlets.specification(of: command).map { $0.values + $0.switches } ?? []
            return names.subtracting(known).map { "-\($0) of \(command)" }
        }
    }
}
