/// A value of one of the few .NET enumerations that dates bring along.
package struct PSEnum: Sendable, Hashable {
    /// Which enumeration.
    package enum Kind: String, Sendable {
        /// System.DayOfWeek.
        case dayOfWeek = "System.DayOfWeek"
        /// System.DateTimeKind.
        case dateTimeKind = "System.DateTimeKind"
    }

    /// The enumeration.
    let kind: Kind
    /// The place of the value in it.
    let value: Int32

    private static func names(_ kind: Kind) -> [String] {
        switch kind {
        case .dayOfWeek: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        case .dateTimeKind: ["Unspecified", "Utc", "Local"]
        }
    }

    /// A value by its place.
    init(_ kind: Kind, _ value: Int32) {
        self.kind = kind
        self.value = value
    }

    /// A value by its name, case ignored; `nil` when there is none of exactly this name.
    init?(_ kind: Kind, named name: String) {
        let folded = name.lowercased()
        guard let place = PSEnum.names(kind).firstIndex(where: { $0.lowercased() == folded }) else { return nil }
        self.init(kind, Int32(place))
    }

    /// The name; a number where there is none.
    var name: String {
        let names = PSEnum.names(kind)
        return names.indices.contains(Int(value)) ? names[Int(value)] : String(value)
    }
}
