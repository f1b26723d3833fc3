import PowerShellSyntax

/// The variables of earlier scripts in its session that a script needs, and those that it leaves to later ones.
///
/// A variable that is merely mentioned may be unneeded; a need is certain: no path through the script sets the variable
/// before it is read. Code that tests whether a variable has a value and elsewhere gives it one doesn't need it. A
/// script that changes nothing doesn't need any variable to which it gives a value somewhere; in one that changes
/// something, a value that is missing could widen the change.
struct VariableNeeds: Sendable {
    /// The names, in lower case, that the script reads before anything in it has set them.
    private(set) var reads: Set<String> = []
    /// The names, in lower case, that the script sets in its session.
    private(set) var leaves: Set<String> = []

    /// Names that PowerShell itself sets, or that have the same meaning in every script.
    private static let automatic: Set<String> = [
        "_", "psitem", "null", "true", "false", "matches", "args", "input", "error", "erroractionpreference", "?", "^",
        "$",
        "this", "foreach", "switch", "psboundparameters", "pscmdlet", "myinvocation", "psscriptroot", "pscommandpath",
        "pwd",
        "home", "host", "pid", "profile", "executioncontext", "stacktrace", "lastexitcode", "ofs", "nestedpromptlevel",
        "psversiontable", "psculture", "psuiculture", "pshome", "shellid", "consolefilename", "iswindows", "islinux",
        "ismacos",
        "iscoreclr", "psedition", "enabledexperimentalfeatures", "event", "eventargs", "eventsubscriber", "sender",
        "progresspreference", "verbosepreference", "warningpreference", "informationpreference", "debugpreference",
        "confirmpreference", "whatifpreference", "formatenumerationlimit", "maximumhistorycount", "outputencoding",
        "psdefaultparametervalues", "psmoduleautoloadingpreference", "psnativecommanduseerroractionpreference",
    ]

    /// Finds the needs of a script.
    init(_ script: ParsedScript, _ facts: ScriptFacts, changesSomething: Bool) {
        var places = VariablePlaces()
        places.read(script, facts)
        var known: Set<String> = []
        var pending: [(end: Int, name: String)] = []
        var targets: Set<Int> = []
        // A function runs when it is called, so the names read in its body are compared with the sets of the whole
        // script.
        var later: Set<String> = []
        for item in facts.items {
            let start = item.extent.start
            pending.removeAll { entry in
                guard entry.end <= start else { return false }
                known.insert(entry.name)
                return true
            }
            let isInFunction = places.functions.contains { $0.contains(start) }
            switch item.detail {
            case .parameter(let name, _): known.insert(name.lowercased())
            case .set(let path, let by) where path.isVariable:
                let name = path.name.lowercased()
                if !isInFunction { leaves.insert(name) }
                // An operator such as `+=` reads its target first.
                let isPlain = ["Equals", "QuestionQuestionEquals", "foreach"].contains(by)
                pending.append((places.ends[start] ?? (isPlain ? start : item.extent.end), name))
                if isPlain { targets.insert(start) }
            case .variable(let path, _):
                guard !targets.contains(start), let name = Self.name(path), !known.contains(name) else { continue }
                let isTested = places.conditions.contains { $0.contains(start) }
                if places.given.contains(name), !changesSomething || isTested {
                    known.insert(name)
                } else if isInFunction {
                    later.insert(name)
                } else {
                    reads.insert(name)
                }
            case .command(let command):
                let written = VariableUse.written(by: command)
                if !isInFunction { leaves.formUnion(written) }
                pending += written.map { (item.extent.end, $0) }
            default: continue
            }
        }
        reads.formUnion(later.subtracting(known).subtracting(pending.map(\.name)))
        reads.subtract(Self.automatic)
        leaves.subtract(Self.automatic)
    }

    /// Returns the name of a variable, also of one with the `using:` scope.
    private static func name(_ path: VariablePath) -> String? {
        let name = path.name.lowercased()
        return path.isVariable || path.drive?.lowercased() == "using" ? name : nil
    }
}

/// The positions in a script where its assignments take effect, where its functions are, and where it only tests
/// whether a variable has a value.
private struct VariablePlaces {
    /// The position from which a variable has its new value, by the position where it is assigned.
    private(set) var ends: [Int: Int] = [:]
    /// The ranges of functions and types, whose code runs only when it is called.
    private(set) var functions: [Range<Int>] = []
    /// The conditions of `if` and of loops.
    private(set) var conditions: [Range<Int>] = []
    /// The variables of the session, in lower case, to which an assignment gives a value that doesn't come from their
    /// earlier one.
    private(set) var given: Set<String> = []
    private var open: [StatementSyntax] = []
    /// The variables of each plain assignment, with the extent of its value.
    private var assigned: [(value: SourceExtent, paths: [VariablePath])] = []

    mutating func read(_ script: ParsedScript, _ facts: ScriptFacts) {
        if let root = script.root { add(root) }
        while let statement = open.popLast() { read(statement) }
        let mentions = facts.items.compactMap { item -> (start: Int, name: String)? in
            guard case .variable(let path, _) = item.detail, path.isVariable else { return nil }
            return (item.extent.start, path.name.lowercased())
        }.sorted { $0.start < $1.start }
        for (extent, paths) in assigned {
            var (first, last) = (0, mentions.count)
            while first < last {
                let middle = (first + last) / 2
                if mentions[middle].start < extent.start { first = middle + 1 } else { last = middle }
            }
            let mentioned = Set(mentions[first...].prefix { $0.start < extent.end }.map(\.name))
            let isLocal = functions.contains { $0.contains(extent.start) }
            given.formUnion(
                paths.filter { !isLocal || [.global, .script].contains($0.qualifier) }.map { $0.name.lowercased() }
                    .filter { !mentioned.contains($0) })
        }
    }

    private mutating func add(_ block: ScriptBlockSyntax) {
        open += block.body?.statements ?? []
        for named in block.namedBlocks { open += named.block.statements }
    }

    private mutating func read(_ statement: StatementSyntax) {
        switch statement {
        case .pipeline(let pipeline): read(pipeline)
        case .pipelineChain(let chain): for pipeline in chain.pipelines { read(pipeline) }
        case .assignment(let assignment):
            let targets = Self.targets(of: assignment.target)
            for target in targets { ends[target.extent.start] = assignment.extent.end }
            if assignment.op == .equals {
                assigned.append((assignment.value.extent, targets.map(\.path).filter(\.isVariable)))
            }
            open.append(assignment.value)
        case .if(let node):
            for clause in node.clauses {
                note(condition: clause.condition)
                open.append(clause.condition)
                open += clause.body.statements
            }
            open += node.elseBody?.statements ?? []
        case .switch(let node):
            open.append(node.condition)
            for clause in node.clauses { open += clause.body.statements }
            open += node.defaultBody?.statements ?? []
        case .forEach(let node):
            ends[node.variable.extent.start] = node.body.extent.start
            open.append(node.collection)
            open += node.body.statements
        case .for(let node):
            open += [node.initializer, node.condition, node.iterator].compactMap(\.self) + node.body.statements
        case .while(let node):
            note(condition: node.condition)
            open.append(node.condition)
            open += node.body.statements
        case .do(let node):
            open += node.body.statements
            open.append(node.condition)
        case .flow(let node): open += [node.value].compactMap(\.self)
        case .try(let node):
            open += node.body.statements + (node.finallyBody?.statements ?? [])
            for clause in node.catchClauses { open += clause.body.statements }
        case .trap(let node): open += node.body.statements
        case .function(let node):
            functions.append(node.extent.start..<node.extent.end)
            add(node.body)
        case .type(let node): functions.append(node.extent.start..<node.extent.end)
        case .jump, .data: break
        }
    }

    private mutating func note(condition: StatementSyntax) {
        conditions.append(condition.extent.start..<condition.extent.end)
    }

    private mutating func read(_ pipeline: PipelineSyntax) {
        for element in pipeline.elements {
            switch element {
            case .expression(let element): read(element.expression)
            case .command(let command):
                for element in command.elements {
                    switch element {
                    case .argument(let argument): read(argument)
                    case .parameter(let parameter): if let argument = parameter.argument { read(argument) }
                    }
                }
            }
        }
    }

    private mutating func read(_ expression: ExpressionSyntax) {
        switch expression {
        case .scriptBlock(let node): add(node.scriptBlock)
        case .paren(let node): open.append(node.pipeline)
        case .sub(let node): open += node.block.statements
        case .array(let node): open += node.block.statements
        case .invokeMember(let node): for argument in node.arguments { read(argument) }
        default: break
        }
    }

    /// Returns the variables that an assignment sets.
    private static func targets(of target: ExpressionSyntax) -> [VariableExpressionSyntax] {
        var open = [target]
        var found: [VariableExpressionSyntax] = []
        while let next = open.popLast() {
            switch next {
            case .variable(let node): found.append(node)
            case .convert(let node): open.append(node.operand)
            case .attributed(let node): open.append(node.operand)
            case .arrayLiteral(let node): open += node.elements
            default: break
            }
        }
        return found
    }
}

/// The variables that a script may read from its session, and those it sets there.
struct VariableUse: Sendable {
    /// The names, in lower case, that are mentioned before the script itself has set them.
    private(set) var reads: Set<String> = []
    /// The names, in lower case, that the script sets.
    private(set) var sets: Set<String> = []

    /// Finds the variables of a script. Within one statement a mention counts as a read, so `$x = $x + 1` does both.
    init(_ script: ParsedScript) {
        let facts = ScriptFacts(of: script)
        // The script's own parameters are set before its first statement.
        for parameter in script.root?.parameterBlock?.parameters ?? [] {
            sets.insert(parameter.variable.path.name.lowercased())
        }
        let ends = (script.root?.body?.statements ?? []).map(\.extent.end)
        var statement = 0
        var pending: Set<String> = []
        // The facts list the target of an assignment also as a mention at the same position.
        var targets: Set<Int> = []
        var loops = Self.loops(in: script.root?.body?.statements ?? []).sorted { $0.body < $1.body }[...]
        var functions: [Range<Int>] = []
        for item in facts.items {
            if case .set(let path, let by) = item.detail, path.isVariable, by == "Equals" || by == "foreach" {
                targets.insert(item.extent.start)
            }
            if case .function = item.detail { functions.append(item.extent.start..<item.extent.end) }
        }
        // Within a function, its parameters hide the session's variables.
        var hidden: [(name: String, within: Range<Int>)] = []
        for item in facts.items {
            while statement < ends.count, item.extent.start >= ends[statement] {
                sets.formUnion(pending)
                pending = []
                statement += 1
            }
            while let loop = loops.first, item.extent.start >= loop.body {
                sets.insert(loop.name)
                loops.removeFirst()
            }
            switch item.detail {
            case .set(let path, _) where path.isVariable: pending.insert(path.name.lowercased())
            case .variable(let path, _) where path.isVariable && !targets.contains(item.extent.start):
                let name = path.name.lowercased()
                let place = item.extent.start
                if !sets.contains(name), !hidden.contains(where: { $0.name == name && $0.within.contains(place) }) {
                    reads.insert(name)
                }
            case .parameter(let name, _):
                if let function = functions.last(where: { $0.contains(item.extent.start) }) {
                    hidden.append((name.lowercased(), function))
                }
            case .command(let command): pending.formUnion(Self.written(by: command))
            default: continue
            }
        }
        sets.formUnion(pending)
    }

    /// Returns the variables of `foreach` loops, with the start of the loop's body.
    private static func loops(in statements: [StatementSyntax]) -> [(name: String, body: Int)] {
        statements.flatMap { statement -> [(name: String, body: Int)] in
            guard case .forEach(let loop) = statement, loop.variable.path.isVariable else { return [] }
            return [(loop.variable.path.name.lowercased(), loop.body.extent.start)]
                + Self.loops(in: loop.body.statements)
        }
    }

    /// Returns the variables that a command sets by name: `Set-Variable x`, `-OutVariable x`.
    static func written(by command: CommandFact) -> Set<String> {
        var names: Set<String> = []
        let isSetter = ["set-variable", "new-variable", "sv", "nv", "set"].contains(command.name?.lowercased() ?? "")
        var expects = isSetter
        for argument in command.arguments {
            switch argument {
            case .parameter(let name, let value):
                let lower = name.lowercased()
                expects =
                    lower.hasSuffix("variable") || ["ov", "ev", "wv", "iv", "pv"].contains(lower)
                    || isSetter && lower == "name"
                if expects, case .string(let text)? = value { names.insert(text.lowercased()) }
            case .value(let value):
                if expects, case .string(let text) = value {
                    names.insert(text.lowercased().filter { $0 != "+" })
                }
                expects = false
            }
        }
        return names
    }
}
