import MMCore
import PowerShellSyntax

/// `.Where()` and `.ForEach()`, which every value has, and the static methods of `[array]`, which change an array in
/// place.
extension Evaluator {
    /// Evaluates `.Where({ }, mode, count)`.
    func filtered(_ items: [PSValue], _ arguments: [PSValue]) throws(Interrupt) -> [PSValue] {
        guard case .block(let block)? = arguments.first, arguments.count <= 3 else {
            throw .handOver("an unusual Where()")
        }
        var mode = "default"
        if arguments.count > 1 {
            guard case .string(let word) = arguments[1] else { throw .handOver("an unusual Where()") }
            mode = word.lowercased()
        }
        var count: Int?
        if arguments.count > 2 {
            guard case .int(let number) = arguments[2], number > 0 else { throw .handOver("an unusual Where()") }
            count = Int(number)
        }
        func holds(_ item: PSValue) throws(Interrupt) -> Bool { try result(of: block, on: item).isTrue }
        var (found, others): ([PSValue], [PSValue]) = ([], [])
        switch mode {
        case "default", "last", "split":
            guard count == nil || mode != "split" else { throw .handOver("an unusual Where()") }
            for item in items {
                if try holds(item) { found.append(item) } else { others.append(item) }
                if mode == "default", found.count == count { break }
            }
            if mode == "last" { found = Array(found.suffix(count ?? 1)) }
            return mode == "split" ? [.array(found), .array(others)] : found
        case "first":
            for item in items where try holds(item) {
                found.append(item)
                if found.count == count ?? 1 { break }
            }
            return found
        case "until", "skipuntil":
            guard count == nil else { throw .handOver("an unusual Where()") }
            for (place, item) in items.enumerated() where try holds(item) {
                return Array(mode == "until" ? items[..<place] : items[place...])
            }
            return mode == "until" ? items : []
        default: throw .handOver("an unusual Where()")
        }
    }

    /// Evaluates `.ForEach({ })`, `.ForEach('Member', …)` and `.ForEach([type])`.
    func each(of items: [PSValue], _ first: PSValue, _ arguments: [PSValue]) throws(Interrupt) -> [PSValue] {
        var found: [PSValue] = []
        switch first {
        case .block(let block) where arguments.count == 1:
            for item in items {
                try run(block, on: item) { (output) throws(Interrupt) in found.append(output) }
            }
        case .type(let type) where arguments.count == 1:
            for item in items { found.append(try Conversion.cast(item, to: type)) }
        case .string(let name):
            let rest = Array(arguments.dropFirst())
            for item in items {
                if rest.isEmpty, let property = try Members.ownProperty(item, name) {
                    found.append(property)
                } else if case .object = item {
                    throw .handOver("a member of each by name")
                } else {
                    found += Cmdlets.list(try Methods.call(item, name, rest, onlyReads: onlyReads))
                }
            }
        default: throw .handOver("an unusual ForEach()")
        }
        return found
    }

    /// Evaluates the methods of a list that take a block as a predicate; `nil` for any other. The block gets the
    /// element as its argument, and `$_` keeps its outer value.
    func searched(_ list: PSList, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        let questions = ["find", "findlast", "findall", "findindex", "exists", "trueforall", "removeall"]
        let isAsked = list.kind.shape == .list ? questions.contains(method) : method == "removewhere"
        guard isAsked, list.kind.shape == .list || list.kind.shape == .set else { return nil }
        guard list.kind != .arrayList, arguments.count == 1, case .block(let block) = arguments[0] else {
            throw .handOver("an unusual \(method) of a list")
        }
        let enumeration = Enumeration(.list(list))
        var places: [Int] = []
        for (place, item) in list.items.enumerated() {
            try step()
            let isFound = PSValue.collapsed(try invoke(block, [item])).isTrue
            // The places are those of a list that stays as it is.
            try enumeration?.check()
            guard isFound else { continue }
            places.append(place)
            if ["find", "findindex", "exists"].contains(method) { break }
        }
        let none: PSValue = list.kind == .numbers ? .int(0) : .null
        switch method {
        case "find": return places.first.map { list.items[$0] } ?? none
        case "findlast": return places.last.map { list.items[$0] } ?? none
        case "findindex": return .int(Int32(places.first ?? -1))
        case "exists": return .bool(!places.isEmpty)
        case "trueforall": return .bool(places.count == list.items.count)
        case "findall": return .list(PSList(list.kind, places.map { list.items[$0] }))
        default:
            list.remove(at: places)
            return .int(Int32(places.count))
        }
    }

    /// Evaluates `$generator.GetBytes($bytes)`, which fills an array of a variable; `nil` for other calls.
    func filledBytes(_ node: InvokeMemberExpressionSyntax, _ method: String, of target: PSValue) throws(Interrupt)
        -> PSValue?
    {
        guard method == "getbytes", case .object(let generator) = target,
            generator.typeName == LibraryTypes.randomType
        else { return nil }
        guard node.arguments.count == 1, case .variable(let variable) = node.arguments[0],
            case .variable(let name) = try place(of: .variable(variable)), case .array(let bytes)? = variables[name]
        else { throw .handOver("random bytes in other than a variable") }
        variables[name] = .array(RandomBytes.make(bytes.count).map { .byte($0) })
        return .nothing
    }

    /// Evaluates `[array]::Sort($x)` and `[array]::Reverse($x)`; `nil` for any other call.
    func changedArray(_ node: InvokeMemberExpressionSyntax, _ method: String) throws(Interrupt) -> PSValue? {
        guard method == "sort" || method == "reverse" else { return nil }
        guard node.arguments.count == 1, case .variable(let variable) = node.arguments[0],
            case .variable(let name) = try place(of: .variable(variable))
        else { throw .handOver("the method \(method) of other than a variable's array") }
        for (place, item) in try changed(name, method).enumerated() { try replace(place, of: name, with: item) }
        return .nothing
    }

    /// Returns the elements of a variable's array in another order; the array itself isn't kept.
    private func changed(_ name: String, _ method: String) throws(Interrupt) -> [PSValue] {
        guard case .array(let items)? = variables[name] else { throw .handOver("the method \(method) of no array") }
        if method == "reverse" { return items.reversed() }
        let kinds = Set(items.map(\.typeName))
        let known = ["System.String", "System.Int32", "System.Double", "System.DateTime"]
        guard kinds.count <= 1, kinds.allSatisfy(known.contains) else {
            throw .handOver("sorting an array of several types")
        }
        return try IntroSort.sorted(items) { (left, right) throws(Interrupt) in
            try KeyOrder.compare(left, right, ignoringCase: false, isDescending: false)
        }
    }

    /// Evaluates the static methods of `[array]` that only read one; `nil` for others.
    static func lookedUp(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard arguments.count == 2, case .array(let items) = arguments[0] else { return nil }
        switch method {
        case "indexof": return try PSList(.objects, items).call("indexof", [arguments[1]])
        case "lastindexof":
            guard case .int(let place) = try PSList(.objects, items.reversed()).call("indexof", [arguments[1]]) else {
                return nil
            }
            return .int(place < 0 ? -1 : Int32(items.count) - 1 - place)
        default: return nil
        }
    }

    /// Returns a new array of one type, with the type's default value for each element.
    static func newArray(of type: PSType, _ count: PSValue) throws(Interrupt) -> PSValue {
        let length = try StepBound.count(count, "an array of an unusual length")
        let zero: PSValue
        switch type.element {
        case .int: zero = .int(0)
        case .long: zero = .long(0)
        case .double: zero = .double(0)
        case .byte: zero = .byte(0)
        case .char: zero = .char(0)
        case .bool: zero = .bool(false)
        case .string, .array: zero = .null
        default: throw .handOver("an array of \(type.rawValue)")
        }
        return .array(Array(repeating: zero, count: length))
    }
}

/// `$object.PSObject.Properties.Remove('Name')` and the like, which change an object.
extension Evaluator {
    /// Evaluates a change of an object's properties; `nil` for any other call.
    func changedProperties(_ node: InvokeMemberExpressionSyntax, _ method: String) throws(Interrupt) -> PSValue? {
        guard method == "remove", node.arguments.count == 1, case .member(let outer) = node.target,
            case .string(let properties) = outer.member, properties.value.lowercased() == "properties",
            case .member(let inner) = outer.target, case .string(let view) = inner.member,
            ["psobject", "members"].contains(view.value.lowercased()),
            case .object(let object) = try worth(of: inner.target)
        else { return nil }
        guard object.isCustom, object.computed.isEmpty else { throw .handOver("a change of \(object.typeName)") }
        object.remove(try PSText.string(try value(of: node.arguments[0])))
        return .nothing
    }
}
