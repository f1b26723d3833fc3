internal import MMCore
internal import PowerShellSyntax

/// One walk over the tree of a script, in the order in which it runs. Every node is looked at, everything that is not
/// known to be harmless becomes a finding, and each expression yields its possible values. Decisions are made on the
/// tree, never by searching the text.
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
        var variables: ScriptVariables
        /// The possible values of `$_`, innermost last.
        var items: [ValueFacts] = []
        /// How often the current code runs at most, according to the surrounding loops and filters.
        var repeats = 1
        /// The most objects that one command in it changes in a service.
        var most = 0
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

    /// A finding and its position.
    struct Found {
        var finding: GuardFinding
        var extent: SourceExtent
    }

    /// A function that the script defines.
    struct LocalFunction {
        /// The most objects that one command in its body changes in a service; 0 if nothing is changed. Calls change as
        /// many each.
        var most: Int
        /// The functions that its body calls and that the script defines only below it. They must be defined when this
        /// function is called.
        var awaits: [String: Await] = [:]
    }

    /// A function or method that the script defines, as something that may call itself.
    struct OwnCode {
        let title: String
        let extent: SourceExtent
        var isChange = false
        /// The functions and methods that its body calls.
        var calls: Set<String> = []
    }

    /// The functions and methods whose bodies have been walked, by their names in lower case.
    var ownCode: [String: OwnCode] = [:]
    /// Those whose bodies are being walked, innermost last.
    var openCode: [String] = []

    /// A call of a function that isn't defined yet.
    struct Await {
        var extent: SourceExtent
        /// How often it would run at most.
        var times: Int
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
    /// The number of filter texts (`-Filter { … }`) around the current code: words in them are names of properties, not
    /// commands.
    var filterTexts = 0
    /// The state for the current body of code.
    var scope: CodeScope
    /// The amount of text that repeated rounds of loops may still walk.
    var budget = 0
    /// The functions that certainly exist here.
    var functions: [String: LocalFunction] = [:]
    /// The names of all functions defined so far, also where that may not happen.
    var defined: Set<String> = []
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

    /// The commands that make a list or table of the script's own.
    var containers: [ObjectIdentifier: OwnContainer] = [:]

    /// The maximum depth of a tree; deeper ones are not judged.
    static let deepest = 100

    /// - Parameter shared: the variables that code elsewhere in the script can set.
    init(
        tables: GuardTables, context: ScriptContext, muted: Set<ConstructRule> = [], shared: Set<String> = []
    ) {
        self.tables = tables
        self.context = context
        self.muted = muted
        let memory = context.memory
        scope = CodeScope(
            variables: ScriptVariables(remembered: memory.variables, types: memory.types, shared: shared))
    }

    /// The variables (in lower case) that code elsewhere in the script can set: `$script:x = 1`, `[ref]$x`.
    var setElsewhere: Set<String> = []

    /// Returns the state at the beginning of another body of code, in which nothing is known of the variables.
    func bodyScope(items: [ValueFacts] = [], ownType: String? = nil) -> CodeScope {
        CodeScope(variables: ScriptVariables(shared: scope.variables.shared), items: items, ownType: ownType)
    }

    /// Returns whether there are many findings already, with one like this among them: another one doesn't change the
    /// verdict.
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
        for using in root.usings { walk(using) }
        if let parameters = root.parameterBlock { walk(scriptParameters: parameters) }
        whole = root
        walkBody(root, in: .script)
    }

    private mutating func walk(_ using: UsingStatementSyntax) {
        if using.kind == .namespace, let name = using.name?.value, PureTypes.isOwnNamespace(name) { return }
        report(.usingStatement, using.extent)
    }

    /// Walks a script block whose statements run.
    @discardableResult
    mutating func walk(block: ScriptBlockSyntax, in scope: Scope) -> ValueFacts {
        for using in block.usings { walk(using) }
        if let parameters = block.parameterBlock {
            if scope == .function { walk(scriptParameters: parameters, values: .unknown) } else { walk(parameters) }
        }
        return walkBody(block, in: scope)
    }

    @discardableResult
    private mutating func walkBody(_ block: ScriptBlockSyntax, in scope: Scope) -> ValueFacts {
        var result = ValueFacts.nothing
        // The blocks run in this order, whatever their order in the text: those of the script itself once, since it has
        // no pipeline input.
        let order: [NamedBlockSyntax.Kind] = [.begin, .process, .end]
        let isWhole = block === whole
        let parts =
            order.flatMap { kind in block.namedBlocks.filter { $0.kind == kind } }
            + block.namedBlocks.filter { !order.contains($0.kind) }
        for named in parts where scope != .function && !isWhole || !order.contains(named.kind) {
            report(.namedBlock, named.extent, subject: named.kind.rawValue)
        }
        if !parts.isEmpty {
            // A function's blocks run for each object that is piped to it.
            settle(block.extent, isRepeated: !isWhole) { walk in
                for named in parts { result = result.then(walk.walk(named.block, in: scope)) }
            }
        }
        if let body = block.body { result = result.then(walk(body, in: scope)) }
        return result
    }

    /// Walks the parameters of a block inside the script.
    private mutating func walk(_ parameters: ParameterBlockSyntax) {
        report(.parameterBlock, parameters.extent)
        for attribute in parameters.attributes { walk(attribute: attribute) }
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
        } else if !PureTypes.contains(name), OwnContainer.of(type) == nil {
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
    /// Walks an assignment.
    /// - Returns: what it assigns, which is its value where one is used.
    @discardableResult
    mutating func walk(_ node: AssignmentStatementSyntax, in scope: Scope) -> ValueFacts {
        if node.op == .equals, case .variable(let variable) = node.target, variable.path.qualifier == .none,
            case .scriptBlock(let block)? = node.value.pureExpression
        {
            write(variable, ScriptVariables.Entry(facts: .of(.code, count: 1), block: judged(block.scriptBlock)))
            return .of(.code, count: 1)
        }
        let facts = walk(value: node.value, in: scope)
        guard case .arrayLiteral(let targets) = node.target, node.op == .equals else {
            return assign(facts, to: node.target, by: node)
        }
        // Each holds one value, and the last one all that are left.
        for (index, target) in targets.elements.enumerated() {
            let isLast = index == targets.elements.count - 1
            assign((isLast ? facts : facts.single).withoutTexts, to: target, by: nil)
        }
        return facts
    }

    /// Assigns a value to one target.
    /// - Parameter node: the assignment; `nil` if it has several targets.
    /// - Returns: what the target holds then.
    @discardableResult
    private mutating func assign(
        _ value: ValueFacts, to target: ExpressionSyntax, by node: AssignmentStatementSyntax?
    ) -> ValueFacts {
        var (facts, target) = (value, target)
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
        if let type { facts = converted(facts, to: type) }
        switch target {
        case .variable(let variable):
            if let node {
                set(variable, facts, type: type, by: node)
            } else {
                write(variable, ScriptVariables.Entry(facts: facts, type: type.flatMap { PureTypes.condition(of: $0) }))
            }
        default:
            let key = walk(target: target, isRead: node.map { $0.op != .equals } ?? false)
            // The target is an element or a property of a list or table that the script itself created.
            if let name = ownContainer(target) {
                let held = declaredType(of: target).map { converted(facts, to: $0) } ?? facts
                changeElement(of: name, to: held, under: key)
            } else {
                report(.variableTarget, target.extent)
            }
        }
        return facts
    }

    /// Walks an element or a property that is set.
    /// - Parameter isRead: whether its old value is a part of the new one.
    /// - Returns: the position or key of an element, which a table then holds.
    mutating func walk(target: ExpressionSyntax, isRead: Bool) -> ValueFacts {
        switch target {
        case .index(let node):
            walk(node.target)
            return walk(node.index)
        case .member(let node) where !isRead && !node.isStatic && ConstantValue(node.member).text != nil:
            walk(node.target)
        default: walk(target)
        }
        return .nothing
    }

    /// Notes what an assignment makes of a variable.
    private mutating func set(
        _ variable: VariableExpressionSyntax, _ facts: ValueFacts, type: TypeNameSyntax?,
        by node: AssignmentStatementSyntax
    ) {
        let name = variable.path.name.asciiLowercased
        if node.op == .equals, variable.path.isOfScript, PreferenceVariables.mayBe(name, constant(node.value)) {
            return
        }
        let isConverted = type != nil
        var entry = ScriptVariables.Entry(facts: facts, type: type.flatMap { PureTypes.condition(of: $0) })
        switch node.op {
        case .equals:
            entry.table = isConverted ? nil : table(node.value)
            entry.ownType = isConverted ? nil : ownType(node.value.pureExpression)
            let made = entry.ownType != nil ? .object : ownContainer(madeBy: node.value)
            entry.own = made.isEmpty ? made : type.flatMap(OwnContainer.of) ?? made
            entry.isStopwatch = !isConverted && isStopwatch(node.value.pureExpression)
            entry.openText = node.value.pureExpression.flatMap(openText).flatMap { text in
                text.utf8.count <= Self.longestOpenText ? text : nil
            }
            entry.isAnswer = asksGraph(node.value)
            entry.pages = node.value.pureExpression.flatMap(pages)
        case .plusEquals:
            let before = variables[name]
            entry.facts = before.facts.then(facts)
            entry.facts.texts = nil
            entry.own = before.own.extended
        default:
            entry.facts = variables[name].facts.or(facts)
            entry.facts.texts = nil
        }
        write(variable, entry)
    }

    /// Notes that an element or a property of the script's own list or table is set.
    mutating func changeElement(of name: String, to facts: ValueFacts, under key: ValueFacts = .nothing) {
        var entry = variables[name]
        entry.facts = entry.facts.or(facts.asElement).or(facts.asProperty).withoutTexts
        entry.facts.kinds.formUnion(key.kinds)
        entry.facts.count = ValueFacts.many
        entry.table = nil
        variables.assign(name, entry)
    }

    /// Returns the variable whose element or property is set, if the script itself created the list or table. Only of a
    /// table may the name of a property be any.
    func ownContainer(_ target: ExpressionSyntax) -> String? {
        let holder: ExpressionSyntax
        var isNamed = true
        switch target {
        case .index(let node): holder = node.target
        case .member(let node) where !node.isStatic:
            holder = node.target
            isNamed = ConstantValue(node.member).text != nil
        default: return nil
        }
        guard case .variable(let variable) = holder, let entry = ownVariable(holder) else { return nil }
        return isNamed || entry.own == .table ? variable.path.name.asciiLowercased : nil
    }

    /// Returns the variable that an expression is, if the script itself created the list or table in it.
    func ownVariable(_ expression: ExpressionSyntax) -> ScriptVariables.Entry? {
        guard case .variable(let variable) = expression, !variable.isSplatted, variable.path.qualifier == .none else {
            return nil
        }
        let name = variable.path.name.asciiLowercased
        if name == "this", scope.ownType != nil { return variables[name] }
        let entry = variables[name]
        return entry.own.isEmpty || isAutomatic(name) ? nil : entry
    }

    /// Notes that a variable is assigned.
    mutating func write(_ variable: VariableExpressionSyntax, _ entry: ScriptVariables.Entry) {
        let path = variable.path
        let name = path.name.asciiLowercased
        guard path.isOfScript else {
            return report(
                path.drive != nil ? .driveVariable : .scopedVariable, variable.extent, subject: "$" + path.path)
        }
        if name == "null" { return }
        guard isPlainName(path.name) else { return report(.variableTarget, variable.extent, subject: "$" + path.path) }
        guard !isAutomatic(name) else {
            return report(.automaticVariable, variable.extent, subject: "$" + path.path)
        }
        if path.qualifier != .none { setElsewhere.insert(name) }
        variables.give(name, entry)
    }

    /// Walks `[ref]$x`, by which the variable can be set from anywhere.
    mutating func walk(reference operand: ExpressionSyntax, _ extent: SourceExtent) -> ValueFacts {
        guard case .variable(let variable) = operand, !variable.isSplatted else {
            report(.typeName, extent, subject: "[ref]")
            return walk(operand)
        }
        write(variable, .unknown)
        setElsewhere.insert(variable.path.name.asciiLowercased)
        return .unknown
    }

    /// Notes that a parameter stores something in a variable: if the variable is a plain one, this counts as an
    /// assignment.
    mutating func write(named value: ConstantValue, _ facts: ValueFacts, _ extent: SourceExtent, subject: String) {
        guard var name = value.text else { return report(.variableParameter, extent, subject: subject) }
        let isMore = name.hasPrefix("+")
        if isMore { name.removeFirst() }
        let lower = name.asciiLowercased
        guard isPlainName(name), !isAutomatic(lower), lower != "null" else {
            return report(.variableParameter, extent, subject: subject)
        }
        variables.give(
            lower, ScriptVariables.Entry(facts: isMore ? variables[lower].facts.then(facts) : facts))
    }

    /// Returns whether PowerShell itself gives a variable of this name (in lower case) its value, in scripts like this.
    func isAutomatic(_ name: String) -> Bool {
        tables.cmdlets.isAutomaticVariable(name) && !PlainVariables.isOfEvent(name)
    }

    /// Returns whether a name consists of letters, digits and `_` only.
    func isPlainName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
            }
    }

    // MARK: Forms of values

    func constant(_ statement: StatementSyntax) -> ConstantValue {
        statement.pureExpression.map { ConstantValue($0) } ?? .dynamic
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
        switch statement.pureExpression {
        case .hashtable(let table)?: return table
        case .convert(let cast)?:
            guard case .hashtable(let table) = cast.operand,
                ["ordered", "hashtable"].contains(cast.type.typeName.fullName.asciiLowercased)
            else { return nil }
            return table
        default: return nil
        }
    }

    /// Returns the kind of list or table that a statement creates.
    private func ownContainer(madeBy statement: StatementSyntax) -> OwnContainer {
        if case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .command(let command) = pipeline.elements[0]
        {
            return containers[ObjectIdentifier(command)] ?? []
        }
        switch statement.pureExpression {
        case .hashtable?: return .table
        case .array?, .arrayLiteral?: return .array
        case .convert(let cast)?:
            if case .hashtable = cast.operand {
                let name = cast.type.typeName.fullName.asciiLowercased
                return ["ordered", "hashtable", "pscustomobject"].contains(name) ? .table : []
            }
            // Of what has the type already, a conversion yields the same object: only a list made here is new.
            return isList(cast.operand) ? OwnContainer.of(cast.type.typeName) ?? [] : []
        case .invokeMember(let node)?:
            guard node.isStatic, case .type(let type) = node.target,
                ConstantValue(node.member).text?.asciiLowercased == "new"
            else { return [] }
            return OwnContainer.of(type.typeName) ?? []
        default: return []
        }
    }

    /// Returns whether an expression makes a list: `@(…)`, `'a', 'b'`.
    func isList(_ expression: ExpressionSyntax) -> Bool {
        switch expression {
        case .array, .arrayLiteral: true
        case .paren(let node): node.pureExpression.map(isList) ?? false
        default: false
        }
    }

    /// Returns the possible values after a conversion: text and numbers contain no code, and are no files.
    func converted(_ facts: ValueFacts, to type: TypeNameSyntax) -> ValueFacts {
        if PureTypes.isDocument(type.fullName) { return .lists(.data) }
        if types[type.fullName.asciiLowercased] != nil { return made(type.fullName.asciiLowercased, from: facts) }
        // A text becomes its letters.
        if PureTypes.plain(type.fullName.asciiLowercased) == "char[]" { return .data(count: ValueFacts.many) }
        guard PureTypes.isValue(type.fullName) else { return facts }
        let texts = facts.texts?.allSatisfy { PureTypes.keeps($0, as: type.fullName) } == true ? facts.texts : nil
        return ValueFacts(kinds: .data, count: min(facts.count, 1), texts: facts.count <= 1 ? texts : nil)
    }
}
