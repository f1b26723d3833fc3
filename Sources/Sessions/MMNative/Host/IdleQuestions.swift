import PowerShellSyntax

/// A script's questions that need no answer: the answer decides only whether a file is opened or whether the script
/// signs in again although it is signed in, or it isn't used.
struct IdleQuestions {
    /// The lower-case names of the variables that hold only such answers.
    private(set) var opening: Set<String> = []
    /// The positions of statements that ask and drop the answer, so that the script only waits there.
    private(set) var pauses: Set<Int> = []

    /// The variables that hold only answers, by lower-case name, with the positions of the assignments.
    private var answers: [String: Set<Int>] = [:]
    /// The conditions that decide whether something is opened or signed in.
    private var conditions: [SourceExtent] = []
    /// The number of functions and blocks around the visited node; the output of a statement in one is its result.
    private var depth = 0

    /// Creates an empty set.
    init() {}

    /// Finds those of a script.
    init(of script: ParsedScript) {
        guard let root = script.root, script.height <= SubsetCheck.height else { return }
        visit(root)
        opening = names(in: script)
        for wait in keyWaits where isOnlyAwaited(wait, in: script) { pauses.formUnion(wait.places) }
    }

    /// A loop that waits for a key: the name of its variable, in lower case, the loop's condition, and the statement
    /// that reads the key.
    private struct KeyWait {
        let name: String
        let condition: SourceExtent
        let reading: SourceExtent
        let places: [Int]
    }

    private var keyWaits: [KeyWait] = []

    /// Records the keys that a loop's own statements read into a variable.
    private mutating func noteKeys(in body: StatementBlockSyntax, until condition: StatementSyntax) {
        for case .assignment(let node) in body.statements {
            guard node.op == .equals, case .variable(let variable) = node.target,
                case .pipeline(let pipeline) = node.value, pipeline.elements.count == 1,
                case .expression(let element) = pipeline.elements[0], Self.readsKey(element.expression)
            else { continue }
            keyWaits.append(
                KeyWait(
                    name: variable.path.name.lowercased(), condition: condition.extent, reading: node.extent,
                    places: [node.extent.start, pipeline.extent.start]))
        }
    }

    /// Returns whether a key decides nothing but when the loop that waits for it ends.
    private func isOnlyAwaited(_ wait: KeyWait, in script: ParsedScript) -> Bool {
        let own = keyWaits.filter { $0.name == wait.name }
        var isAwaited = false
        for item in ScriptFacts(of: script).items {
            guard case .set(let path, _) = item.detail, path.name.lowercased() == wait.name else {
                guard case .variable(let path, _) = item.detail, path.name.lowercased() == wait.name else { continue }
                guard
                    own.contains(where: { Self.holds($0.condition, item.extent) || Self.holds($0.reading, item.extent) }
                    )
                else { return false }
                if Self.holds(wait.condition, item.extent) { isAwaited = true }
                continue
            }
            guard own.contains(where: { Self.holds($0.reading, item.extent) }) else { return false }
        }
        return isAwaited
    }

    private static func holds(_ outer: SourceExtent, _ inner: SourceExtent) -> Bool {
        outer.start <= inner.start && inner.end <= outer.end
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
            guard Self.command(node.value) == "read-host" || Self.asksInWindow(node.value) else { return }
            answers[variable.path.name.lowercased(), default: []].insert(variable.extent.start)
        case .if(let node):
            let bodies = node.clauses.map(\.body)
            if bodies.allSatisfy(Self.decidesNothing), node.elseBody.map(Self.decidesNothing) ?? true {
                conditions += node.clauses.map(\.condition.extent)
            }
            for body in bodies + [node.elseBody].compactMap(\.self) { visit(body) }
        case .forEach(let node): visit(node.body)
        case .for(let node): visit(node.body)
        case .while(let node):
            noteKeys(in: node.body, until: node.condition)
            visit(node.body)
        case .do(let node):
            noteKeys(in: node.body, until: node.condition)
            visit(node.body)
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

    /// Records a question whose value is cast to `[void]`.
    private mutating func pause(in operand: ExpressionSyntax) {
        switch operand {
        case .paren(let node):
            if case .pipeline(let pipeline) = node.pipeline, Self.asks(pipeline) {
                pauses.insert(pipeline.extent.start)
            }
        default: break
        }
    }

    /// Returns whether a pipeline asks a person, and only passes the answer on or drops it.
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

    /// Returns whether a value is the button of a window, `$shell.Popup(…)`.
    private static func asksInWindow(_ value: StatementSyntax) -> Bool {
        guard case .invokeMember(let call)? = value.pureExpression, !call.isStatic, case .string(let name) = call.member
        else { return false }
        return name.value.lowercased() == "popup"
    }

    /// Returns whether a pipeline is `pause`, which emits nothing.
    private static func isPause(_ pipeline: PipelineSyntax) -> Bool {
        guard pipeline.elements.count == 1, case .command(let command) = pipeline.elements[0] else { return false }
        return command.constantName?.lowercased() == "pause"
    }

    /// Returns whether a pipeline ends in `Out-Null`.
    private static func drops(_ pipeline: PipelineSyntax) -> Bool {
        guard pipeline.elements.count > 1, case .command(let last)? = pipeline.elements.last else { return false }
        return last.constantName?.lowercased() == "out-null"
    }

    /// Returns whether an expression is `$Host.UI.RawUI.ReadKey(…)` or `$Host.UI.ReadLine()`, possibly cast to
    /// `[void]`.
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

    /// Commands that show something to the person at the machine.
    private static let showing: Set<String> = ["invoke-item", "ii", "start-process", "write-host"]

    /// Returns whether a block only shows something, or signs in or out, which changes nothing because the script stays
    /// signed in.
    private static func decidesNothing(_ block: StatementBlockSyntax) -> Bool {
        block.traps.isEmpty
            && block.statements.allSatisfy { statement in
                guard let name = command(statement) else { return false }
                return showing.contains(name)
                    || SignInCmdlet.named(name).map { [.connect, .disconnect].contains($0.act) } ?? false
            }
    }

    /// Returns the lower-case name of the only command of a statement, whether or not its output is dropped.
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
