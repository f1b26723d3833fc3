import PowerShellSyntax

/// The commands with which scripts read and write files, ask and show; their files are those of the run.
enum HostCommands {
    /// The work of a command on its input objects.
    typealias Work = (BoundCommand, [PSValue], NativeHost, Evaluator, Sink) throws(Interrupt) -> Void

    static let specifications =
        own + valueSpecifications + reportSpecifications + excelSpecifications + xmlSpecifications

    private static let own: [CommandSpecification] = [
        make(
            "Export-Csv",
            ["Path", "LiteralPath", "Encoding", "Delimiter", "UseQuotes", "QuoteFields", "InputObject"],
            [
                "NoTypeInformation", "Append", "Force", "NoClobber", "UseCulture", "IncludeTypeInformation",
                "NoHeader",
            ],
            ["Path", "Delimiter"], ["NTI": "NoTypeInformation", "epcsv": "Path", "PSPath": "LiteralPath"]),
        exportExcelSpecification,
        make(
            "Out-File", ["FilePath", "LiteralPath", "Encoding", "Width", "InputObject"],
            ["Append", "Force", "NoClobber", "NoNewline"], ["FilePath", "Encoding"], ["Path": "FilePath"]),
        make(
            "Set-Content", ["Path", "LiteralPath", "Value", "Encoding"], ["Force", "NoNewline", "PassThru"],
            ["Path", "Value"], makesObjects: true),
        make(
            "Add-Content", ["Path", "LiteralPath", "Value", "Encoding"], ["Force", "NoNewline", "PassThru"],
            ["Path", "Value"], makesObjects: true),
        make("Tee-Object", ["FilePath", "Variable", "InputObject"], ["Append"], ["FilePath"]),
        make(
            "Import-Csv", ["Path", "LiteralPath", "Delimiter", "Header", "Encoding"], ["UseCulture"],
            ["Path", "Delimiter"], makesObjects: true),
        make(
            "Get-Content", ["Path", "LiteralPath", "Encoding", "TotalCount", "Tail", "Delimiter", "ReadCount"],
            ["Raw", "Force"], ["Path"], ["First": "TotalCount", "Last": "Tail"], makesObjects: true),
        make(
            "Test-Path", ["Path", "LiteralPath", "PathType"], ["IsValid"], ["Path"], ["Type": "PathType"],
            makesObjects: true),
        make(
            "New-Item", ["Path", "Name", "ItemType", "Value"], ["Force"], ["Path"], ["Type": "ItemType"],
            makesObjects: true),
        make(
            "Remove-Item", ["Path", "LiteralPath"], ["Force", "Recurse"], ["Path"], makesObjects: true),
        make(
            "Join-Path", ["Path", "ChildPath", "AdditionalChildPath"], ["Resolve"],
            ["Path", "ChildPath", "AdditionalChildPath"], makesObjects: true, takesRest: true),
        make(
            "Split-Path", ["Path", "LiteralPath"],
            ["Leaf", "Parent", "LeafBase", "Extension", "Qualifier", "NoQualifier", "IsAbsolute"],
            ["Path"], makesObjects: true),
        make("Resolve-Path", ["Path", "LiteralPath"], ["Relative"], ["Path"], makesObjects: true),
        make("Convert-Path", ["Path", "LiteralPath"], [], ["Path"], makesObjects: true),
        make("Get-Item", ["Path", "LiteralPath"], ["Force"], ["Path"], makesObjects: true),
        make(
            "Get-ChildItem", ["Path", "LiteralPath", "Filter", "Include", "Exclude", "Depth"],
            ["Recurse", "File", "Directory", "Force", "Name"], ["Path", "Filter"], makesObjects: true),
        make("Get-Location", [], [], [], makesObjects: true),
        make("Set-Location", ["Path", "LiteralPath"], ["PassThru"], ["Path"], makesObjects: true),
        make("Invoke-Item", ["Path", "LiteralPath"], [], ["Path"], makesObjects: true),
        make(
            "Start-Process", ["FilePath", "ArgumentList", "Verb", "WindowStyle"], ["Wait", "PassThru"],
            ["FilePath", "ArgumentList"], makesObjects: true),
        make(
            "Out-GridView", ["Title", "OutputMode", "InputObject"], ["PassThru", "Wait"], []),
        make(
            "Read-Host", ["Prompt"], ["AsSecureString", "MaskInput"], ["Prompt"], makesObjects: true,
            takesRest: true),
        make(
            "Get-Credential", ["Credential", "Message", "UserName", "Title"], [], ["Credential"], makesObjects: true
        ),
        make(
            "Start-Sleep", ["Seconds", "Milliseconds", "Duration"], [], ["Seconds"],
            ["s": "Seconds", "m": "Milliseconds", "ms": "Milliseconds"], makesObjects: true),
        make("Clear-Host", [], [], [], makesObjects: true),
        make(
            "Send-MailMessage",
            [
                "To", "Subject", "Body", "SmtpServer", "From", "Attachments", "Cc", "Bcc", "Credential", "Port",
                "Priority", "ReplyTo", "Encoding", "DeliveryNotificationOption",
            ], ["BodyAsHtml", "UseSsl"], ["To", "Subject", "Body", "SmtpServer"],
            ["BAH": "BodyAsHtml", "ComputerName": "SmtpServer", "PSPath": "Attachments", "sub": "Subject"],
            makesObjects: true),
        make("Pause", [], [], [], makesObjects: true),
        make("New-TemporaryFile", [], [], [], makesObjects: true),
        make(
            "Copy-Item", ["Path", "LiteralPath", "Destination"], ["Force"], ["Path", "Destination"],
            makesObjects: true),
        make(
            "Move-Item", ["Path", "LiteralPath", "Destination"], ["Force"], ["Path", "Destination"],
            makesObjects: true),
        make(
            "Rename-Item", ["Path", "LiteralPath", "NewName"], ["Force"], ["Path", "NewName"], makesObjects: true),
        make(
            "Update-TypeData",
            [
                "TypeName", "DefaultDisplayPropertySet", "DefaultKeyPropertySet", "MemberName", "MemberType",
                "Value",
            ],
            ["Force"], ["TypeName"], makesObjects: true),
        make("Set-StrictMode", ["Version"], ["Off"], [], makesObjects: true),
        make(
            "Start-Transcript", ["Path", "LiteralPath", "OutputDirectory"],
            ["Append", "Force", "NoClobber", "IncludeInvocationHeader"], ["Path"], makesObjects: true),
        make("Stop-Transcript", [], [], [], makesObjects: true),
        make(
            "Write-Information", ["MessageData", "Tags"], [], ["MessageData", "Tags"], ["Msg": "MessageData"],
            makesObjects: true),
        make(
            "Get-Random", ["Maximum", "Minimum", "Count", "InputObject", "SetSeed"], ["Shuffle"], ["Maximum"],
            makesObjects: true),
        make(
            "Add-Member",
            [
                "MemberType", "Name", "Value", "InputObject", "NotePropertyName", "NotePropertyValue",
                "NotePropertyMembers", "TypeName", "SecondValue",
            ],
            ["Force", "PassThru"], ["MemberType", "Name", "Value"], ["Type": "MemberType"]),
        make(
            "Compare-Object", ["ReferenceObject", "DifferenceObject", "Property", "SyncWindow"],
            ["IncludeEqual", "ExcludeDifferent", "PassThru", "CaseSensitive"],
            ["ReferenceObject", "DifferenceObject"],
            makesObjects: true),
        make(
            "ConvertTo-Html",
            [
                "Property", "Head", "Title", "Body", "PreContent", "PostContent", "CssUri", "As", "InputObject",
                "Charset", "Meta",
            ],
            ["Fragment", "Transitional"], ["Property", "Head", "Title", "Body"]),
        make("Out-Host", ["InputObject"], ["Paging"], []),
        make("Out-Default", ["InputObject"], ["Transcript"], []),
        make("Get-Culture", ["Name"], [], [], makesObjects: true),
        make("Get-TimeZone", ["Id", "Name"], ["ListAvailable"], [], makesObjects: true),
        make("Get-Host", [], [], [], makesObjects: true),
        make("Get-Process", ["Id", "Name"], [], ["Name"], makesObjects: true),
        make("Remove-Variable", ["Name", "Scope"], ["Force"], ["Name"], makesObjects: true),
        make(
            "Set-Variable", ["Name", "Value", "Scope", "Option", "Description", "Visibility"],
            ["Force", "PassThru"],
            ["Name", "Value"], makesObjects: true),
        make(
            "New-Variable", ["Name", "Value", "Scope", "Option", "Description"], ["Force", "PassThru"],
            ["Name", "Value"], makesObjects: true),
        make("Get-Variable", ["Name", "Scope"], ["ValueOnly"], ["Name"], makesObjects: true),
        make(
            "Set-ExecutionPolicy", ["ExecutionPolicy", "Scope"], ["Force", "Confirm"], ["ExecutionPolicy", "Scope"],
            makesObjects: true),
        make("Get-ExecutionPolicy", ["Scope"], ["List"], [], makesObjects: true),
        make(
            "Get-Command", ["Name", "Verb", "Noun", "Module", "CommandType"], ["All"], ["Name"], makesObjects: true),
        make(
            "ConvertTo-SecureString", ["String", "SecureKey", "Key"], ["AsPlainText", "Force"], ["String"],
            makesObjects: true),
        make("ConvertFrom-StringData", ["StringData", "Delimiter"], [], ["StringData"], makesObjects: true),
        make("Get-PSSession", ["Name", "Id", "InstanceId", "ComputerName"], [], ["Name"], makesObjects: true),
        make("Remove-PSSession", ["Session", "Name", "Id"], [], ["Session"], makesObjects: true),
        make("Select-MgProfile", ["Name"], [], ["Name"], makesObjects: true),
        make("Get-MgEnvironment", ["Name"], [], ["Name"], makesObjects: true),
        make(
            "Add-Type", ["AssemblyName", "TypeDefinition", "Path", "MemberDefinition", "Name"], ["PassThru"],
            ["TypeDefinition"], makesObjects: true),
        make(
            "Get-Member", ["Name", "MemberType", "InputObject"], ["Force", "Static"], ["Name"],
            ["Type": "MemberType"]),
        make(
            "Invoke-Command", ["ScriptBlock", "ArgumentList", "InputObject"], ["NoNewScope"],
            ["ScriptBlock", "ArgumentList"], ["Command": "ScriptBlock", "Args": "ArgumentList"], makesObjects: true),
        make("Invoke-Expression", ["Command"], [], ["Command"], makesObjects: true),
        make(
            "Export-ModuleMember", ["Function", "Cmdlet", "Variable", "Alias"], [], ["Function"], makesObjects: true
        ),
        make(
            "Select-String", ["Pattern", "InputObject", "Path", "LiteralPath", "Context", "Encoding"],
            ["SimpleMatch", "Quiet", "AllMatches", "CaseSensitive", "NotMatch"], ["Pattern", "Path"], makesObjects: true
        ),
    ]

    static let aliases: [String: String] = [
        "epcsv": "export-csv", "ipcsv": "import-csv", "gc": "get-content", "cat": "get-content", "type": "get-content",
        "ni": "new-item", "ri": "remove-item", "gci": "get-childitem", "dir": "get-childitem", "ls": "get-childitem",
        "ii": "invoke-item", "sleep": "start-sleep", "cls": "clear-host", "clear": "clear-host", "ogv": "out-gridview",
        "oh": "out-host", "cd": "set-location", "pwd": "get-location", "gl": "get-location", "sc": "set-content",
        "ac": "add-content", "compare": "compare-object", "diff": "compare-object", "saps": "start-process",
        "start": "start-process", "chdir": "set-location", "pushd": "push-location", "popd": "pop-location",
        "sv": "set-variable", "gv": "get-variable", "gcm": "get-command", "tee": "tee-object",
        "del": "remove-item", "rm": "remove-item", "md": "new-item", "mkdir": "new-item", "fw": "format-wide",
        "cp": "copy-item", "copy": "copy-item", "cpi": "copy-item", "mv": "move-item", "move": "move-item",
        "mi": "move-item", "ren": "rename-item", "rni": "rename-item", "sls": "select-string", "rvpa": "resolve-path",
        "sort": "sort-object", "write": "write-output", "gi": "get-item", "sl": "set-location",
        "set-format": "set-excelrange", "gwmi": "get-wmiobject", "gcim": "get-ciminstance", "gp": "get-itemproperty",
        "get-securerandom": "get-random", "gm": "get-member", "icm": "invoke-command", "iex": "invoke-expression",
    ]

    /// The commands that would ask before they do something, or only say what they would do. All of it concerns only
    /// the run, about which nobody is asked.
    private static let asking: Set<String> = [
        "Add-Content", "Copy-Item", "Export-Clixml", "Export-Csv", "Invoke-Item", "Move-Item", "New-Item",
        "New-TemporaryFile",
        "New-Variable", "Out-File", "Remove-Item", "Remove-PSSession", "Remove-Variable", "Rename-Item", "Set-Content",
        "Set-ExecutionPolicy", "Set-Variable", "Start-Process", "Start-Transcript", "Stop-Transcript",
        "Update-TypeData",
    ]

    static func make(
        _ name: String, _ values: [String], _ switches: [String], _ positions: [String],
        _ aliases: [String: String] = [:], makesObjects: Bool = false, takesRest: Bool = false
    ) -> CommandSpecification {
        CommandSpecification(
            name: name, className: name.filter { $0 != "-" } + "Command", values: values,
            switches: asking.contains(name) ? switches + ["Confirm", "WhatIf"] : switches,
            positions: positions, takesRest: takesRest,
            aliases: asking.contains(name)
                ? aliases.merging(["cf": "Confirm", "wi": "WhatIf"]) { own, _ in own } : aliases,
            makesObjects: makesObjects, isPartial: true)
    }

    /// The lower-case names of the commands that need a host.
    static let names = Set(specifications.map { $0.name.lowercased() }).union(aliases.keys)

    /// Returns the work of a command.
    static func work(_ name: String) -> Work? {
        switch name {
        case "Export-Csv": exportCSV
        case "Export-Excel": exportExcel
        case "Out-File": outFile
        case "Set-Content", "Add-Content": setContent
        case "Import-Csv": importCSV
        case "Get-Content": getContent
        case "Test-Path": testPath
        case "New-Item": newItem
        case "Remove-Item": removeItem
        case "Join-Path": joinPath
        case "Split-Path": splitPath
        case "Resolve-Path", "Convert-Path": resolvePath
        case "Get-Item", "Get-ChildItem": getItems
        case "Get-Location": { (_, _, host, _, emit) throws(Interrupt) in try emit(pathObject(host.folder.path)) }
        case "Invoke-Item", "Start-Process": openItem
        case "Out-GridView": gridView
        case "Read-Host": readHost
        case "Pause": pause
        case "New-TemporaryFile": newTemporaryFile
        case "Copy-Item", "Move-Item", "Rename-Item": moveItem
        case "Get-Credential": credential
        case "Start-Sleep": sleep
        case "Set-StrictMode": Evaluator.setStrictMode
        case "Set-Location", "Push-Location": setLocation
        case "Clear-Host", "Start-Transcript", "Stop-Transcript", "Set-ExecutionPolicy", "Remove-PSSession":
            { (_, _, _, _, _) throws(Interrupt) in }
        case "Send-MailMessage": sendMail
        case "Write-Information": writeInformation
        case "Add-Member": addMember
        case "Compare-Object": ObjectComparison.compare
        case "ConvertTo-Html": HTMLTable.convert
        case "Out-Host", "Out-Default":
            { (_, items, _, evaluator, _) throws(Interrupt) in
                for item in items { try evaluator.delivery.add(.object(item)) }
            }
        case "Get-Culture": culture
        case "Get-Host": hostObject
        case "Get-Process": process
        case "Get-TimeZone":
            { (command, _, _, _, emit) throws(Interrupt) in
                guard command.names.isEmpty else { throw .handOver("time zones by their names") }
                try emit(SystemTypes.zone())
            }
        case "Set-Variable", "New-Variable": setVariable
        case "Get-Variable": getVariable
        case "Remove-Variable": removeVariable
        case "Get-Command": getCommand
        case "Get-ExecutionPolicy":
            { (command, _, _, _, emit) throws(Interrupt) in
                guard command.names.isSubset(of: ["Scope"]) else { throw .handOver("an unusual Get-ExecutionPolicy") }
                // Outside Windows the policy is always `Unrestricted`.
                try emit(.string("Unrestricted"))
            }
        case "ConvertTo-SecureString": secret
        case "ConvertFrom-StringData": stringData
        case "Get-PSSession": remotingSession
        case "Select-MgProfile": selectProfile
        case "Get-MgEnvironment": environments
        case "Get-Member": members
        case "Invoke-Command": invoke
        case "Invoke-Expression": invokeText
        case "Export-ModuleMember": exportMember
        case "Update-TypeData":
            { (command, _, _, _, _) throws(Interrupt) in
                // What a listing shows by itself changes nothing that a script can read.
                let known = ["TypeName", "DefaultDisplayPropertySet", "DefaultKeyPropertySet", "Force"]
                guard command.names.isSubset(of: known) else { throw .handOver("members of a type") }
            }
        case "Add-Type":
            { (command, _, _, _, _) throws(Interrupt) in
                guard command.names == ["AssemblyName"] else { throw .handOver("Add-Type") }
            }
        default: valueWork(name) ?? reportWork(name) ?? excelWork(name) ?? xmlWork(name)
        }
    }

    /// Returns the paths of the files and folders that a command was given.
    static func paths(
        _ command: BoundCommand, _ names: [String] = ["Path", "LiteralPath", "FilePath"], piped: [PSValue] = [],
        in host: NativeHost
    ) throws(Interrupt) -> [String] {
        let folder = host.folder
        return try writtenPaths(command, names, piped: piped).map { folder.located($0) }
    }

    /// Returns the paths that a command was given, as they are written.
    static func writtenPaths(
        _ command: BoundCommand, _ names: [String] = ["Path", "LiteralPath", "FilePath"], piped: [PSValue] = []
    ) throws(Interrupt) -> [String] {
        var paths: [String] = []
        for name in names {
            guard let given = command[name]?.plain else { continue }
            let values = Cmdlets.list(given)
            if !asksNoPath.contains(command.specification.name) {
                guard !values.isEmpty else { throw .handOver("a list of no paths") }
                for value in values {
                    if let refusal = refusal(of: value, for: name, command) { throw .statement(refusal) }
                }
            }
            for value in values {
                guard let path = try path(value, isLiteral: name == "LiteralPath") else { continue }
                paths.append(path)
            }
        }
        for item in piped { if let path = try path(item, isLiteral: false) { paths.append(path) } }
        return paths
    }

    /// The commands that take no path for the current folder, or that only tell whether there is one.
    private static let asksNoPath: Set<String> = ["Get-ChildItem", "Push-Location", "Set-Location", "Test-Path"]
    /// The commands that check a path by a condition of the parameter.
    private static let checksPaths: Set<String> = ["Export-Csv", "Import-Csv", "Select-Xml", "Start-Process"]

    /// Returns the error of a path that is empty; `nil` for any other.
    private static func refusal(of value: PSValue, for name: String, _ command: BoundCommand) -> NativeError? {
        guard let refusal = command.refusal(of: value, for: name) else { return nil }
        guard checksPaths.contains(command.specification.name) else { return refusal }
        let fault =
            "The argument is null or empty. Provide an argument that is not null or empty, and then try the command "
            + "again."
        return command.refusedArgument(name, fault)
    }

    /// Returns the path that a value names; `nil` for no value. Of patterns only those with `*` are known, and of
    /// PowerShell's drives only those of files.
    private static func path(_ value: PSValue, isLiteral: Bool) throws(Interrupt) -> String? {
        if value.isNull { return nil }
        if case .object(let object) = value {
            return try PSText.string(object["FullName"] ?? object["Path"] ?? value)
        }
        let path = try PSText.string(value)
        guard isLiteral || !path.contains(where: { "?[".contains($0) }) else { throw .handOver("a pattern of paths") }
        guard let colon = path.firstIndex(of: ":") else { return path }
        let drive = path[..<colon]
        guard drive.utf8.count == 1, drive.utf8.allSatisfy({ (0x61...0x7A).contains($0 | 0x20) }) else {
            throw .handOver("the drive \(drive)")
        }
        return path
    }

    static func onlyPath(_ command: BoundCommand, in host: NativeHost) throws(Interrupt) -> String {
        guard let path = try paths(command, in: host).first else { throw .statement(command.nullArgument("Path")) }
        return path
    }

    static func pathObject(_ path: String) throws(Interrupt) -> PSValue {
        let object = PSObject(
            [("Path", .string(path)), ("ProviderPath", .string(path))], typeName: PSObject.pathType, isCustom: false)
        return object.map { .object($0) } ?? .null
    }

    static func fileObject(_ path: String, size: Int, isFolder: Bool) -> PSValue {
        let parts = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).map(String.init)
        let name = parts.last ?? path
        let dot = name.lastIndex(of: ".")
        let base = dot.map { String(name[..<$0]) } ?? name
        let end = dot.map { String(name[$0...]) } ?? ""
        let now = PSZone.now
        var pairs: [(String, PSValue)] = [
            ("Name", .string(name)), ("FullName", .string(path)), ("BaseName", .string(isFolder ? name : base)),
            ("Extension", .string(end)), ("PSIsContainer", .bool(isFolder)), ("Exists", .bool(true)),
            ("LastWriteTime", .date(now)), ("CreationTime", .date(now)), ("LastWriteTimeUtc", .date(now.asUniversal)),
            ("CreationTimeUtc", .date(now.asUniversal)),
        ]
        if !isFolder {
            pairs.append(("Length", .long(Int64(size))))
            pairs.append(("DirectoryName", .string(parts.dropLast().joined(separator: "/"))))
        }
        // Nothing above the run's folder is visible, so it is the parent of what is at its top.
        let above = parts.dropLast().joined(separator: "/")
        if let parent = Self.parent(above.isEmpty ? "." : above) {
            pairs.append((isFolder ? "Parent" : "Directory", parent))
        }
        let object = PSObject(
            pairs, typeName: isFolder ? PSObject.folderType : PSObject.fileType, isCustom: false)
        return object.map { .object($0) } ?? .null
    }

    /// Returns the parent of a folder, with all parents in its path, followed by a few that represent the run's folder.
    private static func parent(_ path: String, levels: Int = 3) -> PSValue? {
        let parts = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).map(String.init)
        guard levels > 0 else { return nil }
        let above = parts.dropLast().joined(separator: "/")
        var pairs: [(String, PSValue)] = [
            ("Name", .string(parts.last ?? path)), ("FullName", .string(path)), ("PSIsContainer", .bool(true)),
            ("Exists", .bool(true)),
        ]
        if let next = parent(above.isEmpty ? "." : above, levels: parts.count > 1 ? levels : levels - 1) {
            pairs.append(("Parent", next))
        }
        return PSObject(pairs, typeName: PSObject.folderType, isCustom: false).map { .object($0) }
    }
}

/// A command that collects all objects before it does its work, unless it works on each alone.
final class WorkStage: Stage {
    private let command: BoundCommand
    private let evaluator: Evaluator
    private let host: NativeHost
    private let work: HostCommands.Work
    private var items: [PSValue] = []
    /// Whether each object is worked on when it arrives.
    private let isEach: Bool

    init(_ command: BoundCommand, _ evaluator: Evaluator, isEach: Bool = false) throws(Interrupt) {
        guard let host = evaluator.host, let work = HostCommands.work(command.specification.name) else {
            throw .handOver("the command \(command.specification.name)")
        }
        (self.command, self.evaluator, self.host, self.work) = (command, evaluator, host, work)
        self.isEach = isEach
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if isEach { try work(on: [item]) } else { items.append(item) }
    }

    override func finish() throws(Interrupt) {
        if !isEach { try work(on: items) }
    }

    private func work(on items: [PSValue]) throws(Interrupt) {
        let reports = evaluator.reports
        try work(command, items, host, evaluator, next)
        // What failed has had no use for some parameters.
        if evaluator.reports == reports { try command.refuseUnread() }
    }
}

/// Output that a redirection sends to a file of the run.
final class OutFileStage: Stage {
    struct Settings {
        let path: String
        let isAppending: Bool
    }

    private let settings: Settings
    private let evaluator: Evaluator
    private var items: [PSValue] = []

    init(_ settings: Settings, _ evaluator: Evaluator) {
        self.settings = settings
        self.evaluator = evaluator
    }

    override func process(_ item: PSValue) throws(Interrupt) { items.append(item) }

    override func finish() throws(Interrupt) {
        guard let host = evaluator.host else { throw .handOver("a redirection") }
        let text = try HostCommands.lines(items)
        try host.write(Array(text.utf8), to: settings.path, isAppending: settings.isAppending)
    }
}

/// Files of the run.
extension HostCommands {
    /// Writes a text in the encoding that the command asks for.
    static func write(
        _ text: String, to path: String, _ command: BoundCommand, _ host: NativeHost, isAppending: Bool
    ) throws(Interrupt) {
        var bytes = Array(text.utf8)
        if let encoding = command["Encoding"] {
            let begins = !isAppending || host.read(path)?.isEmpty != false
            bytes = try Encodings.file(text, in: encoding, begins: begins)
        }
        try host.write(bytes, to: path, isAppending: isAppending)
    }

    /// Refuses to replace a file if the command asks for that.
    static func keepExisting(
        _ path: String, _ command: BoundCommand, _ host: NativeHost
    ) throws(Interrupt) {
        guard command.isSet("NoClobber"), host.hasFile(path) else { return }
        throw .statement(
            NativeError(
                command.specification.errorID("NoClobber"),
                "The file '\(path)' already exists.", category: "ResourceExists", isReadable: true))
    }

    /// Returns the lines that a screen would show for objects.
    static func lines(_ items: [PSValue], width: Int = FormattedBlock.usualWidth) throws(Interrupt) -> String {
        var text = ""
        var objects: [PSValue] = []
        func flush() throws(Interrupt) {
            guard !objects.isEmpty else { return }
            guard let lines = OutStringStage.lines(of: objects, width: width, isScreen: false) else {
                throw .handOver("the layout of \(objects[0].typeName)")
            }
            text += lines.map { $0 + "\n" }.joined()
            objects = []
        }
        for item in items {
            switch item {
            case .string(let line):
                try flush()
                try StepBound.text(bytes: text.utf8.count + line.utf8.count, limit: RunFiles.largest)
                text += line + "\n"
            case .null, .nothing: continue
            default: objects.append(item)
            }
        }
        try flush()
        return text
    }

    static func outFile(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var width = FormattedBlock.usualWidth
        if let given = command["Width"], case .int(let columns) = try Conversion.argument(given, to: .int) {
            guard (2...100_000).contains(columns) else { throw .handOver("an unusual width") }
            width = Int(columns)
        }
        var text = try lines(items, width: width)
        if command.isSet("NoNewline") { text = text.filter { $0 != "\n" } }
        try keepExisting(try onlyPath(command, in: host), command, host)
        try write(text, to: try onlyPath(command, in: host), command, host, isAppending: command.isSet("Append"))
    }

    static func setContent(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var values = items
        if let value = command["Value"] { values = Cmdlets.list(value.plain) }
        // Without any input nothing is written, whatever the other parameters say.
        guard !values.isEmpty || command.names.contains("Value") else { return }
        try evaluator.refuseTyped(within: .array(values))
        var texts: [String] = []
        for value in values {
            // A list among the values has a line for each of its elements.
            guard case .array(let items) = value.plain else {
                if !value.isNull { texts.append(try PSText.string(value)) }
                continue
            }
            for item in items where !item.isNull { texts.append(try PSText.whole(item)) }
        }
        try StepBound.text(bytes: texts.reduce(0) { $0 + $1.utf8.count }, limit: RunFiles.largest)
        let text = command.isSet("NoNewline") ? texts.joined() : texts.map { $0 + "\n" }.joined()
        try write(
            text, to: try onlyPath(command, in: host), command, host,
            isAppending: command.specification.name == "Add-Content")
        if command.isSet("PassThru") { for value in values { try emit(value) } }
    }

    /// Returns the text of a file.
    static func text(
        _ path: String, _ command: BoundCommand, _ host: NativeHost
    ) throws(Interrupt) -> String {
        guard let bytes = host.read(path) else { throw .statement(missing(path, command)) }
        return try Encodings.read(bytes, in: command["Encoding"])
    }

    /// Returns a number of lines that a command was given.
    private static func lineCount(_ name: String, _ command: BoundCommand) throws(Interrupt) -> Int? {
        guard let given = command[name] else { return nil }
        guard case .int(let count)? = try Conversion.converted(given, to: .int), count >= 0 else {
            throw .handOver("an unusual -\(name)")
        }
        return Int(count)
    }

    static func getContent(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let (first, last) = (try lineCount("TotalCount", command), try lineCount("Tail", command))
        guard first == nil || last == nil else {
            let error = NativeError(
                command.specification.errorID("TailAndHeadCannotCoexist"),
                "The parameters TotalCount and Tail cannot be used together. Please specify only one parameter.",
                category: "InvalidOperation", isReadable: true)
            return try evaluator.report(error, command.errorAction)
        }
        for path in try paths(command, piped: items, in: host) {
            guard let bytes = try content(path, command, host, evaluator) else { continue }
            let text = try Encodings.read(bytes, in: command["Encoding"])
            if command.isSet("Raw") {
                try emit(.string(text))
                continue
            }
            if let count = command["ReadCount"], !["0", "1"].contains(count.text) {
                throw .handOver("lines in groups")
            }
            var lines = FileText.lines(of: text)
            if let first { lines = Array(lines.prefix(first)) }
            if let last { lines = Array(lines.suffix(last)) }
            // Zero means all at once, as one list.
            if command["ReadCount"]?.text == "0", lines.count > 1 {
                try emit(.array(lines.map { .string($0) }))
            } else {
                for line in lines { try emit(.string(line)) }
            }
        }
    }

    static func newItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard items.isEmpty else { throw .handOver("New-Item of piped objects") }
        var path = try paths(command, in: host).first ?? host.folder.path
        if let name = command["Name"] { path += "/" + (try PSText.string(name)) }
        let kind =
            command["ItemType"]?.text.lowercased() ?? (command.written?.lowercased() == "mkdir" ? "directory" : "file")
        if kind.hasPrefix("d") || command.written?.lowercased() == "md" {
            let isOwn = command.written?.lowercased() == "mkdir" || command.written?.lowercased() == "md"
            guard !host.isFolder(path) || isOwn || command.isSet("Force") else {
                let error = NativeError(
                    command.specification.errorID("DirectoryExist"),
                    "An item with the specified name \(path) already exists.", category: "ResourceExists")
                return try evaluator.report(error, command.errorAction)
            }
            host.makeFolder(path)
            return try emit(fileObject(path, size: 0, isFolder: true))
        }
        guard !host.hasFile(path) || command.isSet("Force") else {
            let error = NativeError(
                command.specification.errorID("NewItemIOError"), "The file '\(path)' already exists.",
                category: "WriteError")
            return try evaluator.report(error, command.errorAction)
        }
        guard kind == "file" else { throw .handOver("New-Item of a \(kind)") }
        let text = try command["Value"].map { (value) throws(Interrupt) in try PSText.string(value) } ?? ""
        try host.write(Array(text.utf8), to: path, isAppending: false)
        try emit(fileObject(path, size: text.utf8.count, isFolder: false))
    }

    static func removeItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command, piped: items, in: host) {
            if path.contains("*") {
                for file in try host.files(like: path, in: evaluator) { host.remove(file.path) }
            } else if host.exists(path) {
                host.remove(path)
            } else {
                try evaluator.report(missing(path, command), command.errorAction)
            }
        }
    }

    static func getItems(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let paths = try paths(command, piped: items, in: host)
        for path in paths.isEmpty ? [host.folder.path] : paths {
            if path.contains("*") {
                for file in try host.files(like: path, in: evaluator)
                where command.isSet("Recurse") || NativeHost.depth(file.path) == NativeHost.depth(path) {
                    try emit(fileObject(file.path, size: file.bytes.count, isFolder: false))
                }
            } else if let bytes = host.read(path) {
                try emit(fileObject(path, size: bytes.count, isFolder: false))
            } else if host.isFolder(path) || NativeHost.key(path).isEmpty {
                guard command.specification.name == "Get-ChildItem" else {
                    try emit(fileObject(path, size: 0, isFolder: true))
                    continue
                }
                let filter = try command["Filter"].map { (value) throws(Interrupt) in
                    try evaluator.wildcard(try PSText.string(value), ignoringCase: true)
                }
                let isDeep = command.isSet("Recurse")
                // The case of folder names isn't kept.
                guard command.isSet("File") || !host.hasFolders(in: path) else {
                    throw .handOver("a list of folders")
                }
                for file in host.files(in: path)
                where isDeep || NativeHost.depth(file.path) == NativeHost.depth(path) + 1 {
                    if let filter, try !filter.matches(file.name) { continue }
                    try emit(fileObject(file.path, size: file.bytes.count, isFolder: false))
                }
            } else {
                try evaluator.report(missing(path, command), command.errorAction)
            }
        }
    }

    static func newTemporaryFile(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = host.folder.rooted("Temp/tmp\(UInt32.random(in: .min ... .max)).tmp")
        try host.write([], to: path, isAppending: false)
        try emit(fileObject(path, size: 0, isFolder: false))
    }

    /// Opens nothing, because a run has no screen; its files are returned with the answer anyway.
    static func openItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command, piped: items, in: host) where !host.hasFile(path) {
            host.remark("Not opened: \(path)")
        }
    }
}
