internal import MMCore
internal import PowerShellSyntax

/// One walk over the tree of a script, in the order in which it runs. Every node is looked at, everything that is not known to be harmless
/// becomes a finding, and each expression yields its possible values. Decisions are made on the tree, never by searching the text.
struct ScriptWalk {
    /// The kind of code that a statement belongs to.
    enum Scope {
        /// The script itself, or the body of a statement in it.
        case script
        /// A block that a filter runs for each object.
        case filterBlock
        /// The body of a function.
        case function
    }

    /// The state for one body of code: the script's, a function's or a method's.
    struct CodeScope {
        var variables = ScriptVariables()
        /// The possible values of `$_`, innermost last.
        var items: [ValueFacts] = []
        /// How often the current code runs at most, according to the surrounding loops and filters.
        var repeats = 1
        var loops = 0
        /// The script's own type of which `$this` is an object.
        var ownType: String?
    }

    var variables: ScriptVariables {
        get { scope.variables }
        _modify { yield &scope.variables }
    }
    var items: [ValueFacts] {
        get { scope.items }
        _modify { yield &scope.items }
    }
    var repeats: Int {
        get { scope.repeats }
        _modify { yield &scope.repeats }
    }
    var loops: Int {
        get { scope.loops }
        _modify { yield &scope.loops }
    }

    /// A finding and its position.
    struct Found {
        var finding: GuardFinding
        var extent: SourceExtent
    }

    /// A function that the script defines.
    struct LocalFunction {
        /// Whether its body changes something, so that a call for many objects is a change to many.
        var isChange: Bool
        /// The functions that its body calls and that the script defines only below it. They must be defined when this function is called.
        var awaits: [String: Await] = [:]
    }

    /// A call of a function that isn't defined yet.
    struct Await {
        var extent: SourceExtent
        /// Whether it would run for many objects.
        var isForMany: Bool
    }

    /// The number of objects that it changes in a service.
    var targets = TargetCount()
    let tables: GuardTables
    let context: ScriptContext
    /// The rules that are switched off, in tests only, to show that each rule is needed.
    let muted: Set<ConstructRule>
    var found: [Found] = []
    var kinds: Set<Kind> = []
    /// The messages that the script sends, by the position of the command.
    var previews: [(start: Int, preview: SendPreview)] = []
    var depth = 0
    /// The number of filter texts (`-Filter { … }`) around the current code: words in them are names of properties, not commands.
    var filterTexts = 0
    /// The state for the current body of code.
    var scope: CodeScope
    /// The amount of text that repeated rounds of loops may still walk.
    var budget = 0
    var functions: [String: LocalFunction] = [:]
    /// The names of all functions that the script defines anywhere, in lower case.
    var definitions: Set<String> = []
    /// Whether the script does nothing but install modules. Then that is its purpose, and it is not carried out.
    var onlyInstalls = false
    /// The script itself.
    private var whole: ScriptBlockSyntax?
    /// The functions that the current function calls and that aren't defined yet; `nil` outside of functions.
    var awaited: [String: Await]?
    /// The number of surrounding statements that may not run at all.
    var conditions = 0
    /// Remarks to show beside the verdict, each once.
    var notes: [String] = []
    /// The commands that have been looked up, by their names as written.
    var commands: [String: KnownCommand] = [:]
    /// The number of commands found that change something, with repetitions.
    var changes = 0
    /// Whether a command runs code that may give names another meaning.
    var givesNames = false
    /// A record of the code since the start of the innermost loop that asked for it.
    var seen = Seen()
    /// The types that the script defined, by their names in lower case.
    var types: [String: LocalType] = [:]

    /// The maximum depth of a tree; deeper ones are not judged.
    static let deepest = 100

    init(tables: GuardTables, context: ScriptContext, muted: Set<ConstructRule> = []) {
        self.tables = tables
        self.context = context
        self.muted = muted
        scope = CodeScope(variables: ScriptVariables(remembered: context.memory.variables))
    }

    /// Returns whether there are many findings already, with one like this among them: another one doesn't change the verdict.
    mutating func isRepeated(_ rule: String, _ classes: GuardClassSet, _ kind: GuardFinding.Kind) -> Bool {
        let isNew = kinds.insert(Kind(rule: rule, classes: classes, kind: kind)).inserted
        return !isNew && found.count >= Self.manyFindings
    }

    /// The number of findings after which repetitions are left out.
    static let manyFindings = 100

    struct Kind: Hashable {
        var rule: String
        var classes: GuardClassSet
        var kind: GuardFinding.Kind
    }

    mutating func report(_ rule: ConstructRule, _ extent: SourceExtent, subject: String? = nil) {
        guard !muted.contains(rule), !isRepeated(rule.rawValue, .write, .dynamic) else { return }
        found.append(
            Found(
                finding: GuardFinding(
                    rule: rule.rawValue, classes: rule.classes, kind: .dynamic,
                    reason: "\(subject.map { "\($0): " } ?? "")\(rule.reason).", instead: rule.instead,
                    subject: subject),
                extent: extent))
    }

    mutating func report(_ finding: GuardFinding, _ extent: SourceExtent) {
        found.append(Found(finding: finding, extent: extent))
    }

    mutating func report(_ preview: SendPreview, _ extent: SourceExtent) {
        guard previews.count < 20, !previews.contains(where: { $0.start == extent.start }) else { return }
        previews.append((extent.start, preview))
    }

    /// Walks the whole script.
    mutating func walk(_ root: ScriptBlockSyntax) {
        budget = 20_000 + 8 * (root.extent.end - root.extent.start)
        definitions = Self.definitions(in: root)
        onlyInstalls = context.signIn != nil && Self.onlyInstalls(root)
        for using in root.usings { report(.usingStatement, using.extent) }
        if let parameters = root.parameterBlock { walk(scriptParameters: parameters) }
        whole = root
        walkBody(root, in: .script)
    }

    /// Walks a script block whose statements run.
    @discardableResult
    mutating func walk(block: ScriptBlockSyntax, in scope: Scope) -> ValueFacts {
        for using in block.usings { report(.usingStatement, using.extent) }
        if let parameters = block.parameterBlock {
            if scope == .function { walk(scriptParameters: parameters, values: .unknown) } else { walk(parameters) }
        }
        return walkBody(block, in: scope)
    }

    @discardableResult
    private mutating func walkBody(_ block: ScriptBlockSyntax, in scope: Scope) -> ValueFacts {
        var result = ValueFacts.nothing
        // The script itself has no pipeline input: its blocks run once, in this order, whatever their order in the text.
        let order: [NamedBlockSyntax.Kind] = [.begin, .process, .end]
        let isWhole = block === whole
        let parts =
            isWhole
            ? order.flatMap { kind in block.namedBlocks.filter { $0.kind == kind } }
                + block.namedBlocks.filter { !order.contains($0.kind) } : block.namedBlocks
        for named in parts {
            if scope != .function && !isWhole || !order.contains(named.kind) {
                report(.namedBlock, named.extent, subject: named.kind.rawValue)
            }
            result = result.then(walk(named.block, in: scope))
        }
        if let body = block.body { result = result.then(walk(body, in: scope)) }
        return result
    }

    /// Walks the parameters of a block inside the script.
    private mutating func walk(_ parameters: ParameterBlockSyntax) {
        report(.parameterBlock, parameters.extent)
        for attribute in parameters.attributes { walk(attribute) }
        for parameter in parameters.parameters { walk(parameter) }
    }

    @discardableResult
    mutating func walk(_ list: StatementBlockSyntax, in scope: Scope) -> ValueFacts {
        var result = ValueFacts.nothing
        for statement in list.statements { result = result.then(walk(statement, in: scope)) }
        for trap in list.traps {
            report(.trap, trap.extent)
            items.append(.of(.errors))
            walk(trap.body, in: scope)
            items.removeLast()
        }
        return result
    }

    /// Walks a type literal, and reports it unless it is on the list of harmless types or defined by the script.
    mutating func walk(type: TypeNameSyntax) {
        if case .name(_, let assembly?) = type.form { return report(.typeName, type.extent, subject: "[\(assembly)]") }
        let name = type.fullName
        if types[name.asciiLowercased] != nil {
            use(type: name.asciiLowercased, type.extent)
        } else if !PureTypes.contains(name), !PureTypes.isContainer(type) {
            report(.typeName, type.extent, subject: "[\(name)]")
        }
    }

    /// Enters a level of the tree; false (with a finding) if the tree is too deep.
    mutating func enter(_ extent: SourceExtent) -> Bool {
        if depth >= Self.deepest {
            report(.tooDeep, extent)
            return false
        }
        depth += 1
        return true
    }
}

extension ScriptWalk {
    mutating func walk(_ node: AssignmentStatementSyntax, in scope: Scope) {
        var target = node.target
        var type: TypeNameSyntax?
        // The type in [string]$name = … must be harmless, and the variable plain.
        unwrapping: while true {
            switch target {
            case .convert(let cast):
                walk(type: cast.type.typeName)
                type = cast.type.typeName
                target = cast.operand
            case .attributed(let node):
                walk(attribute: node.attribute)
                target = node.operand
            default: break unwrapping
            }
        }
        if node.op == .equals, type == nil, case .variable(let variable) = target, variable.path.qualifier == .none,
            case .scriptBlock(let block)? = only(node.value)
        {
            return write(variable, ScriptVariables.Entry(facts: .of(.code, count: 1), block: judged(block.scriptBlock)))
        }
        var facts = walk(node.value, in: scope)
        if let type { facts = converted(facts, to: type) }
        switch target {
        case .variable(let variable):
            if node.op == .equals, PreferenceVariables.mayBe(variable.path.name.asciiLowercased, constant(node.value)),
                variable.path.qualifier == .none
            {
                return
            }
            let before = variables[variable.path.name.asciiLowercased]
            var entry = ScriptVariables.Entry(facts: facts)
            if node.op == .equals {
                entry.table = type == nil ? table(node.value) : nil
                entry.ownType = type == nil ? ownType(only(node.value)) : nil
                entry.isOwn = entry.ownType != nil || isOwnContainer(node.value)
                entry.isStopwatch = type == nil && isStopwatch(only(node.value))
            } else if node.op == .plusEquals {
                entry.facts = before.facts.then(facts)
                entry.facts.texts = nil
                entry.isOwn = before.isOwn
            } else if node.op != .equals {
                entry.facts = before.facts.or(facts)
                entry.facts.texts = nil
            }
            write(variable, entry)
        default:
            // The target is an element or a property of a list or table that the script itself created.
            if let name = ownContainer(target) {
                var entry = variables[name]
                entry.facts = ValueFacts(
                    kinds: entry.facts.kinds.union(facts.kinds), count: ValueFacts.many, texts: nil)
                entry.table = nil
                variables.assign(name, entry)
            } else {
                report(.variableTarget, target.extent)
            }
            walk(target)
        }
    }

    /// Returns the variable whose element or property is set, if the script itself created the list or table.
    private func ownContainer(_ target: ExpressionSyntax) -> String? {
        let holder: ExpressionSyntax
        switch target {
        case .index(let node): holder = node.target
        case .member(let node) where !node.isStatic && ConstantValue(node.member).text != nil: holder = node.target
        default: return nil
        }
        guard case .variable(let variable) = holder, !variable.isSplatted, variable.path.qualifier == .none else {
            return nil
        }
        let name = variable.path.name.asciiLowercased
        if name == "this", scope.ownType != nil { return name }
        return variables[name].isOwn && !tables.cmdlets.isAutomaticVariable(name) ? name : nil
    }

    /// Notes that a variable is assigned.
    mutating func write(_ variable: VariableExpressionSyntax, _ entry: ScriptVariables.Entry) {
        let path = variable.path
        let name = path.name.asciiLowercased
        guard path.qualifier == .none else {
            return report(
                path.drive != nil ? .driveVariable : .scopedVariable, variable.extent, subject: "$" + path.path)
        }
        if name == "null" { return }
        guard isPlainName(path.name) else { return report(.variableTarget, variable.extent, subject: "$" + path.path) }
        guard !tables.cmdlets.isAutomaticVariable(name) else {
            return report(.automaticVariable, variable.extent, subject: "$" + path.path)
        }
        variables.assign(name, entry)
    }

    /// Notes that a parameter stores something in a variable: if the variable is a plain one, this counts as an assignment.
    mutating func write(named value: ConstantValue, _ facts: ValueFacts, _ extent: SourceExtent, subject: String) {
        guard var name = value.text else { return report(.variableParameter, extent, subject: subject) }
        let isMore = name.hasPrefix("+")
        if isMore { name.removeFirst() }
        let lower = name.asciiLowercased
        guard isPlainName(name), !tables.cmdlets.isAutomaticVariable(lower), lower != "null" else {
            return report(.variableParameter, extent, subject: subject)
        }
        variables.assign(
            lower, ScriptVariables.Entry(facts: isMore ? variables[lower].facts.then(facts) : facts))
    }

    /// Returns whether a name consists of letters, digits and `_` only.
    func isPlainName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
            }
    }

    // MARK: Forms of values

    /// Returns the only expression of a statement.
    func only(_ statement: StatementSyntax) -> ExpressionSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty
        else { return nil }
        return element.expression
    }

    func constant(_ statement: StatementSyntax) -> ConstantValue {
        only(statement).map { ConstantValue($0) } ?? .dynamic
    }

    /// Returns whether an expression starts a stopwatch.
    private func isStopwatch(_ expression: ExpressionSyntax?) -> Bool {
        guard case .invokeMember(let node)? = expression, node.isStatic, case .type(let type) = node.target else {
            return false
        }
        return PureTypes.isStopwatch(type.typeName.fullName)
    }

    /// Returns the hashtable literal that a statement consists of.
    private func table(_ statement: StatementSyntax) -> HashtableSyntax? {
        switch only(statement) {
        case .hashtable(let table)?: return table
        case .convert(let cast)?:
            guard case .hashtable(let table) = cast.operand,
                ["ordered", "hashtable"].contains(cast.type.typeName.fullName.asciiLowercased)
            else { return nil }
            return table
        default: return nil
        }
    }

    /// Returns whether a statement creates a list or table.
    private func isOwnContainer(_ statement: StatementSyntax) -> Bool {
        switch only(statement) {
        case .hashtable?, .array?, .arrayLiteral?: return true
        case .convert(let cast)?:
            if case .hashtable = cast.operand {
                return ["ordered", "hashtable", "pscustomobject"].contains(
                    cast.type.typeName.fullName.asciiLowercased)
            }
            return PureTypes.isContainer(cast.type.typeName)
        case .invokeMember(let node)?:
            guard node.isStatic, case .type(let type) = node.target else { return false }
            return PureTypes.isContainer(type.typeName) && ConstantValue(node.member).text?.asciiLowercased == "new"
        default: return false
        }
    }

    /// Returns the possible values after a conversion: text and numbers contain no code, and are no files.
    func converted(_ facts: ValueFacts, to type: TypeNameSyntax) -> ValueFacts {
        PureTypes.isValue(type.fullName)
            ? ValueFacts(kinds: .data, count: min(facts.count, 1), texts: facts.count <= 1 ? facts.texts : nil) : facts
    }
}

extension ScriptWalk {
    /// Checks the built-in commands that are harmless only with some arguments or some input.
    mutating func checkBuiltin(_ call: CommandCall) {
        let name = call.command.name
        switch name {
        case "get-childitem", "test-path", "resolve-path", "convert-path":
            checkPaths(call)
            checkPathInput(call)
        case "join-path", "split-path":
            if call.arguments.contains(where: { $0.mayBe("resolve") }) {
                checkPaths(call)
                checkPathInput(call)
            }
        case "export-csv", "export-clixml", "out-file", "set-content", "add-content": checkDataFile(call)
        case "tee-object":
            if !call.arguments.contains(where: { $0.mayBe("variable") }) { checkDataFile(call) }
        case "get-error": report(.secretProperty, call.extent, subject: "Get-Error")
        case "select-string": checkSearch(call)
        case "test-json": checkSchema(call)
        case "get-command":
            refuse(["argumentlist"], call)
            checkNames(call)
        case "get-help":
            refuse(["online", "showwindow", "path"], call)
            checkNames(call)
        case "get-module":
            refuse(["pssession", "cimsession", "refresh"], call)
            checkNames(call)
        case "invoke-restmethod", "invoke-webrequest": checkWeb(call)
        default: walkSaid(call)
        }
        checkPrinting(call, name)
    }

    private static let paths = ["path", "literalpath", "filepath", "pspath"]

    private mutating func refuse(_ names: [String], _ call: CommandCall) {
        for argument in call.arguments where argument.written != nil && argument.mayBe(oneOf: names) {
            report(.moduleSwitch, argument.extent, subject: "-" + (argument.written ?? ""))
        }
    }

    /// Reports names that may be paths: PowerShell would read and parse that file.
    private mutating func checkNames(_ call: CommandCall) {
        for index in call.indices(["name", "module", "fullyqualifiedname", "fullyqualifiedmodule"]) {
            if !(call.constant(index).texts?.allSatisfy(isCommandName) ?? false) {
                report(.localPath, call.arguments[index].extent)
            }
        }
        guard call.place > 0,
            call.input.texts.map({ !$0.allSatisfy(isCommandName) }) ?? call.input.kinds.contains(.files)
        else { return }
        report(.localPath, call.extent)
    }

    private func isCommandName(_ text: String) -> Bool {
        !text.contains("/") && !text.contains("\\") && !text.hasPrefix(".") && !text.hasPrefix("~")
    }

    private mutating func checkPaths(_ call: CommandCall) {
        for index in call.indices(Self.paths) {
            if !(call.constant(index).texts?.allSatisfy(LocalPath.isFilePath) ?? false) {
                report(.localPath, call.arguments[index].extent)
            }
        }
    }

    /// Checks input that is used as paths: only listed files, and texts that can only refer to files, are harmless.
    private mutating func checkPathInput(_ call: CommandCall) {
        guard call.place > 0, call.input.kinds != .files else { return }
        if !(call.input.texts?.allSatisfy(LocalPath.isFilePath) ?? false) { report(.localPath, call.extent) }
    }

    private mutating func checkDataFile(_ call: CommandCall) {
        let paths = call.indices(Self.paths)
        let texts = paths.map { call.constant($0).texts ?? [":"] }.joined()
        guard paths.isEmpty || !texts.allSatisfy(LocalPath.isDataFile) else { return }
        report(.localPath, call.extent)
        // A drive may refer to functions or variables.
        if !texts.allSatisfy(LocalPath.isFilePath) { report(.redirection, call.extent) }
    }

    /// Checks `Select-String`, which reads the files that it is given by name or as objects.
    private mutating func checkSearch(_ call: CommandCall) {
        if let file = call.indices(Self.paths).first { report(.localPath, call.arguments[file].extent) }
        let objects = call.indices(["inputobject"]).map { call.values[$0] } + (call.place > 0 ? [call.input] : [])
        if objects.contains(where: { $0.kinds.contains(.files) }) { report(.localPath, call.extent) }
    }

    /// Checks a JSON schema, whose references may be fetched from the network.
    private mutating func checkSchema(_ call: CommandCall) {
        for index in call.indices(Self.paths + ["schemafile"]) { report(.localPath, call.arguments[index].extent) }
        for index in call.indices(["schema"]) {
            let text = call.constant(index).text
            if text.map({ $0.contains("$") || $0.contains("\\u") || $0.asciiLowercased.contains("ref") }) ?? true {
                report(.networkParameter, call.arguments[index].extent, subject: "-Schema")
            }
        }
    }

    /// Checks commands that print objects with tokens: they may only show harmless properties.
    private mutating func checkPrinting(_ call: CommandCall, _ name: String) {
        let isOfSecrets =
            (call.place > 0 && call.input.isSecretive)
            || call.arguments.indices.contains {
                call.values[$0].isSecretive && call.arguments[$0].mayBe("inputobject")
            }
        guard isOfSecrets else { return }
        let isForced = call.arguments.contains { $0.mayBe("force") && $0.written != nil } && name.hasPrefix("format-")
        if call.command.printsAll || isForced { report(.secretProperty, call.extent, subject: name) }
    }

    /// Reports a request to the sign-in service, which a script must never call itself.
    private mutating func checkWeb(_ call: CommandCall) {
        var isConstant = true
        for (index, argument) in call.arguments.enumerated() {
            guard let value = argument.value else { continue }
            var text = call.constant(index).texts?.joined(separator: " ") ?? ""
            if case .expandableString(let node) = value { text = node.value }
            if text.asciiLowercased.contains("login.microsoftonline") {
                report(
                    GuardFinding(
                        rule: "seed-blocked", classes: [.external, .privilege], kind: .blocked,
                        reason: "It calls the sign-in service directly.",
                        instead: "The server handles sign-ins: use its login tool.", subject: "login.microsoftonline"),
                    call.extent)
            }
            if argument.mayBe("uri"), call.constant(index) == .dynamic { isConstant = false }
        }
        if !isConstant { report(.requestAddress, call.extent) }
    }
}

extension ScriptWalk {
    /// Reports the class of a known cmdlet, with the classes that its parameters and, in Graph's modules, its request add.
    mutating func classify(_ call: CommandCall) {
        let entry = call.entry
        // A request that the text doesn't determine is judged when it is sent.
        if context.isBehindWire, entry.lists.contains(.method) { return }
        let sent = entry.product == .graph ? request(of: call) : nil
        var classes = sent?.overrides ?? false ? GuardClassSet.write : entry.classes
        var reasons: [String] = []
        for raise in call.command.raises where holds(raise, call) {
            classes.formUnion(raise.classes)
            reasons.append("-\(raise.parameter) (\(raise.reason))")
        }
        if let sent, sent.found.classes != .read {
            classes.formUnion(sent.found.classes)
            if sent.found.classes != .write { reasons.append(sent.found.why) }
        }
        // This parameter has the same effect on any command.
        let forwards = call.arguments.contains {
            $0.mayBe("forwardingsmtpaddress") && ($0.written?.count ?? 0) > 9
        }
        if forwards { classes.insert(.external) }
        let writesFile = !context.isBehindWire && call.writesLocalFile
        if writesFile {
            classes.insert(.write)
            reasons.append("a file on this machine")
        }
        let isPreview = call.isPreview(isBehindWire: context.isBehindWire)
        if isPreview || call.isOnDataFile { classes = .read }
        if entry.product == .builtin, !classes.isDisjoint(with: [.privilege, .session]) { givesNames = true }
        let isForwardRule =
            entry.isNamed("set-inboxrule")
            && call.arguments.contains { $0.written?.asciiLowercased.contains("forward") ?? false }
        let kind: GuardFinding.Kind =
            if entry.lists.contains(.blocked) { .blocked } else if isMissing(entry) {
                .missing
            } else if entry.lists.contains(.earlierBlocked) {
                .earlierBlocked
            } else if isPreview, context.isBehindWire {
                .classified
            } else if entry.lists.contains(.sendGuard) {
                .sendGuard
            } else if entry.lists.contains(.warned) || forwards || isForwardRule {
                .warned
            } else if entry.lists.contains(.unproven) || (sent.map { !$0.found.isKnown && classes == .write } ?? false)
            {
                .unknown
            } else { .classified }
        if classes != .read {
            if entry.product != .builtin {
                changes += 1
                countTargets(of: call)
            }
        }
        let isRead = classes == .read && kind == .classified
        guard !isRead || !tables.user.rules.isEmpty else { return }
        let isBulk =
            classes != .read && entry.product != .builtin
            && (isForMany(place: call.place, input: call.input) || call.hasWideIdentity)
        if isRepeated(rule(of: entry, kind: kind), classes, kind), !isBulk, tables.user.rules.isEmpty { return }
        // A service's cmdlet has no effect besides its requests, which a dry run holds back. A change of the sign-in has an effect all the
        // same.
        let isHeldBack =
            context.isDryRun && entry.product != .builtin && !writesFile && !classes.contains(.session)
            && kind != .blocked && kind != .missing
        if classes.contains(.send), !isHeldBack { report(preview(of: call), call.extent) }
        let words = (tables.cmdlets.reasons(of: entry).filter { $0 != "verb-lies" && $0 != "local" } + reasons)
        let finding = GuardFinding(
            rule: rule(of: entry, kind: kind), classes: classes.subtracting(kind == .unknown ? .read : []).orWrite,
            kind: kind, reason: reason(entry, kind: kind, classes: classes, words: words),
            instead: instead(entry, kind: kind, classes: classes), subject: entry.name)
        var findings = isRead || isHeldBack ? [] : [finding]
        if isBulk, !isHeldBack { findings.append(bulk(entry.name)) }
        reportCommand(findings, named: entry.name, bound: call.arguments, call.extent)
    }

    /// Counts the objects that a command changes, by how often it runs and how much input it gets.
    mutating func countTargets(of call: CommandCall) {
        let times = ValueFacts.product(repeats, call.place > 0 ? call.input.count : 1)
        targets.add(call.entry.name, times: times, at: call.extent)
    }

    /// Returns the finding for a change to many objects.
    func bulk(_ name: String) -> GuardFinding {
        .bulk(name, instead: "First count the objects with a command that only reads, then ask a person to confirm.")
    }

    private func reason(
        _ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet, words: [String]
    ) -> String {
        let why = words.isEmpty ? "" : " (\(words.joined(separator: ", ")))"
        if kind == .unknown {
            return "\(entry.name): its request is unknown, and its verb is not enough to judge it\(why)."
        }
        if entry.product == .builtin, let own = BuiltinReasons.reason(entry.name) { return "\(entry.name) \(own)." }
        return "\(entry.name) \(classes.strictest.meaning)\(why)."
    }

    /// Returns the findings for a command, after the user's rules have been applied.
    func reportedFindings(_ findings: [GuardFinding], named name: String, parameters: [String]) -> [GuardFinding] {
        tables.user.rules.isEmpty ? findings : tables.user.apply(to: findings, command: name, parameters: parameters)
    }

    private mutating func reportCommand(
        _ findings: [GuardFinding], named name: String, bound: [BoundArgument], _ extent: SourceExtent
    ) {
        let written = bound.compactMap(\.written)
        for finding in reportedFindings(findings, named: name, parameters: written) { report(finding, extent) }
    }

    private func rule(of entry: CmdletEntry, kind: GuardFinding.Kind) -> String {
        switch kind {
        case .blocked: "seed-blocked"
        case .earlierBlocked: "seed-blocked-names"
        case .warned: "seed-warned"
        case .sendGuard: "seed-send"
        case .missing: "module-missing"
        case .unknown: "unproven-command"
        case .classified, .dynamic, .broken: "cmdlet"
        }
    }

    private func instead(_ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet) -> String? {
        switch kind {
        case .blocked: return "A person must do this with their own tools, outside this server."
        case .missing: return "Its module is not installed: use Invoke-AzRestMethod with the resource's path."
        case .sendGuard: return "Show the message to the person and ask them to confirm it."
        case .unknown: return "Send the request directly, with method and path, or ask a person to confirm it."
        default: break
        }
        switch classes.strictest {
        case .session: return "The server handles sign-ins: use its login and reset tools."
        case .secret: return "Read the object without its secret, or ask a person to confirm it."
        case .read, .write: return nil
        default: return "Show the change to a person and ask them to confirm it."
        }
    }

    private func isMissing(_ entry: CmdletEntry) -> Bool {
        guard entry.product == .azure, let installed = context.installedAzureModules else { return false }
        let module = tables.cmdlets.module(of: entry)
        return !module.isEmpty && !installed.contains { $0.asciiLowercased == module.asciiLowercased }
    }

    // MARK: Raising parameters

    private func holds(_ raise: CmdletRaise, _ call: CommandCall) -> Bool {
        let name = raise.folded
        var isNamed = false
        for (index, argument) in call.arguments.enumerated() where argument.mayBe(name) {
            if raise.condition.holds(argument.value == nil ? nil : call.constant(index)) { return true }
            isNamed = true
        }
        if isNamed { return false }
        if call.place > 0, let own = call.command.parameters,
            own.contains(where: { $0.takesPipeline && $0.isNamed(name) })
        {
            return true
        }
        // The command has no parameter table, so any positional value may belong to the parameter that adds a class.
        guard !call.hasTable, case .values = raise.condition else { return false }
        return call.arguments.indices.contains { index in
            call.arguments[index].written == nil && call.constant(index) != .dynamic
                && raise.condition.holds(call.constant(index))
        }
    }
}

extension GuardClassSet {
    /// The same set, or `write` if it is empty.
    fileprivate var orWrite: GuardClassSet { isEmpty ? .write : self }
}

extension ScriptWalk {
    /// The request that a cmdlet of Graph's modules sends.
    struct SentRequest {
        /// The classification of the request by the tables of requests.
        var found: RequestClassification
        /// Whether the request's classification replaces the cmdlet's class. That is so if the tables' class for an unknown body is at
        /// least as strict as the cmdlet's: then the tables know this body's effect better.
        var overrides: Bool
    }

    /// Returns the request that a cmdlet of Graph's modules sends; nil if no table tells it.
    func request(of call: CommandCall) -> SentRequest? {
        guard let (method, template) = tables.cmdlets.request(of: call.entry) else { return nil }
        let isBeta = call.command.name.contains("-mgbeta")
        var path = (isBeta ? "/beta" : "/v1.0") + template.replacing("{", with: "").replacing("}", with: "")
        if method == "GET" {
            path += selection(call)
        }
        guard let target = try? RequestTarget(parsing: path, service: .graph) else { return nil }
        let body = method == "GET" || method == "DELETE" ? RequestBody.none : body(of: call, addressedBy: template)
        let classifier = RequestClassifier(tables: tables)
        let found = classifier.classify(GuardedRequest(method: method, target: target, body: body))
        guard case .json = body, found.isKnown else { return SentRequest(found: found, overrides: false) }
        let worst = classifier.classify(GuardedRequest(method: method, target: target, body: .opaque))
        return SentRequest(
            found: found, overrides: worst.classes.strictest.rank >= call.entry.classes.strictest.rank)
    }

    /// Returns the message that a call sends in a person's name, as far as its parameters determine it.
    func preview(of call: CommandCall) -> SendPreview {
        let name = call.entry.name
        if call.entry.product == .graph,
            case .json(let body) = body(of: call, addressedBy: tables.cmdlets.request(of: call.entry)?.path ?? "")
        {
            let preview = SendPreview(line: name, body: .json(body))
            if !preview.recipients.isEmpty || preview.subject != nil || preview.body != nil { return preview }
        }
        return SendPreview(of: name, bound: call.arguments)
    }

    /// Returns the query for the selected and expanded properties; all properties if the text doesn't determine them.
    private func selection(_ call: CommandCall) -> String {
        var items: [String] = []
        for (names, option) in [(["property"], "$select"), (["expandproperty"], "$expand")] {
            for index in call.indices(names) where call.arguments[index].written != nil {
                let texts = call.constant(index).texts ?? ["*"]
                items.append("\(option)=\(escaped(texts.joined(separator: ",")))")
            }
        }
        return items.isEmpty ? "" : "?" + items.joined(separator: "&")
    }

    /// Returns a text escaped for a query.
    func escaped(_ text: String) -> String { PercentCoding.encode(text, isPlain: PercentCoding.isQueryByte) }

    /// Returns the body that the parameters determine. Each parameter that isn't a key in the address becomes a property. `-BodyParameter`
    /// gives the whole body, and `-AdditionalProperties` further properties.
    private func body(of call: CommandCall, addressedBy template: String) -> RequestBody {
        let address = template.asciiLowercased.replacing("-", with: "")
        var object = JSONObject()
        if call.place > 0, !call.input.kinds.subtracting(.data).isEmpty { return .opaque }
        for (index, argument) in call.arguments.enumerated() {
            guard let name = argument.likelyName, !argument.isCommonParameter else { continue }
            if argument.mayBe(oneOf: ["bodyparameter", "additionalproperties"]) {
                guard case .json(let value) = requestBody(argument.value, call.constant(index)),
                    let members = value.object
                else { return .opaque }
                for (key, member) in members { object[key] = member }
            } else if !address.contains("{" + name + "}") {
                object[name] = argument.value.map { json($0) } ?? .bool(true)
            }
        }
        return .json(.object(object))
    }
}
