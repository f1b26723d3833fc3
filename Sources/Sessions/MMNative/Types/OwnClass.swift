import PowerShellSyntax

/// A class that a script declares.
package struct OwnClass: Hashable, Sendable {
    private let node: TypeDefinitionSyntax
    /// What its script declares, in which its members' types are read.
    let types: ScriptTypes

    /// A property.
    struct Property {
        let name: String
        /// The type of its values; `nil` for any value.
        let type: NamedType?
        let isStatic: Bool
        /// Whether listings leave it out.
        let isHidden: Bool
        let initialValue: ExpressionSyntax?
        /// The conditions for its values: those that parameters have as well.
        let checks: ScriptFunction.Parameter
    }

    /// A method or constructor.
    struct Method {
        let node: MethodMemberSyntax
        let owner: OwnClass
        let parameters: [(name: String, type: NamedType?)]
        /// What tells it from others with the same name, and an overriding method has in common with the one that it
        /// overrides.
        var signature: String {
            node.function.parameters.map { parameter in
                parameter.attributes.lazy.compactMap { attribute in
                    if case .typeConstraint(let type) = attribute { type.typeName.fullName.lowercased() } else { nil }
                }.first ?? "object"
            }.joined(separator: ",")
        }
    }

    init(_ node: TypeDefinitionSyntax, in types: ScriptTypes) {
        self.node = node
        self.types = types
    }

    package static func == (left: OwnClass, right: OwnClass) -> Bool { left.node === right.node }

    package func hash(into hasher: inout Hasher) { hasher.combine(identity) }

    /// The identity of the definition.
    var identity: ObjectIdentifier { ObjectIdentifier(node) }
    /// The name.
    var name: String { node.name }
    /// The class that it extends; `nil` if it extends none of the script's.
    var base: OwnClass? { node.baseTypes.first.flatMap { types.ownClass($0.typeName.fullName) } }

    /// The class and those that it extends.
    var line: [OwnClass] {
        var (line, next) = ([self], base)
        while let one = next, line.count < Self.longestLine {
            line.append(one)
            next = one.base
        }
        return line
    }

    private static let longestLine = 20

    /// Returns whether it is another class or extends it.
    func extends(_ other: OwnClass) -> Bool { line.contains(other) }

    /// Its own properties, without those of the class that it extends.
    var properties: [Property] {
        node.members.compactMap { member in
            guard case .property(let property) = member else { return nil }
            return try? read(property).get()
        }
    }

    /// Returns a property of it or of a class that it extends.
    func property(_ name: String, isStatic: Bool = false) -> (property: Property, owner: OwnClass)? {
        let folded = name.lowercased()
        for own in line {
            for case .property(let node) in own.node.members
            where node.isStatic == isStatic && node.name.lowercased() == folded {
                return (try? own.read(node).get()).map { ($0, own) }
            }
        }
        return nil
    }

    /// Returns the methods that a call may mean: its own before those that it inherits and doesn't override.
    func methods(_ name: String, isStatic: Bool = false) -> [Method] {
        let folded = name.lowercased()
        var found: [Method] = []
        for own in line {
            for case .method(let node) in own.node.members
            where node.isStatic == isStatic && !node.isConstructor && node.name.lowercased() == folded {
                let method = own.read(node)
                if !found.contains(where: { $0.signature == method.signature }) { found.append(method) }
            }
        }
        return found
    }

    /// The names of the methods of its objects, without hidden ones.
    var visibleMethods: Set<String> {
        var names: [String: String] = [:]
        for own in line.reversed() {
            for case .method(let node) in own.node.members
            where !node.isStatic && !node.isConstructor && !node.isHidden { names[node.name.lowercased()] = node.name }
        }
        return Set(names.values)
    }

    /// Its constructors.
    var constructors: [Method] {
        node.members.compactMap { member in
            guard case .method(let node) = member, node.isConstructor, !node.isStatic else { return nil }
            return read(node)
        }
    }

    /// Whether its objects have a text of their own.
    var hasText: Bool { methods("ToString").contains { $0.parameters.isEmpty } }

    /// Why a member isn't supported.
    struct Misfit: Error {
        let reason: String
    }

    private func read(_ node: PropertyMemberSyntax) -> Result<Property, Misfit> {
        func misfit(_ what: String) -> Result<Property, Misfit> {
            .failure(Misfit(reason: "\(what) of the property \(name).\(node.name)"))
        }
        var checks = ScriptFunction.Parameter(name: node.name)
        for attribute in node.attributes where !ScriptFunction.read(attribute, into: &checks) {
            return misfit("the attribute \(attribute.typeName.fullName)")
        }
        var type: NamedType?
        if let written = node.type?.typeName.fullName {
            guard let named = types.named(written) else { return misfit("the type \(written)") }
            // The engine takes some types for any value, which a property would convert.
            if named == .known(.object) {
                guard Self.anyTypes.contains(written.lowercased()) else { return misfit("the type \(written)") }
            } else {
                type = named
            }
            guard named != .known(.toggle) else { return misfit("the type \(written)") }
        }
        return .success(
            Property(
                name: node.name, type: type, isStatic: node.isStatic, isHidden: node.isHidden,
                initialValue: node.initialValue, checks: checks))
    }

    private static let anyTypes: Set<String> = [
        "object", "system.object", "psobject", "system.management.automation.psobject",
    ]

    private func read(_ node: MethodMemberSyntax) -> Method {
        let parameters = node.function.parameters.map { parameter in
            let written = parameter.attributes.lazy.compactMap { attribute in
                if case .typeConstraint(let type) = attribute { type.typeName.fullName } else { nil }
            }.first
            let type = written.flatMap { types.named($0) }
            return (name: parameter.variable.path.name, type: type == .known(.object) ? nil : type)
        }
        return Method(node: node, owner: self, parameters: parameters)
    }

    // MARK: Support

    /// Methods that .NET and PowerShell call by themselves where objects are compared.
    private static let comparing: Set<String> = ["equals", "gethashcode", "compareto"]

    /// Returns why the class isn't supported; `nil` if it is.
    func misfit(
        expression: (ExpressionSyntax) -> String?, statements: (StatementBlockSyntax) -> String?
    ) -> String? {
        guard node.attributes.isEmpty else { return "an attribute of the class \(name)" }
        if let written = node.baseTypes.first?.typeName.fullName {
            guard node.baseTypes.count == 1, base != nil, line.count < Self.longestLine else {
                return "the type \(written) as the base of the class \(name)"
            }
        }
        var names = Set(line.dropFirst().flatMap { $0.properties.map { $0.name.lowercased() } })
        for member in node.members {
            switch member {
            case .property(let node):
                if case .failure(let misfit) = read(node) { return misfit.reason }
                guard names.insert(node.name.lowercased()).inserted, !node.name.lowercased().hasPrefix("ps") else {
                    return "the property \(name).\(node.name)"
                }
                if let value = node.initialValue, let reason = expression(value) { return reason }
            case .method(let node):
                if let reason = misfit(of: node, statements) { return reason }
            }
        }
        return nil
    }

    private func misfit(of node: MethodMemberSyntax, _ statements: (StatementBlockSyntax) -> String?) -> String? {
        let what = "the method \(name).\(node.name)"
        guard !(node.isStatic && node.isConstructor), !Self.comparing.contains(node.name.lowercased()),
            !node.name.lowercased().hasPrefix("op_"), let body = node.function.body.body
        else { return what }
        if let type = node.returnType?.typeName.fullName, types.named(type) == nil {
            return "the type \(type) of \(what)"
        }
        for parameter in node.function.parameters {
            guard parameter.defaultValue == nil, parameter.attributes.count <= 1 else { return what }
            for attribute in parameter.attributes {
                guard case .typeConstraint(let type) = attribute else { return what }
                guard let named = types.named(type.typeName.fullName), named != .known(.toggle) else {
                    return "the type \(type.typeName.fullName) of \(what)"
                }
            }
        }
        return statements(body)
    }

    /// The bodies of its methods and constructors.
    var bodies: [StatementBlockSyntax] {
        node.members.compactMap { member in
            if case .method(let method) = member { method.function.body.body } else { nil }
        }
    }
}

extension ScriptTypes {
    /// The bodies of the methods of all classes.
    var bodies: [StatementBlockSyntax] { definitions.compactMap { ownClass($0.name) }.flatMap(\.bodies) }

    /// Returns why an enumeration or class isn't supported; `nil` if all are.
    func misfit(
        expression: (ExpressionSyntax) -> String?, statements: (StatementBlockSyntax) -> String?
    ) -> String? {
        for node in definitions {
            switch node.kind {
            case .enum:
                if named(node.name) == nil { return "the enumeration \(node.name)" }
            case .class:
                guard let own = ownClass(node.name), own == OwnClass(node, in: self) else {
                    return "the class \(node.name)"
                }
                if let reason = own.misfit(expression: expression, statements: statements) { return reason }
            }
        }
        return nil
    }
}
