/// Properties of `$value.GetType()` and of `[type]`, besides its names.
enum TypeMembers {
    private static let numbers: Set<String> = [
        "System.Int32", "System.Int64", "System.Double", "System.Single", "System.Byte", "System.Char",
        "System.Boolean",
    ]
    private static let values = numbers.union([
        "System.Decimal", "System.DateTime", "System.TimeSpan", "System.Guid", "System.DateTimeOffset",
    ])

    /// Returns the property with a lower-case name of the type with a full name; `nil` if it isn't certain.
    static func property(of full: String, _ name: String) -> PSValue? {
        let isArray = full.hasSuffix("[]")
        let isEnum = PSEnum.Kind.ofLibrary.contains { $0.typeName == full }
        switch name {
        case "isarray": return .bool(isArray)
        case "isenum": return .bool(isEnum)
        case "isvaluetype": return .bool(isEnum || values.contains(full))
        case "isprimitive": return .bool(numbers.contains(full))
        case "isclass": return .bool(!isEnum && !values.contains(full))
        case "namespace": return .string(full.split(separator: ".").dropLast().joined(separator: "."))
        case "basetype":
            if isArray { return .typeInfo("System.Array") }
            if isEnum { return .typeInfo("System.Enum") }
            if values.contains(full) { return .typeInfo("System.ValueType") }
            let plain: Set = [
                "System.String", "System.Collections.Hashtable", "System.Management.Automation.PSCustomObject",
                "System.Collections.ArrayList", "System.Text.StringBuilder", "System.Version", "System.Array",
                "System.ValueType",
            ]
            return plain.contains(full) ? .typeInfo("System.Object") : nil
        default: return nil
        }
    }
}
