package import MMCore

/// The body of a call as Microsoft Graph's description declares it: the properties of the object that the call creates
/// or changes, or the parameters of an action.
package struct DeclaredBody: Sendable {
    /// The declared type; for an action, one with its parameters.
    package let type: GraphType
    private let types = GraphTypeTable.standard
    /// Whether the body holds the parameters of an action.
    package let isAction: Bool

    /// Looks up the body of a call.
    /// - Parameters:
    ///   - method: the method in upper case.
    ///   - target: a request with the call's path.
    /// - Returns: `nil` if the tables don't suffice to tell.
    package init?(_ method: String, _ target: RequestTarget) {
        let index = EndpointIndex.standard
        guard let found = index.engine.template(of: target), !found.isCounted,
            let call = index.calls(of: found.template).first(where: { $0.method == method })
        else { return nil }
        switch call.kind {
        case .create, .update:
            guard let type = types.type(named: call.singleType) else { return nil }
            (self.type, isAction) = (type, false)
        case .action:
            guard let action = target.segments.last,
                let path = target.path.lastIndex(of: "/").map({ String(target.path[..<$0]) }),
                let parent = (try? RequestTarget(parsing: path, service: .graph)).flatMap(index.engine.template(of:)),
                let owner = index.type(of: parent.template).flatMap(types.type(named:)),
                let type = types.action(action, of: owner)
            else { return nil }
            (self.type, isAction) = (type, true)
        default: return nil
        }
    }

    /// The names of the properties or parameters that the type itself has, with inherited ones.
    package var names: [String] { types.properties(of: type).map(\.name) }

    /// Those among them, and of all derived types, whose value is true or false.
    package var truths: [String] {
        types.propertiesOfAll(type).filter { $0.type == "Edm.Boolean" && !$0.isCollection }.map(\.name)
    }

    /// The same, with those of all derived types, which the body may name by `@odata.type`.
    package var namesOfAll: [String] { types.propertiesOfAll(type).map(\.name) }

    /// Returns a body as the service expects it: names in their declared spelling, a single value as a list where a
    /// list is declared, and texts and numbers by their declared types. Members that aren't declared stay as they are.
    package func shaped(_ body: JSONObject) -> JSONObject {
        let shaped = shaped(body, as: type)
        guard isAction else { return shaped }
        // The description begins some parameters with a capital, which no documented request does.
        return JSONObject(
            shaped.map { name, value in
                (name.contains("@") ? name : name.prefix(1).lowercased() + name.dropFirst(), value)
            })
    }

    private func shaped(_ object: JSONObject, as declared: GraphType) -> JSONObject {
        let own = object["@odata.type"]?.string.map { $0.first == "#" ? String($0.dropFirst()) : $0 }
        let type = own.flatMap(types.type(named:)) ?? declared
        var properties: [String: GraphProperty] = [:]
        for property in types.properties(of: type) { properties[property.name.lowercased()] = property }
        return JSONObject(
            object.map { name, value in
                guard let property = properties[name.lowercased()] else { return (name, value) }
                return (property.name, shaped(value, as: property))
            })
    }

    private func shaped(_ value: JSONValue, as property: GraphProperty) -> JSONValue {
        guard property.isCollection else { return element(value, of: property.type) }
        switch value {
        case .null: return .null
        case .array(let items): return .array(items.map { element($0, of: property.type) })
        // `@{}` stands for no item, as in the documented ways to remove licences.
        case .object(let object) where object.isEmpty: return []
        default: return [element(value, of: property.type)]
        }
    }

    private func element(_ value: JSONValue, of type: String) -> JSONValue {
        switch (value, type) {
        case (.object(let object), _):
            return types.type(named: type).map { .object(shaped(object, as: $0)) } ?? value
        case (.int(let number), "Edm.String"): return .string(String(number))
        case (.string(let text), "Edm.Int16"), (.string(let text), "Edm.Int32"), (.string(let text), "Edm.Int64"):
            return Int64(text).map { .int($0) } ?? value
        default: return value
        }
    }
}
