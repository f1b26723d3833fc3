internal import PowerShellSyntax

extension ScriptWalk {
    mutating func walk(_ node: MemberExpressionSyntax) -> ValueFacts {
        guard let name = ConstantValue(node.member).text, isBare(node.member) else {
            return walkComputed(node)
        }
        guard node.isStatic else {
            if PureTypes.isReflection(name) { report(.staticMember, node.extent, subject: ".\(name)") }
            if let entry = activity(node) { return member(name, of: walk(entry), node.extent) }
            return member(name, of: walk(node.target), node.extent)
        }
        guard case .type(let type) = node.target else {
            report(.staticMember, node.extent, subject: name)
            walk(node.target)
            return .unknown
        }
        let full = type.typeName.fullName
        if types[full.asciiLowercased] != nil, type.typeName.assembly == nil {
            use(type: full.asciiLowercased, node.extent)
            return .unknown
        }
        if !PureTypes.hasProperty(full, name) || type.typeName.assembly != nil {
            report(.staticMember, node.extent, subject: "[\(full)]::\(name)")
            return .unknown
        }
        return .data()
    }

    /// Walks a property whose name is only known when the script runs, or is one of the script's constants.
    private mutating func walkComputed(_ node: MemberExpressionSyntax) -> ValueFacts {
        let names = walk(node.member)
        let target = walk(node.target)
        if !node.isStatic {
            if let texts = names.texts, !texts.isEmpty, texts.allSatisfy({ !PureTypes.isReflection($0) }) {
                return texts.reduce(.nothing) { $0.or(member($1, of: target, node.extent)) }
            }
            if ownVariable(node.target)?.own == .table {
                return target.property(target.kinds, isOne: false)
            }
            // A property of a service's object is read, as `Select-Object -ExpandProperty` does: nothing runs, and
            // what comes of it may be anything.
            if names.texts == nil, target.kinds == .data, !isType(node.target) { return .unknown }
        }
        report(.computedMember, node.member.extent)
        return .unknown
    }

    private func isType(_ expression: ExpressionSyntax) -> Bool {
        if case .type = expression { return true }
        return false
    }

    /// Returns the entry of an activity log of whose authorization only what was permitted is read, rather than the
    /// header of a request with its token: `$_.Authorization.Action`.
    private func activity(_ node: MemberExpressionSyntax) -> ExpressionSyntax? {
        guard case .member(let inner) = node.target, !inner.isStatic, isBare(inner.member),
            ConstantValue(inner.member).text?.asciiLowercased == "authorization",
            let name = ConstantValue(node.member).text?.asciiLowercased, ["action", "scope", "role"].contains(name)
        else { return nil }
        return inner.target
    }

    /// Reads a property. Of an object that contains tokens only known harmless properties may be read, and of no object
    /// a token.
    mutating func member(_ name: String, of target: ValueFacts, _ extent: SourceExtent) -> ValueFacts {
        let lower = name.asciiLowercased
        if SecretProperties.contains(lower, of: target.kinds) {
            report(.secretProperty, extent, subject: ".\(name)")
        }
        var kinds = target.kinds
        if target.isSecretive {
            if let behind = SecretProperties.kinds(behind: lower, of: kinds) {
                kinds = behind
            } else {
                report(.secretProperty, extent, subject: ".\(name)")
            }
        }
        if lower == "scriptblock" { return .of(.code, count: 1) }
        // An object that holds code may have it in a property of any name.
        if ["count", "length"].contains(lower), !target.kinds.contains(.code) { return .data() }
        return target.property(kinds.union(.data), isOne: FilterCommands.singleMembers.contains(lower))
    }

    mutating func walk(_ node: InvokeMemberExpressionSyntax) -> ValueFacts {
        guard let name = ConstantValue(node.member).text, isBare(node.member), node.genericArguments.isEmpty else {
            report(.computedMember, node.extent)
            walk(node.member)
            walk(node.target)
            for argument in node.arguments { walk(argument) }
            return .unknown
        }
        if node.isStatic { return walkStatic(node, name) }
        let target = walk(node.target)
        let lower = name.asciiLowercased
        let mayBeOwn = use(method: lower, of: node.target, target, node)
        if ["where", "foreach"].contains(lower), let block = soleBlock(node.arguments) {
            let result = walkForEach(block, of: target)
            return lower == "where" ? target : result
        }
        var arguments = ValueFacts.nothing
        for argument in node.arguments {
            arguments = arguments.then(walk(argument).asElement)
            count(runsOf: argument, for: target)
        }
        if lower.hasPrefix("invoke") { count(runsOf: node.target) }
        // A file object has its own `Replace`, which replaces the file. With a name as argument of `GetType`, an
        // assembly or module returns any of its types.
        if lower == "replace" && target.kinds.contains(.files) || lower == "gettype" && !node.arguments.isEmpty {
            report(.methodCall, node.extent, subject: ".\(name)()")
        }
        if SecretProperties.contains(lower, of: target.kinds) {
            report(.secretProperty, node.extent, subject: ".\(name)()")
        }
        if mayBeOwn, ownType(node.target) != nil || PureTypes.isPlainMethod(name) { return .unknown }
        if PureTypes.isPlainMethod(name) {
            if PureTypes.findsNodes(lower) { return .lists(.data) }
            return .data(count: PureTypes.isOfMany(lower) ? ValueFacts.many : target.count)
        }
        if case .variable(let variable) = node.target, variable.path.qualifier == .none {
            let holder = variable.path.name.asciiLowercased
            var entry = variables[holder]
            switch (holder, lower) {
            case ("error", "clear") where node.arguments.isEmpty: return .nothing
            // It only asks whether to go on.
            case ("pscmdlet", "shouldprocess"): return .data()
            case (_, "start"), (_, "stop"), (_, "reset"), (_, "restart"): if entry.isStopwatch { return .nothing }
            default: break
            }
            // A block that is given to `Sort` is run to compare the elements.
            if entry.own.has(lower), lower != "sort" || !arguments.kinds.contains(.code) {
                entry.facts = entry.facts.then(arguments)
                entry.facts.texts = nil
                entry.table = nil
                variables.assign(holder, entry)
                // Those of a table are its entries.
                let isOfEntries = lower == "getenumerator" && entry.own.contains(.table)
                return isOfEntries ? .lists(entry.facts.kinds) : entry.facts
            }
        }
        report(.methodCall, node.extent, subject: ".\(name)()")
        if ["invokescript", "newscriptblock", "addscript"].contains(lower) { walk(saidBy: arguments, at: node.extent) }
        return .unknown
    }

    private mutating func walkStatic(_ node: InvokeMemberExpressionSyntax, _ name: String) -> ValueFacts {
        var arguments = ValueFacts.nothing
        for argument in node.arguments { arguments = arguments.then(walk(argument)) }
        guard case .type(let type) = node.target else {
            report(.staticMember, node.extent, subject: name)
            walk(node.target)
            return .unknown
        }
        let full = type.typeName.fullName
        let isNew = name.asciiLowercased == "new"
        if let own = types[full.asciiLowercased], type.typeName.assembly == nil,
            isNew || own.methods.contains(name.asciiLowercased)
        {
            note(callOf: Self.code(name.asciiLowercased, of: full.asciiLowercased, node.arguments.count))
            use(type: full.asciiLowercased, node.extent)
            return isNew ? made(full.asciiLowercased, from: arguments) : .unknown
        }
        if isNew, OwnContainer.of(type.typeName) != nil { return arguments }
        if !PureTypes.hasMethod(full, name) || type.typeName.assembly != nil {
            report(.staticMember, node.extent, subject: "[\(full)]::\(name)()")
            if name.asciiLowercased == "create" { walk(saidBy: arguments, at: node.extent) }
            return .unknown
        }
        return .data(count: PureTypes.isOfMany(name.asciiLowercased) ? ValueFacts.many : 1)
    }

    private func soleBlock(_ arguments: [ExpressionSyntax]) -> ScriptBlockSyntax? {
        guard arguments.count == 1, case .scriptBlock(let block) = arguments[0] else { return nil }
        return block.scriptBlock
    }

    /// Returns whether a member name is written as a word or a constant string.
    private func isBare(_ member: ExpressionSyntax) -> Bool {
        if case .string = member { return true }
        return false
    }
}
