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
        for named in block.namedBlocks {
            if scope != .function || [.dynamicparam, .clean].contains(named.kind) {
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

    mutating func walk(_ parameter: ParameterSyntax) {
        for attribute in parameter.attributes {
            switch attribute {
            case .attribute(let node): walk(attribute: node)
            case .typeConstraint(let node): walk(type: node.typeName)
            }
        }
        if let value = parameter.defaultValue { walk(value) }
    }

    mutating func walk(attribute: AttributeSyntax) {
        report(.attribute, attribute.extent)
        for argument in attribute.positionalArguments { walk(argument) }
        for argument in attribute.namedArguments { walk(argument.argument) }
    }

    mutating func walk(_ attribute: AttributeSyntax) { walk(attribute: attribute) }

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
