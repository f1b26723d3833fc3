package import MMCore

/// Checks the body of a request, before a person is asked about it and before it is sent, for what its declared type
/// can't hold: properties that the type doesn't have, and values of another type.
package struct BodyCheck: Sendable {
    /// A member that can't be right.
    package struct Fault: Sendable, Hashable {
        /// What is wrong with a member.
        package enum Problem: Sendable, Hashable {
            /// The type has no such member; the names are those that were probably meant.
            case unknown(near: [String])
            /// The value isn't of the declared type, which is described in words.
            case value(String)
        }

        /// The member as written, with the members around it: `message.toRecipients[0]`.
        package let name: String
        /// The type that the member is, or isn't, declared in; of an action, its name.
        package let type: String
        /// What is wrong with it.
        package let problem: Problem
    }

    private let types = GraphTypeTable.standard

    /// Creates a check with the tables that come with the program.
    package init() {}

    /// Returns whether the body of a call is one object, as that of nearly all calls; a few take a list.
    package func takesObject(_ method: String, _ target: RequestTarget) -> Bool {
        target.service == .graph && DeclaredBody(method.uppercased(), target) != nil
    }

    /// Returns the first fault of a body; `nil` if there is none, or if the tables don't suffice to tell.
    package func fault(_ method: String, _ target: RequestTarget, body: JSONObject) -> Fault? {
        // Beta has more properties than the tables describe.
        guard target.service == .graph, target.version != "beta", !body.isEmpty,
            let declared = DeclaredBody(method.uppercased(), target)
        else { return nil }
        var members = Members(types: types)
        guard declared.isAction else {
            return members.fault(in: body, of: declared.type, at: "", isComplete: true)
        }
        // Some services take more parameters of actions than the description has, but none takes others alone.
        let names = declared.names.map { $0.prefix(1).lowercased() + $0.dropFirst() }
        let known = Set(names.map { $0.lowercased() })
        if !known.isEmpty, let first = body.keys.first,
            body.keys.allSatisfy({ !known.contains($0.lowercased()) && !Members.isBeside($0) })
        {
            let action = declared.type.name.split(separator: "/").last.map(String.init) ?? declared.type.name
            return Fault(name: first, type: action, problem: .unknown(near: names))
        }
        return members.fault(in: body, of: declared.type, at: "", isComplete: false)
    }
}

/// The members of the types that a body is made of; those of each type are looked up once.
private struct Members {
    let types: GraphTypeTable
    private var known: [String: [String: GraphProperty]] = [:]

    init(types: GraphTypeTable) { self.types = types }

    /// Whether a member isn't described by any type: an annotation, a reference by address, or an extension, whose name
    /// contains an underscore or a dot.
    static func isBeside(_ name: String) -> Bool { name.contains { "@_.".contains($0) } }

    /// Returns whether a name is a misspelt one, and no name of its own such as `targetId` beside `target`.
    private static func isSlip(_ name: String, of known: String) -> Bool {
        NearestNames.isSlip(name, of: known) && !NearestNames.of(name, among: [known]).isEmpty
            && !name.lowercased().hasPrefix(known.lowercased())
    }

    /// Returns the first fault within an object.
    /// - Parameters:
    ///   - place: the members around the object, with a dot behind them.
    ///   - isComplete: whether the description has all members. Documented requests have others within their objects
    ///     and among the parameters of actions (`assignment.targetId`), so only a slip of a known name is a fault
    ///     there.
    mutating func fault(
        in object: JSONObject, of type: GraphType, at place: String, isComplete: Bool
    ) -> BodyCheck.Fault? {
        // With `@odata.type` the object has the members of the type that it names.
        guard object["@odata.type"] == nil else { return nil }
        let members = members(of: type)
        for (name, value) in object where !Self.isBeside(name) {
            guard let member = members[name.lowercased()] else {
                let names = members.values.map(\.name).sorted()
                guard isComplete || names.contains(where: { Self.isSlip(name, of: $0) }),
                    !takesOthers(type)
                else { continue }
                let near = NearestNames.of(name, among: names)
                return BodyCheck.Fault(name: place + name, type: type.name, problem: .unknown(near: near))
            }
            if let fault = fault(of: value, member, in: type, at: place + name) { return fault }
        }
        return nil
    }

    private mutating func fault(
        of value: JSONValue, _ member: GraphProperty, in type: GraphType, at name: String
    ) -> BodyCheck.Fault? {
        guard value != .null else { return nil }
        guard member.isCollection else { return fault(ofOne: value, member.type, in: type, at: name) }
        guard let items = value.array else {
            return BodyCheck.Fault(name: name, type: type.name, problem: .value("a list"))
        }
        for (index, item) in items.enumerated() where item != .null {
            if let fault = fault(ofOne: item, member.type, in: type, at: "\(name)[\(index)]") { return fault }
        }
        return nil
    }

    private mutating func fault(
        ofOne value: JSONValue, _ declared: String, in type: GraphType, at name: String
    ) -> BodyCheck.Fault? {
        if let inner = types.type(named: declared) {
            if let object = value.object { return fault(in: object, of: inner, at: name + ".", isComplete: false) }
            // Of a type without members, such as the JSON of a workbook's cells, any value is one.
            guard !members(of: inner).isEmpty else { return nil }
            return BodyCheck.Fault(name: name, type: type.name, problem: .value("an object of type \(inner.name)"))
        }
        guard let words = Self.expected(declared, instead: value) else { return nil }
        return BodyCheck.Fault(name: name, type: type.name, problem: .value(words))
    }

    /// Returns in words what a simple type takes instead of a value; `nil` for a value that it may take.
    private static func expected(_ type: String, instead value: JSONValue) -> String? {
        let isSimple = value.object == nil && value.array == nil
        switch type {
        case "Edm.Boolean":
            // Documented requests have them as texts too.
            let isText = value.string.map { ["true", "false"].contains($0.lowercased()) } ?? false
            return value.bool == nil && !isText ? "true or false" : nil
        case "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Byte", "Edm.Decimal", "Edm.Double", "Edm.Single":
            // Long numbers may be texts, and infinity is one.
            let isText = value.string.map {
                $0.contains { $0.isLetter || $0 == " " } && !["INF", "-INF", "NaN"].contains($0)
            }
            return !isSimple || value.bool != nil || isText == true ? "a number" : nil
        case "Edm.String", "Edm.Guid", "Edm.DateTimeOffset", "Edm.Date", "Edm.TimeOfDay", "Edm.Duration":
            return isSimple && value.bool == nil ? nil : "a string"
        default: return nil
        }
    }

    /// Whether objects of a type may have members that the description lacks. Objects of the directory, mails and files
    /// are of open types too, but their other members are extensions; the fields of a list's item can have any name.
    private mutating func takesOthers(_ type: GraphType) -> Bool {
        members(of: type).isEmpty || (type.isOpen && types.isBare(type))
    }

    private mutating func members(of type: GraphType) -> [String: GraphProperty] {
        if let found = known[type.name] { return found }
        var found: [String: GraphProperty] = [:]
        for property in types.propertiesOfAll(type) where found[property.name.lowercased()] == nil {
            found[property.name.lowercased()] = property
        }
        known[type.name] = found
        return found
    }
}
