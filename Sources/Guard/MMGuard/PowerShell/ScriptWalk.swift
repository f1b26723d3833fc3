internal import MMCore
internal import PowerShellSyntax

/// One walk over the tree of a script, in the order in which it runs: every node is looked at, whatever is not known to be
/// harmless becomes a finding, and each expression tells what its value may be. Nothing is ever decided by the text itself.
struct ScriptWalk {
    /// Where a statement stands.
    enum Scope {
        /// The script itself, or the body of a statement in it.
        case script
        /// A block that a filter runs for each object.
        case filterBlock
        /// The body of a function.
        case function
    }

    /// What holds for a body of code: the script's, a function's or a method's.
    struct CodeScope {
        var variables = ScriptVariables()
        /// What `$_` may be, innermost last.
        var items: [ValueFacts] = []
        /// How many times at most the code at hand runs, by the loops and filters around.
        var repeats = 1
        var loops = 0
        /// The type of the script's own that `$this` is an object of.
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

    /// A finding and where it stands.
    struct Found {
        var finding: GuardFinding
        var extent: SourceExtent
    }

    /// A function that the script defines.
    struct LocalFunction {
        /// Whether its body changes something, so that a call for many objects is a change to many.
        var isChange: Bool
        /// What its body calls that the script defines only below it: it must be defined when the function is called.
        var awaits: [String: Await] = [:]
    }

    /// A call of a function that is yet to be defined.
    struct Await {
        var extent: SourceExtent
        /// Whether it would run for many objects.
        var isForMany: Bool
    }

    /// How many things it changes in a service.
    var targets = TargetCount()
    let tables: GuardTables
    let context: ScriptContext
    /// Rules that are switched off: only tests do that, to show that each rule is needed.
    let muted: Set<ConstructRule>
    var found: [Found] = []
    var kinds: Set<Kind> = []
    /// What the script sends, by the place of the command.
    var previews: [(start: Int, preview: SendPreview)] = []
    var depth = 0
    /// How many filter texts (`-Filter { … }`) are around: their words are names of properties, not commands.
    var filterTexts = 0
    /// What holds for the body at hand.
    var scope: CodeScope
    /// How much text loops may still walk again.
    var budget = 0
    var functions: [String: LocalFunction] = [:]
    /// The names of all functions that the script defines anywhere, in lower case.
    var definitions: Set<String> = []
    /// Whether the script does nothing but install modules: that is what its author wants then, and it isn't done.
    var onlyInstalls = false
    /// The script itself.
    private var whole: ScriptBlockSyntax?
    /// What the function at hand calls that is yet to be defined; `nil` outside of functions.
    var awaited: [String: Await]?
    /// How many statements are around that may not run at all.
    var conditions = 0
    /// What is said of the script beside the verdict, each once.
    var notes: [String] = []
    /// The commands that were looked up, by their names as written.
    var commands: [String: KnownCommand] = [:]
    /// How many commands that change something were found, repeated ones too.
    var changes = 0
    /// Whether a command runs code that may give any name another meaning.
    var givesNames = false
    /// What was met since a loop began to ask for it.
    var seen = Seen()
    /// The types that the script defined, by their names in lower case.
    var types: [String: LocalType] = [:]

    /// Deeper trees are not judged.
    static let deepest = 100

    init(tables: GuardTables, context: ScriptContext, muted: Set<ConstructRule> = []) {
        self.tables = tables
        self.context = context
        self.muted = muted
        scope = CodeScope(variables: ScriptVariables(remembered: context.memory.variables))
    }

    /// Whether a finding like this one is among those there are, when there are many: more of the same change no verdict.
    mutating func isRepeated(_ rule: String, _ classes: GuardClassSet, _ kind: GuardFinding.Kind) -> Bool {
        let isNew = kinds.insert(Kind(rule: rule, classes: classes, kind: kind)).inserted
        return !isNew && found.count >= Self.manyFindings
    }

    /// The findings after which repetitions are left out.
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
        // Nothing is piped into the script itself: its parts run once, one after the other, whatever their order in the text.
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

    /// The parameters of a block inside the script.
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

    /// A type that only names itself: reported unless it is on the list of harmless ones or the script's own.
    mutating func walk(type: TypeNameSyntax) {
        if case .name(_, let assembly?) = type.form { return report(.typeName, type.extent, subject: "[\(assembly)]") }
        let name = type.fullName
        if types[name.asciiLowercased] != nil {
            use(type: name.asciiLowercased, type.extent)
        } else if !PureTypes.contains(name), !PureTypes.isContainer(type) {
            report(.typeName, type.extent, subject: "[\(name)]")
        }
    }

    /// Counts a level; false (and a finding) when the tree is too deep to go on.
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
        // [string]$name = …: the type must be harmless, the variable plain.
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
            // An element or a property of a list or table that the script itself made.
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

    /// The variable whose element or property is set, when the script itself made it.
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

    /// Notes that a variable is written.
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

    /// A parameter that stores something in a variable: as good as an assignment when it names a plain one.
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

    /// Letters, digits and `_`: what a person would type.
    func isPlainName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
            }
    }

    // MARK: Forms of values

    /// The only expression of a statement.
    func only(_ statement: StatementSyntax) -> ExpressionSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty
        else { return nil }
        return element.expression
    }

    func constant(_ statement: StatementSyntax) -> ConstantValue {
        only(statement).map { ConstantValue($0) } ?? .dynamic
    }

    /// Whether an expression starts a stopwatch.
    private func isStopwatch(_ expression: ExpressionSyntax?) -> Bool {
        guard case .invokeMember(let node)? = expression, node.isStatic, case .type(let type) = node.target else {
            return false
        }
        return PureTypes.isStopwatch(type.typeName.fullName)
    }

    /// The table that a statement is, written out.
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

    /// Whether a statement makes a list or table of the script's own.
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

    /// What a value may be once it is converted: text and numbers carry no code, and are no files.
    func converted(_ facts: ValueFacts, to type: TypeNameSyntax) -> ValueFacts {
        PureTypes.isValue(type.fullName)
            ? ValueFacts(kinds: .data, count: min(facts.count, 1), texts: facts.count <= 1 ? facts.texts : nil) : facts
    }
}

extension ScriptWalk {
    /// The built-in commands that are harmless only with some of their arguments, or of some input.
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

    /// Names that are paths would make PowerShell read, and so parse, that file.
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

    /// What comes in becomes a path: files that were listed before, or texts that are known to stay among files.
    private mutating func checkPathInput(_ call: CommandCall) {
        guard call.place > 0, call.input.kinds != .files else { return }
        if !(call.input.texts?.allSatisfy(LocalPath.isFilePath) ?? false) { report(.localPath, call.extent) }
    }

    private mutating func checkDataFile(_ call: CommandCall) {
        let paths = call.indices(Self.paths)
        let texts = paths.map { call.constant($0).texts ?? [":"] }.joined()
        guard paths.isEmpty || !texts.allSatisfy(LocalPath.isDataFile) else { return }
        report(.localPath, call.extent)
        // A drive may be that of functions or variables.
        if !texts.allSatisfy(LocalPath.isFilePath) { report(.redirection, call.extent) }
    }

    /// `Select-String` reads the files that it is given, by name or as objects.
    private mutating func checkSearch(_ call: CommandCall) {
        if let file = call.indices(Self.paths).first { report(.localPath, call.arguments[file].extent) }
        let objects = call.indices(["inputobject"]).map { call.values[$0] } + (call.place > 0 ? [call.input] : [])
        if objects.contains(where: { $0.kinds.contains(.files) }) { report(.localPath, call.extent) }
    }

    /// A schema fetches what its references name.
    private mutating func checkSchema(_ call: CommandCall) {
        for index in call.indices(Self.paths + ["schemafile"]) { report(.localPath, call.arguments[index].extent) }
        for index in call.indices(["schema"]) {
            let text = call.constant(index).text
            if text.map({ $0.contains("$") || $0.contains("\\u") || $0.asciiLowercased.contains("ref") }) ?? true {
                report(.networkParameter, call.arguments[index].extent, subject: "-Schema")
            }
        }
    }

    /// Objects that keep tokens are shown by their harmless properties only.
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

    /// A script never reaches the sign-in service by itself.
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
                        reason: "It calls the sign-in service by itself.",
                        instead: "Sign-in belongs to the server: use its login tool.", subject: "login.microsoftonline"),
                    call.extent)
            }
            if argument.mayBe("uri"), call.constant(index) == .dynamic { isConstant = false }
        }
        if !isConstant { report(.requestAddress, call.extent) }
    }
}

extension ScriptWalk {
    /// Reports the class of a known cmdlet, raised by its parameters and, in Graph's modules, by the request it sends.
    mutating func classify(_ call: CommandCall) {
        let entry = call.entry
        // A request that the text doesn't tell is judged when it is sent.
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
        // This parameter counts on any command.
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
        // A service's cmdlet only sends, and the wire of a dry run lets nothing through; who is signed in stays all the same.
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

    /// Counts what a command changes: as often as it runs, for what comes in.
    mutating func countTargets(of call: CommandCall) {
        let times = ValueFacts.product(repeats, call.place > 0 ? call.input.count : 1)
        targets.add(call.entry.name, times: times, at: call.extent)
    }

    /// The finding for a change to many objects.
    func bulk(_ name: String) -> GuardFinding {
        .bulk(name, instead: "Count them first with the reading part alone, then let a person confirm the number.")
    }

    private func reason(
        _ entry: CmdletEntry, kind: GuardFinding.Kind, classes: GuardClassSet, words: [String]
    ) -> String {
        let why = words.isEmpty ? "" : " (\(words.joined(separator: ", ")))"
        if kind == .unknown {
            return "\(entry.name): no table tells the request that it sends, and its verb alone proves nothing\(why)."
        }
        if entry.product == .builtin, let own = BuiltinReasons.reason(entry.name) { return "\(entry.name) \(own)." }
        return "\(entry.name) \(classes.strictest.meaning)\(why)."
    }

    /// Reports what a command is, after the user's rules.
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
        case .blocked: return "A person does this with their own tools, outside of this server."
        case .missing: return "Its module is not installed: use Invoke-AzRestMethod with the resource's path."
        case .sendGuard: return "Show the message to the person and let them confirm it."
        case .unknown: return "Send the request itself, with method and path, or let a person confirm it."
        default: break
        }
        switch classes.strictest {
        case .session: return "Sign-in belongs to the server: use its login and reset tools."
        case .secret: return "Ask for the object without its secret, or let a person confirm it."
        case .read, .write: return nil
        default: return "Let a person confirm it; show them what it changes."
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
        // For commands without a parameter table: a positional value that is one of the raising ones.
        guard !call.hasTable, case .values = raise.condition else { return false }
        return call.arguments.indices.contains { index in
            call.arguments[index].written == nil && call.constant(index) != .dynamic
                && raise.condition.holds(call.constant(index))
        }
    }
}

extension GuardClassSet {
    /// The same, and write where nothing is left.
    fileprivate var orWrite: GuardClassSet { isEmpty ? .write : self }
}

extension ScriptWalk {
    /// What a cmdlet of Graph's modules sends.
    struct SentRequest {
        /// What the tables of requests say of it.
        var found: RequestClassification
        /// Whether those tables reach the cmdlet's own class for an unknown body: then they know better what this body
        /// does.
        var overrides: Bool
    }

    /// The request that a cmdlet of Graph's modules sends; nil when no table tells it.
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

    /// What a call sends in somebody's name: the message in the body of its request, where the parameters tell one.
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

    /// The query of what is selected and expanded; everything where nobody can tell.
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

    /// A text as it stands in a query.
    func escaped(_ text: String) -> String { PercentCoding.encode(text, isPlain: PercentCoding.isQueryByte) }

    /// The body that the parameters make: each that stands for no key in the address names a property, `-BodyParameter` is all of it, `-AdditionalProperties`
    /// more of it.
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
