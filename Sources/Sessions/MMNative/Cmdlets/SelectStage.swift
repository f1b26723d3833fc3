/// `Select-Object`.
final class SelectStage: Stage {
    private let evaluator: Evaluator
    private let specification: CommandSpecification
    private let properties: [CalculatedProperty]
    private let excluded: [Wildcard]
    private let expanded: String?
    private let first: Int
    private let last: Int
    private let isCounted: Bool
    private var skip: Int
    private let skipLast: Int
    private let indexes: [Int]?
    private let skipsIndexes: Bool
    private let isUnique: Bool
    private let ignoresCase: Bool
    private let waits: Bool
    private var taken = 0
    private var position = 0
    private var filter = 0
    private var queue: [PSValue] = []
    private var queueStart = 0
    private var seen: [PSValue] = []
    private var isFinished = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        specification = command.specification
        let sets: [Set<String>] = [["First", "Last"], ["SkipLast"], ["Index"], ["SkipIndex"]]
        let named = sets.filter { !$0.isDisjoint(with: command.names) }.count
        let isIndexed = command["Index"] != nil || command["SkipIndex"] != nil
        if named > 1 || isIndexed && command["Skip"] != nil || command["SkipLast"] != nil && command.isSet("Wait") {
            throw .statement(
                NativeError(specification.errorID("AmbiguousParameterSet"), "Parameter set cannot be resolved."))
        }
        guard !isIndexed || command["ExpandProperty"] == nil || !command.isSet("Unique") else {
            throw .handOver("an unusual Select-Object")
        }
        first = command.count("First") ?? 0
        last = command.count("Last") ?? 0
        isCounted = command["First"] != nil || command["Last"] != nil
        skip = command.count("Skip") ?? 0
        skipLast = command.count("SkipLast") ?? 0
        skipsIndexes = command["SkipIndex"] != nil
        indexes = isIndexed ? try SelectStage.places(command["Index"] ?? command["SkipIndex"]) : nil
        isUnique = command.isSet("Unique")
        ignoresCase = command.isSet("CaseInsensitive")
        waits = command.isSet("Wait")
        var properties: [CalculatedProperty] = []
        for written in command.properties {
            properties.append(try CalculatedProperty(written, of: command.specification, in: evaluator))
        }
        var excluded: [Wildcard] = []
        for written in Cmdlets.list(command["ExcludeProperty"]) {
            guard case .string(let text) = written else { throw .handOver("an unusual -ExcludeProperty") }
            excluded.append(try evaluator.wildcard(text, ignoringCase: true))
        }
        if !excluded.isEmpty, properties.isEmpty {
            properties = [try CalculatedProperty(.string("*"), of: command.specification, in: evaluator)]
        }
        self.properties = properties
        self.excluded = excluded
        switch command["ExpandProperty"] {
        case nil: expanded = nil
        case .string(let name)? where !Wildcard.isPattern(name) && name.isPlain && !name.isEmpty: expanded = name
        case .array?:
            throw .statement(
                NativeError(
                    specification.errorID("CannotConvertArgument"),
                    "Cannot convert 'System.Object[]' to the type 'System.String' required by parameter 'ExpandProperty'. "
                        + "Specified method is not supported.", category: "InvalidArgument", isReadable: true))
        default: throw .handOver("an unusual -ExpandProperty")
        }
        guard !ignoresCase || isUnique else { throw .handOver("-CaseInsensitive without -Unique") }
    }

    private static func places(_ value: PSValue?) throws(Interrupt) -> [Int] {
        var places: [Int] = []
        for item in Cmdlets.list(value) {
            guard case .int(let place) = item, place >= 0 else { throw .handOver("an unusual -Index") }
            places.append(Int(place))
        }
        return places.sorted()
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull || isFinished { return }
        if let indexes { return try index(item, indexes) }
        // Keeps its queue exactly as the real Select-Object does.
        if last > 0, queue.count - queueStart >= (first == 0 ? last + skip : last) { dequeue() }
        queue.append(item)
        if skip == 0 {
            if skipLast > 0 {
                if queue.count - queueStart > skipLast { try select(dequeue()) }
            } else if taken < first || !isCounted {
                taken += 1
                try select(dequeue())
            } else if last == 0 {
                dequeue()
            }
        } else if last == 0 || first != 0 {
            dequeue()
            skip -= 1
        }
        if isCounted, last == 0, first != 0, taken >= first, !waits { try stop() }
    }

    @discardableResult
    private func dequeue() -> PSValue {
        let item = queue[queueStart]
        queue[queueStart] = .null
        queueStart += 1
        if queueStart >= 1024, queueStart * 2 > queue.count {
            queue.removeFirst(queueStart)
            queueStart = 0
        }
        return item
    }

    private func index(_ item: PSValue, _ indexes: [Int]) throws(Interrupt) {
        let isNamed = filter < indexes.count && indexes[filter] == position
        if isNamed {
            while filter < indexes.count, indexes[filter] == position { filter += 1 }
        }
        position += 1
        if isNamed != skipsIndexes { try select(item) }
        if !skipsIndexes, !waits, filter >= indexes.count { try stop() }
    }

    private func stop() throws(Interrupt) {
        try finish()
        throw .stopUpstream(ObjectIdentifier(self))
    }

    override func finish() throws(Interrupt) {
        guard !isFinished else { return }
        isFinished = true
        if indexes == nil, skipLast == 0 {
            while queue.count > queueStart, first != 0 || queue.count - queueStart > skip { try select(dequeue()) }
        }
        for item in seen { try next(item) }
    }

    private func select(_ item: PSValue) throws(Interrupt) {
        if let expanded { return try expand(item, expanded) }
        try put(properties.isEmpty ? try marked(item) : try cut(item))
    }

    private func put(_ item: PSValue) throws(Interrupt) {
        guard isUnique else { return try next(item) }
        for other in seen where try same(other, item) { return }
        try evaluator.step()
        guard seen.count < 5000 else { throw .handOver("-Unique over many objects") }
        seen.append(item)
    }

    /// Returns whether two objects count as equal. Selected objects are compared property by property; PowerShell
    /// compares whole ones by their text alone, which is empty.
    private func same(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> Bool {
        guard !properties.isEmpty, case .object(let one) = left, case .object(let other) = right else {
            return try KeyOrder.compare(right, left, ignoringCase: ignoresCase, isDescending: false) == 0
        }
        guard one.shape.names.count == other.shape.names.count else { return false }
        for (name, value) in zip(other.shape.names, other.values) {
            guard let known = one[name] else { return false }
            let order = try KeyOrder.compare(
                known.withoutNothing, value.withoutNothing, ignoringCase: ignoresCase, isDescending: false)
            guard order == 0 else { return false }
        }
        return true
    }

    private func expand(_ item: PSValue, _ name: String) throws(Interrupt) {
        let notes = properties.isEmpty ? nil : try cut(item)
        guard let value = try Cmdlets.property(item, name) else {
            let id = specification.errorID("ExpandPropertyNotFound")
            return try report(NativeError(id, "Property \"\(name)\" cannot be found."))
        }
        switch value {
        case .null, .nothing: return
        case .array(let items):
            for item in items where !item.isNull { try put(try noted(item, notes)) }
        default: try put(try noted(value, notes))
        }
    }

    /// Adds the requested properties to an expanded value. A value that isn't an object carries them invisibly until
    /// something asks for them.
    private func noted(_ value: PSValue, _ notes: PSValue?) throws(Interrupt) -> PSValue {
        guard case .object(let notes)? = notes else { return try marked(value) }
        if case .table(let table) = value {
            let copy = table.copy()
            for (name, value) in zip(notes.shape.names, notes.values) where copy[name] == nil {
                copy.set(.string(name), value)
            }
            return .table(copy)
        }
        guard case .object(let object) = value else {
            guard case .string(let text) = value, !isUnique, isLast || evaluator.onlyReads,
                evaluator.collecting == 0 || evaluator.onlyReads
            else { throw .handOver("properties beside a value") }
            for (name, noted) in zip(notes.shape.names, notes.values) { evaluator.note(name, noted, beside: text) }
            return value
        }
        guard object.isCustom else { throw .handOver("properties beside \(object.typeName)") }
        var pairs = zip(object.shape.names, object.values).map { ($0, $1) }
        for (name, value) in zip(notes.shape.names, notes.values) {
            if object[name] != nil {
                let id = specification.errorID("AlreadyExistingUserSpecifiedPropertyExpand")
                try report(NativeError(id, "The property \"\(name)\" already exists."))
            } else {
                pairs.append((name, value))
            }
        }
        guard let made = PSObject(pairs, typeName: "Selected." + PSObject.customType) else {
            throw .handOver("properties beside an object")
        }
        return .object(made)
    }

    /// Gives a custom object that passes through, whole or in part, the type name that Select-Object sets.
    private func marked(_ value: PSValue) throws(Interrupt) -> PSValue {
        guard case .object(var object) = value else {
            // A table that comes from a property passes unchanged; one that was piped in as a whole would be displayed
            // differently.
            if case .table = value, expanded == nil, evaluator.collecting == 0 || !evaluator.onlyReads {
                throw .handOver("a selected table")
            }
            return value
        }
        guard object.isCustom else { return value }
        object.typeName = "Selected." + PSObject.customType
        return .object(object)
    }

    /// The positions of the requested properties in objects of one shape.
    private struct Plan {
        let shape: PSShape
        let places: [Int?]
        let result: PSShape
    }

    private var plan: Plan?

    /// Returns the plan for a shape, if only plain and distinct names are requested.
    private func plan(for object: PSObject) -> Plan? {
        let shape = object.shape
        if let plan, plan.shape === shape { return plan }
        guard excluded.isEmpty else { return nil }
        var places: [Int?] = []
        var names: [String] = []
        for property in properties {
            guard case .name(let name) = property.source, property.label == name else { return nil }
            let place = shape.place(of: name)
            guard place != nil || !name.lowercased().hasPrefix("ps") else { return nil }
            places.append(place)
            names.append(place.map { shape.names[$0] } ?? object.declared?.spelling(of: name) ?? name)
        }
        guard let result = PSShape(names) else { return nil }
        plan = Plan(shape: shape, places: places, result: result)
        return plan
    }

    /// The members of every table, which a name that is no key asks for.
    private static let tableMembers = ["Count", "Keys", "Values"]

    /// Returns the requested members of a table that aren't hidden by keys.
    private func members(of table: PSTable) throws(Interrupt) -> [(String, PSValue)] {
        var found: [(String, PSValue)] = []
        for property in properties {
            guard case .name(let name) = property.source, table[name] == nil,
                let member = Self.tableMembers.first(where: { $0.lowercased() == name.lowercased() }),
                !found.contains(where: { $0.0 == member }),
                let value = try Cmdlets.property(.table(table), member)
            else { continue }
            found.append((member, value))
        }
        return found
    }

    private func cut(_ whole: PSValue) throws(Interrupt) -> PSValue {
        var item = whole
        // The keys of a table can be used as properties here.
        if case .table(let table) = whole, evaluator.onlyReads,
            let object = PSObject(table.pairs + (try members(of: table)))
        {
            item = .object(object)
        }
        if case .object(let object) = item, object.isCustom, object.isListable, let plan = plan(for: object) {
            let values = zip(plan.places, plan.result.names).map { place, name in
                object.declared == nil ? place.map { object.values[$0] } ?? .null : object.read(name) ?? .null
            }
            let cut = PSObject(shape: plan.result, values: values, typeName: SelectStage.selectedCustom)
            cut.takeLists(of: object)
            return .object(cut)
        }
        let typeName: String
        switch item {
        case .object(let object): typeName = object.isCustom ? PSObject.customType : object.typeName
        case .string: typeName = item.typeName
        case .int, .long, .double, .bool, .char, .decimal, .date, .guid, .span, .version:
            // The result spells the names of .NET's own properties as .NET does, which is known here only for dates and
            // times.
            guard properties.allSatisfy({ Self.isCertain($0, of: item) }) else {
                throw .handOver("Select-Object over \(item.typeName)")
            }
            typeName = item.typeName
        default: throw .handOver("Select-Object over \(item.typeName)")
        }
        var pairs: [(String, PSValue)] = []
        pairs.reserveCapacity(properties.count)
        var known = Set<String>()
        var copied = Set<String>()
        var listed: [String] = []
        for property in properties {
            switch property.source {
            case .pattern(let pattern):
                guard case .object(let returned) = item, returned.isListable else {
                    throw .handOver("the properties of \(item.typeName)")
                }
                let object = returned.whole
                for (name, value) in zip(object.shape.names, object.values) where try pattern.matches(name) {
                    if try isExcluded(name) { continue }
                    guard known.insert(name.lowercased()).inserted else {
                        try alreadyThere(name)
                        continue
                    }
                    pairs.append((name, value))
                    copied.insert(name)
                }
            case .name, .block:
                var label = property.label ?? ""
                if case .name(let name) = property.source, name == label {
                    if try isExcluded(label) { continue }
                    label = shownName(label, of: item)
                    copied.insert(label)
                }
                guard known.insert(label.lowercased()).inserted else {
                    try alreadyThere(label)
                    continue
                }
                let value = try calculated(property, item)
                if case .block = property.source, case .array(let items) = value {
                    listed.append(label)
                    evaluator.outputSizes.insert(items.count)
                }
                pairs.append((label, value))
            }
        }
        let names = pairs.map(\.0)
        let shape: PSShape
        if let lastShape, lastShape.names == names {
            shape = lastShape
        } else {
            guard let made = PSShape(names) else { throw .handOver("a property asked twice") }
            shape = made
            lastShape = made
        }
        var made = PSObject(shape: shape, values: pairs.map(\.1), typeName: "Selected." + typeName)
        if case .object(let object) = item {
            made.isRow = object.isRow
            made.takeLists(of: object, copied)
        }
        for name in listed { made.noteOutput(name) }
        return .object(made)
    }

    private static let partsOfDates: Set<String> = [
        "Year", "Month", "Day", "Hour", "Minute", "Second", "Millisecond", "DayOfWeek", "DayOfYear", "Date", "Ticks",
        "Kind", "TimeOfDay",
    ]

    private static func isCertain(_ property: CalculatedProperty, of item: PSValue) -> Bool {
        switch property.source {
        case .block: true
        case .name(let name):
            switch item {
            case .date: partsOfDates.contains(name)
            case .span: PSSpan.names.contains(name)
            // These types have no properties, so that any name is as good as another.
            case .bool, .char, .int, .long, .double: true
            default: false
            }
        case .pattern: false
        }
    }

    private func alreadyThere(_ name: String) throws(Interrupt) {
        guard excluded.isEmpty, expanded == nil else { throw .handOver("a property asked twice") }
        let id = specification.errorID("AlreadyExistingUserSpecifiedPropertyNoExpand")
        try report(NativeError(id, "The property \"\(name)\" already exists."))
    }

    /// Returns a calculated property's value; a failing one is left empty.
    private func calculated(_ property: CalculatedProperty, _ item: PSValue) throws(Interrupt) -> PSValue {
        do throws(Interrupt) {
            return try property.output(for: item, in: evaluator) ?? .null
        } catch {
            switch error {
            case .blockFailed: return .null
            default: throw error
            }
        }
    }

    private static let selectedCustom = "Selected." + PSObject.customType
    private var lastShape: PSShape?

    private func isExcluded(_ name: String) throws(Interrupt) -> Bool {
        for pattern in excluded where try pattern.matches(name) { return true }
        return false
    }

    private func shownName(_ written: String, of item: PSValue) -> String {
        switch item {
        case .object(let object):
            object.shape.place(of: written).map { object.shape.names[$0] } ?? object.declared?.spelling(of: written)
                ?? written
        case .string where written.lowercased() == "length": "Length"
        default: written
        }
    }
}

/// The order of keys in Sort-Object, Group-Object, Get-Unique and Select-Object -Unique: that of `-lt`, or of their
/// texts where `-lt` fails. The text of a custom object is empty there, so that all of them are equal.
enum KeyOrder {
    /// Compares two keys; `nil` stands for a missing property, which comes last in either direction.
    static func compare(
        _ left: PSValue?, _ right: PSValue?, ignoringCase: Bool, isDescending: Bool
    ) throws(Interrupt) -> Int {
        guard let left else { return right == nil ? 0 : 1 }
        guard let right else { return -1 }
        let order = try compare(left, right, ignoringCase)
        return isDescending ? -order : order
    }

    private static func compare(_ left: PSValue, _ right: PSValue, _ ignoringCase: Bool) throws(Interrupt) -> Int {
        switch (left, right) {
        case (.string, .string), (.int, .int), (.null, _), (_, .null):
            return try Comparison.ordered(left, right, ignoringCase: ignoringCase)
        case (.array, _), (_, .array), (.object, _), (_, .object), (.table, _), (_, .table):
            return try Collation.compare(try text(left), try text(right), ignoringCase: ignoringCase)
        case (.block, _), (_, .block), (.type, _), (_, .type), (.typeInfo, _), (_, .typeInfo):
            throw .handOver("sorting by \(left.typeName)")
        default:
            do throws(Interrupt) {
                return try Comparison.ordered(left, right, ignoringCase: ignoringCase)
            } catch {
                guard case .statement = error else { throw error }
                return try Collation.compare(try text(left), try text(right), ignoringCase: ignoringCase)
            }
        }
    }

    private static func text(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .array(let items):
            for item in items {
                switch item {
                case .array, .table: throw .handOver("sorting by lists of lists")
                case .object(let object): try check(object)
                default: continue
                }
            }
            return try PSText.string(value)
        case .object(let object):
            try check(object)
            return try PSText.element(value)
        default: return try PSText.string(value)
        }
    }

    /// Objects of .NET's own and of a script's classes may have an order of their own.
    private static func check(_ object: PSObject) throws(Interrupt) {
        guard object.isCustom, object.ownClass == nil else { throw .handOver("sorting by \(object.typeName)") }
    }
}
