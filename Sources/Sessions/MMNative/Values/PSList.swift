/// A growing collection: a System.Collections.ArrayList, or a generic list, set, queue or stack. It has reference
/// semantics, as in PowerShell.
///
/// `@unchecked Sendable`: only the thread that evaluates a session's script changes a list, and a session runs one
/// script at a time; what leaves a run is only read.
package final class PSList: @unchecked Sendable {
    /// The kinds, each by the word of its `PSType`.
    enum Kind: String, Sendable {
        case arrayList = "arraylist"
        case objects = "objectlist"
        case texts = "textlist"
        case numbers = "numberlist"
        case textSet = "textset"
        case numberSet = "numberset"
        case objectSet = "objectset"
        case queue
        case objectQueue = "objectqueue"
        case textQueue = "textqueue"
        case numberQueue = "numberqueue"
        case stack
        case objectStack = "objectstack"
        case textStack = "textstack"
        case numberStack = "numberstack"
        case objectBag = "objectbag"
        case textBag = "textbag"
        case numberBag = "numberbag"
        /// The columns and the rows of a table.
        case dataColumns = "System.Data.DataColumnCollection"
        case dataRows = "System.Data.DataRowCollection"
        /// The sheets of a workbook.
        case excelSheets = "OfficeOpenXml.ExcelWorksheets"

        /// The group of operations that a kind supports.
        enum Shape: Sendable { case list, set, queue, stack, bag }

        var shape: Shape {
            switch self {
            case .arrayList, .objects, .texts, .numbers, .dataColumns, .dataRows, .excelSheets: .list
            case .textSet, .numberSet, .objectSet: .set
            case .queue, .objectQueue, .textQueue, .numberQueue: .queue
            case .stack, .objectStack, .textStack, .numberStack: .stack
            case .objectBag, .textBag, .numberBag: .bag
            }
        }

        /// Whether it holds only texts.
        var isOfTexts: Bool { [.texts, .textSet, .textQueue, .textStack, .textBag].contains(self) }
        /// Whether it holds only integers.
        var isOfNumbers: Bool { [.numbers, .numberSet, .numberQueue, .numberStack, .numberBag].contains(self) }

        fileprivate init?(generic shape: Substring, of element: Substring) {
            let ending: String
            switch element {
            case "object", "psobject", "pscustomobject", "management.automation.psobject", "hashtable",
                "collections.hashtable", "management.automation.pscustomobject":
                ending = "object"
            case "int", "int32": ending = "number"
            case "string": ending = "text"
            default: return nil
            }
            let words = ["list": "list", "hashset": "set", "queue": "queue", "stack": "stack", "concurrentbag": "bag"]
            guard let word = words[String(shape)] else { return nil }
            self.init(rawValue: ending + word)
        }
    }

    let kind: Kind
    /// Whether texts that differ only in case are equal in it.
    let ignoresCase: Bool
    /// The type of its elements, where the kind doesn't tell it.
    let elementType: NamedType?
    var items: [PSValue] {
        didSet {
            keys = nil
            version &+= 1
        }
    }
    /// Counts the changes of the elements.
    private(set) var version = 0
    /// The columns of the table whose rows these are.
    var columns: PSList?
    /// The rows of the table whose columns these are.
    weak var rows: PSList?
    /// The keys by which a set finds its elements, if all elements have a certain key.
    private var keys: Set<[UInt8]>?
    /// The places of a set's elements, once one was removed.
    private var places: FreedPlaces?

    /// The elements.
    package var values: [PSValue] { items }

    init(_ kind: Kind, _ items: [PSValue] = [], ignoresCase: Bool = false, of elementType: NamedType? = nil) {
        self.kind = kind
        self.elementType = elementType
        self.items = items
        self.ignoresCase = ignoresCase
    }

    deinit { HeldValues.release(&items) }

    /// Returns a separate list with the same elements.
    func copy() -> PSList {
        let copy = PSList(kind, items, ignoresCase: ignoresCase, of: elementType)
        copy.columns = columns
        copy.places = places
        return copy
    }

    /// Creates a list from the arguments of `new`: its elements, its capacity and its comparer.
    static func made(
        _ kind: Kind, _ arguments: [PSValue], of elementType: NamedType? = nil
    ) throws(Interrupt) -> PSValue {
        var first: [PSValue] = []
        var ignoresCase = false
        for argument in arguments {
            switch argument {
            case .int: break
            case .array(let items): first = items
            case .list(let list): first = list.items
            case .string where kind.isOfTexts: first = [argument]
            default:
                guard kind == .textSet, let countsCase = TextComparer.countsCase(argument) else {
                    throw .handOver("an unusual list")
                }
                ignoresCase = !countsCase
            }
        }
        let list = PSList(kind, ignoresCase: ignoresCase, of: elementType)
        let adding = kind.shape == .queue ? "enqueue" : kind.shape == .stack ? "push" : "add"
        for item in first { _ = try list.call(adding, [item]) }
        return .list(list)
    }

    /// Returns the kind of list with a type's name; `nil` for other types.
    static func kind(written name: String) -> Kind? {
        let name = name.lowercased().filter { $0 != " " }
        let short = name.hasPrefix("system.") ? String(name.dropFirst(7)) : name
        switch short {
        case "collections.arraylist": return .arrayList
        case "collections.queue": return .queue
        case "collections.stack": return .stack
        default: break
        }
        guard short.hasSuffix("]"), let open = short.firstIndex(of: "[") else { return nil }
        var shape = short[..<open]
        let isBag = shape.hasPrefix("collections.concurrent.concurrentbag")
        let space = isBag ? "collections.concurrent." : "collections.generic."
        guard shape.hasPrefix(space), isBag || !shape.hasSuffix("bag") else { return nil }
        shape = shape.dropFirst(space.utf8.count)
        if shape.hasSuffix("`1") { shape = shape.dropLast(2) }
        var element = short[open...].dropFirst().dropLast()
        if element.hasPrefix("["), element.hasSuffix("]") { element = element.dropFirst().dropLast() }
        if element.hasPrefix("system.") { element = element.dropFirst(7) }
        return Kind(generic: shape, of: element)
    }

    /// The full name of its .NET type.
    var typeName: String {
        let shape =
            switch kind.shape {
            case .list: "List"
            case .set: "HashSet"
            case .queue: "Queue"
            case .stack: "Stack"
            case .bag: "ConcurrentBag"
            }
        switch kind {
        case .arrayList: return "System.Collections.ArrayList"
        case .queue, .stack: return "System.Collections.\(shape)"
        case .dataColumns, .dataRows, .excelSheets: return kind.rawValue
        default:
            let place = kind.shape == .bag ? "Concurrent" : "Generic"
            let element =
                elementType?.name
                ?? (kind.isOfTexts ? "System.String" : kind.isOfNumbers ? "System.Int32" : "System.Object")
            return "System.Collections.\(place).\(shape)`1[\(element)]"
        }
    }

    /// Returns whether it is of a type or interface; `nil` if that isn't certain.
    func isOf(_ type: PSValue) -> Bool? {
        guard case .type(let type) = type else { return nil }
        if let kind = type.listKind { return kind == self.kind && elementType == nil }
        switch type {
        case .anysequence: return true
        // A set has no order, and doesn't implement the interfaces of lists.
        case .anylist, .anycollection: return kind.shape == .list ? true : nil
        case .bool, .int, .long, .double, .single, .string, .datetime, .array, .hashtable, .anytable, .char, .decimal,
            .timespan, .guid, .version, .texts, .ints:
            return false
        default: return nil
        }
    }

    /// Returns a value as an element that takes another one's place.
    func accepted(_ value: PSValue) throws(Interrupt) -> PSValue {
        do throws(Interrupt) {
            return try element(value)
        } catch {
            guard case .statement = error else { throw error }
            throw .handOver("an element of another type")
        }
    }

    private func element(_ value: PSValue) throws(Interrupt) -> PSValue {
        if let elementType {
            guard let accepted = try elementType.accepted(value) else { throw .handOver("an element of another type") }
            return accepted
        }
        if kind.isOfNumbers { return try Conversion.argument(value, to: .int) }
        guard kind.isOfTexts else { return value.withoutNothing }
        switch value {
        case .string: return value
        case .int, .long, .bool, .date, .guid, .char: return .string(try PSText.string(value))
        default: throw .handOver("a \(value.typeName) in a list of texts")
        }
    }

    /// The methods that add their argument as it is; the others only look at the elements of a list.
    private static let adding: Set<String> = ["add", "insert", "enqueue", "push"]

    /// Calls a method.
    func call(_ method: String, _ given: [PSValue]) throws(Interrupt) -> PSValue {
        let plain = given.map(\.plain)
        if let answer = try DataTable.call(self, method, plain) { return answer }
        let arguments = Self.adding.contains(method) ? given : plain
        switch (method, arguments.count, arguments.first) {
        case ("clear", 0, _):
            clear()
            return .nothing
        case ("toarray", 0, _): return .array(items)
        case ("contains", 1, let value?) where kind.shape == .set: return .bool(try holds(value))
        case ("contains", 1, _) where kind.shape != .bag: return try Methods.call(.array(items), "Contains", arguments)
        default: break
        }
        let answer: PSValue?
        switch kind.shape {
        case .list: answer = try listMethod(method, arguments)
        case .set: answer = try setMethod(method, arguments)
        case .queue, .stack: answer = try queueMethod(method, arguments)
        case .bag: answer = try bagMethod(method, arguments)
        }
        guard let answer else { throw .handOver("the method \(method) of a list") }
        return answer
    }

    private func listMethod(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count, arguments.first) {
        case ("remove", 1, let value?):
            let found = try place(of: value)
            if let found { items.remove(at: found) }
            return kind == .arrayList ? .nothing : .bool(found != nil)
        case ("indexof", 1, let value?): return .int(Int32(try place(of: value) ?? -1))
        case ("add", 1, let value?):
            items.append(try element(value))
            return kind == .arrayList ? .int(Int32(truncatingIfNeeded: items.count - 1)) : .nothing
        case ("addrange", 1, .string?) where kind == .texts: throw .handOver("a text as a range")
        case ("addrange", 1, let more?) where !more.isNull:
            for value in try range(more) { items.append(value) }
            return .nothing
        case ("insertrange", 2, .int(let place)?) where items.indices.contains(Int(place)) || Int(place) == items.count:
            items.insert(contentsOf: try range(arguments[1]), at: Int(place))
            return .nothing
        case ("getrange", 2, _), ("removerange", 2, _):
            guard case .int(let start) = arguments[0], case .int(let count) = arguments[1], start >= 0, count >= 0,
                Int(start) + Int(count) <= items.count
            else { return nil }
            let span = Int(start)..<Int(start) + Int(count)
            if method == "getrange" { return .list(PSList(kind, Array(items[span]), of: elementType)) }
            items.removeSubrange(span)
            return .nothing
        case ("sort", 0, _):
            let kinds = Set(items.map(\.typeName))
            guard kinds.count <= 1, kinds.isSubset(of: ["System.String", "System.Int32", "System.DateTime"]) else {
                return nil
            }
            items = try IntroSort.sorted(items) { (left, right) throws(Interrupt) in
                try KeyOrder.compare(left, right, ignoringCase: false, isDescending: false)
            }
            return .nothing
        case ("reverse", 0, _):
            items.reverse()
            return .nothing
        case ("insert", 2, .int(let place)?) where place >= 0 && Int(place) <= items.count:
            items.insert(try element(arguments[1]), at: Int(place))
            return .nothing
        case ("removeat", 1, .int(let place)?) where place >= 0 && Int(place) < items.count:
            items.remove(at: Int(place))
            return .nothing
        default: return nil
        }
    }

    /// Returns the elements of a collection that is added or compared.
    private func range(_ value: PSValue) throws(Interrupt) -> [PSValue] {
        var range: [PSValue] = []
        let more = Cmdlets.list(value.plain)
        try StepBound.count(items.count + more.count, "a long list")
        for item in more { range.append(try element(item)) }
        return range
    }

    private func setMethod(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard arguments.count == 1 else { return nil }
        switch method {
        case "add":
            let value = try element(arguments[0])
            guard try !holds(value) else { return .bool(false) }
            var known = keys
            keys = nil
            if let key = key(of: value) { known?.insert(key) } else { known = nil }
            items.insert(value, at: places?.add() ?? items.count)
            keys = known
            return .bool(true)
        case "remove":
            guard let found = try place(of: arguments[0]) else { return .bool(false) }
            remove(at: [found])
            return .bool(true)
        default: break
        }
        guard !arguments[0].isNull else { return nil }
        let other = PSList(kind, ignoresCase: ignoresCase, of: elementType)
        for item in try range(arguments[0]) { _ = try other.setMethod("add", [item]) }
        /// The places of the elements that the other set lacks.
        var missing: [Int] = []
        for (place, item) in items.enumerated() where try !other.holds(item) { missing.append(place) }
        let shared = items.count - missing.count
        let isCovered = missing.isEmpty
        let covers = shared == other.items.count
        switch method {
        case "unionwith":
            for item in other.items { _ = try setMethod("add", [item]) }
            return .nothing
        case "exceptwith":
            for item in other.items { _ = try setMethod("remove", [item]) }
            return .nothing
        case "intersectwith":
            if other.items.isEmpty { clear() } else { remove(at: missing) }
            return .nothing
        case "issubsetof": return .bool(isCovered)
        case "issupersetof": return .bool(covers)
        case "setequals": return .bool(isCovered && covers)
        case "overlaps": return .bool(shared > 0)
        default: return nil
        }
    }

    /// Removes all elements; new ones follow in their order.
    private func clear() {
        items = []
        places = nil
    }

    /// Removes the elements at some places, in ascending order.
    func remove(at gone: [Int]) {
        guard !gone.isEmpty else { return }
        if kind.shape == .set {
            if places == nil { places = FreedPlaces(count: items.count) }
            places?.remove(at: gone)
        }
        items.remove(atAll: gone)
    }

    /// Returns the key of an element; `nil` if it isn't certain which values equal it.
    private func key(of value: PSValue) -> [UInt8]? {
        switch value {
        case .string(let text) where kind.isOfTexts:
            if ignoresCase { text.isASCII ? Array(text.lowercased().utf8) : nil } else { Array(text.utf8) }
        case .int(let number) where kind.isOfNumbers: Array(String(number).utf8)
        default: nil
        }
    }

    /// Returns whether a set has an element.
    private func holds(_ value: PSValue) throws(Interrupt) -> Bool {
        if keys == nil {
            let all = items.map { key(of: $0) }
            if !all.contains(nil) { keys = Set(all.compactMap(\.self)) }
        }
        guard let known = keys, let key = key(of: value) else { return try place(of: value) != nil }
        return known.contains(key)
    }

    /// Calls a method of a queue or stack. A stack is enumerated from its last element.
    private func queueMethod(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        let isQueue = kind.shape == .queue
        switch (method, arguments.count) {
        case ("enqueue", 1) where isQueue:
            items.append(try element(arguments[0]))
            return .nothing
        case ("push", 1) where !isQueue:
            items.insert(try element(arguments[0]), at: 0)
            return .nothing
        case ("dequeue", 0) where isQueue, ("pop", 0) where !isQueue, ("peek", 0):
            guard let first = items.first else {
                let names = ["dequeue": "Dequeue", "pop": "Pop", "peek": "Peek"]
                throw .statement(
                    NativeError(
                        "InvalidOperationException",
                        "Exception calling \"\(names[method] ?? "")\" with \"0\" argument(s): "
                            + "\"\(isQueue ? "Queue" : "Stack") empty.\"", isReadable: true))
            }
            if method != "peek" { items.removeFirst() }
            return first
        default: return nil
        }
    }

    /// Calls a method of a bag. .NET enumerates what one thread has added from the last element.
    private func bagMethod(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard method == "add", arguments.count == 1 else { return nil }
        items.insert(try element(arguments[0]), at: 0)
        return .nothing
    }

    /// Returns the index of an equal element: of the same type, with the same code units for texts, identical for
    /// objects.
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
            case (.double(let number), .double(let other)):
                if number == other { return index }
            case (.long(let number), .long(let other)):
                if number == other { return index }
            case (.date(let date), .date(let other)):
                if date.ticks == other.ticks { return index }
            case (.object(let object), .object(let other)):
                if object.identity == other.identity { return index }
            case (.enumeration(let own), .enumeration(let other)):
                if own == other { return index }
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

/// The places of the elements of a .NET set, which puts a new element where the last one was removed.
private struct FreedPlaces {
    /// The place of each element.
    private var taken: [Int]
    /// The free places; the last one was freed last.
    private var free: [Int] = []

    init(count: Int) { taken = Array(0..<count) }

    /// Frees the places of some elements, in ascending order.
    mutating func remove(at indexes: [Int]) {
        free += indexes.map { taken[$0] }
        taken.remove(atAll: indexes)
    }

    /// Takes a place for a new element, and returns how many elements precede it.
    mutating func add() -> Int {
        guard let place = free.popLast() else {
            taken.append(taken.count)
            return taken.count - 1
        }
        let index = taken.firstIndex { $0 > place } ?? taken.count
        taken.insert(place, at: index)
        return index
    }
}

extension Array {
    /// Removes the elements at some places.
    fileprivate mutating func remove(atAll gone: [Int]) {
        if gone.count == 1 {
            remove(at: gone[0])
        } else {
            let gone = Set(gone)
            self = enumerated().filter { !gone.contains($0.offset) }.map(\.element)
        }
    }
}
