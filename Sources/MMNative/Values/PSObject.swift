/// The property names of objects that look alike, shared between the rows of one answer.
package final class PSShape: Sendable {
    /// Names in order, as they are shown.
    package let names: [String]
    private let places: [String: Int]

    /// A shape; `nil` when two names differ in case only, which no custom object allows.
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

    /// Where a property stands, case ignored.
    package func place(of name: String) -> Int? {
        places[name] ?? places[name.lowercased()]
    }
}

/// An object with ordered properties.
package struct PSObject: Sendable {
    /// The first type name.
    package var typeName: String
    /// Whether it is a custom object, which has a text of its own and shows `$null` for what it lacks.
    package var isCustom: Bool
    /// Whether the order of all its properties is certain, so that `*` and JSON may list them.
    package var isListable = true
    /// The columns in which it is shown where nothing else is asked for.
    package var view: CmdletView?
    /// The names of its properties.
    package let shape: PSShape
    /// Its values, one a name.
    package let values: [PSValue]

    /// The type name of a plain custom object.
    package static let customType = "System.Management.Automation.PSCustomObject"

    /// An object; `nil` when two names are the same but for case.
    package init?(
        _ pairs: [(String, PSValue)], typeName: String = PSObject.customType, isCustom: Bool = true,
        isListable: Bool = true
    ) {
        guard let shape = PSShape(pairs.map(\.0)) else { return nil }
        self.init(shape: shape, values: pairs.map(\.1), typeName: typeName)
        self.isCustom = isCustom
        self.isListable = isListable
    }

    /// An object of a known shape, with as many values as the shape has names.
    package init(shape: PSShape, values: [PSValue], typeName: String = PSObject.customType) {
        self.shape = shape
        self.values = values
        self.typeName = typeName
        self.isCustom = true
    }

    /// The value of a property, case ignored; `nil` when there is none.
    package subscript(name: String) -> PSValue? {
        shape.place(of: name).map { values[$0] }
    }
}
