internal import PowerShellSyntax

extension ScriptWalk {
    /// A class or enum that the script defines.
    struct LocalType {
        let node: TypeDefinitionSyntax
        /// The names of its methods, in lower case.
        let methods: Set<String>
        /// Whether the bodies of its methods have been judged.
        var isJudged = false
        /// What its members put into the properties of an object; anything until all of them have been judged.
        var holds: ValueFacts.Kinds = .all
        /// The most objects that one command in its methods changes; 0 if nothing is changed.
        var most = 0
    }

    /// The methods that run without a visible call, wherever an object is compared or turned into text.
    private static let unasked: Set<String> = ["tostring", "equals", "gethashcode", "compareto"]

    /// Walks a class or enum that the script defines. Its methods are judged when it is used: of an unused class only
    /// the initial values of its static members run.
    mutating func walk(definition node: TypeDefinitionSyntax) {
        let name = node.name.asciiLowercased
        if let known = types[name] {
            // A loop is walked several times, so the definition may be known already.
            if known.node === node { return }
            // If two types have the same name, the position of the name decides which one it means.
            use(type: name, node.extent)
        }
        let isOwn =
            isPlainName(node.name) && node.baseTypes.isEmpty && !PureTypes.isTaken(name) && types[name] == nil
        if !isOwn { report(.typeDefinition, node.extent, subject: node.name) }
        for attribute in node.attributes { walk(declaration: attribute) }
        for base in node.baseTypes { walk(type: base.typeName) }
        let methods = node.members.compactMap { member in
            if case .method(let method) = member { method.name.asciiLowercased } else { nil }
        }
        types[name] = LocalType(node: node, methods: Set(methods))
        let isBusy = node.members.contains { member in
            switch member {
            case .property(let property): property.isStatic && property.initialValue != nil
            case .method(let method): method.isStatic && method.isConstructor
            }
        }
        if !isOwn || isBusy { use(type: name, node.extent) }
    }

    /// Notes a use of a type that the script defines: judges its bodies at the first use, and counts each use.
    /// - Parameter objects: the objects on each of which a method may be called.
    mutating func use(type name: String, of objects: ValueFacts = .data(), _ extent: SourceExtent) {
        guard let type = types[name] else { return }
        if !type.isJudged {
            types[name]?.isJudged = true
            var holds: ValueFacts.Kinds = .data
            for member in type.node.members { holds.formUnion(walk(member, of: name)) }
            types[name]?.holds = holds
        }
        run(
            judged: types[name]?.most ?? 0, named: "[\(type.node.name)]", times: runs(place: 1, input: objects),
            at: extent)
    }

    /// Notes a call of a method by its name in lower case.
    /// - Returns: whether it may be one of a type that the script defines.
    mutating func use(
        method: String, of target: ExpressionSyntax, _ objects: ValueFacts, _ call: InvokeMemberExpressionSyntax
    ) -> Bool {
        let own = ownType(target)
        if own == nil, ownVariable(target)?.own.has(method) ?? false { return false }
        // Of a value that may be anything, it may be the method of any type.
        let owners = (own.map { [$0] } ?? types.keys.sorted()).filter { types[$0]?.methods.contains(method) ?? false }
        for owner in owners {
            note(callOf: Self.code(method, of: owner, call.arguments.count))
            use(type: owner, of: own == nil ? objects : .data(), call.extent)
        }
        return !owners.isEmpty
    }

    /// Returns the name of a method among the script's own code. Methods that differ in the number of their parameters
    /// are different ones; every way to make an object is the same.
    static func code(_ method: String, of type: String, _ parameters: Int) -> String {
        method == "new" ? "\(type)::new" : "\(type)::\(method)/\(parameters)"
    }

    /// Judges the types that code may use by their names alone, as `New-Object Name` does: every mention of the name
    /// counts that is outside of the definitions of types that aren't used.
    mutating func useNamedTypes(in source: String) {
        guard types.values.contains(where: { !$0.isJudged }) else { return }
        let units = Array(source.utf16)
        while true {
            let unused = types.values.filter { !$0.isJudged }.map(\.node).sorted { $0.extent.start < $1.extent.start }
            guard !unused.isEmpty else { return }
            var (rest, place): ([UInt16], Int) = ([], 0)
            for node in unused where node.extent.start >= place && node.extent.end <= units.count {
                rest += units[place..<node.extent.start] + [0x20]
                place = node.extent.end
            }
            rest += units[place...]
            let text = String(decoding: rest, as: UTF16.self).asciiLowercased
            let words = Set(text.split { !($0.isLetter || $0.isNumber || $0 == "_") })
            let named = unused.filter { words.contains(Substring($0.name.asciiLowercased)) }
            guard !named.isEmpty else { return }
            for node in named { use(type: node.name.asciiLowercased, node.extent) }
        }
    }

    /// Returns the facts about an object of a type that the script defines, made of a value: a class puts into its
    /// properties what it likes.
    func made(_ type: String, from facts: ValueFacts) -> ValueFacts {
        var object = facts.or(.data()).withoutTexts
        object.kinds.formUnion(types[type]?.holds ?? .all)
        object.held = ValueFacts.many
        return object
    }

    /// Returns the type with which a class of the script declares a property that is set.
    func declaredType(of target: ExpressionSyntax) -> TypeNameSyntax? {
        guard case .member(let node) = target, let owner = ownType(node.target),
            let name = ConstantValue(node.member).text?.asciiLowercased
        else { return nil }
        for case .property(let property) in types[owner]?.node.members ?? []
        where property.name.asciiLowercased == name {
            return property.type?.typeName
        }
        return nil
    }

    /// Walks a property or method of a type.
    /// - Returns: what it puts into the properties of an object.
    private mutating func walk(_ member: MemberSyntax, of type: String) -> ValueFacts.Kinds {
        let outer = scope
        let title = types[type]?.node.name ?? type
        scope = bodyScope(ownType: type)
        // What the members set is collected in it.
        variables.assign("this", ScriptVariables.Entry(facts: .data()))
        let most: Int
        switch member {
        case .property(let property):
            most = code(Self.code("new", of: type, 0), titled: "[\(title)]", property.extent) { walk in
                for attribute in property.attributes { walk.walk(attribute: attribute) }
                if let type = property.type { walk.walk(type: type.typeName) }
                guard let value = property.initialValue else { return }
                let facts = walk.walk(value)
                let held = property.type.map { walk.converted(facts, to: $0.typeName) } ?? facts
                walk.changeElement(of: "this", to: held)
            }
        case .method(let method):
            let name = method.isConstructor ? "new" : method.name.asciiLowercased
            if Self.unasked.contains(name) { scope.repeats = ValueFacts.many }
            let key = Self.code(name, of: type, method.function.parameters.count)
            most = code(key, titled: "[\(title)]::\(method.name)", method.function.extent) { walk in
                for attribute in method.attributes { walk.walk(attribute: attribute) }
                if let type = method.returnType { walk.walk(type: type.typeName) }
                for parameter in method.function.parameters { walk.walk(functionParameter: parameter) }
                walk.walk(block: method.function.body, in: .function)
            }
        }
        if let before = types[type]?.most { types[type]?.most = max(before, most) }
        let holds = variables["this"].facts.kinds
        scope = outer
        return holds
    }

    /// Returns the script's own type of which an expression surely yields an object.
    func ownType(_ expression: ExpressionSyntax?) -> String? {
        switch expression {
        case .variable(let variable)? where variable.path.qualifier == .none && !variable.isSplatted:
            let name = variable.path.name.asciiLowercased
            return name == "this" ? scope.ownType : variables[name].ownType
        case .convert(let node)?:
            guard case .hashtable = node.operand else { return nil }
            let name = node.type.typeName.fullName.asciiLowercased
            return types[name] == nil ? nil : name
        case .invokeMember(let node)?:
            guard node.isStatic, case .type(let type) = node.target,
                ConstantValue(node.member).text?.asciiLowercased == "new"
            else { return nil }
            let name = type.typeName.fullName.asciiLowercased
            return types[name] == nil ? nil : name
        case .paren(let node)?: return node.pureExpression.flatMap { ownType($0) }
        default: return nil
        }
    }
}
