import PowerShellSyntax

/// A check before a run whether a whole script is within the engine's language.
struct SubsetCheck {
    private let script: ParsedScript
    private let isSource: (String) -> Bool
    /// Whether the run has its own files and can ask questions.
    private let hasHost: Bool
    /// Whether the script changes nothing, so that it may use features that were never compared with a real PowerShell.
    private let onlyReads: Bool
    /// The functions that the script defines, by lower-case name.
    private let functions: Set<String>
    /// The paths of the scripts that it calls; `nil` if it calls nothing by a path.
    private let paths: ScriptPaths?
    /// What the script declares about types.
    private let types: ScriptTypes
    /// The lower-case names that are known not to be commands; they end their statement with an error.
    private let missing: Set<String>
    /// The functions, by lower-case name, whose definitions are beyond the language; only calls of them matter.
    private var beyond: Set<String> = []

    /// Creates a check of a script.
    /// - Parameter isSource: whether a name, in any case, is a source's cmdlet.
    /// - Parameter hasHost: whether the run has its own files and can ask questions.
    /// - Parameter missing: the lower-case names that are known not to be commands.
    /// - Parameter functions: the lower-case names of functions that are defined already.
    /// - Parameter onlyReads: whether the script changes nothing.
    init(
        _ script: ParsedScript, hasHost: Bool = false, missing: Set<String> = [],
        functions: Set<String> = [], onlyReads: Bool = false, isSource: @escaping (String) -> Bool
    ) {
        self.script = script
        self.isSource = isSource
        self.missing = missing
        self.hasHost = hasHost
        self.onlyReads = onlyReads
        types = ScriptTypes(of: script.root, source: [], isWide: hasHost)
        let items = ScriptFacts(of: script).items
        self.functions = functions.union(
            items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        let calls = items.contains { item in
            if case .command(let command) = item.detail { command.invocation != nil } else { false }
        }
        paths = calls ? ScriptPaths(of: script) : nil
    }

    /// The maximum height of a syntax tree, which limits the use of the stack.
    static let height = 250

    /// Returns the first reason why the script isn't supported; `nil` if it is.
    /// - Parameter values: texts for the script's `param` block.
    func reason(values: [String: PSValue] = [:]) -> String? {
        guard let root = script.root else {
            guard let fault = script.errors.first, fault.isOfPowerShell else { return "the script is too complicated" }
            return "the script does not parse: \(fault.words)"
        }
        guard script.height <= SubsetCheck.height else { return "the script is deeply nested" }
        guard hasRequirements else { return "#requires" }
        if let reason = misfitOfTypes(root) { return reason }
        guard let parameters = root.parameterBlock else {
            guard values.isEmpty else { return "values without a param block" }
            guard let parts = root.partsInOrder else { return block(root) }
            return parts.lazy.compactMap { statements($0) }.first
        }
        guard let parts = root.partsInOrder else {
            return "a script block with parameters or named parts"
        }
        return ScriptParameters(parameters, values: values, types: types).misfit(canAsk: hasHost) { expression($0) }
            ?? parts.lazy.compactMap { statements($0) }.first
    }

    /// Returns why what the script declares about types isn't supported. None of it was compared with a real
    /// PowerShell.
    /// - Parameter statements: checks the body of a method.
    private func misfitOfTypes(
        _ root: ScriptBlockSyntax, statements: ((StatementBlockSyntax) -> String?)? = nil
    ) -> String? {
        let isUsed = onlyReads && hasHost
        guard root.usings.isEmpty || isUsed && root.usings.allSatisfy({ $0.kind == .namespace }) else { return "using" }
        guard root.definedTypes.isEmpty || isUsed else { return "a class or enumeration of the script's own" }
        return types.misfit(
            expression: { expression($0) }, statements: statements ?? { self.statements($0) })
    }

    private func block(_ node: ScriptBlockSyntax) -> String? {
        guard node.usings.isEmpty, node.definedTypes.isEmpty else {
            return "a script block with parameters or named parts"
        }
        if node.parameterBlock == nil, node.namedBlocks.isEmpty, let body = node.body { return statements(body) }
        guard let function = ScriptFunction(node, name: "", types: types) else {
            return "a script block with parameters or named parts"
        }
        return self.function(function)
    }

    private func statements(_ node: StatementBlockSyntax) -> String? {
        guard node.traps.isEmpty || onlyReads else { return "trap" }
        for trap in node.traps {
            guard trap.isForAnyError else { return "a trap for errors of one type" }
            if let reason = statements(trap.body) { return reason }
        }
        for statement in node.statements {
            if let reason = self.statement(statement) { return reason }
        }
        return nil
    }

    private func statement(_ node: StatementSyntax) -> String? {
        switch node {
        case .pipeline(let pipeline): return self.pipeline(pipeline)
        case .pipelineChain(let chain):
            guard !chain.isBackground else { return "a background job" }
            for pipeline in chain.pipelines {
                if let reason = self.pipeline(pipeline) { return reason }
            }
            return nil
        case .assignment(let assignment):
            if let reason = target(assignment.target) { return reason }
            return stored(assignment.value)
        case .if(let node):
            for clause in node.clauses {
                if let reason = statement(clause.condition) ?? statements(clause.body) { return reason }
            }
            return node.elseBody.flatMap { statements($0) }
        case .forEach(let node):
            guard label(node.label), Self.isLoopVariable(node.variable.path) else { return "an unusual foreach" }
            return statement(node.collection) ?? statements(node.body)
        case .while(let node):
            guard label(node.label) else { return "a label" }
            return statement(node.condition) ?? statements(node.body)
        case .do(let node):
            guard label(node.label) else { return "a label" }
            return statements(node.body) ?? statement(node.condition)
        case .for(let node):
            guard label(node.label) else { return "a label" }
            return node.initializer.flatMap { statement($0) } ?? node.condition.flatMap { statement($0) }
                ?? node.iterator.flatMap { statement($0) } ?? statements(node.body)
        case .switch(let node):
            guard label(node.label), !node.flags.contains(.file) else {
                return "an unusual switch"
            }
            for clause in node.clauses {
                if let reason = expression(clause.condition) ?? statements(clause.body) { return reason }
            }
            return statement(node.condition) ?? node.defaultBody.flatMap { statements($0) }
        case .try(let node):
            for clause in node.catchClauses {
                if let reason = statements(clause.body) { return reason }
            }
            return statements(node.body) ?? node.finallyBody.flatMap { statements($0) }
        case .jump(let node):
            guard let wanted = node.label else { return nil }
            if onlyReads, case .string = wanted { return nil }
            return "a label"
        case .flow(let node):
            return node.value.flatMap { statement($0) }
        case .function(let node): return function(node)
        case .type: return nil
        default: return "a statement outside the native language"
        }
    }

    /// Returns whether a loop may have this label.
    private func label(_ name: String?) -> Bool { name == nil || onlyReads }

    /// Checks the definition of a function at the top of the script.
    private func function(_ node: FunctionDefinitionSyntax) -> String? {
        let name = node.name.lowercased()
        guard let known = ScriptFunction(node, types: types) else { return "the function \(node.name)" }
        guard canBeNamed(name) else { return "a function with the name of a cmdlet, \(node.name)" }
        return function(known)
    }

    /// Returns whether a function may have this name. Where a function and a cmdlet have the same name the function is
    /// called, but an alias would be called instead of it.
    private func canBeNamed(_ name: String) -> Bool {
        guard let known = Cmdlets.specification(of: name) else { return onlyReads || !isSource(name) }
        return onlyReads && known.name.lowercased() == name
    }

    private func function(_ known: ScriptFunction) -> String? {
        defaults(of: known) ?? known.blocks.lazy.compactMap { statements($0) }.first
    }

    /// Returns whether a variable may be assigned to.
    private static func isSettable(_ path: VariablePath) -> Bool {
        switch path.qualifier {
        case .none, .local, .private, .script, .global: true
        default: false
        }
    }

    /// Whether the script uses the automatic variable `$input` as a loop variable.
    private var isInputLoopVariable: Bool {
        ScriptFacts(of: script).items.contains { item in
            guard case .set(let path, _) = item.detail else { return false }
            return path.name.lowercased() == "input"
        }
    }

    /// Returns whether a variable may be the loop variable of `foreach`.
    private static func isLoopVariable(_ path: VariablePath) -> Bool {
        let name = path.name.lowercased()
        return isSettable(path)
            && (!AutomaticNames.contains(name) || ["_", "input"].contains(name) || Evaluator.ordinary.contains(name))
    }

    /// Returns whether an expression is `([object]…)`: its methods are those of the type named, not the value's.
    private static func isObjectCast(_ target: ExpressionSyntax) -> Bool {
        guard case .paren(let group) = target, case .pipeline(let pipeline) = group.pipeline,
            case .expression(let only)? = pipeline.elements.first, pipeline.elements.count == 1,
            case .convert(let cast) = only.expression
        else { return false }
        return ["object", "system.object"].contains(cast.type.typeName.fullName.lowercased())
    }

    /// The automatic variables that a run with files and a person to ask has.
    private static let hostVariables: Set<String> = [
        "args", "input", "error", "?", "psversiontable", "pshome", "profile", "home", "pwd", "psscriptroot",
        "pscommandpath", "myinvocation", "islinux", "iscoreclr", "iswindows", "ismacos", "psedition", "pid",
        "nestedpromptlevel",
        "lastexitcode", "stacktrace", "psboundparameters", "erroractionpreference", "progresspreference",
        "warningpreference", "verbosepreference", "debugpreference", "informationpreference",
        Evaluator.defaultsName, Evaluator.limitName, "host", "transcript", "pscmdlet", "whatifpreference",
        "executioncontext",
    ]

    /// The types that a typed variable may have.
    private static let variableTypes: Set<PSType> = [
        .string, .int, .long, .double, .single, .bool, .array, .datetime, .object, .arraylist, .objectlist, .hashtable,
        .textlist, .numberlist, .textset, .texts, .ints, .bytes, .chars, .longs, .doubles, .bools, .dates, .guids,
        .optionaldate, .optionalint, .optionalbool, .optionallong, .optionaldouble, .optionaldecimal, .optionalspan,
        .optionalguid, .scriptblock,
        .decimal, .timespan, .toggle, .guid, .version, .xml, .choices, .timezone, .byte, .char, .regex, .culture,
        .numberset, .objectset, .queue, .objectqueue, .textqueue, .numberqueue, .stack, .objectstack, .textstack,
        .numberstack,
        .objectbag, .textbag, .numberbag, .concurrenttable, .ipaddress,
        .dictionary, .orderedtable, .sortedtable, .consolecolor, .mailaddress, .fileinfo,
        .securestring, .credential,
    ]

    /// Checks the target of an assignment.
    private func target(_ node: ExpressionSyntax) -> String? {
        switch node {
        case .variable(let variable):
            if case .drive(let drive) = variable.path.qualifier, drive.lowercased() == "env", hasHost { return nil }
            guard !variable.isSplatted, Self.isSettable(variable.path) else {
                return "an assignment to a variable of a scope or drive"
            }
            let name = variable.path.name.lowercased()
            if Evaluator.silent.contains(name) { return nil }
            if Evaluator.readOnly.contains(name) { return nil }
            guard !AutomaticNames.contains(name) || Evaluator.settable.contains(name) else {
                return "an assignment to $\(variable.path.name)"
            }
            return nil
        case .attributed(let node) where onlyReads:
            var condition = ScriptFunction.Parameter(name: "")
            guard ScriptFunction.read(node.attribute, into: &condition) else { return "an attribute of a variable" }
            return target(node.operand)
        case .convert(let typed):
            let isSettable =
                switch typed.operand {
                case .variable(let variable): !Evaluator.settable.contains(variable.path.name.lowercased())
                case .index, .member: true
                default: false
                }
            guard isSettable, let named = types.named(typed.type.typeName.fullName),
                named.known.map({ Self.variableTypes.contains($0) }) ?? true
            else { return "an assignment with the type \(typed.type.typeName.fullName)" }
            if let reason = typedList(typed.type.typeName.fullName) { return reason }
            return target(typed.operand)
        case .arrayLiteral(let list):
            for element in list.elements {
                switch element {
                case .variable, .convert: if let reason = target(element) { return reason }
                default: return "an assignment to several places"
                }
            }
            return nil
        case .index(let index):
            guard !index.isNullConditional else { return "an unusual assignment" }
            return expression(index.target) ?? expression(index.index)
        case .member(let member):
            if member.isStatic, case .type(let type) = member.target, case .string(let name) = member.member,
                let known = types.named(type.typeName.fullName)?.known, LibraryTypes.isDropped(known, name.value)
            {
                return nil
            }
            if member.isStatic, case .type(let type) = member.target, case .string = member.member,
                case .own(.class)? = types.named(type.typeName.fullName)
            {
                return nil
            }
            guard !member.isStatic, !member.isNullConditional else { return "an assignment to a static member" }
            return expression(member.target) ?? expression(member.member)
        default: return "an assignment to other than a variable"
        }
    }

    private func pipeline(_ node: PipelineSyntax) -> String? {
        guard !node.isBackground else { return "a background job" }
        for (place, element) in node.elements.enumerated() {
            switch element {
            case .expression(let element):
                if let reason = misfit(of: element.redirections) { return reason }
                if let reason = expression(element.expression) { return reason }
            case .command(let command):
                if command.redirections.contains(where: { node in
                    if case .file(let file) = node { file.stream == .output || file.stream == .all } else { false }
                }), place < node.elements.count - 1 {
                    return "a redirection within a pipeline"
                }
                if let reason = self.command(command) { return reason }
            }
        }
        return nil
    }

    private func misfit(of redirections: [RedirectionSyntax]) -> String? {
        Redirection.misfit(redirections, hasFiles: hasHost, onlyReads: onlyReads)
    }

    /// Returns the reason for a script that is dot-sourced and not there, or called.
    static func lacking(_ path: String, _ invocation: InvocationOperator?) -> String {
        let name = path.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? path
        guard invocation == .dot else {
            return
                "a call of the script \(name), which was not inserted: hand it in with --attach \(name), unless it has "
                + "exit or $script: variables"
        }
        return "the script \(name), which is not here: hand it in with --attach \(name)"
    }

    /// Returns the path of the script that a command calls or dot-sources; `nil` if it is for something else, or
    /// something that only a run shows.
    private func calledScript(_ node: CommandSyntax) -> String? {
        guard node.invocation != nil, case .argument(let called)? = node.elements.first else { return nil }
        return paths?.path(of: called).flatMap { $0.lowercased().hasSuffix(".ps1") ? $0 : nil }
    }

    private func command(_ node: CommandSyntax) -> String? {
        if let reason = misfit(of: node.redirections) { return reason }
        let isOwn = node.constantName.map { functions.contains($0.lowercased()) } ?? false
        if !isOwn, let script = calledScript(node) { return Self.lacking(script, node.invocation) }
        guard let written = node.constantName, node.invocation != .dot || isOwn && hasHost else {
            guard node.invocation == .call || node.invocation == .dot && onlyReads,
                case .argument(let block)? = node.elements.first
            else { return "a command whose name is computed" }
            switch block {
            case .scriptBlock, .variable: return expression(block) ?? arguments(node)
            case .member where onlyReads, .expandableString where onlyReads, .paren where onlyReads,
                .index where onlyReads:
                return expression(block) ?? arguments(node)
            default: return "a command whose name is computed"
            }
        }
        let name = written.split(separator: "\\").last.map(String.init) ?? written
        if beyond.contains(name.lowercased()) { return "the function \(name)" }
        if functions.contains(name.lowercased()) { return arguments(node) }
        if onlyReads, hasHost, let misfit = OpenedFile.misfit(node, expression) { return misfit }
        guard node.invocation == nil else { return "a command whose name is computed" }
        if missing.contains(name.lowercased()) { return arguments(node) }
        if HostCommands.names.contains(name.lowercased()), !hasHost, !isSource(name) { return "the command \(name)" }
        // A PowerShell may reach the server, which the engine never does.
        if ["send-mailmessage", "invoke-expression", "iex"].contains(name.lowercased()), !onlyReads {
            return "the command \(name)"
        }
        let isBuiltIn = Cmdlets.specification(of: name) != nil
        guard isBuiltIn || isSource(name) else {
            let isFormer = ["new-pssession", "import-pssession", "enter-pssession"].contains(name.lowercased())
            return "the command \(name)" + (isFormer ? " (\(SignInCmdlet.formerSessions))" : "")
        }
        if !onlyReads, let known = Cmdlets.specification(of: name) {
            if let reason = known.misfit(of: node) ?? ObjectStage.misfit(node, of: known, types) { return reason }
        }
        if let kind = AddedMember.misfit(node, name: name, onlyReads: onlyReads) { return "Add-Member of a \(kind)" }
        for element in node.elements {
            switch element {
            case .parameter(let parameter):
                guard parameter.name.isPlain else { return "an unusual parameter" }
                if let argument = parameter.argument, let reason = self.argument(argument, ofSource: !isBuiltIn) {
                    return reason
                }
            case .argument(.variable(let splat)) where splat.isSplatted && splat.path.qualifier == .none:
                guard
                    ["args", "psboundparameters", "_", "psitem"].contains(splat.path.name.lowercased())
                        || !AutomaticNames.contains(splat.path.name.lowercased())
                else {
                    return "a splat of the shell's own"
                }
                continue
            case .argument(let argument):
                if let reason = self.argument(argument, ofSource: !isBuiltIn) { return reason }
            }
        }
        return nil
    }

    /// Checks an argument of the script's own code, which may be a reference to a variable.
    private func passed(_ node: ExpressionSyntax) -> String? {
        guard onlyReads, hasHost, let variable = node.referenced else { return expression(node) }
        return target(.variable(variable))
    }

    /// Checks the arguments of a call of one of the script's functions or blocks.
    private func arguments(_ node: CommandSyntax) -> String? {
        for word in node.words {
            switch word {
            case .value(let value): if let reason = passed(value) { return reason }
            case .name(let parameter):
                if let value = parameter.argument, let reason = passed(value) { return reason }
            case .text, .splat: continue
            }
        }
        return nil
    }

    /// Checks an argument. A script block for a source's cmdlet is never run, because it is the text of a filter.
    private func argument(_ node: ExpressionSyntax, ofSource: Bool) -> String? {
        guard ofSource, case .scriptBlock(let block) = node else { return expression(node) }
        return filter(block)
    }

    /// Checks a script block that is the text of a filter.
    private func filter(_ block: ScriptBlockExpressionSyntax) -> String? {
        let hasVariables = ScriptFacts(of: script).items.contains { item in
            guard case .variable = item.detail else { return false }
            return block.extent.start <= item.extent.start && item.extent.end <= block.extent.end
        }
        return hasVariables ? "a filter with variables" : nil
    }

    /// Checks what a variable or an entry of a table gets: any value, or a block that is the text of a filter.
    private func stored(_ value: StatementSyntax) -> String? {
        guard case .scriptBlock(let block)? = value.pureExpression, block.scriptBlock.isFilter else {
            return statement(value)
        }
        return filter(block)
    }

    /// Checks the use of a typed list. Such lists are kept as untyped ones, which a script that inspects types would
    /// notice.
    private func typedList(_ name: String) -> String? {
        switch types.named(name) {
        case .known(let type)? where type.isTypedArray: break
        case .own(.array)?: break
        default: return nil
        }
        let asks = ScriptFacts(of: script).items.contains { item in
            guard case .call(let call) = item.detail else { return false }
            return call.name?.lowercased() == "gettype"
        }
        return asks ? "the type of a list" : nil
    }

    private func first(_ expressions: [ExpressionSyntax]) -> String? {
        for node in expressions {
            if let reason = expression(node) { return reason }
        }
        return nil
    }

    private func expression(_ node: ExpressionSyntax) -> String? {
        switch node {
        case .string, .number: return nil
        case .variable(let variable):
            guard !variable.isSplatted else { return "a splat outside of a command" }
            switch variable.path.qualifier {
            case .drive(let drive):
                return drive.lowercased() == "env" && hasHost ? nil : "a variable of a drive"
            case .variable: return "a variable of a drive"
            default: break
            }
            let name = variable.path.name.lowercased()
            var known: Set<String> = ["_", "psitem", "true", "false", "null", "matches"]
            if hasHost { known.formUnion(Self.hostVariables) }
            if hasHost, onlyReads { known.insert("this") }
            return AutomaticNames.contains(name) && !known.contains(name)
                ? "the automatic variable $\(variable.path.name)" : nil
        case .expandableString(let string): return first(string.parts)
        case .member(let member):
            if let reason = expression(member.member) { return reason }
            // The input of a function isn't a list there: its members are those of each element.
            if case .variable(let variable) = member.target, variable.path.name.lowercased() == "input",
                !isInputLoopVariable
            {
                return "a member of $input"
            }
            if member.isStatic, case .type = member.target {} else if member.isStatic { return "a static member" }
            return expression(member.target)
        case .binary(let binary): return expression(binary.left) ?? expression(binary.right)
        case .unary(let unary):
            switch unary.op {
            case .exclaim, .not, .bnot, .plus, .minus, .join, .isplit, .csplit: return expression(unary.operand)
            case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
                if case .variable(let variable) = unary.operand, variable.path.name.lowercased() == "null" {
                    return "a step of $null"
                }
                return target(unary.operand) ?? expression(unary.operand)
            }
        case .paren(let paren): return statement(paren.pipeline)
        case .sub(let sub): return statements(sub.block)
        case .array(let array): return statements(array.block)
        case .arrayLiteral(let list): return first(list.elements)
        case .hashtable(let table):
            for entry in table.entries {
                if let reason = expression(entry.key) ?? stored(entry.value) { return reason }
            }
            return nil
        case .scriptBlock(let inner): return block(inner.scriptBlock)
        case .type(let type):
            return [nil, .known(.reference)].contains(types.named(type.typeName.fullName))
                ? "the type \(type.typeName.fullName)" : nil
        case .convert(let convert):
            // The type of a cast switch isn't kept.
            guard let named = types.named(convert.type.typeName.fullName),
                named != .known(.reference), named != .known(.toggle)
            else {
                return "the type \(convert.type.typeName.fullName)"
            }
            return typedList(convert.type.typeName.fullName) ?? expression(convert.operand)
        case .ternary(let ternary):
            return expression(ternary.condition) ?? expression(ternary.ifTrue) ?? expression(ternary.ifFalse)
        case .invokeMember(let call):
            guard call.genericArguments.isEmpty else { return "a computed call" }
            if let reason = expression(call.member) { return reason }
            if call.isStatic, case .type = call.target {} else if call.isStatic { return "a static call" }
            if Self.isObjectCast(call.target) { return "a method of [object] itself" }
            if let place = call.referenced {
                if case .variable = place, let reason = target(place) { return reason }
                return expression(call.target) ?? first(Array(call.arguments.dropLast())) ?? expression(place)
            }
            for argument in call.arguments {
                if let reason = call.isStatic ? expression(argument) : passed(argument) { return reason }
            }
            return expression(call.target)
        case .index(let index): return expression(index.target) ?? expression(index.index)
        case .using(let sent) where onlyReads: return expression(sent.expression)
        case .baseConstructorCall(let call): return first(call.arguments)
        case .using, .attributed: return "an expression outside the native language"
        }
    }
}

/// Partial support for scripts that only read and that no other engine could take over: they may begin even if parts
/// don't fit.
extension SubsetCheck {
    /// Whether everything is there that the script's `#Requires` lines name.
    private var hasRequirements: Bool {
        script.requirements.map { KnownPackages.satisfy($0, natively: true) } ?? true
    }

    /// Returns the statements that can't be run, with the reasons; the script runs up to them. Code that runs only
    /// under a condition may be beyond the language, because it may never be reached.
    /// - Returns: `nil` if code that certainly runs doesn't fit.
    func unfit(values: [String: PSValue] = [:]) -> [SourceExtent: String]? {
        guard let root = script.root, script.height <= SubsetCheck.height,
            hasRequirements,
            misfitOfTypes(root, statements: { _ in nil }) == nil,
            let parts = root.partsInOrder
        else { return nil }
        if let parameters = root.parameterBlock {
            let misfit = ScriptParameters(parameters, values: values, types: types).misfit(canAsk: hasHost) {
                expression($0)
            }
            guard misfit == nil else { return nil }
        } else if !values.isEmpty {
            return nil
        }
        var check = self
        for part in parts { check.noteFunctions(in: part) }
        var found: [SourceExtent: String] = [:]
        for part in parts { guard check.mark(part, isCertain: true, &found) else { return nil } }
        for body in types.bodies { _ = check.mark(body, isCertain: false, &found) }
        return found
    }

    /// Records the functions at the top of a script whose definitions don't fit.
    private mutating func noteFunctions(in node: StatementBlockSyntax) {
        for case .function(let function) in node.statements {
            guard let known = ScriptFunction(function, types: types), canBeNamed(function.name.lowercased()),
                defaults(of: known) == nil
            else {
                beyond.insert(function.calledName)
                continue
            }
        }
    }

    /// Marks the innermost statements of a block that don't fit.
    /// - Parameter isCertain: whether the block always runs.
    /// - Returns: whether the script may begin.
    private func mark(
        _ node: StatementBlockSyntax, isCertain: Bool, _ found: inout [SourceExtent: String]
    ) -> Bool {
        for trap in node.traps where !trap.isForAnyError || statements(trap.body) != nil { return false }
        for statement in node.statements {
            guard let reason = self.statement(statement) else { continue }
            if case .function(let function) = statement {
                guard !beyond.contains(function.calledName), let known = ScriptFunction(function, types: types) else {
                    found[statement.extent] = reason
                    continue
                }
                for block in known.blocks { _ = mark(block, isCertain: false, &found) }
                continue
            }
            guard let parts = parts(of: statement) else {
                guard !isCertain else { return false }
                found[statement.extent] = reason
                continue
            }
            for (part, always) in parts {
                guard mark(part, isCertain: isCertain && always, &found) else { return false }
            }
        }
        return true
    }

    /// Returns the blocks of a compound statement, and whether each always runs; `nil` if its head doesn't fit, and for
    /// other statements.
    private func parts(of node: StatementSyntax) -> [(StatementBlockSyntax, Bool)]? {
        let blocks: [(StatementBlockSyntax, Bool)]
        switch node {
        case .assignment(let node): return target(node.target) == nil ? self.parts(of: node.value) : nil
        case .if(let node):
            guard node.clauses.allSatisfy({ statement($0.condition) == nil }) else { return nil }
            blocks = node.clauses.map { ($0.body, false) } + [node.elseBody].compactMap(\.self).map { ($0, false) }
        case .forEach(let node):
            guard label(node.label), Self.isLoopVariable(node.variable.path), statement(node.collection) == nil
            else { return nil }
            blocks = [(node.body, false)]
        case .while(let node):
            guard label(node.label), statement(node.condition) == nil else { return nil }
            blocks = [(node.body, false)]
        case .try(let node):
            blocks =
                [(node.body, true)] + node.catchClauses.map { ($0.body, false) }
                + [node.finallyBody].compactMap(\.self).map { ($0, true) }
        case .switch(let node):
            guard label(node.label), !node.flags.contains(.file), statement(node.condition) == nil,
                node.clauses.allSatisfy({ expression($0.condition) == nil })
            else { return nil }
            blocks = node.clauses.map { ($0.body, false) } + [node.defaultBody].compactMap(\.self).map { ($0, false) }
        default: return nil
        }
        return blocks
    }

    /// Returns why the defaults and checks of a function's parameters don't fit.
    private func defaults(of known: ScriptFunction) -> String? {
        for parameter in known.parameters {
            for value in parameter.checks.flatMap(\.arguments) + [parameter.defaultValue].compactMap(\.self) {
                if let reason = expression(value) { return reason }
            }
        }
        return nil
    }
}

extension TrapStatementSyntax {
    /// Whether it catches every error.
    fileprivate var isForAnyError: Bool {
        type.map { ["exception", "system.exception"].contains($0.typeName.fullName.lowercased()) } ?? true
    }
}

extension ScriptBlockSyntax {
    /// The blocks of a script without pipeline input, in the order in which they run; `nil` if it has other blocks.
    var partsInOrder: [StatementBlockSyntax]? {
        if let body { return [body] }
        guard namedBlocks.allSatisfy({ [.begin, .process, .end].contains($0.kind) }) else { return nil }
        return [NamedBlockSyntax.Kind.begin, .process, .end].compactMap { kind in
            namedBlocks.first { $0.kind == kind }?.block
        }
    }
}

extension ScriptBlockSyntax {
    /// Whether it can only be the text of a filter: `{ Alias -like 'a*' }`. As code it would call commands by the names
    /// of properties.
    fileprivate var isFilter: Bool {
        guard parameterBlock == nil, namedBlocks.isEmpty, let only = body?.statements, only.count == 1 else {
            return false
        }
        return Self.isCondition(only[0])
    }

    private static let comparisons: Set<String> = ["eq", "ne", "like", "notlike", "gt", "ge", "lt", "le"]

    private static func isCondition(_ statement: StatementSyntax) -> Bool {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1 else { return false }
        switch pipeline.elements[0] {
        case .command(let command):
            guard command.invocation == nil, command.constantName != nil,
                case .parameter(let comparison)? = command.elements.dropFirst().first
            else { return false }
            return comparisons.contains(comparison.name.lowercased())
        case .expression(let element): return isCondition(element.expression)
        }
    }

    private static func isCondition(_ expression: ExpressionSyntax) -> Bool {
        switch expression {
        case .paren(let node): isCondition(node.pipeline)
        case .binary(let node): [.and, .or].contains(node.op) && isCondition(node.left) && isCondition(node.right)
        case .unary(let node): [.not, .exclaim].contains(node.op) && isCondition(node.operand)
        default: false
        }
    }
}

/// The variables that PowerShell itself sets or reads. Those of event actions aren't among them, because no events
/// occur here.
enum AutomaticNames {
    private static let names: Set<String> = [
        "$", "?", "^", "args", "confirmpreference", "consolefilename", "debugpreference", "enabledexperimentalfeatures",
        "error", "erroractionpreference", "errorview", "executioncontext",
        "foreach", "formatenumerationlimit", "home", "host", "informationpreference", "input", "iscoreclr", "islinux",
        "ismacos", "iswindows", "lastexitcode", "logcommandhealthevent", "logcommandlifecycleevent",
        "logenginehealthevent", "logenginelifecycleevent", "logproviderhealthevent", "logproviderlifecycleevent",
        "matches", "maximumhistorycount", "myinvocation", "nestedpromptlevel", "null", "ofs", "outputencoding", "pid",
        "profile", "progresspreference", "psboundparameters", "pscmdlet", "pscommandpath", "psculture",
        "psdebugcontext", "psdefaultparametervalues", "psedition", "psemailserver", "pshome", "psitem",
        "pslogusercertificate", "psmoduleautoloadingpreference", "psnativecommandargumentpassing",
        "psnativecommanduseerroractionpreference", "psscriptroot", "pssenderinfo", "pssessionapplicationname",
        "pssessionconfigurationname", "pssessionoption", "psstyle", "psuiculture", "psversiontable", "pwd",
        "shellid", "stacktrace", "switch", "this", "transcript", "true", "false", "_", "verbosepreference",
        "warningpreference", "whatifpreference",
    ]

    /// The names that aren't written in lower case, as `Get-Variable` shows them.
    private static let spellings = [
        "ConfirmPreference", "DebugPreference", "ErrorActionPreference", "ErrorView", "ExecutionContext", "HOME",
        "Host",
        "InformationPreference", "IsCoreCLR", "IsLinux", "IsMacOS", "IsWindows", "LASTEXITCODE", "Matches",
        "MyInvocation", "PID", "PROFILE", "ProgressPreference", "PSBoundParameters", "PSCommandPath", "PSCulture",
        "PSEdition", "PSHOME", "PSScriptRoot", "PSUICulture", "PSVersionTable", "PWD", "VerbosePreference",
        "WarningPreference", "WhatIfPreference",
    ]

    /// Returns the name of a variable as PowerShell writes it.
    static func spelling(of name: String) -> String {
        spellings.first { $0.lowercased() == name.lowercased() } ?? name
    }

    /// Returns whether a lower-case name is one of them.
    static func contains(_ name: String) -> Bool { names.contains(name) }

    /// Returns whether one of them fulfils a condition.
    static func contains(where fits: (String) throws(Interrupt) -> Bool) throws(Interrupt) -> Bool {
        for name in names where try fits(name) { return true }
        return false
    }
}
