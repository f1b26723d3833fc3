internal import PowerShellSyntax

/// One walk over the tree of a script: every node is looked at, and whatever is not known to be harmless becomes a
/// finding. Nothing is ever decided by the text itself.
struct ScriptWalk {
    /// Where a statement stands.
    enum Scope {
        /// The script itself, or the body of a statement in it.
        case script
        /// A block that a filter runs for each object.
        case filterBlock
    }

    /// What a loop or a part of a pipeline runs through.
    enum Source {
        case statement(StatementSyntax)
        case pipeline(ArraySlice<PipelineElementSyntax>)
    }

    /// A finding and where it stands.
    struct Found {
        var finding: GuardFinding
        var extent: SourceExtent
    }

    let tables: GuardTables
    let context: ScriptContext
    /// Rules that are switched off: only tests do that, to show that each rule is needed.
    let muted: Set<ConstructRule>
    /// The parameters of every command.
    let commonParameters: [CmdletParameter]
    var found: [Found] = []
    var kinds: Set<Kind> = []
    var previews: [SendPreview] = []
    var depth = 0
    var loops = 0
    /// How many filter texts (`-Filter { … }`) are around: their words are names of properties, not commands.
    var filterTexts = 0
    /// Plain variables that the script assigns, and whether all their values are constants without code.
    var assigned: [String: Bool] = [:]
    /// Variables that stand where a filter could run code in them.
    var filterVariables: [(name: String, extent: SourceExtent)] = []
    /// What the loops and pipelines around run through; only a change among them asks whether it is many.
    var sources: [Source] = []
    /// Whether a change to many objects was found already.
    var hasBulk = false
    /// Variables and what was assigned to them.
    var values: [String: StatementSyntax] = [:]
    /// Whether file objects are about, whose methods of string names do something else.
    var hasFileObjects = false
    var replaceCalls: [SourceExtent] = []

    /// Deeper trees are not judged.
    static let deepest = 100

    init(tables: GuardTables, context: ScriptContext, muted: Set<ConstructRule> = []) {
        self.tables = tables
        self.context = context
        self.muted = muted
        commonParameters = tables.cmdlets.commonParameters()
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
                    rule: rule.rawValue, classes: .write, kind: .dynamic,
                    reason: "\(subject.map { "\($0): " } ?? "")\(rule.reason).", instead: rule.instead,
                    subject: subject),
                extent: extent))
    }

    mutating func report(_ finding: GuardFinding, _ extent: SourceExtent) {
        found.append(Found(finding: finding, extent: extent))
    }

    /// Walks the whole script.
    mutating func walk(_ root: ScriptBlockSyntax) {
        for using in root.usings { report(.usingStatement, using.extent) }
        if let parameters = root.parameterBlock { walk(scriptParameters: parameters) }
        walkBody(root, in: .script)
        for use in filterVariables where assigned[use.name] != true {
            report(.filterArgument, use.extent, subject: "$" + use.name)
        }
        if hasFileObjects { for extent in replaceCalls { report(.methodCall, extent, subject: "Replace") } }
    }

    /// Walks a script block whose statements run.
    mutating func walk(block: ScriptBlockSyntax, in scope: Scope) {
        for using in block.usings { report(.usingStatement, using.extent) }
        if let parameters = block.parameterBlock { walk(parameters) }
        walkBody(block, in: scope)
    }

    private mutating func walkBody(_ block: ScriptBlockSyntax, in scope: Scope) {
        for named in block.namedBlocks {
            report(.namedBlock, named.extent, subject: named.kind.rawValue)
            walk(named.block, in: scope)
        }
        if let body = block.body { walk(body, in: scope) }
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

    mutating func walk(_ list: StatementBlockSyntax, in scope: Scope) {
        for statement in list.statements { walk(statement, in: scope) }
        for trap in list.traps {
            report(.trap, trap.extent)
            walk(trap.body, in: scope)
        }
    }

    /// A type that only names itself: reported unless it is on the list of harmless ones.
    mutating func walk(type: TypeNameSyntax) {
        if case .name(_, let assembly?) = type.form { return report(.typeName, type.extent, subject: "[\(assembly)]") }
        if !PureTypes.contains(type.fullName) { report(.typeName, type.extent, subject: "[\(type.fullName)]") }
    }
}
