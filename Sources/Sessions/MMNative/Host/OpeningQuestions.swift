import PowerShellSyntax

/// The questions of a script whose answers decide nothing but whether a file is opened: nobody has to answer those.
struct OpeningQuestions {
    /// The variables that take nothing but answers, by lower-case name, with where they do.
    private var answers: [String: Set<Int>] = [:]
    /// Where it is asked whether something is opened.
    private var conditions: [SourceExtent] = []

    /// The lower-case names of the variables that take such answers, and are used for nothing else.
    static func names(in script: ParsedScript) -> Set<String> {
        guard let root = script.root, script.height <= SubsetCheck.height else { return [] }
        var questions = Self()
        questions.visit(root)
        guard !questions.answers.isEmpty, !questions.conditions.isEmpty else { return [] }
        var names = Set(questions.answers.keys)
        for item in ScriptFacts(of: script).items {
            switch item.detail {
            case .set(let path, _), .variable(let path, _):
                let name = path.name.lowercased()
                guard let places = questions.answers[name] else { continue }
                let isAnswer = places.contains(item.extent.start)
                let isQuestion = questions.conditions.contains {
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
        case .assignment(let node):
            guard node.op == .equals, case .variable(let variable) = node.target,
                Self.command(node.value) == "read-host"
            else { return }
            answers[variable.path.name.lowercased(), default: []].insert(variable.extent.start)
        case .if(let node):
            let bodies = node.clauses.map(\.body)
            if bodies.allSatisfy(Self.onlyOpens), node.elseBody.map(Self.onlyOpens) ?? true {
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
        case .function(let node): visit(node.body)
        default: break
        }
    }

    /// Commands that show something to whoever sits at the machine.
    private static let showing: Set<String> = ["invoke-item", "ii", "start-process", "write-host"]

    private static func onlyOpens(_ block: StatementBlockSyntax) -> Bool {
        block.traps.isEmpty && block.statements.allSatisfy { command($0).map(showing.contains) ?? false }
    }

    /// The lower-case name of the one command that a statement is.
    private static func command(_ statement: StatementSyntax) -> String? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .command(let command)? = pipeline.elements.first, command.redirections.isEmpty
        else { return nil }
        return command.constantName?.lowercased()
    }
}
