/// A hashtable. Its text keys ignore case unless it is a .NET dictionary. Copies share their contents, as references to
/// a hashtable do in PowerShell.
package struct PSTable: Sendable {
    /// A key as a hashtable compares it: numbers of different types are different keys.
    private enum Key: Hashable {
        case text(String), int(Int32), long(Int64), double(Double), truth(Bool), guid(String), date(Int64)
        case named(PSEnum)

        init?(_ value: PSValue, countsCase: Bool = false) {
            switch value {
            case .string(let text):
                self = .text(countsCase ? text : Collation.folded(text, ignoringCase: true) ?? text.lowercased())
            case .int(let number): self = .int(number)
            case .long(let number): self = .long(number)
            case .double(let number): self = .double(number)
            case .bool(let flag): self = .truth(flag)
            case .guid(let text): self = .guid(text)
            case .date(let date): self = .date(date.ticks)
            case .enumeration(let own) where own.kind.type == nil: self = .named(own)
            default: return nil
            }
        }
    }

    /// The contents that copies of a table share.
    ///
    /// `@unchecked Sendable`: only the thread that evaluates a session's script changes a table, and a session runs one
    /// script at a time; tables that leave a run are only read.
    private final class Contents: @unchecked Sendable {
        /// The entries in their order, and among them the places of removed ones, whose key is nothing.
        var slots: [(key: PSValue, value: PSValue)] = []
        /// The places of removed entries; the last one was freed last.
        var free: [Int] = []
        var places: [Key: Int] = [:]
        /// Counts the changes after which nobody can go on through the table.
        var version = 0

        /// The entries without the places of removed ones.
        var present: [(key: PSValue, value: PSValue)] {
            guard !free.isEmpty else { return slots }
            return slots.filter { if case .nothing = $0.key { false } else { true } }
        }

        /// Gives up the places of removed entries.
        func close() {
            guard !free.isEmpty else { return }
            var moved: [Int] = []
            var next = 0
            for slot in slots {
                moved.append(next)
                if case .nothing = slot.key { continue }
                next += 1
            }
            places = places.mapValues { moved[$0] }
            slots = present
            free = []
        }

        deinit {
            guard slots.contains(where: { $0.value.holdsOthers }) else { return }
            var values = slots.map(\.value)
            slots = []
            HeldValues.release(&values)
        }
    }

    /// The types of tables that scripts can tell apart.
    enum Kind: Sendable {
        /// `@{}`.
        case hashtable
        /// `[ordered]@{}`.
        case ordered
        /// A generic dictionary.
        case dictionary
        /// A dictionary or list that keeps its keys sorted.
        case sorted
        /// A generic dictionary for several threads.
        case concurrent
        /// A table from `ConvertFrom-Json -AsHashtable`: a hashtable that keeps the order of its keys.
        case json
        /// A hashtable that Graph returned. It keeps the order of the answer; PowerShell's order is random.
        case received
        /// An ordered table in the answer of a command.
        case answer
    }

    /// The type of the table.
    let kind: Kind
    /// Whether it is one of .NET's generic dictionaries.
    var isGeneric: Bool { kind == .dictionary || kind == .concurrent || kind == .sorted }
    /// Whether it is a hashtable.
    var isHashtable: Bool { kind == .hashtable || kind == .json || kind == .received }
    /// Whether the order of its keys is certain.
    package var isOrdered: Bool { kind != .hashtable }
    private let contents = Contents()

    /// Whether text keys are case-sensitive, as in .NET's dictionaries.
    let countsCase: Bool
    /// The types of its keys and values in the text of a generic dictionary, where they are known.
    private var arguments: String?
    /// The types that a generic dictionary converts its keys and values to; `nil` for any.
    private var types: (key: NamedType?, value: NamedType?)?

    /// Creates an empty table.
    package init(isOrdered: Bool) { self.init(isOrdered ? .answer : .hashtable) }

    /// Creates an empty hashtable for an answer of Graph.
    package static func received() -> PSTable { PSTable(.received) }

    /// Creates an empty generic dictionary, as .NET's libraries return it, whose keys ignore case.
    package static func dictionary() -> PSTable {
        var table = PSTable(.dictionary)
        table.arguments = "[System.String,System.Object]"
        return table
    }

    /// Creates an empty table of a type.
    /// - Parameter countsCase: whether text keys are case-sensitive.
    init(_ kind: Kind, countsCase: Bool = false) {
        self.kind = kind
        self.countsCase = countsCase
    }

    /// Counts the changes after which nobody can go on through the table.
    var version: Int { contents.version }
    /// Whether new values of its keys, and fewer keys, disturb nobody who goes through it.
    private var takesChanges: Bool { kind == .dictionary || kind == .concurrent }
    /// Whether a new key takes the place of the one that was removed last, which shows in the order of its keys.
    private var reusesPlaces: Bool { takesChanges || kind == .hashtable }

    /// The full name of its .NET type.
    var typeName: String {
        switch kind {
        case .hashtable, .received: "System.Collections.Hashtable"
        case .ordered, .answer: "System.Collections.Specialized.OrderedDictionary"
        case .dictionary: "System.Collections.Generic.Dictionary`2"
        case .sorted: "System.Collections.Generic.SortedDictionary`2"
        case .concurrent: "System.Collections.Concurrent.ConcurrentDictionary`2"
        case .json: "System.Management.Automation.OrderedHashtable"
        }
    }

    /// The text of the table, which is the name of its type.
    var text: String {
        get throws(Interrupt) {
            guard isGeneric else { return typeName }
            guard let arguments else { throw .handOver("the text of a dictionary") }
            return typeName + arguments
        }
    }

    /// The type of the entries of a hashtable, and that of a generic dictionary's.
    static let (entryType, pairType) =
        ("System.Collections.DictionaryEntry", "System.Collections.Generic.KeyValuePair`2")

    private static let (entryShape, pairShape) = (PSShape(["Name", "Key", "Value"]), PSShape(["Key", "Value"]))

    /// The entries as the objects that `GetEnumerator()` returns. PowerShell gives those of hashtables a name.
    var entryObjects: [PSValue] {
        guard let shape = isGeneric ? Self.pairShape : Self.entryShape else { return [] }
        return entries.map { entry in
            let own = [entry.key, entry.value]
            var object = PSObject(
                shape: shape, values: isGeneric ? own : [entry.key] + own,
                typeName: isGeneric ? Self.pairType : Self.entryType)
            object.isCustom = false
            if !isGeneric { object.view = CmdletView.ofEntries }
            return .object(object)
        }
    }

    /// Returns an entry as JSON has it after a pipeline has wrapped it: the name comes last. Any other value stays as
    /// it is.
    static func wrappedEntry(_ value: PSValue) -> PSValue {
        guard case .object(let object) = value, object.typeName == entryType, let key = object["Key"],
            let made = PSObject([("Key", key), ("Value", object["Value"] ?? .null), ("Name", key)])
        else { return value }
        return .object(made)
    }

    /// The keys as written, with their values.
    package var entries: [(key: PSValue, value: PSValue)] { contents.present }

    /// Returns the value of the key at an index of an ordered table. The places of removed keys are given up first, so
    /// that a loop over the indexes goes through the table once.
    func value(at index: Int) -> PSValue {
        contents.close()
        return contents.slots[index].value
    }

    /// The keys as text, with their values.
    package var pairs: [(key: String, value: PSValue)] {
        entries.map { entry in
            if case .string(let text) = entry.key { return (text, entry.value) }
            return ((try? PSText.string(entry.key)) ?? "", entry.value)
        }
    }

    /// The number of keys.
    package var count: Int { contents.slots.count - contents.free.count }

    /// Returns whether a value can be a key, and which keys equal it is certain.
    static func accepts(_ key: PSValue) -> Bool {
        if case .string(let text) = key { return text.isPlain || Collation.folded(text, ignoringCase: true) != nil }
        return Key(key) != nil
    }

    /// Returns the value of a text key, ignoring case.
    package subscript(key: String) -> PSValue? { self[.string(key)] }

    /// Returns the value of a key; text keys ignore case, unless they are case-sensitive.
    package subscript(key: PSValue) -> PSValue? {
        Key(key, countsCase: countsCase).flatMap { contents.places[$0] }.map { contents.slots[$0].value }
    }

    /// Adds a text key; returns `false` if it already exists.
    package func add(_ key: String, _ value: PSValue) -> Bool { add(.string(key), value) }

    /// Adds a key; returns `false` if it already exists.
    package func add(_ key: PSValue, _ value: PSValue) -> Bool {
        guard let own = Key(key, countsCase: countsCase), contents.places[own] == nil else { return false }
        if kind == .sorted {
            return insert(key, value, at: entries.firstIndex { Self.precedes(key, $0.key) } ?? count)
        }
        if reusesPlaces, let place = contents.free.popLast() {
            contents.places[own] = place
            contents.slots[place] = (key, value)
        } else {
            contents.places[own] = contents.slots.count
            contents.slots.append((key, value))
        }
        if kind != .concurrent { contents.version &+= 1 }
        return true
    }

    /// Returns whether a sorted table has a key before another one.
    private static func precedes(_ key: PSValue, _ other: PSValue) -> Bool {
        switch (key, other) {
        case (.string(let text), .string(let other)):
            ((try? Collation.compare(text, other, ignoringCase: false)) ?? 0) < 0
        default: ((try? Comparison.ordered(key, other, ignoringCase: false)) ?? 0) < 0
        }
    }

    /// Returns .NET's message for adding a key that exists.
    func refusal(ofTaken key: PSValue) -> String {
        if isGeneric { return "An item with the same key has already been added. Key: \(key.text)" }
        let own = Key(key, countsCase: countsCase).flatMap { contents.places[$0] }.map { contents.slots[$0].key }
        return "Item has already been added. Key in dictionary: '\((own ?? key).text)'  Key being added: '\(key.text)'"
    }

    /// Sets the value of a key, and adds the key if it doesn't exist.
    func set(_ key: PSValue, _ value: PSValue) {
        guard let own = Key(key, countsCase: countsCase), let place = contents.places[own] else {
            _ = add(key, value)
            return
        }
        contents.slots[place].value = value
        // An ordered table takes over how the key is written.
        if kind == .ordered || kind == .answer { contents.slots[place].key = key }
        if !takesChanges { contents.version &+= 1 }
    }

    /// Removes a key; returns `false` if it doesn't exist.
    @discardableResult
    func remove(_ key: PSValue) -> Bool {
        guard let own = Key(key, countsCase: countsCase), let place = contents.places.removeValue(forKey: own) else {
            return false
        }
        contents.slots[place] = (.nothing, .nothing)
        contents.free.append(place)
        if !reusesPlaces, contents.free.count > contents.slots.count / 2 { contents.close() }
        if !takesChanges { contents.version &+= 1 }
        return true
    }

    /// Inserts a new key before the entry at an index; returns `false` if the key exists.
    func insert(_ key: PSValue, _ value: PSValue, at place: Int) -> Bool {
        guard let own = Key(key, countsCase: countsCase), contents.places[own] == nil else { return false }
        contents.close()
        for (other, index) in contents.places where index >= place { contents.places[other] = index + 1 }
        contents.places[own] = place
        contents.slots.insert((key, value), at: place)
        contents.version &+= 1
        return true
    }

    /// Removes every key.
    func clear() {
        contents.slots = []
        contents.free = []
        contents.places = [:]
        if kind != .concurrent { contents.version &+= 1 }
    }

    /// Returns a separate table with the same keys and values.
    func copy() -> PSTable {
        var copy = PSTable(kind, countsCase: countsCase)
        (copy.types, copy.arguments) = (types, arguments)
        copy.contents.slots = contents.slots
        copy.contents.free = contents.free
        copy.contents.places = contents.places
        copy.contents.close()
        return copy
    }

    /// Replaces each value by another one.
    func replaceValues(_ change: (PSValue) -> PSValue) {
        for place in contents.places.values { contents.slots[place].value = change(contents.slots[place].value) }
    }

    /// Identifies the table among its copies.
    var identity: ObjectIdentifier { ObjectIdentifier(contents) }

    /// Whether the order of the keys is certain; .NET enumerates an unordered table by hash.
    package var hasCertainOrder: Bool { isOrdered || count < 2 }

    /// Whether its keys may come in any order, because all are texts: .NET seeds the hashes of texts anew in each
    /// process, so that every order may occur in a run. Other keys have an order of .NET's own.
    var mayHaveAnyOrder: Bool {
        hasCertainOrder || entries.allSatisfy { if case .string = $0.key { true } else { false } }
    }

    /// Returns whether its keys have an order in which they can be shown.
    /// - Parameter takesAnyOrder: whether any order that may occur in a run will do.
    func hasOrder(orAny takesAnyOrder: Bool) -> Bool { takesAnyOrder ? mayHaveAnyOrder : hasCertainOrder }
}

extension PSTable {
    /// Returns the same generic dictionary with the types that its name as written gives its keys and values.
    func typed(as written: String, _ types: ScriptTypes) -> PSTable {
        var table = self
        let arguments = types.arguments(of: written)
        if arguments.count == 2 { table.types = (arguments[0], arguments[1]) }
        return table
    }

    /// Hands over a key that a dictionary would convert.
    func refuse(key: PSValue) throws(Interrupt) {
        guard let type = types?.key?.known, let name = NamedType.fullName(of: type), type != .object else { return }
        guard key.isNull || key.typeName == name else { throw .handOver("a key of another type") }
    }

    /// Returns a value as one that the table keeps.
    func accepted(_ value: PSValue) throws(Interrupt) -> PSValue {
        guard let type = types?.value, type != .known(.object), type != .known(.pscustomobject) else { return value }
        if case .known(let known) = type, NamedType.fullName(of: known) == nil || known == .array || known == .hashtable
        {
            // What isn't a single value has its type already.
            switch value {
            case .list, .array, .table, .object: return value
            default: throw .handOver("a value of another type in a dictionary")
            }
        }
        if case .known(let known) = type, value.typeName == NamedType.fullName(of: known) { return value }
        if case .collection = type { return value }
        do throws(Interrupt) {
            if let accepted = try type.accepted(value) { return accepted }
        } catch {
            guard case .statement = error else { throw error }
        }
        throw .handOver("a value of another type in a dictionary")
    }

    /// Returns what a dictionary's methods give for a missing key.
    func missing() throws(Interrupt) -> PSValue {
        switch types?.value?.known {
        case nil, .object?, .string?, .pscustomobject?, .hashtable?: return .null
        case .int?: return .int(0)
        case .long?: return .long(0)
        case .double?: return .double(0)
        case .bool?: return .bool(false)
        default: throw .handOver("the default of a dictionary's values")
        }
    }
}
