/// The property names of objects with the same layout, shared between the rows of one answer.
package final class PSShape: Sendable {
    /// The names in display order.
    package let names: [String]
    private let places: [String: Int]

    /// Creates a shape; `nil` when two names differ only in case, which custom objects don't allow.
    package init?(_ names: [String]) {
        self.names = names
        var places: [String: Int] = [:]
        places.reserveCapacity(names.count)
        for (place, name) in names.enumerated() {
            guard places.updateValue(place, forKey: name.lowercased()) == nil else { return nil }
        }
        for (place, name) in names.enumerated() { places[name] = place }
        self.places = places
    }

    /// Returns the index of a property, ignoring case.
    package func place(of name: String) -> Int? {
        places[name] ?? places[name.lowercased()]
    }
}

/// An object with ordered properties.
package struct PSObject: Sendable {
    /// The first of its type names.
    package var typeName: String
    /// Whether this is a custom object, which has a text of its own and shows `$null` for missing properties.
    package var isCustom: Bool
    /// Whether the order of all properties is certain, so that `*` and JSON may list them.
    package var isListable = true
    /// Whether this is a row of a service, or was cut out of one: sizes among its properties are ordered by bytes.
    package var isRow = false
    /// The default columns for displaying the object.
    package var view: CmdletView?
    /// The names of the properties.
    package let shape: PSShape
    /// The values, one per name.
    package let values: [PSValue]

    /// The type name of a plain custom object.
    package static let customType = "System.Management.Automation.PSCustomObject"

    /// Creates an object; `nil` when two names differ only in case.
    package init?(
        _ pairs: [(String, PSValue)], typeName: String = PSObject.customType, isCustom: Bool = true,
        isListable: Bool = true
    ) {
        guard let shape = PSShape(pairs.map(\.0)) else { return nil }
        self.init(shape: shape, values: pairs.map(\.1), typeName: typeName)
        self.isCustom = isCustom
        self.isListable = isListable
    }

    /// Creates an object of a known shape, with as many values as the shape has names.
    package init(shape: PSShape, values: [PSValue], typeName: String = PSObject.customType) {
        self.shape = shape
        self.values = values
        self.typeName = typeName
        self.isCustom = true
    }

    /// The value of a property, ignoring case; `nil` when there is none.
    package subscript(name: String) -> PSValue? {
        shape.place(of: name).map { values[$0] }
    }
}
