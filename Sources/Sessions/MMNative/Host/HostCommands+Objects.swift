import MMCore
import PowerShellSyntax

/// Questions, messages and objects.
extension HostCommands {
    /// The clouds that `Get-MgEnvironment` lists.
    static func environments(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let clouds = [
            ("USGovDoD", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            ("Germany", "https://login.microsoftonline.de", "https://graph.microsoft.de"),
            ("USGov", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
            ("Global", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
            ("China", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
        ]
        let wanted = command["Name"]?.text.lowercased()
        for (name, login, graph) in clouds where wanted == nil || wanted == name.lowercased() {
            let object = PSObject([
                ("Name", .string(name)), ("AzureADEndpoint", .string(login)), ("GraphEndpoint", .string(graph)),
                ("Type", .string("Built-in")),
            ])
            try emit(object.map { .object($0) } ?? .null)
        }
    }

    static func gridView(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command.isSet("PassThru") || command["OutputMode"] != nil else {
            if let title = command["Title"] { evaluator.say(try PSText.string(title)) }
            for item in items { try evaluator.delivery.add(.object(item)) }
            return
        }
        let title = command["Title"]?.text ?? "Choose"
        let answer = try host.answer(
            evaluator.assigning ?? "Choice", question: "\(title): numbers of rows from 1 to \(items.count), or all",
            in: evaluator)
        if answer.lowercased() == "all" {
            for item in items { try emit(item) }
            return
        }
        for word in answer.split(separator: ",") {
            guard let number = Int(word.filter { $0 != " " }), number > 0, number <= items.count else {
                throw .fatal(
                    NativeError("OutGridView", "“\(word)” is not a row from 1 to \(items.count).", isReadable: true))
            }
            try emit(items[number - 1])
        }
    }

    static func readHost(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var texts: [String] = []
        for value in [command["Prompt"]].compactMap(\.self) + command.rest {
            for item in Cmdlets.list(value.plain) { texts.append(try PSText.string(item)) }
        }
        guard !command.isSet("AsSecureString") else {
            throw .unanswered(
                NativeError(
                    "ReadHost",
                    "The script asks for a secret, which mm does not pass to scripts: the connection is already signed in.",
                    isReadable: true))
        }
        evaluator.endLine()
        let question = texts.joined(separator: " ")
        let name = evaluator.assigning ?? (question.isEmpty ? "Answer" : question)
        try emit(
            .string(try host.answer(name, question: question.isEmpty ? name : question, in: evaluator))
        )
    }

    /// Runs `pause`, a question whose answer isn't used.
    static func pause(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        evaluator.endLine()
        _ = try host.answer("pause", question: "Press Enter to continue...", in: evaluator)
    }

    /// Runs a block of the script here. On other machines nothing runs: those parameters aren't known.
    static func invoke(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard evaluator.onlyReads, case .block(let block)? = command["ScriptBlock"],
            let function = ScriptFunction(calling: block, types: evaluator.scriptTypes)
        else { throw .handOver("an unusual Invoke-Command") }
        let values = Cmdlets.list(command["ArgumentList"]?.plain)
        let arguments = try FunctionArguments(command["ArgumentList"] == nil ? [] : values, of: function)
        try evaluator.inside(block) { () throws(Interrupt) in
            try evaluator.call(
                function, arguments, input: items.isEmpty ? nil : items, isDotted: command.isSet("NoNewScope"),
                into: emit)
        }
    }

    /// Says which functions a module has, which only a module's own file can.
    static func exportMember(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        throw .statement(
            NativeError(
                command.specification.errorID("Modules_CanOnlyExecuteExportModuleMemberInsideAModule"),
                "The Export-ModuleMember cmdlet can only be called from inside a module.", category: "PermissionDenied",
                isReadable: true))
    }

    static func credential(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        throw .fatal(
            NativeError(
                "GetCredential",
                "\(command.specification.name) asks for a password, which mm does not pass to scripts: the connection is already signed in.",
                isReadable: true))
    }

    static func secret(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        // Without this switch it decrypts what only one person on one machine can.
        guard command.isSet("AsPlainText") else { return try credential(command, items, host, evaluator, emit) }
        for item in items + [command["String"]].compactMap(\.self) {
            guard let made = SecureText.made(of: try PSText.string(item)) else {
                throw .fatal(
                    NativeError(
                        command.specification.errorID("ParameterArgumentValidationErrorEmptyStringNotAllowed"),
                        "Cannot bind argument to parameter 'String' because it is an empty string.",
                        category: "InvalidData", isReadable: true))
            }
            try emit(made)
        }
    }

    static func stringData(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let given = items + Cmdlets.list(command["StringData"]?.plain)
        let delimiter = command["Delimiter"]?.text.first ?? "="
        for item in given {
            let table = PSTable(isOrdered: false)
            for line in try PSText.string(item).split(whereSeparator: \.isNewline) {
                let text = line.trimmingCharactersOfBlanks
                if text.isEmpty || text.hasPrefix("#") { continue }
                guard let mark = text.firstIndex(of: delimiter), !text.contains("\\") else {
                    throw .handOver("an unusual line of string data")
                }
                let key = text[..<mark].trimmingCharactersOfBlanks
                let value = text[text.index(after: mark)...].trimmingCharactersOfBlanks
                guard table.add(String(key), .string(String(value))) else {
                    throw .handOver("string data with a key twice")
                }
            }
            try emit(.table(table))
        }
    }

    /// The kinds of members that each word of `-MemberType` means; of some kinds objects have none here.
    private static let memberKinds: [String: Set<String>] = [
        "all": ["method", "property", "noteproperty"], "properties": ["property", "noteproperty"],
        "methods": ["method"], "method": ["method"], "property": ["property"], "noteproperty": ["noteproperty"],
        "aliasproperty": [], "codemethod": [], "codeproperty": [], "event": [], "memberset": [],
        "parameterizedproperty": [], "propertyset": [], "scriptmethod": [], "scriptproperty": [],
    ]

    private static func kinds(of command: BoundCommand) throws(Interrupt) -> Set<String> {
        let written = Cmdlets.list((command["MemberType"] ?? .string("All")).plain)
        let texts = try written.map { (word) throws(Interrupt) in try PSText.string(word) }
        var kinds: Set<String> = []
        for word in texts.flatMap({ $0.split(separator: ",") }) {
            guard let meant = memberKinds[word.filter { $0 != " " }.lowercased()] else {
                throw .handOver("an unusual -MemberType")
            }
            kinds.formUnion(meant)
        }
        return kinds
    }

    static func members(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let first = items.first(where: { !$0.isNull }) else {
            let error = NativeError(
                command.specification.errorID("NoObjectInGetMember"),
                "You must specify an object for the Get-Member cmdlet.", category: "CloseError", isReadable: true)
            return try evaluator.report(error, command.errorAction)
        }
        // The members of each type in the input are told.
        guard case .object(let returned) = first, items.allSatisfy({ $0.isNull || $0.typeName == returned.typeName })
        else {
            throw .handOver("the members of \(first.typeName)")
        }
        let object = returned.whole
        let type = object.ownClass
        guard type != nil || object.isCustom && object.isListable && !object.hasCode else {
            throw .handOver("the members of \(object.typeName)")
        }
        let wanted = try Cmdlets.list(command["Name"]).map { (name) throws(Interrupt) in
            try evaluator.wildcard(try PSText.string(name), ignoringCase: true)
        }
        func show(_ names: [String], _ kind: String) throws(Interrupt) {
            for name in names.sorted(by: { $0.lowercased() < $1.lowercased() }) {
                var isWanted = wanted.isEmpty
                for pattern in wanted where try pattern.matches(name) { isWanted = true }
                guard isWanted else { continue }
                let row = PSObject(
                    [
                        ("TypeName", .string(type?.name ?? object.typeName)), ("Name", .string(name)),
                        ("MemberType", .string(kind)),
                    ], typeName: "Microsoft.PowerShell.Commands.MemberDefinition", isCustom: false)
                if let row { try emit(.object(row)) }
            }
        }
        let kinds = try kinds(of: command)
        if kinds.contains("method") {
            guard type != nil || object.typeName.hasSuffix(PSObject.customType) else {
                throw .handOver("the methods of \(object.typeName)")
            }
            let ofAll = ["Equals", "GetHashCode", "GetType", "ToString"]
            try show(Array((type?.visibleMethods ?? []).union(ofAll)), "Method")
        }
        let kind = type == nil && object.model == nil ? "NoteProperty" : "Property"
        if kinds.contains(kind.lowercased()) { try show(object.shape.names, kind) }
    }

    /// The script's own process, the only one that it sees. Its priority is a mark that decides nothing here.
    static func process(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command.names == ["Id"], let own = try evaluator.automatic("pid"),
            try Comparison.equal(own, command["Id"] ?? .null, ignoringCase: true)
        else { throw .handOver("other processes") }
        try emit(ownProcess)
    }

    /// The process that runs the script.
    static let ownProcess: PSValue =
        PSObject(
            [
                ("Id", .int(1)), ("Name", .string("pwsh")), ("ProcessName", .string("pwsh")),
                ("PriorityClass", .string("Normal")), ("WorkingSet64", .long(67_108_864)),
                ("PrivateMemorySize64", .long(67_108_864)), ("PeakWorkingSet64", .long(67_108_864)),
                ("VirtualMemorySize64", .long(67_108_864)), ("MachineName", .string(".")), ("HasExited", .bool(false)),
            ], typeName: "System.Diagnostics.Process", isListable: false
        ).map { .object($0) } ?? .null

    /// The error of a mail over SMTP, whose servers aren't the service of any connection. A report that it was to carry
    /// is written before.
    static func sendMail(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let server = command["SmtpServer"].map { " " + $0.text } ?? ""
        let error = NativeError(
            command.specification.errorID("SmtpException"),
            "Send-MailMessage did not send the mail: the SMTP server\(server) is not a service of this connection. "
                + "Send-MgUserMail sends it through Graph.", category: "InvalidOperation", isReadable: true)
        try evaluator.report(error, command.errorAction)
    }

    static func sleep(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        func number(_ name: String) throws(Interrupt) -> Double {
            guard let value = command[name] else { return 0 }
            return Comparison.double(try Conversion.argument(value, to: .double)) ?? 0
        }
        let seconds = try number("Seconds") + number("Milliseconds") / 1000
        guard seconds >= 0, seconds < 86_400 else { throw .handOver("a long sleep") }
        guard try evaluator.waits() else { return }
        let wait = min(.milliseconds(Int64(seconds * 1000)), evaluator.delivery.timeLeft)
        try evaluator.delivery.perform { try? await Task.sleep(for: wait) }
        try evaluator.look()
    }

    static func writeInformation(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard let message = command["MessageData"] else { throw .handOver("an unusual Write-Information") }
        if evaluator.routes[.information] != nil {
            guard case .string = message else { throw .handOver("information that is no text") }
        }
        let action = command["InformationAction"].map { ErrorAction.word($0.text) }
        evaluator.remark(try PSText.string(message), on: .information, action)
    }

    static func addMember(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var pairs: [(String, PSValue)] = []
        var isTable = true
        if case .table(let table)? = command["NotePropertyMembers"] {
            pairs = table.pairs
        } else if let name = command["NotePropertyName"] {
            isTable = false
            pairs = [(try PSText.string(name), command["NotePropertyValue"] ?? .null)]
        } else if case .table(let table)? = command["MemberType"] {
            pairs = table.pairs
        } else if case .block(let block)? = command["Value"], command["MemberType"]?.text.lowercased() == "scriptmethod"
        {
            return try AddedMember.add(block, command, items, evaluator, emit)
        } else if case .block(let block)? = command["Value"],
            command["MemberType"]?.text.lowercased() == "scriptproperty"
        {
            return try AddedMember.add(.block(block), command, items, evaluator, emit)
        } else if case .string(let other)? = command["Value"],
            command["MemberType"]?.text.lowercased() == "aliasproperty"
        {
            return try AddedMember.add(.alias(other), command, items, evaluator, emit)
        } else {
            let kind = command["MemberType"]?.text.lowercased() ?? ""
            guard ["noteproperty", "4", "8"].contains(kind) || command["Name"] != nil && kind.hasPrefix("note"),
                let name = command["Name"]
            else { throw .handOver("Add-Member of a \(kind)") }
            isTable = false
            pairs = [(try PSText.string(name), command["Value"] ?? .null)]
        }
        for item in items {
            guard case .object(let object) = item else { throw .handOver("Add-Member to \(item.typeName)") }
            var passes = command.isSet("PassThru")
            for (name, value) in pairs where !object.add(name, value.withoutNothing) {
                guard command.isSet("Force") else {
                    let error = NativeError(
                        command.specification.errorID("MemberAlreadyExists"),
                        "Cannot add a member with the name \"\(name)\" because a member with that name already exists.",
                        isReadable: true)
                    try evaluator.report(error, command.errorAction)
                    // An object that gets several members is passed on also without one of them.
                    passes = passes && isTable
                    continue
                }
                guard object.isCustom, object.computed[name.lowercased()] == nil else {
                    throw .handOver("a change of a computed property")
                }
                // What replaces another member becomes the last one.
                object.remove(name)
                _ = object.add(name, value.withoutNothing)
            }
            try evaluator.recompute(object)
            if passes { try emit(item) }
        }
    }

    static func culture(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        if let culture = PSCulture.invariant { try emit(culture) }
    }

    static func hostObject(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let object = PSObject(
            [("Name", .string("ConsoleHost")), ("Version", .version([7, 6, 5]))],
            typeName: "System.Management.Automation.Internal.Host.InternalHost", isCustom: false)
        if let object { try emit(.object(object)) }
    }

    static func setVariable(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let isNew = command.specification.name == "New-Variable"
        let names = Cmdlets.list(command["Name"]?.plain)
        let value = command["Value"] ?? .collapsed(items)
        let isOuter = try isOuter(command)
        guard !names.isEmpty, !isNew || names.count == 1 else { throw .handOver("an unusual name of a variable") }
        for name in names {
            let name = try PSText.string(name)
            let key = name.lowercased()
            guard !AutomaticNames.contains(key) else {
                guard Evaluator.silent.contains(key) else { throw .handOver("the variable $\(key)") }
                continue
            }
            guard !Wildcard.isPattern(key) else { throw .handOver("variables by pattern") }
            if isNew, !command.isSet("Force"), try refusesExisting(name, isOuter: isOuter, command, evaluator) {
                continue
            }
            try evaluator.write(value, to: isOuter ? .outer(key) : .variable(key))
        }
    }

    /// Returns whether a command concerns a variable of the script, and not one of the innermost scope.
    static func isOuter(_ command: BoundCommand) throws(Interrupt) -> Bool {
        guard let scope = command["Scope"] else { return false }
        switch try PSText.string(scope).lowercased() {
        case "script", "global": return true
        case "local", "0": return false
        case let scope: throw .handOver("the scope \(scope)")
        }
    }

    /// Returns whether there is a variable where a command looks for it: anywhere, or only in the scope that it names.
    static func hasVariable(
        _ key: String, for command: BoundCommand, _ evaluator: Evaluator
    ) throws(Interrupt) -> Bool {
        guard command["Scope"] != nil else { return evaluator.variables[key] != nil }
        return try isOuter(command) ? evaluator.scriptScope[key] != nil : evaluator.variables.own[key] != nil
    }

    /// Reports a variable that there is already; returns whether there is.
    private static func refusesExisting(
        _ name: String, isOuter: Bool, _ command: BoundCommand, _ evaluator: Evaluator
    ) throws(Interrupt) -> Bool {
        let key = name.lowercased()
        let scope = isOuter ? evaluator.frames.first ?? evaluator.variables : evaluator.variables
        guard scope[key] != nil else { return false }
        // A function sees its callers' variables as its own.
        guard isOuter || evaluator.frames.isEmpty else { throw .handOver("a variable that a caller may have") }
        let error = NativeError(
            command.specification.errorID("VariableAlreadyExists"),
            "A variable with name '\(name)' already exists.", category: "ResourceExists", isReadable: true)
        try evaluator.report(error, command.errorAction)
        return true
    }

    static func getVariable(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command["Name"] != nil else { throw .handOver("all variables") }
        for name in Cmdlets.list(command["Name"]) {
            let key = try PSText.string(name)
            guard !Wildcard.isPattern(key) else { throw .handOver("variables by pattern") }
            let folded = key.lowercased()
            var value: PSValue?
            switch command["Scope"]?.text.lowercased() {
            case nil: value = evaluator.variables[folded]
            // A function sees its callers' variables as its own.
            case "local"?, "0"?:
                guard evaluator.frames.isEmpty else { throw .handOver("-Scope of Get-Variable") }
                value = evaluator.variables[folded]
            case "script"?, "global"?: value = (evaluator.frames.first ?? evaluator.variables)[folded]
            default: throw .handOver("-Scope of Get-Variable")
            }
            if value == nil, AutomaticNames.contains(folded) { value = try evaluator.qualified(automatic: folded) }
            guard let value else {
                try evaluator.report(missingVariable(key, command), command.errorAction)
                continue
            }
            if command.isSet("ValueOnly") {
                try emit(value)
            } else {
                let object = PSObject(
                    [("Name", .string(AutomaticNames.spelling(of: key))), ("Value", value.withoutNothing)],
                    typeName: "System.Management.Automation.PSVariable", isCustom: false)
                if let object { try emit(.object(object)) }
            }
        }
    }

    static func removeVariable(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard try !isOuter(command) || evaluator.frames.isEmpty else { throw .handOver("removing an outer variable") }
        guard items.isEmpty else { throw .handOver("Remove-Variable of piped objects") }
        for name in Cmdlets.list(command["Name"]) {
            let name = try PSText.string(name)
            let key = name.lowercased()
            if Wildcard.isPattern(name) {
                try removeVariables(like: name, command, evaluator)
            } else if AutomaticNames.contains(key) {
                continue
            } else if try !hasVariable(key, for: command, evaluator) {
                try evaluator.report(missingVariable(name, command), command.errorAction)
            } else {
                evaluator.variables[key] = nil
            }
        }
    }

    /// Removes the script's own variables whose names match a pattern. The shell's own can't be removed, which is an
    /// error for each that matches.
    private static func removeVariables(
        like pattern: String, _ command: BoundCommand, _ evaluator: Evaluator
    ) throws(Interrupt) {
        let wildcard = try evaluator.wildcard(pattern, ignoringCase: true)
        let matchesShell = try AutomaticNames.contains(where: wildcard.matches)
        let action = command.errorAction ?? evaluator.preference
        guard evaluator.frames.isEmpty, !matchesShell || action == .silence || action == .ignore else {
            throw .handOver("variables by pattern")
        }
        for key in evaluator.variables.own.keys where try wildcard.matches(key) {
            if !AutomaticNames.contains(key) || key == Evaluator.preferenceName { evaluator.variables[key] = nil }
        }
    }

    static func missingVariable(_ name: String, _ command: BoundCommand) -> NativeError {
        NativeError(
            command.specification.errorID("VariableNotFound"), "Cannot find a variable with the name '\(name)'.",
            category: "ObjectNotFound", isReadable: true)
    }

    /// The type name of an object that describes a command; `&` runs it.
    static let commandType = "System.Management.Automation.CommandInfo"

    static func getCommand(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command["Name"] != nil else { throw .handOver("all commands") }
        for item in Cmdlets.list(command["Name"]) {
            let name = try PSText.string(item)
            guard !Wildcard.isPattern(name) else { throw .handOver("commands by pattern") }
            let isOwn = try evaluator.function(named: name) != nil
            let isKnown =
                isOwn || Cmdlets.specification(of: name) != nil || evaluator.sources.contains { $0.knows(name) }
                || host.isOwnScript(name)
            guard isKnown else {
                let error = NativeError(
                    command.specification.errorID("CommandNotFoundException"),
                    "The term '\(name)' is not recognized as a name of a cmdlet, function, script file, or executable "
                        + "program.", category: "ObjectNotFound", isReadable: true)
                try evaluator.report(error, command.errorAction)
                continue
            }
            var pairs: [(String, PSValue)] = [
                (
                    "CommandType",
                    .string(isOwn ? "Function" : host.isOwnScript(name) ? "ExternalScript" : "Cmdlet")
                ),
                ("Name", .string(name)),
            ]
            if evaluator.onlyReads, let table = parameters(of: name, evaluator) { pairs.append(("Parameters", table)) }
            let object = PSObject(pairs, typeName: commandType, isCustom: false)
            if let object { try emit(.object(object)) }
        }
    }

    /// Returns a command's parameters by name; `nil` if not all of them are known.
    private static func parameters(of name: String, _ evaluator: Evaluator) -> PSValue? {
        var names: [String]
        if let function = evaluator.functions[name.lowercased()] {
            names = function.parameters.map(\.name)
        } else if evaluator.host?.isOwnScript(name) == true {
            names = evaluator.scriptParameters
        } else if let known = Cmdlets.specification(of: name) {
            guard !known.isPartial else { return nil }
            names = known.values + known.switches
        } else {
            guard let known = evaluator.sources.first(where: { $0.knows(name) })?.parameters(of: name) else {
                return nil
            }
            names = known
        }
        let table = PSTable(isOrdered: true)
        for name in names + CommandSpecification.commonNames where table[name] == nil {
            let object = PSObject(
                [("Name", .string(name))], typeName: "System.Management.Automation.ParameterMetadata", isCustom: false)
            _ = table.add(name, object.map { .object($0) } ?? .null)
        }
        return .table(table)
    }

    /// Runs the text of an expression as code of the script, in the same scope.
    static func invokeText(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for item in items + Cmdlets.list(command["Command"]?.plain) {
            if let refusal = command.refusal(of: item, for: "Command") { throw .statement(refusal) }
            let text = Array(try PSText.string(item).utf16)
            let body = try code(in: PowerShellParser.parse(utf16: text), host, evaluator)
            let unfit = evaluator.unfit
            // Places in this text say nothing about the script's own.
            evaluator.unfit = [:]
            defer { evaluator.unfit = unfit }
            do throws(Interrupt) {
                try evaluator.inside(text) { () throws(Interrupt) in try evaluator.run(body, into: emit) }
            } catch {
                // A return leaves the text alone.
                guard case .leaveBlock(let items) = error else { throw error }
                for item in items { try emit(item) }
            }
        }
    }

    /// Returns the block that a text is, as `[scriptblock]::Create` makes it.
    static func block(of text: String, in evaluator: Evaluator) throws(Interrupt) -> PSValue {
        guard let host = evaluator.host else { throw .handOver("a block of a text") }
        // A comment at the end would hide the brace.
        let last = text.utf8.last { $0 == 0x0A || $0 == UInt8(ascii: "#") }
        let source = Array(("{" + text + (last == UInt8(ascii: "#") ? "\n}" : "}")).utf16)
        let body = try code(in: PowerShellParser.parse(utf16: source), host, evaluator)
        guard case .scriptBlock(let block)? = body.pureExpression, block.extent.end == source.count else {
            throw .handOver("an unusual text as code")
        }
        return .block(PSBlock(block, in: source))
    }

    /// Returns the statements of a text that only the run puts together.
    static func code(
        in parsed: ParsedScript, _ host: NativeHost, _ evaluator: Evaluator
    ) throws(Interrupt) -> StatementBlockSyntax {
        // The guard hasn't read such a text, so no cmdlet in it may change something.
        let isReading = ScriptFacts(of: parsed).items.allSatisfy { item in
            switch item.detail {
            case .function: return false
            case .command(let command):
                guard let name = command.name else { return false }
                return Cmdlets.specification(of: name) != nil || evaluator.functions[name.lowercased()] != nil
                    || name.lowercased().hasPrefix("get-")
            default: return true
            }
        }
        guard let body = parsed.root?.body, parsed.errors.isEmpty, isReading else {
            throw .handOver("an unusual text as code")
        }
        let sources = evaluator.sources
        let check = SubsetCheck(
            parsed, hasHost: true, missing: evaluator.missing,
            functions: Set(evaluator.functions.keys), onlyReads: evaluator.onlyReads
        ) { name in sources.contains { $0.knows(name) } }
        if let reason = check.reason() { throw .handOver(reason) }
        return body
    }
}

extension Substring {
    /// The text without blanks at both ends.
    var trimmingCharactersOfBlanks: Substring {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
