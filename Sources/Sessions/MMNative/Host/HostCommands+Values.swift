import MMCore

/// Commands that make or forget single values, and those that copy files or read what a file contains.
extension HostCommands {
    static let valueSpecifications: [CommandSpecification] = [
        make("New-Guid", ["InputObject"], ["Empty"], ["InputObject"], makesObjects: true),
        make("Clear-Variable", ["Name", "Scope"], ["Force"], ["Name"], ["cv": "Name"], makesObjects: true),
        make("Push-Location", ["Path", "LiteralPath"], ["PassThru"], ["Path"], makesObjects: true),
        make("Pop-Location", ["StackName"], ["PassThru"], [], makesObjects: true),
        make("Set-Clipboard", ["Value"], ["Append", "PassThru"], ["Value"]),
        make("Get-FileHash", ["Path", "LiteralPath", "Algorithm"], [], ["Path", "Algorithm"], makesObjects: true),
        make(
            "Select-Xml", ["XPath", "Path", "LiteralPath", "Content", "Xml", "Namespace"], [], ["XPath", "Path"],
            makesObjects: true),
    ]

    /// Returns the work of such a command; `nil` for any other.
    static func valueWork(_ name: String) -> Work? {
        switch name {
        case "New-Guid": newGuid
        case "Clear-Variable": clearVariable
        case "Pop-Location": popLocation
        // The text for other programs reaches none.
        case "Set-Clipboard": { (_, _, _, _, _) throws(Interrupt) in }
        case "Get-FileHash": fileHash
        case "Select-Xml": selectXML
        default: nil
        }
    }

    private static func newGuid(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for text in items { try emit(try Conversion.argument(text, to: .guid)) }
        guard items.isEmpty else { return }
        try emit(command.isSet("Empty") ? try Statics.property(.guid, "Empty") : .guid(RandomBytes.uuid()))
    }

    private static func clearVariable(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard items.isEmpty else { throw .handOver("Clear-Variable of piped objects") }
        for name in Cmdlets.list(command["Name"]) {
            let key = try PSText.string(name).lowercased()
            guard !AutomaticNames.contains(key), !Wildcard.isPattern(key), evaluator.typed.types[key] == nil else {
                throw .handOver("clearing the variable $\(key)")
            }
            guard try hasVariable(key, for: command, evaluator) else {
                try evaluator.report(missingVariable(key, command), command.errorAction)
                continue
            }
            try evaluator.write(.null, to: try isOuter(command) ? .outer(key) : .variable(key))
        }
    }

    /// Says what became of the cmdlet that chose Graph's version: the modules have had none since their version 2.
    static func selectProfile(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let isBeta = command["Name"]?.text.lowercased() == "beta"
        host.remark(
            "Select-MgProfile is gone since version 2 of Graph's modules and changes nothing: "
                + (isBeta
                    ? "a cmdlet such as Get-MgBetaUser reads the beta version, and Get-MgUser reads v1.0."
                    : "cmdlets such as Get-MgUser read v1.0 anyway."))
    }

    /// Asks for a session of PowerShell's remoting. There is none, and only a certain one that is missing is an error.
    static func remotingSession(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let id = command["InstanceId"] else { return }
        guard !id.plain.isNull else {
            let fault =
                "The argument is null. Provide a valid value for the argument, and then try running the command again."
            throw .statement(command.refusedArgument("InstanceId", fault))
        }
        if let id = Cmdlets.list(id).first {
            let error = NativeError(
                command.specification.errorID("RemoteRunspaceNotAvailableForSpecifiedRunspaceId"),
                "Remote session is not available for \(try PSText.string(try Conversion.argument(id, to: .guid))).",
                category: "InvalidArgument", isReadable: true)
            try evaluator.report(error, command.errorAction)
        }
    }

    private static func fileHash(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let algorithm = command["Algorithm"]?.text.uppercased() ?? "SHA256"
        for path in try paths(command, piped: items, in: host) {
            guard let bytes = try content(path, command, host, evaluator) else { continue }
            guard let digest = Digests.digest(bytes, algorithm) else { throw .handOver("a digest \(algorithm)") }
            let hash = digest.map { LibraryTypes.hex($0) }.joined()
            let object = PSObject(
                [("Algorithm", .string(algorithm)), ("Hash", .string(hash)), ("Path", .string(path))],
                typeName: "Microsoft.PowerShell.Commands.FileHashInfo", isCustom: false, isListable: true)
            if let object { try emit(.object(object)) }
        }
    }

    private static func selectXML(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command["Namespace"] == nil, let written = command["XPath"] else {
            throw .handOver("an unusual Select-Xml")
        }
        let query = try XMLPath(PSText.string(written))
        var sources: [(place: String, document: PSValue)] = []
        for path in try paths(command, in: host) {
            guard let bytes = try content(path, command, host, evaluator) else { continue }
            let text = PSValue.string(String(decoding: bytes, as: UTF8.self))
            sources.append((path, try XMLNode.document(of: text)))
        }
        for value in Cmdlets.list(command["Content"]) + Cmdlets.list(command["Xml"]) + items {
            if case .object(let node) = value, XMLNode.isNode(node) {
                sources.append(("InputStream", value))
            } else {
                sources.append(("InputStream", try XMLNode.document(of: value)))
            }
        }
        for case (let place, .object(let node)) in sources {
            for found in try query.nodes(from: node) {
                let object = PSObject(
                    [("Node", .object(found)), ("Path", .string(place)), ("Pattern", written)],
                    typeName: "Microsoft.PowerShell.Commands.SelectXmlInfo", isCustom: false, isListable: true)
                if let object { try emit(.object(object)) }
            }
        }
    }

    /// Copies or moves a file of the run, into a folder under its own name, or to the given path.
    static func moveItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let keeps = command.specification.name == "Copy-Item"
        guard let target = command["Destination"] ?? command["NewName"], items.isEmpty else {
            throw .handOver("an unusual \(command.specification.name)")
        }
        for path in try paths(command, in: host) {
            guard !host.isFolder(path), !path.contains("*") else {
                throw .handOver("\(command.specification.name) of folders")
            }
            guard let bytes = try content(path, command, host, evaluator) else { continue }
            let name = path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? path
            var destination = try PSText.string(target)
            if command["NewName"] != nil {
                destination = path.dropLast(name.count) + destination
            } else {
                destination = host.folder.located(destination)
                if host.isFolder(destination) || NativeHost.key(destination).isEmpty { destination += "/" + name }
            }
            try host.write(bytes, to: destination, isAppending: false)
            if !keeps, NativeHost.key(path) != NativeHost.key(destination) { host.remove(path) }
        }
    }
}

/// The files that commands are given.
extension HostCommands {
    /// Returns the content of a file; `nil` if there is none, which is reported: the command goes on with its next
    /// file.
    static func content(
        _ path: String, _ command: BoundCommand, _ host: NativeHost, _ evaluator: Evaluator
    ) throws(Interrupt) -> [UInt8]? {
        if let bytes = host.read(path) { return bytes }
        try evaluator.report(missing(path, command), command.errorAction)
        return nil
    }

    /// Returns the error for a file that doesn't exist.
    static func missing(_ path: String, _ command: BoundCommand) -> NativeError {
        let (id, category, fault) =
            switch command.specification.name {
            case "Import-Csv", "Import-Clixml": ("FileOpenFailure", "OpenError", "Could not find file '\(path)'")
            case "Get-FileHash":
                ("FileNotFound", "ObjectNotFound", "Cannot find path '\(path)' because it does not exist")
            default: ("PathNotFound", "ObjectNotFound", "Cannot find path '\(path)' because it does not exist")
            }
        return NativeError(
            command.specification.errorID(id), "\(fault): pass the file with --attach.", category: category,
            isReadable: true)
    }
}
