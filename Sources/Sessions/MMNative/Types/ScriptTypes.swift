import PowerShellSyntax

/// A type that a script names.
enum NamedType: Hashable, Sendable {
    /// One of the engine's.
    case known(PSType)
    /// One that the script declares.
    case own(OwnType)
    /// A list, set, queue or stack whose elements have a type that the script declares, or one of the values of .NET.
    indirect case collection(PSType, of: NamedType)

    /// The engine's type; `nil` for any other.
    var known: PSType? { if case .known(let type) = self { type } else { nil } }

    /// The full names of the values of .NET that collections may hold besides texts, integers and objects.
    static let valueNames: [PSType: String] = [
        .double: "System.Double", .long: "System.Int64", .single: "System.Single", .decimal: "System.Decimal",
        .bool: "System.Boolean", .datetime: "System.DateTime", .timespan: "System.TimeSpan", .guid: "System.Guid",
        .char: "System.Char", .byte: "System.Byte", .version: "System.Version",
    ]

    /// Returns the full name of a type that values have; `nil` for others.
    static func fullName(of type: PSType) -> String? {
        switch type {
        case .string: "System.String"
        case .int: "System.Int32"
        case .object: "System.Object"
        case .array: "System.Array"
        case .hashtable: "System.Collections.Hashtable"
        case .pscustomobject: PSObject.customType
        default: valueNames[type]
        }
    }

    /// The full name of a type of elements.
    var name: String {
        switch self {
        case .known(let type): Self.valueNames[type] ?? type.rawValue
        case .own(let own): own.name
        case .collection(let type, let element): "\(type.rawValue)[\(element.name)]"
        }
    }

    /// Returns the value as an element of this type: `nil` if it can't be one.
    func accepted(_ value: PSValue) throws(Interrupt) -> PSValue? {
        switch self {
        case .known(let type): return value.isNull ? nil : try Conversion.converted(value, to: type)
        case .own(let own): return try own.accepted(value)
        case .collection: return nil
        }
    }
}

/// A type that a script declares, or arrays of one.
package enum OwnType: Hashable, Sendable {
    /// An enumeration.
    case enumeration(PSEnum.Kind)
    /// A class.
    case `class`(OwnClass)
    /// Arrays with elements of a declared type.
    indirect case array(OwnType)

    /// The name of the type.
    var name: String {
        switch self {
        case .enumeration(let kind): kind.typeName
        case .class(let own): own.name
        case .array(let element): element.name + "[]"
        }
    }

    /// Returns the value as one of this type, where that needs none of the type's code: `nil` if it can't be one.
    func accepted(_ value: PSValue) throws(Interrupt) -> PSValue? {
        switch self {
        case .enumeration(let kind): return try Conversion.enumeration(value, kind)
        case .class(let own):
            if value.isNull { return .null }
            guard case .object(let object) = value, let actual = object.ownClass, actual.extends(own) else {
                throw .handOver("\(value.typeName) as a \(own.name)")
            }
            return value
        case .array(let element):
            guard case .array(let items) = value.plain else { return value.isNull ? .null : nil }
            var accepted: [PSValue] = []
            for item in items {
                guard let one = try element.accepted(item) else { return nil }
                accepted.append(one)
            }
            return .array(accepted)
        }
    }
}

/// What a script declares about types: its enumerations and classes, and the namespaces (`using namespace`) in which
/// the names of others are looked for. Every type that a script names is read here.
package final class ScriptTypes: Sendable {
    /// The UTF-16 units of the script, to which the extents of the definitions refer.
    let source: [UInt16]
    /// The definitions in their order.
    let definitions: [TypeDefinitionSyntax]
    private let namespaces: [String]
    private let places: [String: Int]
    private let kinds: [String: PSEnum.Kind]
    /// Whether it reads types that were never compared with a real PowerShell.
    private let isWide: Bool

    /// The types of a script that declares none.
    static let none = ScriptTypes(of: nil, source: [], isWide: false)

    /// Reads what the top of a script declares.
    /// - Parameter isWide: whether types may be read that were never compared with a real PowerShell.
    init(of root: ScriptBlockSyntax?, source: [UInt16], isWide: Bool) {
        self.source = source
        self.isWide = isWide
        definitions = root?.definedTypes ?? []
        namespaces = (root?.usings ?? []).compactMap { $0.kind == .namespace ? $0.name?.value : nil }
        var places: [String: Int] = [:]
        var kinds: [String: PSEnum.Kind] = [:]
        for (place, node) in definitions.enumerated() {
            let name = node.name.lowercased()
            places[name] = place
            if node.kind == .enum { kinds[name] = Self.kind(of: node) }
        }
        (self.places, self.kinds) = (places, kinds)
    }

    /// Returns the type with a name as written; `nil` if the engine doesn't know it.
    func named(_ written: String) -> NamedType? {
        if places.isEmpty, namespaces.isEmpty, !isWide { return PSType(written: written).map { .known($0) } }
        let name = written.filter { $0 != " " }
        if let own = own(name) { return .own(own) }
        guard name.hasSuffix("]"), !name.hasSuffix("[]"), let open = name.firstIndex(of: "[") else {
            return known(name) { $0 }
        }
        var arguments = Self.arguments(name[open...].dropFirst().dropLast())
        if !arguments.contains(where: { own($0) != nil }), let type = PSType(written: name) { return .known(type) }
        var element: NamedType?
        for (place, argument) in arguments.enumerated() {
            if let own = own(argument) {
                element = .own(own)
                arguments[place] = "object"
            } else if arguments.count == 1, isWide, case .known(let type)? = known(argument, { $0 }),
                NamedType.valueNames[type] != nil
            {
                element = .known(type)
                arguments[place] = "object"
            } else if PSType(written: argument) == nil, let space = space(of: argument) {
                arguments[place] = space + "." + argument
            }
        }
        let inner = "[" + arguments.joined(separator: ",") + "]"
        guard let type = known(String(name[..<open]), { $0 + inner }) else { return nil }
        guard let element, let known = type.known else { return type }
        if known.listKind != nil { return arguments.count == 1 ? .collection(known, of: element) : nil }
        // Tables keep objects as they are; anything else would be converted, as keys would.
        guard known.tableKind != nil, arguments.count == 2,
            own(Self.arguments(name[open...].dropFirst().dropLast())[0]) == nil,
            case .own(.class) = element
        else { return nil }
        return type
    }

    /// Returns the exception type with a name as written, for `catch`.
    func exception(_ written: String) -> String {
        guard ExceptionType.named(written) == nil else { return written }
        return namespaces.map { $0 + "." + written }.first { ExceptionType.named($0) != nil } ?? written
    }

    /// Returns the declared class with a name.
    func ownClass(_ name: String) -> OwnClass? {
        guard let place = places[name.lowercased()], definitions[place].kind == .class else { return nil }
        return OwnClass(definitions[place], in: self)
    }

    private func own(_ name: String) -> OwnType? {
        if name.hasSuffix("[]") { return own(String(name.dropLast(2))).map { .array($0) } }
        if let kind = kinds[name.lowercased()] { return .enumeration(kind) }
        return ownClass(name).map { .class($0) }
    }

    private func known(_ name: String, _ whole: (String) -> String) -> NamedType? {
        if let type = PSType(written: whole(name)) { return .known(type) }
        for space in namespaces {
            if let type = PSType(written: whole(space + "." + name)) { return .known(type) }
        }
        return nil
    }

    private func space(of name: String) -> String? { namespaces.first { PSType(written: $0 + "." + name) != nil } }

    /// Returns the types among the arguments of a generic type as written; `nil` for one that isn't known here.
    func arguments(of written: String) -> [NamedType?] {
        let name = written.filter { $0 != " " }
        guard name.hasSuffix("]"), let open = name.firstIndex(of: "[") else { return [] }
        return Self.arguments(name[open...].dropFirst().dropLast()).map { named($0) }
    }

    /// Returns the arguments of a generic type.
    private static func arguments(_ text: Substring) -> [String] {
        var (depth, found): (Int, [String]) = (0, [""])
        for character in text {
            if character == "," && depth == 0 {
                found.append("")
                continue
            }
            depth += character == "[" ? 1 : character == "]" ? -1 : 0
            found[found.count - 1].append(character)
        }
        return found.map { $0.hasPrefix("[") && $0.hasSuffix("]") ? String($0.dropFirst().dropLast()) : $0 }
    }

    // MARK: Enumerations

    /// Returns the enumeration that a definition declares; `nil` if the engine doesn't support it.
    private static func kind(of node: TypeDefinitionSyntax) -> PSEnum.Kind? {
        var isFlags = false
        for attribute in node.attributes {
            let name = attribute.typeName.fullName.lowercased()
            guard ["flags", "flagsattribute", "system.flags", "system.flagsattribute"].contains(name) else {
                return nil
            }
            isFlags = true
        }
        guard node.baseTypes.allSatisfy({ PSType(written: $0.typeName.fullName) == .int }) else { return nil }
        var members: [(name: String, value: Int32)] = []
        var next: Int32 = 0
        for case .property(let member) in node.members {
            if let written = member.initialValue {
                guard let value = constant(written, members, of: node.name) else { return nil }
                next = value
            }
            // Which of two names .NET shows for one value isn't certain.
            guard !members.contains(where: { $0.value == next }) else { return nil }
            members.append((member.name, next))
            next &+= 1
        }
        return PSEnum.Kind(node.name, members, isFlags: isFlags)
    }

    /// Returns the value of a constant expression; `nil` if the engine doesn't support it.
    private static func constant(
        _ node: ExpressionSyntax, _ known: [(name: String, value: Int32)], of type: String
    ) -> Int32? {
        switch node {
        case .number(let number):
            if case .int32(let value) = number.value { return value }
            return nil
        case .paren(let paren): return paren.pureExpression.flatMap { constant($0, known, of: type) }
        case .unary(let unary) where unary.op == .minus:
            return constant(unary.operand, known, of: type).flatMap { $0 == .min ? nil : -$0 }
        case .member(let member):
            guard member.isStatic, case .type(let owner) = member.target, case .string(let name) = member.member,
                owner.typeName.fullName.lowercased() == type.lowercased()
            else { return nil }
            return known.first { $0.name.lowercased() == name.value.lowercased() }?.value
        case .binary(let binary):
            guard let left = constant(binary.left, known, of: type), let right = constant(binary.right, known, of: type)
            else { return nil }
            switch binary.op {
            case .bor: return left | right
            case .band: return left & right
            case .bxor: return left ^ right
            case .shl where (0..<31).contains(right): return left << right
            case .plus:
                let (sum, overflow) = left.addingReportingOverflow(right)
                return overflow ? nil : sum
            default: return nil
            }
        default: return nil
        }
    }
}
