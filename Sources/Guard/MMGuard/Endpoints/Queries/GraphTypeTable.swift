internal import CEndpointTables
internal import MMCore

/// The types of Microsoft Graph v1.0 with their properties, read in place.
package struct GraphTypeTable: Sendable {
    /// The shared instance.
    package static let standard = GraphTypeTable()

    private struct Marks: OptionSet {
        let rawValue: UInt16
        static let open = Marks(rawValue: 1)
        static let abilities = Marks(rawValue: 4)
    }

    private let file: TableFile
    private let types: UnsafeTable
    private let count: UInt32
    private let properties: UnsafeTable

    init() {
        let table = cendpoint_types()
        file = TableFile(table.bytes, length: table.length, magic: "MMY1")
        types = UnsafeTable(file.section(1), size: 36)
        count = UInt32(file.sectionLength(1) / 36)
        properties = UnsafeTable(file.section(2), size: 20)
    }

    /// Returns the type with this name, in any case, with or without `microsoft.graph.`.
    package func type(named name: String) -> GraphType? {
        var wanted = name.lowercased()
        for prefix in ["microsoft.graph.", "graph."] where wanted.hasPrefix(prefix) {
            wanted = String(wanted.dropFirst(prefix.count))
            break
        }
        var low: UInt32 = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let order = file.compareFolded(wanted, with: types.u32(middle, 0))
            if order == 0 { return type(middle) }
            if order > 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Returns the parameters of an action of a type, or of one that it derives from, as a type of their own.
    func action(_ name: String, of type: GraphType) -> GraphType? {
        var row: UInt32? = type.row
        while let current = row {
            if let found = self.type(named: "\(file.string(types.u32(current, 0)))/\(name)") { return found }
            row = base(of: current)
        }
        return nil
    }

    /// Returns the names of types that are similar to a text.
    package func names(near text: String) -> [String] {
        NearestNames.of(
            text,
            among: (0..<count).map { file.string(types.u32($0, 0)) }.filter { !$0.contains(".") && !$0.contains("/") })
    }

    /// Returns the properties of a type, with the inherited ones, in the order of names.
    package func properties(of type: GraphType) -> [GraphProperty] {
        var found: [String: GraphProperty] = [:]
        var row: UInt32? = type.row
        while let current = row {
            for property in own(current) where found[property.name] == nil { found[property.name] = property }
            row = base(of: current)
        }
        return found.values.sorted { $0.name.lowercased() < $1.name.lowercased() }
    }

    /// Returns the properties that an object of a declared type may have: also those of all types that derive from it.
    func propertiesOfAll(_ type: GraphType) -> [GraphProperty] {
        var found = properties(of: type)
        var names = Set(found.map(\.name))
        for row in 0..<count where row != type.row && derives(row, from: type.row) {
            for property in own(row) where names.insert(property.name).inserted { found.append(property) }
        }
        return found
    }

    /// Returns whether a type declares no properties itself.
    func isBare(_ type: GraphType) -> Bool { own(type.row).isEmpty }

    /// Returns whether a type is another one or derives from it.
    package func isKind(_ type: GraphType, of other: GraphType) -> Bool { derives(type.row, from: other.row) }

    private func type(_ row: UInt32) -> GraphType {
        let marks = Marks(rawValue: types.u16(row, 6))
        return GraphType(
            row: row, name: file.string(types.u32(row, 0)), isOpen: marks.contains(.open),
            usualProperties: list(types.u32(row, 16)),
            sorting: .init(plain: list(types.u32(row, 20)), advanced: list(types.u32(row, 24))),
            searching: .init(plain: list(types.u32(row, 28)), advanced: list(types.u32(row, 32))),
            hasAbilities: marks.contains(.abilities))
    }

    private func own(_ row: UInt32) -> [GraphProperty] {
        let first = types.u32(row, 8)
        return (first..<first + UInt32(types.u16(row, 12))).map { place in
            let marks = properties.u32(place, 16)
            return GraphProperty(
                name: file.string(properties.u32(place, 0)), type: file.string(properties.u32(place, 4)),
                isNavigation: marks & 1 != 0, isCollection: marks & 2 != 0, isDescribed: marks & 8 == 0,
                filtering: marks & 4 == 0
                    ? nil : .init(plain: list(properties.u32(place, 8)), advanced: list(properties.u32(place, 12))))
        }
    }

    private func base(of row: UInt32) -> UInt32? {
        let base = types.u16(row, 4)
        return base == 0xffff ? nil : UInt32(base)
    }

    private func derives(_ row: UInt32, from other: UInt32) -> Bool {
        var row: UInt32? = row
        while let current = row {
            if current == other { return true }
            row = base(of: current)
        }
        return false
    }

    private func list(_ offset: UInt32) -> [String] { file.string(offset).split(separator: " ").map(String.init) }
}

/// A property of a type.
package struct GraphProperty: Sendable, Hashable {
    /// The name.
    package let name: String
    /// Its type, without `microsoft.graph.`.
    package let type: String
    /// Whether it is a navigation property, which `$expand` accepts.
    package let isNavigation: Bool
    /// Whether its value is a list.
    package let isCollection: Bool
    /// Whether Graph's description has it, and not its documentation alone. Graph's modules are made from the former.
    package let isDescribed: Bool
    /// The operators that `$filter` accepts for it; `nil` if they are unknown.
    package let filtering: GraphType.Ability?
}

/// A type of Microsoft Graph v1.0.
package struct GraphType: Sendable, Hashable {
    let row: UInt32
    /// The name without `microsoft.graph.`.
    package let name: String
    /// Whether objects may have more properties than are described.
    package let isOpen: Bool
    /// The properties that a short answer shows of each object; empty if none are defined.
    package let usualProperties: [String]
    /// The properties that `$orderby` accepts.
    package let sorting: Ability
    /// The properties that `$search` looks through.
    package let searching: Ability
    /// Whether the operators of `$filter` for its properties are known.
    package let hasAbilities: Bool

    /// The abilities of a query option: without conditions, and with `ConsistencyLevel: eventual` and `$count=true`.
    package struct Ability: Sendable, Hashable {
        /// The names that need no header.
        package let plain: [String]
        /// The names that need the header.
        package let advanced: [String]

        /// Whether there are no abilities.
        package var isEmpty: Bool { plain.isEmpty && advanced.isEmpty }
    }
}
