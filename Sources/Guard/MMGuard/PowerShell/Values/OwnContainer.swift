internal import PowerShellSyntax

/// The kinds of lists and tables that a script makes for itself, of which a value surely has one.
///
/// A method that a list lacks is called by PowerShell on each of its elements, and those may be anything.
struct OwnContainer: OptionSet, Sendable, Hashable {
    let rawValue: UInt8
    /// `@(…)` and `'a', 'b'`: adding to it or removing from it fails.
    static let array = OwnContainer(rawValue: 1)
    static let list = OwnContainer(rawValue: 2)
    static let set = OwnContainer(rawValue: 4)
    static let queue = OwnContainer(rawValue: 8)
    static let stack = OwnContainer(rawValue: 16)
    /// A table, or an object with properties of its own: nothing is ever called on its values.
    static let table = OwnContainer(rawValue: 32)
    /// An object of a class of the script: only its properties may be set, and its operators may return anything.
    static let object = OwnContainer(rawValue: 64)

    /// The kind of the values of a type, as written in brackets: `[Collections.Generic.List[object]]`, `[ArrayList]`;
    /// `nil` for other types, and for those with elements that aren't harmless.
    static func of(_ type: TypeNameSyntax) -> OwnContainer? {
        switch type.form {
        case .name(let name, nil): return simple[PureTypes.plain(name.asciiLowercased)]
        case .generic(let open, let arguments):
            guard case .name(let name, nil) = open.form,
                arguments.allSatisfy({ PureTypes.contains($0.fullName) || of($0) != nil })
            else { return nil }
            let plain = PureTypes.plain(name.asciiLowercased)
            let prefix = "collections.generic."
            return generic[plain.hasPrefix(prefix) ? String(plain.dropFirst(prefix.utf8.count)) : plain]
        case .name, .array: return nil
        }
    }

    /// What a variable with such a value holds after `+=`: PowerShell makes an array of every list.
    var extended: OwnContainer {
        if contains(.object) { return [] }
        let tables = intersection(.table)
        return self == tables ? self : tables.union(.array)
    }

    /// Returns whether a method, in lower case, is one of its own, which only reads it or changes its elements.
    func has(_ method: String) -> Bool {
        guard !isEmpty else { return false }
        return Self.methods.allSatisfy { isDisjoint(with: $0.kind) || $0.names.contains(method) }
    }

    private static let simple: [String: OwnContainer] = [
        "collections.arraylist": .list, "collections.hashtable": .table, "hashtable": .table,
        "collections.specialized.ordereddictionary": .table,
    ]

    private static let generic: [String: OwnContainer] = [
        "list": .list, "dictionary": .table, "hashset": .set, "queue": .queue, "stack": .stack,
        "sorteddictionary": .table,
    ]

    private static let methods: [(kind: OwnContainer, names: Set<String>)] = [
        (.object, []),
        (.array, ["add", "insert", "remove", "removeat", "clear", "contains", "indexof", "getenumerator"]),
        (
            .list,
            [
                "add", "addrange", "insert", "remove", "removeat", "clear", "contains", "indexof", "getenumerator",
                "toarray", "sort", "reverse",
            ]
        ),
        (.set, ["add", "remove", "clear", "contains", "getenumerator", "trygetvalue"]),
        (.queue, ["enqueue", "dequeue", "peek", "clear", "contains", "getenumerator", "toarray"]),
        (.stack, ["push", "pop", "peek", "clear", "contains", "getenumerator", "toarray"]),
        (
            .table,
            [
                "add", "insert", "remove", "removeat", "clear", "contains", "containskey", "containsvalue",
                "getenumerator", "trygetvalue",
            ]
        ),
    ]
}
