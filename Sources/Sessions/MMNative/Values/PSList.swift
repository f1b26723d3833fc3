/// A list that grows: a System.Collections.ArrayList, or a generic list of objects or of texts. Whoever holds it sees
/// what others add.
///
/// `@unchecked Sendable`: only the thread that evaluates a session's script changes a list, and a session runs one script
/// at a time; what leaves a run is only read.
package final class PSList: @unchecked Sendable {
    /// What a list holds.
    enum Kind: Sendable { case arrayList, objects, texts }

    let kind: Kind
    var items: [PSValue]

    /// What it holds.
    package var values: [PSValue] { items }

    init(_ kind: Kind, _ items: [PSValue] = []) {
        self.kind = kind
        self.items = items
    }

    /// The kind of list with a type's name; `nil` for other types.
    static func kind(written name: String) -> Kind? {
        let name = name.lowercased().filter { $0 != " " }
        let short = name.hasPrefix("system.") ? String(name.dropFirst(7)) : name
        if short == "collections.arraylist" { return .arrayList }
        guard short.hasPrefix("collections.generic.list["), short.hasSuffix("]") else { return nil }
        var element = short.dropFirst("collections.generic.list[".count).dropLast()
        if element.hasPrefix("system.") { element = element.dropFirst(7) }
        switch element {
        case "object", "psobject", "pscustomobject", "management.automation.psobject": return .objects
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
        }
    }

    private func element(_ value: PSValue) throws(Interrupt) -> PSValue {
        guard kind == .texts else { return value.plain }
        switch value {
        case .string: return value
        case .int, .long, .bool, .date, .guid, .char: return .string(try PSText.string(value))
        default: throw .handOver("a \(value.typeName) in a list of texts")
        }
    }

    /// Calls a method.
    func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        switch (method, arguments.count, arguments.first) {
        case ("add", 1, let value?):
            items.append(try element(value))
            return kind == .arrayList ? .int(Int32(truncatingIfNeeded: items.count - 1)) : .nothing
        case ("addrange", 1, .array(let more)?):
            for value in more { items.append(try element(value)) }
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
}

/// Copies of what scripts can change in place, so that a run that is given up leaves nothing behind. What several
/// variables share, their copies share.
struct SharedCopies {
    private var tables: [ObjectIdentifier: PSTable] = [:]
    private var lists: [ObjectIdentifier: PSList] = [:]

    mutating func copied(_ value: PSValue) -> PSValue {
        switch value {
        case .array(let items): return .array(items.map { copied($0) })
        case .table(let table):
            if let known = tables[table.identity] { return .table(known) }
            let copy = PSTable(isOrdered: table.isOrdered)
            tables[table.identity] = copy
            for (key, value) in table.entries { _ = copy.add(key, copied(value)) }
            return .table(copy)
        case .list(let list):
            if let known = lists[ObjectIdentifier(list)] { return .list(known) }
            let copy = PSList(list.kind)
            lists[ObjectIdentifier(list)] = copy
            copy.items = list.items.map { copied($0) }
            return .list(copy)
        case .object(let object):
            guard object.values.contains(where: { $0.isShared }) else { return value }
            var made = PSObject(
                shape: object.shape, values: object.values.map { copied($0) }, typeName: object.typeName)
            (made.isCustom, made.isListable, made.isRow, made.view) =
                (object.isCustom, object.isListable, object.isRow, object.view)
            return .object(made)
        default: return value
        }
    }
}

extension PSValue {
    /// Whether the value is, or may hold, something that scripts can change in place.
    fileprivate var isShared: Bool {
        switch self {
        case .array, .table, .list, .object: true
        default: false
        }
    }
}
