internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Looks at one command.
    /// - Parameter place: its place in the pipeline.
    mutating func walk(_ command: CommandSyntax, place: Int) {
        guard enter(command.extent) else { return }
        defer { depth -= 1 }
        for redirection in command.redirections { walk(redirection) }
        guard let written = command.constantName else { return walkDynamic(command) }
        if filterTexts > 0, isPlainName(written) { return walkArguments(command) }
        guard isOrdinary(written, command) else {
            // The name may still tell what is meant, for the class that is shown.
            let last = written.split(separator: "\\").last.map(String.init) ?? written
            let entries = tables.cmdlets.entries(named: last)
            if let entry = entries.first, entry.classes.strictest.rank > GuardClass.write.rank {
                report(
                    GuardFinding(
                        rule: "cmdlet", classes: entry.classes, kind: .dynamic,
                        reason: "\(last) \(entry.classes.strictest.meaning).", subject: last), command.extent)
            }
            return walkArguments(command)
        }
        var name = written
        if let slash = written.lastIndex(of: "\\") { name = String(written[written.index(after: slash)...]) }
        if name == written, let target = tables.cmdlets.alias(name) { name = target }
        let entries = tables.cmdlets.entries(named: name)
        guard let entry = choose(entries) else { return walkUnknown(name, command) }
        walk(command, entry: entry, place: place)
    }

    private mutating func walkDynamic(_ command: CommandSyntax) {
        if case .argument(.scriptBlock(let block))? = command.elements.first {
            report(.callBlock, block.extent)
            walk(block: block.scriptBlock, in: .script)
        } else {
            report(.dynamicName, command.elements.first?.extent ?? command.extent)
            if case .argument(let head)? = command.elements.first { walk(head) }
        }
        walkArguments(command)
    }

    /// Whether a name can only be looked up as a command: no path, scope, drive or wildcard, and a known module.
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

    /// The entry that counts: of the session's module where several share a name, else the strictest.
    private func choose(_ entries: [CmdletEntry]) -> CmdletEntry? {
        if entries.count > 1, let module = context.module,
            let own = entries.first(where: { KnownModules.product(of: module) == $0.product })
        {
            return own
        }
        return entries.max { $0.classes.strictest.rank < $1.classes.strictest.rank }
    }

    /// A name in no table: at least asked for, whatever its verb.
    private mutating func walkUnknown(_ name: String, _ command: CommandSyntax) {
        let extent = command.elements.first?.extent ?? command.extent
        if name.asciiLowercased == "pac", let finding = PowerPlatformCLI.judge(command) {
            report(finding, command.extent)
            return walkArguments(command)
        }
        let classes = tables.cmdlets.classOfUnknown(name)
        if isRepeated("unknown-command", classes, .unknown), tables.user.rules.isEmpty { return walkArguments(command) }
        var instead = "Check the spelling, or let a person confirm it."
        if let target = tables.cmdlets.windowsAlias(name) {
            instead = "\(name) is an alias only on Windows; here it would be a program. Write \(target)."
        } else if !name.contains("-"), let getter = tables.cmdlets.entries(named: "Get-" + name).first {
            instead = "Write \(getter.name): PowerShell itself would put Get- in front."
        } else if name.contains("-Az") || context.module == "azure" {
            instead = "If its module is not installed, use Invoke-AzRestMethod with the resource's path."
        }
        let finding = GuardFinding(
            rule: "unknown-command", classes: classes, kind: .unknown,
            reason: "\(name) is in no table of cmdlets, so nobody can say what it does.", instead: instead,
            subject: name)
        let written = command.elements.compactMap { element in
            if case .parameter(let parameter) = element { parameter.name } else { nil }
        }
        for finding in reportedFindings([finding], named: name, parameters: written) { report(finding, extent) }
        walkArguments(command)
    }

    /// Walks arguments without knowing the command.
    mutating func walkArguments(_ command: CommandSyntax) {
        for element in command.elements.dropFirst() {
            switch element {
            case .parameter(let parameter): if let value = parameter.argument { walk(value) }
            case .argument(let value): walk(value)
            }
        }
    }

    private mutating func walk(_ command: CommandSyntax, entry: CmdletEntry, place: Int) {
        let own = tables.cmdlets.parameters(of: entry)
        let binder = CommandBinder(own: own, common: commonParameters)
        let bound = binder.bind(command)
        if entry.lists.contains(.outside) {
            report(.outsideCommand, command.elements.first?.extent ?? command.extent, subject: entry.name)
        }
        checkParameters(bound, entry: entry, hasTable: own != nil)
        walkValues(bound, entry: entry, place: place)
        if entry.lists.contains(.method), walkMethod(command, entry: entry, bound: bound) { return }
        if entry.product == .builtin {
            checkBuiltin(entry, bound, command)
        } else {
            checkCloudParameters(bound, entry: entry)
        }
        classify(command, entry: entry, bound: bound, place: place)
    }

    // MARK: Parameters

    private mutating func checkParameters(_ bound: [BoundArgument], entry: CmdletEntry, hasTable: Bool) {
        for argument in bound {
            if let written = argument.written {
                guard isPlainName(written) || written == "?" else {
                    report(.parameterName, argument.extent, subject: "-" + written)
                    continue
                }
                checkCommon(argument)
                if argument.candidates.isEmpty, hasTable, written != "?", !isShouldProcess(written) {
                    report(.unknownParameter, argument.extent, subject: "\(entry.name) -\(written)")
                }
                if ["asjob", "parallel"].contains(where: argument.mayBe) {
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

    private mutating func checkCommon(_ argument: BoundArgument) {
        guard let common = argument.candidates.first(where: \.isCommon) else { return }
        let name = common.name.asciiLowercased
        if common.writesVariable || name == "outbuffer" {
            report(.variableParameter, argument.extent, subject: "-" + common.name)
        } else if name.hasSuffix("action") {
            let allowed = ["stop", "continue", "silentlycontinue", "ignore", "0", "1", "2", "4"]
            let value = ConstantValue(argument.value).text?.asciiLowercased
            if value.map({ !allowed.contains($0) }) ?? true {
                report(.preferenceValue, argument.extent, subject: "-" + common.name)
            }
        }
    }

    // MARK: Values

    private mutating func walkValues(_ bound: [BoundArgument], entry: CmdletEntry, place: Int) {
        let filter = entry.product == .builtin ? FilterCommands.shape(of: entry.name) : nil
        if let filter { return walkFilter(bound, entry: entry, shape: filter) }
        for argument in bound {
            guard let value = argument.value else { continue }
            if case .scriptBlock(let block) = value, isFilterText(argument, entry: entry) {
                // The service gets the text of the block; nothing runs here, and its words name properties.
                filterTexts += 1
                walk(block: block.scriptBlock, in: .filterBlock)
                filterTexts -= 1
            } else {
                walk(value)
            }
        }
    }

    /// Whether a block is only a way to write a filter: `-Filter { … }` of the cloud modules, which is never bound from
    /// the pipeline.
    private func isFilterText(_ argument: BoundArgument, entry: CmdletEntry) -> Bool {
        guard entry.product == .exchange, let name = argument.name else { return false }
        return ["filter", "recipientfilter", "contentfilter"].contains(name) && !argument.candidates[0].takesPipeline
    }
}

extension ConstantValue {
    /// The value of an argument; a missing one is `null`.
    init(_ expression: ExpressionSyntax?) {
        if let expression { self.init(expression) } else { self = .null }
    }
}
