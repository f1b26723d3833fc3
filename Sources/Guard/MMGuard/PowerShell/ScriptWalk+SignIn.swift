internal import MMCore
internal import PowerShellSyntax

/// The commands in a script that sign in, or install and load modules.
extension ScriptWalk {
    /// Walks a command that signs in or out, or that installs or loads modules.
    /// - Returns: its output; `nil` if it is judged like any other command.
    mutating func walk(signIn command: CommandSyntax, named name: String) -> ValueFacts? {
        guard let signIn = context.signIn, let cmdlet = SignInCmdlet.named(name),
            ![.context, .information].contains(cmdlet.act)
        else { return nil }
        var call = OwnSignIn.Call(
            cmdlet, name: name, arguments: [], isConditional: conditions > 0 || awaited != nil)
        var expressions: [ExpressionSyntax] = []
        for word in command.words {
            switch word {
            case .name(let node):
                if let value = node.argument { expressions.append(value) }
                call.add(node.name, node.argument.map(value) ?? .flag(true), isTied: node.argument != nil)
            case .value(let expression):
                expressions.append(expression)
                call.add(value(expression))
            case .text: call.isOpen = true
            case .splat(let variable):
                guard let entries = splatted(variable) else {
                    call.isOpen = true
                    continue
                }
                for entry in entries { call.add(entry.name, value(entry.value), isTied: true) }
            }
        }
        let reading = signIn.read(call)
        switch reading {
        case .foreign: return nil
        case .own where cmdlet.act == .install && onlyInstalls: return nil
        case .own:
            switch cmdlet.act {
            case .connect:
                note("\(name) is not needed: the connection \(signIn.own.connection) is already signed in.")
            case .remove: note("\(name) does nothing here: a script removes no modules.")
            default: break
            }
        case .open: break
        case .other(let refusal):
            report(
                GuardFinding(
                    rule: "own-sign-in", classes: .session, kind: .blocked, reason: refusal.reason,
                    instead: refusal.instead, subject: name), command.extent)
        }
        // The expressions in its arguments are judged like all others.
        for expression in expressions { walk(expression) }
        let written = call.arguments.compactMap(\.name)
        for finding in reportedFindings([], named: cmdlet.name, parameters: written) { report(finding, command.extent) }
        return cmdlet.act == .connect ? .of(.contexts, count: 1) : .unknown
    }

    /// Returns whether each statement of a script installs modules.
    static func onlyInstalls(_ root: ScriptBlockSyntax) -> Bool {
        let statements = root.body?.statements ?? []
        return !statements.isEmpty
            && statements.allSatisfy { statement in
                guard case .pipeline(let pipeline) = statement, case .command(let command)? = pipeline.elements.first,
                    let name = command.constantName
                else { return false }
                return SignInCmdlet.named(name)?.act == .install
            }
    }

    /// Returns the value of an expression, as far as the text or a variable determines it.
    private func value(_ expression: ExpressionSyntax) -> OwnSignIn.Value {
        let constant = ConstantValue(expression)
        switch constant {
        case .null: return .nothing
        case .bool(let flag): return .flag(flag)
        case .string, .number, .array: return constant.texts.map { .texts($0) } ?? .unknown
        case .dynamic: break
        }
        guard case .variable(let variable) = expression, !variable.isSplatted, variable.path.qualifier == .none,
            let texts = variables[variable.path.name.asciiLowercased].facts.texts, texts.count == 1
        else { return .unknown }
        return .texts(texts)
    }

    private mutating func note(_ text: String) {
        if !notes.contains(text), notes.count < 10 { notes.append(text) }
    }
}
