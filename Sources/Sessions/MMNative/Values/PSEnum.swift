/// A value of one of the few .NET enumerations that dates involve.
package struct PSEnum: Sendable, Hashable {
    /// The supported enumerations.
    package enum Kind: String, Sendable {
        /// System.DayOfWeek.
        case dayOfWeek = "System.DayOfWeek"
        /// System.DateTimeKind.
        case dateTimeKind = "System.DateTimeKind"
        /// System.MidpointRounding.
        case midpointRounding = "System.MidpointRounding"

        /// The type that casts and tests name it by.
        var type: PSType {
            switch self {
            case .dayOfWeek: .dayofweek
            case .dateTimeKind: .datetimekind
            case .midpointRounding: .midpointrounding
            }
        }

        /// How many values have a name.
        var count: Int32 { Int32(PSEnum.names(self).count) }
    }

    /// The enumeration.
    let kind: Kind
    /// The numeric value.
    let value: Int32

    fileprivate static func names(_ kind: Kind) -> [String] {
        switch kind {
        case .dayOfWeek: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        case .dateTimeKind: ["Unspecified", "Utc", "Local"]
        case .midpointRounding:
            ["ToEven", "AwayFromZero", "ToZero", "ToNegativeInfinity", "ToPositiveInfinity"]
        }
    }

    /// Creates a value from its number.
    init(_ kind: Kind, _ value: Int32) {
        self.kind = kind
        self.value = value
    }

    /// Creates a value from its exact name, ignoring case; `nil` when there is none.
    init?(_ kind: Kind, named name: String) {
        let folded = name.lowercased()
        guard let place = PSEnum.names(kind).firstIndex(where: { $0.lowercased() == folded }) else { return nil }
        self.init(kind, Int32(place))
    }

    /// The name, or the number where there is no name.
    var name: String {
        let names = PSEnum.names(kind)
        return names.indices.contains(Int(value)) ? names[Int(value)] : String(value)
    }
}
