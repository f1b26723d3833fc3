internal import PowerShellSyntax

/// Whether what runs through a pipeline may be many objects: then a change behind it touches all of them.
enum BulkSource {
    /// More than so many at once are many.
    static let few = 10

    private static let narrowing: Set<String> = [
        "identity", "id", "name", "filter", "displayname", "objectid", "userid", "groupid", "user", "upn", "mailbox",
        "userprincipalname", "searchstring", "anr", "recipient", "resourceid", "appid", "url", "site", "title",
        "teamid",
        "environmentname", "appname", "flowname", "resourcegroupname", "vmname", "primarysmtpaddress",
        "organizationalunit",
    ]

    /// Whether a source may be many objects.
    /// - Parameter variables: what was assigned to variables.
    static func isMany(
        _ source: ScriptWalk.Source, tables: GuardTables, variables: [String: StatementSyntax]
    ) -> Bool {
        switch source {
        case .statement(let statement): isMany(statement, tables: tables, variables: variables)
        case .pipeline(let elements): isMany(elements, tables: tables, variables: variables)
        }
    }

    private static func isMany(
        _ statement: StatementSyntax, tables: GuardTables, variables: [String: StatementSyntax]
    ) -> Bool {
        guard case .pipeline(let pipeline) = statement else { return false }
        return isMany(pipeline.elements[...], tables: tables, variables: variables)
    }

    /// Whether the elements of a pipeline may hand on many objects.
    private static func isMany(
        _ elements: ArraySlice<PipelineElementSyntax>, tables: GuardTables, variables: [String: StatementSyntax]
    ) -> Bool {
        guard let first = elements.first else { return false }
        // Nobody types so long a pipeline: not worth the time to look through it again for each change in it.
        if elements.count > 50 { return true }
        for element in elements.dropFirst() where isCut(element, tables: tables) { return false }
        switch first {
        case .expression(let node): return isMany(node.expression, tables: tables, variables: variables)
        case .command(let command): return isMany(command, tables: tables)
        }
    }

    private static func isMany(
        _ expression: ExpressionSyntax, tables: GuardTables, variables: [String: StatementSyntax]
    ) -> Bool {
        switch expression {
        case .variable(let variable):
            // A variable may be assigned from itself: look once.
            var others = variables
            guard let value = others.removeValue(forKey: variable.path.name.asciiLowercased) else { return false }
            return isMany(value, tables: tables, variables: others)
        case .arrayLiteral(let list): return list.elements.count > few
        case .paren(let node): return isMany(node.pipeline, tables: tables, variables: variables)
        case .array(let node):
            return node.block.statements.contains { isMany($0, tables: tables, variables: variables) }
        case .sub(let node):
            return node.block.statements.contains { isMany($0, tables: tables, variables: variables) }
        case .member(let node): return isMany(node.target, tables: tables, variables: variables)
        case .binary(let node) where node.op == .dotDot: return true
        default: return false
        }
    }

    /// A cloud module's Get without anything that narrows it, or with an explicit "all of them".
    private static func isMany(_ command: CommandSyntax, tables: GuardTables) -> Bool {
        guard let name = command.constantName, let entry = tables.cmdlets.entries(named: name).first,
            entry.product != .builtin
        else {
            return ["import-csv", "get-content", "ipcsv"].contains(command.constantName?.asciiLowercased ?? "")
        }
        var isNarrow = false
        var elements = command.elements.dropFirst()
        while let element = elements.popFirst() {
            switch element {
            case .argument: isNarrow = true
            case .parameter(let parameter):
                let written = parameter.name.asciiLowercased
                var value = parameter.argument
                if value == nil, case .argument(let next)? = elements.first {
                    value = next
                    elements.removeFirst()
                }
                if written.count >= 3, "resultsize".hasPrefix(written) || "top".hasPrefix(written) {
                    let text = ConstantValue(value).text?.asciiLowercased ?? "unlimited"
                    guard let number = Int(text), number <= few else { return true }
                    isNarrow = true
                } else if written == "all" {
                    return true
                } else if narrowing.contains(where: { $0.hasPrefix(written) }) {
                    isNarrow = !(ConstantValue(value).text?.contains("*") ?? false)
                }
            }
        }
        return !isNarrow
    }

    /// `Select-Object -First 5` leaves few.
    private static func isCut(_ element: PipelineElementSyntax, tables: GuardTables) -> Bool {
        guard case .command(let command) = element, let name = command.constantName,
            (tables.cmdlets.alias(name) ?? name).asciiLowercased == "select-object"
        else { return false }
        var previous: String?
        for element in command.elements.dropFirst() {
            switch element {
            case .parameter(let parameter):
                previous = parameter.name.asciiLowercased
                if let value = parameter.argument, isFirst(previous), let count = count(value) { return count <= few }
            case .argument(let value):
                if isFirst(previous), let count = count(value) { return count <= few }
                previous = nil
            }
        }
        return false
    }

    private static func isFirst(_ name: String?) -> Bool {
        guard let name, !name.isEmpty else { return false }
        return "first".hasPrefix(name) || "last".hasPrefix(name)
    }

    private static func count(_ value: ExpressionSyntax) -> Int? { ConstantValue(value).text.flatMap { Int($0) } }
}
