/// Copies of values that scripts can change in place, so that an abandoned run leaves no changes behind. A value that
/// is held several times, or that holds itself, is copied once.
///
/// What a value holds is copied after it, rather than within its copy: a chain of values may be longer than the stack.
struct SharedCopies {
    /// The copies, by the identities of their originals.
    private var copies: [ObjectIdentifier: PSValue] = [:]
    /// The copies of arrays, by the places of their elements.
    private var arrays: [UnsafePointer<PSValue>: PSValue] = [:]
    /// The copies that still hold what their originals hold.
    private var unfinished: [PSValue] = []

    /// Returns a copy of a value with everything in it.
    mutating func copied(_ value: PSValue) -> PSValue {
        let copy = begun(value)
        while let next = unfinished.popLast() { finish(next) }
        return copy
    }

    private mutating func begun(_ value: PSValue) -> PSValue {
        switch value {
        case .array(let items): value.holdsOthers ? copied(items) : value
        case .table(let table): copied(table.identity) { .table(table.copy()) }
        case .list(let list): copied(ObjectIdentifier(list)) { .list(list.copy()) }
        case .object(let object): copied(object.identity) { .object(object.copy()) }
        default: value
        }
    }

    private mutating func copied(_ items: [PSValue]) -> PSValue {
        let place = items.withUnsafeBufferPointer(\.baseAddress)
        if let place, let known = arrays[place] { return known }
        let copy = PSValue.array(items.map { begun($0) })
        if let place { arrays[place] = copy }
        return copy
    }

    private mutating func copied(_ original: ObjectIdentifier, _ make: () -> PSValue) -> PSValue {
        if let known = copies[original] { return known }
        let copy = make()
        copies[original] = copy
        unfinished.append(copy)
        return copy
    }

    private mutating func finish(_ copy: PSValue) {
        switch copy {
        case .table(let table): table.replaceValues { begun($0) }
        case .list(let list):
            list.items = list.items.map { begun($0) }
            list.columns = list.columns.map { begun(columns: $0) }
            list.columns?.rows = list
        case .object(let object):
            object.replaceValues { begun($0) }
            object.columns = object.columns.map { begun(columns: $0) }
        default: break
        }
    }

    private mutating func begun(columns: PSList) -> PSList {
        if case .list(let copy) = begun(.list(columns)) { copy } else { columns }
    }
}
