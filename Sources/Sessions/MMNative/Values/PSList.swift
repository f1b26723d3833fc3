/// A list that grows: a System.Collections.ArrayList, or a generic list of objects or of texts. Whoever holds it sees
/// what others add.
///
/// `@unchecked Sendable`: only the thread that evaluates a session's script changes a list, and a session runs one script
/// at a time; what leaves a run is only read.
package final class PSList: @unchecked Sendable {
    /// What a list holds.
    enum Kind: Sendable { case arrayList, objects, texts, numbers, textSet }

    let kind: Kind
    /// Whether texts in it that differ only in case are one.
    let ignoresCase: Bool
    var items: [PSValue]

    /// What it holds.
    package var values: [PSValue] { items }

    init(_ kind: Kind, _ items: [PSValue] = [], ignoresCase: Bool = false) {
        self.kind = kind
        self.items = items
        self.ignoresCase = ignoresCase
    }

    /// Makes a list from the arguments of `new`: what it holds at first, for how much it has room, how it compares.
    static func made(_ kind: Kind, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        var first: [PSValue] = []
        var ignoresCase = false
        for argument in arguments {
            switch argument {
            case .int: break
            case .array(let items): first = items
            case .list(let list): first = list.items
            case .string where kind == .texts || kind == .textSet: first = [argument]
            default:
                guard kind == .textSet, let countsCase = TextComparer.countsCase(argument) else {
                    throw .handOver("an unusual list")
                }
                ignoresCase = !countsCase
            }
        }
        let list = PSList(kind, ignoresCase: ignoresCase)
        for item in first { _ = try list.call("add", [item]) }
        return .list(list)
    }

    /// The kind of list with a type's name; `nil` for other types.
    static func kind(written name: String) -> Kind? {
        let name = name.lowercased().filter { $0 != " " }
        let short = name.hasPrefix("system.") ? String(name.dropFirst(7)) : name
        if short == "collections.arraylist" { return .arrayList }
        if ["collections.generic.hashset[string]", "collections.generic.hashset[system.string]"].contains(short) {
            return .textSet
        }
        let beginnings = ["collections.generic.list[", "collections.generic.list`1["]
        guard let beginning = beginnings.first(where: short.hasPrefix), short.hasSuffix("]") else { return nil }
        var element = short.dropFirst(beginning.count).dropLast()
        if element.hasPrefix("["), element.hasSuffix("]") { element = element.dropFirst().dropLast() }
        if element.hasPrefix("system.") { element = element.dropFirst(7) }
        switch element {
        case "object", "psobject", "pscustomobject", "management.automation.psobject", "hashtable",
            "collections.hashtable", "management.automation.pscustomobject":
            return .objects
        case "int", "int32": return .numbers
        case "string": return .texts
        default: return nil
        }
    }

    /// The name of its .NET type.
    var typeName: String {
        switch kind {
        case .arrayList: "System.Collections.ArrayList"
        case .objects: "System.Collections.Generic.List`1[System.Object]"
        case .texts: "System.Collections.Generic.List`1[System.String]"
        case .numbers: "System.Collections.Generic.List`1[System.Int32]"
        case .textSet: "System.Collections.Generic.HashSet`1[System.String]"
        }
    }

    /// Whether it is of a type or interface; `nil` where that isn't certain.
    func isOf(_ type: PSValue) -> Bool? {
        guard case .type(let type) = type else { return nil }
        if let kind = type.listKind { return kind == self.kind }
        switch type {
        case .anysequence: return true
        // A set has neither order nor the interfaces of lists.
        case .anylist, .anycollection: return kind == .textSet ? nil : true
        case .bool, .int, .long, .double, .single, .string, .datetime, .array, .hashtable, .anytable, .char, .decimal,
            .timespan, .guid, .version, .texts, .ints:
            return false
        default: return nil
        }
    }

    private func element(_ value: PSValue) throws(Interrupt) -> PSValue {
        if kind == .numbers { return try Conversion.cast(value, to: .int) }
        guard kind == .texts || kind == .textSet else { return value.plain }
        switch value {
        case .string: return value
        case .int, .long, .bool, .date, .guid, .char: return .string(try PSText.string(value))
        default: throw .handOver("a \(value.typeName) in a list of texts")
        }
    }

    /// Calls a method.
    func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        switch (method, arguments.count, arguments.first) {
        case ("add", 1, let value?) where kind == .textSet:
            let text = try element(value)
            guard try place(of: text) == nil else { return .bool(false) }
            items.append(text)
            return .bool(true)
        case ("contains", 1, let value?) where kind == .textSet: return .bool(try place(of: value) != nil)
        case ("remove", 1, let value?):
            let found = try place(of: value)
            if let found { items.remove(at: found) }
            return kind == .arrayList ? .nothing : .bool(found != nil)
        case ("indexof", 1, let value?): return .int(Int32(try place(of: value) ?? -1))
        case ("add", 1, let value?):
            items.append(try element(value))
            return kind == .arrayList ? .int(Int32(truncatingIfNeeded: items.count - 1)) : .nothing
        case ("addrange", 1, .array(let more)?):
            for value in more { items.append(try element(value)) }
            return .nothing
        case ("addrange", 1, .list(let other)?): return try call(method, [.array(other.items)])
        case ("addrange", 1, .string?) where kind == .texts: throw .handOver("a text as a range")
        case ("addrange", 1, let only?) where !only.isNull: return try call("add", [only]).isNull ? .nothing : .nothing
        case ("sort", 0, _) where kind == .texts || kind == .numbers:
            var failure: Interrupt?
            items.sort { left, right in
                do throws(Interrupt) {
                    return try KeyOrder.compare(left, right, ignoringCase: false, isDescending: false) < 0
                } catch {
                    failure = error
                    return false
                }
            }
            if let failure { throw failure }
            return .nothing
        case ("clear", 0, _):
            items = []
            return .nothing
        case ("reverse", 0, _):
            items.reverse()
            return .nothing
        case ("toarray", 0, _): return .array(items)
        case ("contains", 1, _): return try Methods.call(.array(items), "Contains", arguments)
        case ("insert", 2, .int(let place)?) where place >= 0 && Int(place) <= items.count:
            items.insert(try element(arguments[1]), at: Int(place))
            return .nothing
        case ("removeat", 1, .int(let place)?) where place >= 0 && Int(place) < items.count:
            items.remove(at: Int(place))
            return .nothing
        default: throw .handOver("the method \(method) of a list")
        }
    }

    /// Where an equal element stands: of the same type, texts unit by unit, objects the same one.
    private func place(of wanted: PSValue) throws(Interrupt) -> Int? {
        for (index, item) in items.enumerated() {
            switch (item, wanted) {
            case (.string(let text), .string(let other)):
                if text.utf8.elementsEqual(other.utf8) { return index }
                guard ignoresCase else { continue }
                guard text.isASCII && other.isASCII || text.lowercased() != other.lowercased() else {
                    throw .handOver("the case of text beyond ASCII")
                }
                if text.lowercased() == other.lowercased() { return index }
            case (.int(let number), .int(let other)):
                if number == other { return index }
            case (.object(let object), .object(let other)):
                if object.identity == other.identity { return index }
            case (.guid(let text), .guid(let other)):
                if text == other { return index }
            case (.string, _), (_, .string), (.null, _), (_, .null), (.object, _), (_, .object): continue
            case (.table(let table), .table(let other)):
                if table.identity == other.identity { return index }
            default: throw .handOver("a search in a list of \(item.typeName)")
            }
        }
        return nil
    }
}

/// Copies of what scripts can change in place, so that a run that is given up leaves nothing behind. What several
/// variables share, their copies share.
struct SharedCopies {
    private var tables: [ObjectIdentifier: PSTable] = [:]
    private var lists: [ObjectIdentifier: PSList] = [:]
    private var objects: [ObjectIdentifier: PSObject] = [:]

    mutating func copied(_ value: PSValue) -> PSValue {
        switch value {
        case .array(let items): return .array(items.map { copied($0) })
        case .table(let table):
            if let known = tables[table.identity] { return .table(known) }
            let copy = PSTable(isOrdered: table.isOrdered, countsCase: table.countsCase)
            tables[table.identity] = copy
            for (key, value) in table.entries { _ = copy.add(key, copied(value)) }
            return .table(copy)
        case .list(let list):
            if let known = lists[ObjectIdentifier(list)] { return .list(known) }
            let copy = PSList(list.kind, ignoresCase: list.ignoresCase)
            lists[ObjectIdentifier(list)] = copy
            copy.items = list.items.map { copied($0) }
            return .list(copy)
        case .object(let object):
            if let known = objects[object.identity] { return .object(known) }
            var made = PSObject(
                shape: object.shape, values: object.values.map { copied($0) }, typeName: object.typeName)
            (made.isCustom, made.isListable, made.isRow, made.view) =
                (object.isCustom, object.isListable, object.isRow, object.view)
            objects[object.identity] = made
            return .object(made)
        default: return value
        }
    }
}
