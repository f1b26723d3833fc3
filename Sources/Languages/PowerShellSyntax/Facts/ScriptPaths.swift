/// The paths that a script builds from its own folder, as far as its text determines them: written, kept in variables,
/// or computed with `Join-Path`, `Split-Path`, `+`, expandable strings and `[IO.Path]`.
///
/// A path is given from the script's folder, with `/` between its parts; `.` is the folder itself.
package struct ScriptPaths {
    /// What the script assigns to each variable, by name in lower case; only of variables with no other values.
    fileprivate var assigned: [String: [StatementSyntax]] = [:]

    /// Reads what a script assigns to its variables.
    package init(of script: ParsedScript) {
        guard let root = script.root else { return }
        var writes: [String: Int] = [:]
        for fact in ScriptFacts(of: script).items {
            switch fact.detail {
            case .set(let path, _): writes[path.name.lowercased(), default: 0] += 1
            // The value of a parameter is its caller's.
            case .parameter(let name, _): writes[name.lowercased(), default: 0] += 1
            default: continue
            }
        }
        var open = [root.body].compactMap(\.self) + root.namedBlocks.map(\.block)
        while let block = open.popLast() {
            for statement in block.statements {
                switch statement {
                case .assignment(let assignment):
                    guard assignment.op == .equals, let name = Self.name(of: assignment.target) else { continue }
                    assigned[name, default: []].append(assignment.value)
                case .if(let node): open += node.clauses.map(\.body) + [node.elseBody].compactMap(\.self)
                case .try(let node): open += [node.body] + node.catchClauses.map(\.body)
                default: continue
                }
            }
        }
        // A loop or a function may set a variable to anything.
        assigned = assigned.filter { $0.value.count == writes[$0.key] }
    }

    /// Returns the path that an expression has as its value; `nil` if the text doesn't determine it.
    package func path(of expression: ExpressionSyntax) -> String? {
        var reading = PathReading(assigned: assigned)
        return reading.value(expression)
    }

    /// Returns what the script assigns to a variable that gets no other values.
    func values(of variable: String) -> [StatementSyntax]? { assigned[variable.lowercased()] }

    fileprivate static func name(of target: ExpressionSyntax) -> String? {
        switch target {
        case .variable(let node): node.path.isVariable ? node.path.name.lowercased() : nil
        case .convert(let node): name(of: node.operand)
        default: nil
        }
    }
}

/// The evaluation of one expression.
private struct PathReading {
    /// What the script assigns to its variables.
    let assigned: [String: [StatementSyntax]]
    /// The number of expressions and statements evaluated so far. Variables may name each other in circles, or each the
    /// next one several times.
    private var steps = 0

    private static let most = 200
    /// The script itself, under a name that no file has.
    private static let script = "./<script>"

    init(assigned: [String: [StatementSyntax]]) { self.assigned = assigned }

    mutating func value(_ expression: ExpressionSyntax) -> String? {
        steps += 1
        guard steps < Self.most else { return nil }
        switch expression {
        case .string(let node): return slashed(node.value)
        case .expandableString(let node): return value(node)
        case .variable(let node): return value(node)
        case .paren(let node): return value(node.pipeline)
        case .sub(let node): return value(node.block)
        case .convert(let node): return value(node.operand)
        case .ternary(let node): return common([value(node.ifTrue), value(node.ifFalse)])
        case .binary(let node) where node.op == .plus:
            guard let left = value(node.left), let right = value(node.right) else { return nil }
            return left + right
        case .member(let node): return value(node)
        case .invokeMember(let node): return value(node)
        default: return nil
        }
    }

    private mutating func value(_ node: ExpandableStringSyntax) -> String? {
        var units = Array(node.value.utf16)
        for (part, place) in zip(node.parts, node.places).reversed() {
            guard let value = value(part) else { return nil }
            units.replaceSubrange(place, with: Array(value.utf16))
        }
        return slashed(String(decoding: units, as: UTF16.self))
    }

    private mutating func value(_ node: VariableExpressionSyntax) -> String? {
        guard node.path.isVariable, !node.isSplatted else { return nil }
        let name = node.path.name.lowercased()
        switch name {
        case "psscriptroot", "pwd": return "."
        case "pscommandpath": return Self.script
        default: return common((assigned[name] ?? []).map { value($0) })
        }
    }

    private mutating func value(_ block: StatementBlockSyntax) -> String? {
        block.statements.count == 1 ? value(block.statements[0]) : nil
    }

    private mutating func value(_ statement: StatementSyntax) -> String? {
        steps += 1
        guard steps < Self.most else { return nil }
        switch statement {
        case .assignment(let node): return value(node.value)
        case .if(let node):
            return common((node.clauses.map(\.body) + [node.elseBody].compactMap(\.self)).map { value($0) })
        case .pipeline(let node):
            var path: String?
            for element in node.elements {
                switch element {
                case .expression(let element): path = value(element.expression)
                case .command(let command): path = value(command, piped: path)
                }
                guard path != nil else { return nil }
            }
            return path
        default: return nil
        }
    }

    /// Returns the value that all these are; `nil` if one isn't known or they differ.
    private func common(_ values: [String?]) -> String? {
        guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
        return first
    }
}

extension PathReading {
    private mutating func value(_ node: MemberExpressionSyntax) -> String? {
        let name = node.constantName?.lowercased() ?? ""
        // `$MyInvocation.MyCommand.Path`
        if case .member(let outer) = node.target, outer.constantName?.lowercased() == "mycommand",
            ScriptPaths.name(of: outer.target) == "myinvocation"
        {
            return ["path", "definition", "source"].contains(name) ? Self.script : nil
        }
        guard !node.isStatic, let path = value(node.target) else { return nil }
        switch name {
        case "path", "providerpath", "fullname": return path
        case "directory", "directoryname", "parent": return parent(of: path)
        default: return nil
        }
    }

    private mutating func value(_ node: InvokeMemberExpressionSyntax) -> String? {
        guard node.isStatic, case .type(let type) = node.target,
            ["io.path", "system.io.path"].contains(type.typeName.fullName.lowercased())
        else { return nil }
        var paths: [String] = []
        for argument in node.arguments {
            guard let path = value(argument) else { return nil }
            paths.append(path)
        }
        switch node.constantName?.lowercased() {
        case "combine", "join": return joined(paths)
        case "getdirectoryname": return paths.first.map(parent)
        case "getfullpath": return paths.first
        default: return nil
        }
    }

    /// Returns the path that a cmdlet of paths returns.
    private mutating func value(_ command: CommandSyntax, piped: String?) -> String? {
        guard command.invocation == nil, let written = command.constantName else { return nil }
        var paths = [piped].compactMap(\.self)
        var isLeaf = false
        // The beginning of the path may be named after its end.
        var isFirst = false
        for word in command.words {
            var given: ExpressionSyntax?
            switch word {
            case .value(let value): given = value
            case .name(let parameter):
                let name = parameter.name.lowercased()
                // Any other parameter asks for something else than a path or its folder.
                let known = ["path", "literalpath", "childpath", "additionalchildpath", "parent", "leaf", "resolve"]
                guard known.contains(where: { $0.hasPrefix(name) }) else { return nil }
                if "leaf".hasPrefix(name) { isLeaf = true }
                isFirst = ["path", "literalpath"].contains { $0.hasPrefix(name) }
                given = parameter.argument
            case .text, .splat: return nil
            }
            guard let given else { continue }
            guard let path = value(given) else { return nil }
            paths.insert(path, at: isFirst ? 0 : paths.count)
            isFirst = false
        }
        switch written.lowercased() {
        case "join-path": return joined(paths)
        case "split-path" where isLeaf: return paths.first?.split(separator: "/").last.map(String.init)
        case "split-path": return paths.first.map(parent)
        case "resolve-path", "rvpa", "convert-path", "cvpa", "get-item", "gi": return paths.first
        case "get-location", "gl", "pwd": return "."
        default: return nil
        }
    }

    private func slashed(_ path: String) -> String { String(path.map { $0 == "\\" ? "/" : $0 }) }

    private func joined(_ paths: [String]) -> String? { paths.isEmpty ? nil : paths.joined(separator: "/") }

    private func parent(of path: String) -> String {
        let parts = path.split(separator: "/")
        guard let last = parts.last, last != ".", last != ".." else { return path + "/.." }
        let rest = parts.dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + rest : rest.isEmpty ? "." : rest
    }
}
