import PowerShellSyntax

/// Objects of classes that a script declares (about_Classes): how they are made, and the calls of their methods.
extension Evaluator {
    /// The constructor that is running: its class, and the object that it builds.
    struct Building {
        let type: OwnClass
        let object: PSValue
    }

    // MARK: Making objects

    /// Creates an object: `[Name]::new(…)`.
    func made(_ type: OwnClass, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        var pairs: [(String, PSValue)] = []
        var hidden: [(String, PSValue)] = []
        for own in type.line {
            for property in own.properties where !property.isStatic {
                let pair = (property.name, try initial(property.type))
                if property.isHidden { hidden.append(pair) } else { pairs.append(pair) }
            }
        }
        guard let object = PSObject(pairs, typeName: type.name, isCustom: false, isListable: true) else {
            throw .handOver("properties with one name")
        }
        object.takeClass(type, hidden: hidden)
        let value = PSValue.object(object)
        for own in type.line {
            for property in own.properties where !property.isStatic {
                guard let node = property.initialValue else { continue }
                let first = try within(own, on: value) { () throws(Interrupt) in try worth(of: node) }
                try set(property, of: object, to: first)
            }
        }
        try build(value, as: type, arguments)
        return value
    }

    /// Runs the constructor of a class for an object.
    private func build(_ object: PSValue, as type: OwnClass, _ arguments: [PSValue]) throws(Interrupt) {
        let constructors = type.constructors
        guard !constructors.isEmpty else {
            guard arguments.isEmpty else { throw missing(".ctor", type.name, arguments.count) }
            if let base = type.base { try build(object, as: base, []) }
            return
        }
        let (method, values) = try chosen(constructors, arguments, type.name)
        _ = try run(method, on: object, values, as: Building(type: type, object: object))
    }

    /// Runs `: base(…)`, or the call of the base's constructor that a constructor implies.
    func buildBase(_ node: BaseConstructorCallSyntax) throws(Interrupt) {
        guard let building else { throw .handOver("a base outside of a constructor") }
        guard let base = building.type.base else {
            guard node.arguments.isEmpty else { throw .handOver("a base that takes nothing") }
            return
        }
        var arguments: [PSValue] = []
        for argument in node.arguments { arguments.append(try value(of: argument)) }
        try build(building.object, as: base, arguments)
    }

    /// Returns the value that a property or variable of a type has before one is assigned.
    private func initial(_ type: NamedType?) throws(Interrupt) -> PSValue {
        switch type {
        case .own(.enumeration(let kind))?: return .enumeration(PSEnum(kind, 0))
        case .known(let known)?:
            if let kind = PSEnum.Kind.of(known) {
                return .enumeration(PSEnum(kind, 0))
            }
            switch known {
            case .int: return .int(0)
            case .long: return .long(0)
            case .double: return .double(0)
            case .single: return .single(0)
            case .decimal: return .decimal(PSDecimal(0))
            case .bool: return .bool(false)
            case .byte: return .byte(0)
            case .char: return .char(0)
            case .datetime: return .date(PSDate(ticks: 0, kind: .unspecified))
            case .timespan: return .span(0)
            case .guid: return .guid("00000000-0000-0000-0000-000000000000")
            default: return .null
            }
        case .own?, .collection?, nil: return .null
        }
    }

    // MARK: Properties

    /// Sets a property of an object, converted to the property's type.
    func set(_ name: String, of object: PSObject, _ type: OwnClass, to value: PSValue) throws(Interrupt) {
        guard let (property, _) = type.property(name) else {
            throw .handOver("the property \(name), which the class \(type.name) hasn't")
        }
        try set(property, of: object, to: value)
    }

    private func set(_ property: OwnClass.Property, of object: PSObject, to value: PSValue) throws(Interrupt) {
        guard object.set(property.name, try fitting(value, property)) else {
            throw .handOver("the property \(property.name)")
        }
    }

    /// Returns a value as a property keeps it.
    private func fitting(_ value: PSValue, _ property: OwnClass.Property) throws(Interrupt) -> PSValue {
        let start = "Exception setting \"\(property.name)\": "
        var kept = value.withoutNothing
        if let type = property.type {
            do throws(Interrupt) {
                kept = try cast(kept, to: type)
            } catch {
                guard case .statement(let record) = error else { throw error }
                throw .statement(
                    NativeError(
                        "ExceptionWhenSetting", start + "\"\(record.message)\"", isReadable: record.isReadable))
            }
        }
        let checks = property.checks
        if checks.refusesNothing(in: kept) { throw .handOver("an empty value for \(property.name)") }
        for check in checks.checks {
            guard let fault = try check.fault(of: kept, in: self) else { continue }
            throw .statement(NativeError("ExceptionWhenSetting", start + "\"\(fault)\""))
        }
        if !checks.allowed.isEmpty {
            for item in Cmdlets.list(kept.plain) {
                let text = try PSText.string(item)
                guard checks.allows(text) else {
                    throw .statement(
                        NativeError(
                            "ExceptionWhenSetting", start + "\"The argument \"\(text)\" does not belong to the set.\""))
                }
            }
        }
        return kept
    }

    /// Returns a static property's value; `nil` if the class has no such property.
    func staticProperty(_ name: String, of type: OwnClass) throws(Interrupt) -> PSValue? {
        guard let (property, owner) = type.property(name, isStatic: true) else { return nil }
        try prepare(owner)
        return statics[owner.identity]?[property.name.lowercased()] ?? .null
    }

    /// Sets a static property.
    func setStatic(_ name: String, of type: OwnClass, to value: PSValue) throws(Interrupt) {
        guard let (property, owner) = type.property(name, isStatic: true) else {
            throw .handOver("the static property \(name) of \(type.name)")
        }
        try prepare(owner)
        statics[owner.identity]?[property.name.lowercased()] = try fitting(value, property)
    }

    /// Evaluates the initial values of a class's static properties, once in a run.
    private func prepare(_ type: OwnClass) throws(Interrupt) {
        guard statics[type.identity] == nil else { return }
        // The values of an earlier script's class ended with that script's run here.
        guard type.types === scriptTypes else { throw .handOver("a static member of an earlier script's class") }
        statics[type.identity] = [:]
        for property in type.properties where property.isStatic {
            var value = try initial(property.type)
            if let node = property.initialValue {
                value = try fitting(
                    try within(type, on: nil) { () throws(Interrupt) in try worth(of: node) }, property)
            }
            statics[type.identity]?[property.name.lowercased()] = value
        }
    }

    // MARK: Calls

    /// Calls a method of an object; `nil` if neither its class nor .NET's base of all classes has it.
    /// - Parameter start: the class that is looked through first, for `([Base]$this).Method()`.
    func callMethod(
        _ object: PSObject, _ type: OwnClass, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue? {
        let methods = type.methods(name)
        guard methods.isEmpty else {
            let (method, values) = try chosen(methods, arguments, name)
            return try run(method, on: .object(object), values)
        }
        switch (name.lowercased(), arguments.count) {
        case ("tostring", 0): return .string(type.name)
        case ("gettype", 0): return .ownType(.class(object.ownClass ?? type))
        case ("equals", 1):
            guard case .object(let other) = arguments[0] else { return .bool(false) }
            return .bool(other.identity == object.identity)
        default: throw .handOver("the method \(name), which the class \(type.name) hasn't")
        }
    }

    /// Evaluates `([Base]$this).Method(…)`, which calls the base's own method; `nil` for any other call.
    func baseCall(_ node: InvokeMemberExpressionSyntax, _ name: String) throws(Interrupt) -> PSValue? {
        guard case .paren(let outer) = node.target, case .convert(let cast)? = outer.pureExpression,
            case .own(.class(let base))? = scriptTypes.named(cast.type.typeName.fullName),
            case .object(let object) = try worth(of: cast.operand), let own = object.ownClass, own != base,
            own.extends(base)
        else { return nil }
        guard case .variable(let variable) = cast.operand, variable.path.name.lowercased() == "this" else {
            throw .handOver("a method of the base of an object")
        }
        var arguments: [PSValue] = []
        for argument in node.arguments { arguments.append(try value(of: argument)) }
        return try callMethod(object, base, name, arguments)
    }

    /// Calls a static method, or `new`.
    func callStatic(_ type: OwnType, _ name: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        switch type {
        case .class(let own):
            if name.lowercased() == "new" { return try made(own, arguments) }
            let methods = own.methods(name, isStatic: true)
            guard !methods.isEmpty else { throw .handOver("the method \(name) of \(own.name)") }
            try prepare(own)
            let (method, values) = try chosen(methods, arguments, name)
            return try run(method, on: nil, values)
        case .enumeration(let kind): return try EnumMembers.call(kind, name.lowercased(), arguments)
        case .array:
            guard name.lowercased() == "new", arguments.count == 1 else {
                throw .handOver("the method \(name) of \(type.name)")
            }
            guard case .array(.class) = type else { throw .handOver("an array of \(type.name)") }
            return try Self.newArray(of: .array, arguments[0])
        }
    }

    /// Returns the method that a call with these arguments means, and its parameters' values.
    private func chosen(
        _ methods: [OwnClass.Method], _ arguments: [PSValue], _ name: String
    ) throws(Interrupt) -> (OwnClass.Method, [PSValue]) {
        var fitting = methods.filter { $0.parameters.count == arguments.count }
        guard !fitting.isEmpty else { throw missing(name, name, arguments.count) }
        if fitting.count > 1 {
            fitting = fitting.filter { method in
                zip(method.parameters, arguments).allSatisfy { Self.isExactly($1, $0.type) }
            }
            guard fitting.count == 1 else { throw .handOver("a choice between the methods \(name)") }
        }
        let method = fitting[0]
        var values: [PSValue] = []
        for ((_, type), argument) in zip(method.parameters, arguments) {
            guard let type else {
                values.append(argument.withoutNothing)
                continue
            }
            do throws(Interrupt) {
                // A cast makes objects of tables and texts; whether a call does isn't certain.
                if case .own(let own) = type, let accepted = try own.accepted(argument.withoutNothing) {
                    values.append(accepted)
                } else {
                    values.append(try cast(argument.withoutNothing, to: type))
                }
            } catch {
                guard case .statement = error else { throw error }
                throw .handOver("an argument of another type for the method \(name)")
            }
        }
        return (method, values)
    }

    private func missing(_ method: String, _ name: String, _ count: Int) -> Interrupt {
        .statement(
            NativeError(
                "MethodCountCouldNotFindBest",
                "Cannot find an overload for \"\(name)\" and the argument count: \"\(count)\".", isReadable: true))
    }

    /// Returns whether a value has exactly the type of a parameter.
    private static func isExactly(_ value: PSValue, _ type: NamedType?) -> Bool {
        switch (type, value) {
        case (.known(.string)?, .string), (.known(.int)?, .int), (.known(.long)?, .long), (.known(.bool)?, .bool),
            (.known(.double)?, .double), (.known(.datetime)?, .date), (.known(.hashtable)?, .table),
            (.known(.array)?, .array), (.known(.guid)?, .guid), (.known(.timespan)?, .span),
            (.known(.decimal)?, .decimal):
            true
        case (.own(.enumeration(let kind))?, .enumeration(let own)): own.kind == kind
        case (.own(.class(let own))?, .object(let object)): object.ownClass == own
        default: false
        }
    }

    /// Runs a method or constructor, and returns its value. Only `return` gives one: whatever else the statements emit
    /// is lost.
    private func run(
        _ method: OwnClass.Method, on receiver: PSValue?, _ values: [PSValue], as building: Building? = nil
    ) throws(Interrupt) -> PSValue {
        guard let body = method.node.function.body.body else { throw .handOver("an unusual method") }
        var answer = PSValue.nothing
        try within(method.owner, on: receiver) { () throws(Interrupt) in
            self.building = building
            for ((name, type), value) in zip(method.parameters, values) {
                variables[name.lowercased()] = value
                typed.declare(name.lowercased(), type)
            }
            isMethodBody = true
            do throws(Interrupt) {
                try run(body) { _ in }
            } catch {
                guard case .leaveMethod(let value) = error else { throw error }
                answer = value.withoutNothing
            }
        }
        let written = method.node.returnType?.typeName.fullName
        guard let written, let type = method.owner.types.named(written), type != .known(.void) else { return .nothing }
        if type == .known(.object) { return answer.withoutNothing }
        do throws(Interrupt) {
            return try cast(answer.withoutNothing, to: type)
        } catch {
            guard case .statement = error else { throw error }
            throw .handOver("a result of another type from the method \(method.node.name)")
        }
    }

    /// Evaluates code of a class: it sees the script's variables and its own, and any error in it ends it.
    private func within<Value>(
        _ type: OwnClass, on receiver: PSValue?, _ body: () throws(Interrupt) -> Value
    ) throws(Interrupt) -> Value {
        calls += 1
        let outer = (
            current, rest, given, functionName, functions, cmdlet, self.receiver, building, isMethodBody
        )
        let outerTypes = (scriptTypes, typed)
        typed.enterClass(isOfScript: frames.isEmpty)
        frames.append(variables)
        variables = Scope(within: frames[0])
        (current, rest, given, building, isMethodBody) = (nil, [], nil, nil, false)
        self.receiver = receiver
        scriptTypes = type.types
        tries += 1
        collecting += 1
        defer {
            calls -= 1
            tries -= 1
            collecting -= 1
            variables = frames.removeLast()
            (scriptTypes, typed) = outerTypes
            (current, rest, given, functionName, functions) = (outer.0, outer.1, outer.2, outer.3, outer.4)
            (cmdlet, self.receiver, building, isMethodBody) = (outer.5, outer.6, outer.7, outer.8)
        }
        guard calls <= Self.deepest else { throw .handOver("a deep recursion") }
        return try inside(type.types.source, body)
    }

    /// Returns `[Name]::Member` of a declared type.
    func staticMember(_ name: String, of type: OwnType) throws(Interrupt) -> PSValue {
        switch type {
        case .enumeration(let kind): return try EnumMembers.property(kind, name)
        case .class(let own):
            guard let value = try staticProperty(name, of: own) else {
                throw .handOver("the static property \(name) of \(own.name)")
            }
            return value
        case .array: throw .handOver("the member \(name) of \(type.name)")
        }
    }

    /// Evaluates `[List[Name]]::new(…)` for a declared type; `nil` for any other call.
    func madeCollection(_ node: InvokeMemberExpressionSyntax, _ method: String) throws(Interrupt) -> PSValue? {
        guard node.isStatic, method == "new", case .type(let type) = node.target,
            case .collection(let known, let element)? = scriptTypes.named(type.typeName.fullName),
            let kind = known.listKind
        else { return nil }
        var arguments: [PSValue] = []
        for argument in node.arguments { arguments.append(try value(of: argument)) }
        return try PSList.made(kind, arguments, of: element)
    }

    /// Returns whether a value is of a declared type.
    func isOwn(_ value: PSValue, _ type: OwnType) throws(Interrupt) -> Bool {
        switch (type, value) {
        case (.class(let own), .object(let object)): return object.ownClass?.extends(own) ?? false
        case (.enumeration(let kind), .enumeration(let value)): return value.kind == kind
        case (.array, .array): throw .handOver("the type of a list")
        default: return false
        }
    }

    // MARK: Conversions

    /// Evaluates a cast to a type that a script may have declared.
    func cast(_ value: PSValue, to type: NamedType) throws(Interrupt) -> PSValue {
        if case .own(.enumeration(let kind)) = type {
            guard let made = try Conversion.enumeration(value, kind) else {
                throw .statement(EnumMembers.failure(value, kind))
            }
            return made
        }
        switch type {
        case .known(let known):
            if value.isNull, known.listKind != nil || known.isTypedArray || known == .array { return .null }
            if known == .string { try refuseTyped(within: value) }
            let made = try Conversion.cast(spoken(value, for: known), to: known)
            return known.isTypedArray ? noteTyped(made) : made
        case .own(let own):
            guard let made = try converted(value, to: own) else { throw .handOver("a cast to \(own.name) that fails") }
            return made
        case .collection(let known, let element):
            guard let kind = known.listKind, !value.isNull else { return .null }
            if case .list(let list) = value, list.kind == kind, list.elementType == element { return value }
            guard kind.shape == .list, case .array(let items) = value.plain else { throw .handOver("a cast to a list") }
            return try PSList.made(kind, [.array(items)], of: element)
        }
    }

    /// Converts a value to a declared type; `nil` if that certainly fails.
    func converted(_ value: PSValue, to type: OwnType) throws(Interrupt) -> PSValue? {
        switch type {
        case .enumeration(let kind): return try Conversion.enumeration(value, kind)
        case .array(let element):
            switch value.plain {
            case .null: return .null
            case .array(let items):
                var made: [PSValue] = []
                for item in items {
                    guard let one = try converted(item, to: element) else { return nil }
                    made.append(one)
                }
                return .array(made)
            case let only: return try converted(only, to: element).map { .array([$0]) }
            }
        case .class(let own):
            switch value.plain {
            case .null: return .null
            case .object(let object) where object.ownClass?.extends(own) ?? false: return value
            case .table(let table): return try filled(own, table)
            case let other:
                let fitting = own.constructors.filter { $0.parameters.count == 1 }
                guard fitting.count == 1, Self.isExactly(other, fitting[0].parameters[0].type) else {
                    throw .handOver("a cast of \(other.typeName) to \(own.name)")
                }
                return try made(own, [other])
            }
        }
    }

    /// Makes an object with the properties that a table names.
    func filled(_ type: OwnClass, _ table: PSTable) throws(Interrupt) -> PSValue {
        let constructors = type.constructors
        guard constructors.isEmpty || constructors.contains(where: \.parameters.isEmpty),
            !constructors.contains(where: { $0.parameters.count == 1 })
        else { throw .handOver("a cast of a table to \(type.name)") }
        let made = try made(type, [])
        guard case .object(let object) = made else { return made }
        for (name, value) in table.pairs { try set(name, of: object, type, to: value) }
        return made
    }

    /// Returns objects of declared classes as their text, alone and in lists; any other value unchanged.
    func spoken(_ value: PSValue) throws(Interrupt) -> PSValue {
        switch value {
        case .object(let object):
            guard let type = object.ownClass else { return value }
            return try callMethod(object, type, "ToString", []) ?? value
        case .array(let items) where items.contains(where: { if case .object = $0 { true } else { false } }):
            var texts: [PSValue] = []
            // A list within a list is shown by the name of its type, whatever objects it has.
            for item in items {
                let text = if case .object = item { try spoken(item) } else { item }
                texts.append(text)
            }
            return .array(texts)
        case .list(let list): return try spoken(.array(list.items))
        default: return value
        }
    }

    /// Returns a value that a cast is about to convert, as text where the cast takes the text of objects.
    private func spoken(_ value: PSValue, for type: PSType) throws(Interrupt) -> PSValue {
        type == .string ? try spoken(value) : value
    }
}

/// The members of enumerations that a script declares, and of `[Enum]`.
enum EnumMembers {
    /// Returns the error of a cast that failed.
    static func failure(_ value: PSValue, _ kind: PSEnum.Kind) -> NativeError {
        let names = kind.members.map(\.name)
        guard case .string(let text) = value else {
            return NativeError(
                "UndefinedIntegerToEnum",
                "Cannot convert value \"\(value.text)\" to type \"\(kind.typeName)\" due to enumeration values that are not valid. "
                    + "Specify one of the following enumeration values and try again. The possible enumeration values are "
                    + "\"\(names.joined(separator: ","))\".", isReadable: true)
        }
        return NativeError(
            "SubstringDisambiguationEnumParseThrewAnException",
            "Cannot convert value \"\(text)\" to type \"\(kind.typeName)\". Error: \"Unable to match the identifier name \(text) to a "
                + "valid enumerator name. Specify one of the following enumerator names and try again:\n"
                + names.joined(separator: ", ") + "\"", isReadable: true)
    }

    /// Returns `[Name]::Value`.
    static func property(_ kind: PSEnum.Kind, _ name: String) throws(Interrupt) -> PSValue {
        guard let value = PSEnum(kind, named: name) else { throw .handOver("the member \(name) of \(kind.typeName)") }
        return .enumeration(value)
    }

    /// Calls a static method of an enumeration.
    static func call(_ kind: PSEnum.Kind, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        if case .ownType(.enumeration(let named))? = arguments.first {
            return try listed(named, method, Array(arguments.dropFirst()))
        }
        throw .handOver("the method \(method) of \(kind.typeName)")
    }

    /// Calls a static method of `[Enum]` about an enumeration.
    static func listed(_ kind: PSEnum.Kind, _ method: String, _ rest: [PSValue]) throws(Interrupt) -> PSValue {
        guard kind.isWhole || !["getnames", "getvalues", "isdefined"].contains(method) else {
            throw .handOver("all values of \(kind.typeName)")
        }
        switch (method, rest.count, rest.first) {
        case ("getnames", 0, _): return .array(kind.members.map { .string($0.name) })
        case ("getvalues", 0, _): return .array(kind.members.map { .enumeration(PSEnum(kind, $0.value)) })
        case ("isdefined", 1, .string(let name)?): return .bool(kind.members.contains { $0.name == name })
        case ("isdefined", 1, .int(let number)?): return .bool(kind.members.contains { $0.value == number })
        case ("isdefined", 1, .enumeration(let own)?) where own.kind == kind:
            return .bool(kind.members.contains { $0.value == own.value })
        case ("getname", 1, .int(let number)?):
            return kind.members.first { $0.value == number }.map { .string($0.name) } ?? .null
        case ("parse", 1...2, .string(let name)?):
            let ignoresCase = rest.count == 2 && rest[1].isTrue
            guard let value = PSEnum(kind, named: name),
                ignoresCase || kind.members.contains(where: { $0.name == name })
            else { throw .handOver("a text that is no value of \(kind.typeName)") }
            return .enumeration(value)
        case ("toobject", 1, .int(let number)?): return .enumeration(PSEnum(kind, number))
        default: throw .handOver("the method \(method) of an enumeration")
        }
    }

    /// Calls a method of a value of a declared enumeration; `nil` if it has no such method here.
    static func call(_ own: PSEnum, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count, arguments.first) {
        case ("gettype", 0, _): return .ownType(.enumeration(own.kind))
        case ("hasflag", 1, let flag?):
            guard case .enumeration(let other)? = try Conversion.enumeration(flag, own.kind) else { return nil }
            return .bool(own.value & other.value == other.value)
        case ("equals", 1, .enumeration(let other)?): return .bool(own == other)
        case ("compareto", 1, .enumeration(let other)?) where other.kind == own.kind:
            return .int(own.value < other.value ? -1 : own.value > other.value ? 1 : 0)
        case ("tostring", 1, .string(let format)?):
            switch format.lowercased() {
            case "g": return .string(own.name)
            case "d": return .string(String(own.value))
            default: return nil
            }
        default: return nil
        }
    }

    /// Calls a method of a declared type, as of a value; `nil` if it has no such method here.
    static func call(of type: OwnType, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard case .enumeration(let kind) = type, arguments.isEmpty else { return nil }
        switch method {
        case "getenumnames": return try listed(kind, "getnames", [])
        case "getenumvalues": return try listed(kind, "getvalues", [])
        default: return nil
        }
    }

    /// Returns a property of a declared type; `nil` if it has none of that name here.
    static func property(of type: OwnType, _ name: String) -> PSValue? {
        switch (type, name.lowercased()) {
        case (_, "name"), (_, "fullname"): .string(type.name)
        case (.enumeration, "isenum"), (.class, "isclass"): .bool(true)
        case (.class, "isenum"), (.enumeration, "isclass"): .bool(false)
        case (.class(let own), "basetype"): own.base.map { .ownType(.class($0)) } ?? .typeInfo("System.Object")
        case (.enumeration, "basetype"): .typeInfo("System.Enum")
        default: nil
        }
    }
}
