internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks one command.
    /// - Parameters:
    ///   - place: its position in the pipeline.
    ///   - input: the pipeline input.
    /// - Returns: its output.
    mutating func walk(_ command: CommandSyntax, place: Int, input: ValueFacts) -> ValueFacts {
        guard enter(command.extent) else { return .unknown }
        defer { depth -= 1 }
        seen.commands += 1
        for redirection in command.redirections { walk(redirection) }
        guard let written = command.constantName else {
            walkDynamic(command, place: place, input: input)
            return .unknown
        }
        if filterTexts > 0, isPlainName(written) {
            walkArguments(command)
            return .unknown
        }
        if !isOwn(written), let output = walk(signIn: command, named: written) { return output }
        if functions.isEmpty, context.memory.names.isEmpty, let known = commands[written] {
            return walk(command, known, place: place, input: input)
        }
        guard isOrdinary(written, command) else {
            walkUnusual(written, command)
            return .unknown
        }
        var name = written
        if let slash = written.lastIndex(of: "\\") { name = String(written[written.index(after: slash)...]) }
        let lower = name.asciiLowercased
        if name == written, command.invocation == .dot, isFunction(lower) {
            // It runs as a part of the caller, whose variables it sets.
            report(.callBlock, command.extent)
        }
        if name == written, awaited != nil, functions[lower] == nil, isFunction(lower) {
            // The command is defined below the current function; it must be defined by the time that function is
            // called.
            let times = max(awaited?[lower]?.times ?? 0, runs(place: place, input: input))
            awaited?[lower] = Await(extent: command.extent, times: times)
            note(callOf: lower)
            walkArguments(command)
            return .unknown
        }
        if name == written, isRedefined(name) {
            walkRedefined(name, command)
            return .unknown
        }
        if let own = functions[lower] {
            walkArguments(command)
            let times = runs(place: place, input: input)
            settle(awaitedBy: lower, own, command, times: times)
            note(callOf: lower)
            run(judged: own.most, named: written, times: times, at: command.extent)
            return .unknown
        }
        if name == written, let target = tables.cmdlets.alias(name) { name = target }
        guard let known = self.known(name, written: written) ?? graphRead(name) else {
            walkUnknown(name, command)
            return .unknown
        }
        return walk(command, known, place: place, input: input)
    }

    /// Walks a command with an unusual name. Its last part may still be a known cmdlet, whose class is reported.
    private mutating func walkUnusual(_ written: String, _ command: CommandSyntax) {
        let last = written.split(separator: "\\").last.map(String.init) ?? written
        let entries = tables.cmdlets.entries(named: last)
        if let entry = entries.first, entry.classes.strictest.rank > GuardClass.write.rank {
            report(
                GuardFinding(
                    rule: "cmdlet", classes: entry.classes, kind: .dynamic,
                    reason: "\(last) \(entry.classes.strictest.meaning).", subject: last), command.extent)
        }
        walkArguments(command)
    }

    /// Returns whether a function of this script or of an earlier one has the name.
    private func isOwn(_ name: String) -> Bool {
        guard !functions.isEmpty || !context.memory.names.isEmpty else { return false }
        let lower = name.asciiLowercased
        return functions[lower] != nil || context.memory.names.contains(lower)
    }

    /// Returns whether the script defines a function of this name (in lower case), here or further below.
    private func isFunction(_ name: String) -> Bool {
        functions[name] != nil || definitions.contains(name) && isFree(name)
    }

    /// Returns whether an earlier script of the session has redefined this name.
    private func isRedefined(_ name: String) -> Bool {
        let lower = name.asciiLowercased
        return functions[lower] == nil && context.memory.names.contains(lower)
    }

    private mutating func walkRedefined(_ name: String, _ command: CommandSyntax) {
        report(
            GuardFinding(
                rule: "session-name", classes: .write, kind: .unknown,
                reason: "\(name) was redefined by an earlier script of this session.",
                instead: "Reset the session to use the original command.",
                subject: name), command.extent)
        walkArguments(command)
    }

    /// Returns the script's own block that `& $name` calls; its body was judged where it is written.
    private func calledBlock(_ command: CommandSyntax) -> LocalFunction? {
        guard command.invocation == .call, case .argument(.variable(let variable))? = command.elements.first,
            variable.path.qualifier == .none, !variable.isSplatted
        else { return nil }
        return variables[variable.path.name.asciiLowercased].block
    }

    private mutating func walkDynamic(_ command: CommandSyntax, place: Int, input: ValueFacts) {
        if case .argument(.scriptBlock(let block))? = command.elements.first {
            report(.callBlock, block.extent)
            if place > 0, !block.scriptBlock.namedBlocks.isEmpty {
                // `process` runs for each object of the pipeline.
                rounds(input.count, block.extent) { $0.walk(block: block.scriptBlock, in: .script) }
            } else {
                walk(block: block.scriptBlock, in: .script)
            }
        } else if let block = calledBlock(command) {
            run(judged: block.most, named: "this block", times: runs(place: place, input: input), at: command.extent)
        } else {
            report(.dynamicName, command.elements.first?.extent ?? command.extent)
            if case .argument(let head)? = command.elements.first { walk(namedBy: walk(head), at: command.extent) }
        }
        walkArguments(command)
    }

    /// Returns whether a name can only be resolved as a command: it has no path, scope, drive or wildcard, and a known
    /// module if any.
    private mutating func isOrdinary(_ name: String, _ command: CommandSyntax) -> Bool {
        let extent = command.elements.first?.extent ?? command.extent
        var isPath = false
        var isScoped = false
        var isWild = false
        var isQualified = false
        for (index, byte) in name.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "/"): isPath = true
            case UInt8(ascii: "."), UInt8(ascii: "~"): if index == 0 { isPath = true }
            case UInt8(ascii: "\\"): if index == 0 { isPath = true } else { isQualified = true }
            case UInt8(ascii: ":"): isScoped = true
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"): isWild = true
            default: break
            }
        }
        if isPath {
            report(.scriptFile, extent, subject: name)
            return false
        }
        if isScoped {
            report(.scopedName, extent, subject: name)
            return false
        }
        if isWild, tables.cmdlets.alias(name) == nil {
            report(.wildcardName, extent, subject: name)
            return false
        }
        guard isQualified else { return true }
        let parts = name.split(separator: "\\", omittingEmptySubsequences: false)
        if parts.count > 2 || !KnownModules.contains(String(parts[0])) {
            report(.foreignModule, extent, subject: name)
            return false
        }
        return true
    }

    /// Returns the entry to judge by: if several products share a name, the one of the session's module, otherwise the
    /// strictest.
    private func choose(_ entries: [CmdletEntry]) -> CmdletEntry? {
        if entries.count > 1, let module = context.module,
            let own = entries.first(where: { KnownModules.product(of: module) == $0.product })
        {
            return own
        }
        return entries.max { $0.classes.strictest.rank < $1.classes.strictest.rank }
    }

    /// Returns the tables' entry for a name; `nil` if they don't know it.
    private mutating func known(_ name: String, written: String) -> KnownCommand? {
        if let found = commands[written] { return found }
        guard let entry = choose(tables.cmdlets.entries(named: name)) else { return nil }
        let found = tables.commands.command(entry)
        commands[written] = found
        return found
    }

    /// Returns the entry to use for a cmdlet of Graph's modules that no table lists and that only reads. The verbs in
    /// these modules derive from the HTTP methods, so it is judged like the well-known `Get-MgUser`.
    private mutating func graphRead(_ name: String) -> KnownCommand? {
        let lower = name.asciiLowercased
        let isGraph = context.module.map { KnownModules.product(of: $0) == .graph } ?? true
        guard isGraph, lower.hasPrefix("get-mg"), isPlainName(String(lower.dropFirst(4))),
            tables.cmdlets.classOfUnknown(name) == .write, !["key", "code", "export"].contains(where: lower.contains)
        else { return nil }
        return known("Get-MgUser", written: "Get-MgUser")
    }

    /// Reports a name that no table contains; whatever its verb, the decision is at least `ask`.
    mutating func walkUnknown(_ name: String, _ command: CommandSyntax) {
        let extent = command.elements.first?.extent ?? command.extent
        if name.asciiLowercased == "pac", let finding = PowerPlatformCLI.judge(command) {
            report(finding, command.extent)
            return walkArguments(command)
        }
        let classes = classesOfUnlisted(name) ?? tables.cmdlets.classOfUnknown(name)
        if isRepeated("unknown-command", classes, .unknown), tables.user.rules.isEmpty { return walkArguments(command) }
        var reason = "\(name) is not a known cmdlet, so its effect is unknown."
        var instead = "Check the spelling."
        if classes.contains(.session) {
            reason = "\(name) is not a known cmdlet, and its name says that it changes who is signed in."
            instead = Self.signInTools
        } else if let target = tables.cmdlets.windowsAlias(name) {
            reason = "\(name) is a program here, an alias of \(target) only on Windows: use \(target)."
            instead = "Write \(target)."
        } else if !name.contains("-"), let getter = tables.cmdlets.entries(named: "Get-" + name).first {
            instead = "Write \(getter.name), because PowerShell would add Get- itself."
        } else if name.contains("-Az") || context.module == "azure" {
            instead = "If its module is not installed, use Invoke-AzRestMethod with the resource's path."
        }
        let finding = GuardFinding(
            rule: "unknown-command", classes: classes, kind: .unknown,
            reason: reason, instead: instead,
            subject: name)
        let written = command.elements.compactMap { element in
            if case .parameter(let parameter) = element { parameter.name } else { nil }
        }
        for finding in reportedFindings([finding], named: name, parameters: written) { report(finding, extent) }
        walkArguments(command)
    }

    /// Walks the arguments of an unknown command.
    mutating func walkArguments(_ command: CommandSyntax) {
        for element in command.elements.dropFirst() {
            switch element {
            case .parameter(let parameter): if let value = parameter.argument { walk(value) }
            case .argument(.variable(let variable)) where splatted(variable) != nil: break
            case .argument(let value): walk(value)
            }
        }
    }

    private mutating func walk(
        _ command: CommandSyntax, _ known: KnownCommand, place: Int, input: ValueFacts
    ) -> ValueFacts {
        let entry = known.entry
        let bound = known.binder.bind(command) { splatted($0) }
        let made = newObject(known, bound)
        if case .container(let kind)? = made { containers[ObjectIdentifier(command)] = kind }
        if entry.lists.contains(.outside), made == nil {
            report(.outsideCommand, command.elements.first?.extent ?? command.extent, subject: entry.name)
        }
        let values: [ValueFacts]
        var filtered: ValueFacts?
        if let shape = known.filter {
            let result = walkFilter(bound, shape: shape, input: input)
            values = result.values
            filtered = result.output
        } else {
            values = walkValues(bound, hasTable: known.parameters != nil, place: place)
        }
        let call = CommandCall(
            command: known, syntax: command, arguments: bound, values: values, place: place, input: input, made: made)
        checkParameters(call)
        let output = output(of: call, filtered: filtered)
        if !walkRequest(call) {
            if entry.product == .builtin { checkBuiltin(call) } else { checkCloudParameters(call) }
            classify(call)
        }
        writeVariables(call, output)
        return output
    }

    /// Returns the entries of the hashtable that a splatted variable holds, if it is small and unchanged since it was
    /// written.
    func splatted(_ variable: VariableExpressionSyntax) -> [CommandBinder.Splatted]? {
        guard variable.path.qualifier == .none else { return nil }
        let entry = variables[variable.path.name.asciiLowercased]
        guard let table = entry.table, table.entries.count <= 50, table.extent.end - table.extent.start <= 5_000 else {
            return nil
        }
        var found: [CommandBinder.Splatted] = []
        for one in table.entries {
            guard let name = ConstantValue(one.key).text, let value = one.value.pureExpression else { return nil }
            let texts = ConstantValue(value).texts
            found.append(
                CommandBinder.Splatted(
                    name: name, value: value,
                    facts: texts.map { ValueFacts(kinds: .data, count: $0.count, texts: $0) }
                        ?? ValueFacts(kinds: entry.facts.kinds, count: 1, texts: nil, held: entry.facts.held)))
        }
        return found
    }

    // MARK: Parameters

    /// Returns whether a parameter that the documentation lacks can only name the object that a service's cmdlet reads.
    private func isNameOfRead(_ written: String, _ call: CommandCall) -> Bool {
        call.entry.classes == .read && call.entry.product != .builtin && written.asciiLowercased == "identity"
    }

    private mutating func checkParameters(_ call: CommandCall) {
        for (index, argument) in call.arguments.enumerated() {
            if let written = argument.written {
                guard isPlainName(written) || written == "?" else {
                    report(.parameterName, argument.extent, subject: "-" + written)
                    continue
                }
                checkPreference(argument, call.constant(index))
                if argument.candidates.isEmpty, call.hasTable, written != "?", !isShouldProcess(written),
                    !isNameOfRead(written, call)
                {
                    report(.unknownParameter, argument.extent, subject: "\(call.entry.name) -\(written)")
                }
                if argument.mayBe(oneOf: ["asjob", "parallel"]) {
                    report(.jobParameter, argument.extent, subject: "-" + written)
                }
            } else if ConstantValue(argument.value) == .string("--%") {
                report(.verbatim, argument.extent)
            }
        }
    }

    private func isShouldProcess(_ written: String) -> Bool {
        let short = written.asciiLowercased
        return ["whatif", "confirm"].contains { $0.hasPrefix(short) } || ["wi", "cf"].contains(short)
    }

    private mutating func checkPreference(_ argument: BoundArgument, _ value: ConstantValue) {
        guard let common = argument.candidates.first(where: \.isCommon),
            common.name.asciiLowercased.hasSuffix("action")
        else { return }
        if !(value.texts?.allSatisfy(PreferenceVariables.isAction) ?? false) {
            report(.preferenceValue, argument.extent, subject: "-" + common.name)
        }
    }

    /// Assigns the variables in which parameters store something.
    private mutating func writeVariables(_ call: CommandCall, _ output: ValueFacts) {
        for (index, argument) in call.arguments.enumerated() {
            guard let name = argument.likelyName, argument.written != nil else { continue }
            let isWriter =
                argument.candidates.contains(where: \.writesVariable)
                || (argument.candidates.isEmpty && "variable".hasPrefix(name))
                || (name.hasSuffix("variable") && call.entry.product != .exchange)
            guard isWriter else { continue }
            let facts: ValueFacts =
                switch name {
                case "outvariable", "variable": output
                case "pipelinevariable": output.single
                case "errorvariable": .of(.errors)
                case "informationvariable": .unknown
                default: .data(count: ValueFacts.many)
                }
            write(named: call.constant(index), facts, argument.extent, subject: "-" + (argument.written ?? ""))
        }
    }

    // MARK: Values

    private mutating func walkValues(
        _ bound: [BoundArgument], hasTable: Bool, place: Int
    ) -> [ValueFacts] {
        bound.map { argument in
            guard let value = argument.value else { return .nothing }
            if case .scriptBlock(let block) = value, isFilterText(argument, hasTable: hasTable) {
                // The block is sent to the service as text. Nothing runs here, and its words are names of properties.
                let mark = variables.mark
                filterTexts += 1
                walk(block: block.scriptBlock, in: .filterBlock)
                filterTexts -= 1
                _ = variables.rollBack(to: mark)
                return .data()
            }
            let facts = argument.facts ?? walk(value)
            guard facts.kinds.contains(.code) else { return facts }
            count(runsOf: value, for: place > 0 ? .data(count: ValueFacts.many) : .data())
            if argument.candidates.contains(where: \.takesBlock) {
                report(.scriptBlock, argument.extent)
            } else if place > 0, !hasTable || argument.candidates.contains(where: \.takesPipeline) {
                // PowerShell runs a block for each object if the parameter can be bound from the pipeline.
                report(.filterArgument, argument.extent)
            }
            return facts
        }
    }

    /// Returns whether a block is only a way to write a filter: `-Filter { … }` of a cloud module, which takes text and
    /// is never bound from the pipeline.
    private func isFilterText(_ argument: BoundArgument, hasTable: Bool) -> Bool {
        guard hasTable, let name = argument.name, let only = argument.candidates.first else { return false }
        return name.hasSuffix("filter") && !only.takesPipeline && !only.takesBlock
    }
}

extension ConstantValue {
    /// Creates the value of an argument; a missing one is `null`.
    init(_ expression: ExpressionSyntax?) {
        if let expression { self.init(expression) } else { self = .null }
    }
}

/// The Power Platform's program `pac`, whose subcommands are judged like cmdlets.
enum PowerPlatformCLI {
    /// Returns the finding for a call of `pac`, by its leading constant words; nil if they are no known subcommand.
    static func judge(_ command: CommandSyntax) -> GuardFinding? {
        var words: [String] = []
        for element in command.elements.dropFirst() {
            guard case .argument(let value) = element, let text = ConstantValue(value).text else { break }
            words.append(text.asciiLowercased)
        }
        guard let group = words.first else { return nil }
        let verb = words.dropFirst().first ?? ""
        let line = "pac \(words.prefix(3).joined(separator: " "))"
        let classes: GuardClassSet
        switch (group, verb) {
        case ("auth", "list"), ("auth", "who"): classes = .read
        case ("auth", _): classes = .session
        case ("admin", "assign-user"), ("admin", "create-service-principal"), ("admin", "assign-group"),
            ("admin", "self-elevate"):
            classes = .privilege
        case ("admin", "application"), ("application", "install"), ("application", "register"): classes = .privilege
        case (_, "delete"), (_, "reset"), (_, "restore"), (_, "copy"), (_, "import"), (_, "remove"), (_, "stop"):
            classes = .destructive
        case (_, "list"), (_, "who"), (_, "show"), (_, "status"), (_, "help"), ("help", _): classes = .read
        case (_, "export"), (_, "unpack"), (_, "backup"): classes = .external
        default: return nil
        }
        // `pac` is no cmdlet, so no table tells what it writes and where.
        return GuardFinding(
            rule: "pac", classes: classes, kind: .classified, reason: "\(line) \(classes.strictest.meaning).",
            subject: line)
    }
}

/// A value as far as the text alone determines it.
enum ConstantValue: Sendable, Hashable {
    case string(String)
    case number(String)
    case bool(Bool)
    case null
    case array([ConstantValue])
    /// A value that is only known when the script runs.
    case dynamic

    init(_ expression: ExpressionSyntax) {
        switch expression {
        case .string(let node): self = .string(node.value)
        case .number(let node): self = .number(node.text)
        case .variable(let node) where !node.isSplatted && node.path.qualifier == .none:
            switch node.path.name.asciiLowercased {
            case "true": self = .bool(true)
            case "false": self = .bool(false)
            case "null": self = .null
            default: self = .dynamic
            }
        case .arrayLiteral(let node):
            let items = node.elements.map(ConstantValue.init)
            self = items.contains(.dynamic) ? .dynamic : .array(items)
        case .paren(let node): self = node.pureExpression.map { ConstantValue($0) } ?? .dynamic
        case .array(let node): self = node.block.pureExpression.map { ConstantValue($0) } ?? .dynamic
        default: self = .dynamic
        }
    }

    /// The texts of a constant string or number, or of a list of them; `nil` if any part is something else.
    var texts: [String]? {
        switch self {
        case .string(let text), .number(let text): return [text]
        case .array(let items):
            var texts: [String] = []
            for item in items {
                guard let more = item.texts else { return nil }
                texts += more
            }
            return texts
        case .bool(let flag): return [flag ? "True" : "False"]
        case .null, .dynamic: return nil
        }
    }

    /// The single text; `nil` for lists and anything dynamic.
    var text: String? {
        guard let texts, texts.count == 1 else { return nil }
        return texts[0]
    }
}

/// Modules whose cmdlets the tables list, by the names that qualify them.
enum KnownModules {
    static func contains(_ module: String) -> Bool {
        let name = module.asciiLowercased
        return names.contains(name) || name.hasPrefix("az.") || name.hasPrefix("microsoft.graph.")
    }

    /// Returns the product that a session's module word stands for.
    static func product(of module: String) -> CmdletEntry.Product? {
        switch module.asciiLowercased {
        case "exo", "exchange", "scc", "ipps", "compliance", "purview": .exchange
        case "azure", "az": .azure
        case "teams": .teams
        case "pnp": .pnp
        case "spo", "sharepoint": .sharePoint
        case "powerplatform", "powerapps", "pac", "pp": .powerApps
        case "graph", "mg", "mggraph": .graph
        default: nil
        }
    }

    private static let names: Set<String> = [
        "exchangeonlinemanagement", "microsoftteams", "pnp.powershell", "microsoft.online.sharepoint.powershell",
        "microsoft.powerapps.administration.powershell", "microsoft.powerapps.powershell", "microsoft.graph",
        "microsoft.powershell.core", "microsoft.powershell.utility", "microsoft.powershell.management",
        "microsoft.powershell.security", "microsoft.powershell.host",
    ]
}
