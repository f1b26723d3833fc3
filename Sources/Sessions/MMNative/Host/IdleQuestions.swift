import PowerShellSyntax

/// The questions of a script that nobody has to answer: their answers decide nothing but whether a file is opened, or whether the script
/// signs in once more, which it is; or they go nowhere.
struct IdleQuestions {
    /// The lower-case names of the variables that take nothing but answers which decide nothing else.
    private(set) var opening: Set<String> = []
    /// Where the statements begin that ask and drop the answer: the script only waits there.
    private(set) var pauses: Set<Int> = []

    /// The variables that take nothing but answers, by lower-case name, with where they do.
    private var answers: [String: Set<Int>] = [:]
    /// Where it is asked whether something is opened or signed in.
    private var conditions: [SourceExtent] = []
    /// How many functions and blocks are around what is visited: what a statement there puts out is what they return.
    private var depth = 0

    /// None.
    init() {}

    /// Those of a script.
    init(of script: ParsedScript) {
        guard let root = script.root, script.height <= SubsetCheck.height else { return }
        visit(root)
        opening = names(in: script)
    }

    private func names(in script: ParsedScript) -> Set<String> {
        guard !answers.isEmpty, !conditions.isEmpty else { return [] }
        var names = Set(answers.keys)
        for item in ScriptFacts(of: script).items {
            switch item.detail {
            case .set(let path, _), .variable(let path, _):
                let name = path.name.lowercased()
                guard let places = answers[name] else { continue }
                let isAnswer = places.contains(item.extent.start)
                let isQuestion = conditions.contains {
                    $0.start <= item.extent.start && item.extent.end <= $0.end
                }
                if path.qualifier != .none || !isAnswer && !isQuestion { names.remove(name) }
            default: break
            }
        }
        return names
    }

    private mutating func visit(_ block: ScriptBlockSyntax) {
        for part in [block.body].compactMap(\.self) + block.namedBlocks.map(\.block) { visit(part) }
    }

    private mutating func visit(_ block: StatementBlockSyntax) {
        for statement in block.statements { visit(statement) }
    }

    private mutating func visit(_ statement: StatementSyntax) {
        switch statement {
        case .pipeline(let pipeline):
            if depth == 0 || Self.drops(pipeline) || Self.isPause(pipeline), Self.asks(pipeline) {
                pauses.insert(pipeline.extent.start)
            }
            if case .convert(let cast)? = statement.pureExpression,
                PSType(written: cast.type.typeName.fullName) == .void
            {
                pause(in: cast.operand)
            }
        case .assignment(let node):
            guard node.op == .equals, case .variable(let variable) = node.target else { return }
            if variable.path.name.lowercased() == "null", case .pipeline(let pipeline) = node.value, Self.asks(pipeline)
            {
                pauses.formUnion([node.extent.start, pipeline.extent.start])
            }
            guard Self.command(node.value) == "read-host" else { return }
            answers[variable.path.name.lowercased(), default: []].insert(variable.extent.start)
        case .if(let node):
            let bodies = node.clauses.map(\.body)
            if bodies.allSatisfy(Self.decidesNothing), node.elseBody.map(Self.decidesNothing) ?? true {
                conditions += node.clauses.map(\.condition.extent)
            }
            for body in bodies + [node.elseBody].compactMap(\.self) { visit(body) }
        case .forEach(let node): visit(node.body)
        case .for(let node): visit(node.body)
        case .while(let node): visit(node.body)
        case .do(let node): visit(node.body)
        case .switch(let node):
            for body in node.clauses.map(\.body) + [node.defaultBody].compactMap(\.self) { visit(body) }
        case .try(let node):
            for body in [node.body] + node.catchClauses.map(\.body) + [node.finallyBody].compactMap(\.self) {
                visit(body)
            }
        case .function(let node):
            depth += 1
            visit(node.body)
            depth -= 1
        default: break
        }
    }

    /// Notes a question whose value is cast to nothing.
    private mutating func pause(in operand: ExpressionSyntax) {
        switch operand {
        case .paren(let node):
            if case .pipeline(let pipeline) = node.pipeline, Self.asks(pipeline) {
                pauses.insert(pipeline.extent.start)
            }
        default: break
        }
    }

    /// Whether a pipeline asks a person, and does nothing else with the answer than hand it on or drop it.
    private static func asks(_ pipeline: PipelineSyntax) -> Bool {
        guard !pipeline.isBackground, let first = pipeline.elements.first,
            pipeline.elements.count == 1 || drops(pipeline) && pipeline.elements.count == 2
        else { return false }
        switch first {
        case .command(let command):
            return command.redirections.isEmpty && ["read-host", "pause"].contains(command.constantName?.lowercased())
        case .expression(let element): return readsKey(element.expression)
        }
    }

    /// Whether a pipeline is `pause`, which puts out nothing.
    private static func isPause(_ pipeline: PipelineSyntax) -> Bool {
        guard pipeline.elements.count == 1, case .command(let command) = pipeline.elements[0] else { return false }
        return command.constantName?.lowercased() == "pause"
    }

    /// Whether a pipeline ends in `Out-Null`.
    private static func drops(_ pipeline: PipelineSyntax) -> Bool {
        guard pipeline.elements.count > 1, case .command(let last)? = pipeline.elements.last else { return false }
        return last.constantName?.lowercased() == "out-null"
    }

    /// Whether an expression is `$Host.UI.RawUI.ReadKey(…)`, `$Host.UI.ReadLine()` or one of these cast to nothing.
    private static func readsKey(_ expression: ExpressionSyntax) -> Bool {
        switch expression {
        case .invokeMember(let call):
            guard !call.isStatic, case .string(let name) = call.member else { return false }
            return ["readkey", "readline"].contains(name.value.lowercased())
        case .convert(let cast):
            return PSType(written: cast.type.typeName.fullName) == .void && readsKey(cast.operand)
        default: return false
        }
    }

    /// Commands that show something to whoever sits at the machine.
    private static let showing: Set<String> = ["invoke-item", "ii", "start-process", "write-host"]

    /// Whether all that a block does is to show something, or to sign a script in or out that is signed in and stays so.
    private static func decidesNothing(_ block: StatementBlockSyntax) -> Bool {
        block.traps.isEmpty
            && block.statements.allSatisfy { statement in
                guard let name = command(statement) else { return false }
                return showing.contains(name)
                    || SignInCmdlet.named(name).map { [.connect, .disconnect].contains($0.act) } ?? false
            }
    }

    /// The lower-case name of the one command that a statement is, what it puts out dropped or not.
    private static func command(_ statement: StatementSyntax) -> String? {
        switch statement {
        case .assignment(let node):
            guard node.op == .equals, case .variable(let variable) = node.target,
                variable.path.name.lowercased() == "null"
            else { return nil }
            return command(node.value)
        case .pipeline(let pipeline):
            guard !pipeline.isBackground,
                pipeline.elements.count == 1 || drops(pipeline) && pipeline.elements.count == 2,
                case .command(let command)? = pipeline.elements.first, command.redirections.isEmpty
            else { return nil }
            return command.constantName?.lowercased()
        default: return nil
        }
    }
}
