/// A value of one of the few .NET enumerations that scripts name.
package struct PSEnum: Sendable, Hashable {
    /// The supported enumerations.
    package enum Kind: String, Sendable {
        /// System.DayOfWeek.
        case dayOfWeek = "System.DayOfWeek"
        /// System.ConsoleColor.
        case consoleColor = "System.ConsoleColor"
        /// System.DateTimeKind.
        case dateTimeKind = "System.DateTimeKind"
        /// System.MidpointRounding.
        case midpointRounding = "System.MidpointRounding"
        /// System.StringComparison.
        case stringComparison = "System.StringComparison"
        /// System.StringSplitOptions.
        case splitOptions = "System.StringSplitOptions"
        /// System.Text.RegularExpressions.RegexOptions.
        case regexOptions = "System.Text.RegularExpressions.RegexOptions"
        /// System.Management.Automation.ErrorCategory.
        case errorCategory = "System.Management.Automation.ErrorCategory"

        /// The type that casts and type tests use for it.
        var type: PSType {
            switch self {
            case .dayOfWeek: .dayofweek
            case .consoleColor: .consolecolor
            case .dateTimeKind: .datetimekind
            case .midpointRounding: .midpointrounding
            case .stringComparison: .stringcomparison
            case .splitOptions: .splitoptions
            case .regexOptions: .regexoptions
            case .errorCategory: .errorcategory
            }
        }

        /// The number of named values.
        var count: Int32 { Int32(PSEnum.names(self).count) }
    }

    /// The enumeration.
    let kind: Kind
    /// The numeric value.
    let value: Int32

    fileprivate static func names(_ kind: Kind) -> [String] {
        switch kind {
        case .dayOfWeek: ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        case .consoleColor:
            [
                "Black", "DarkBlue", "DarkGreen", "DarkCyan", "DarkRed", "DarkMagenta", "DarkYellow", "Gray",
                "DarkGray", "Blue", "Green", "Cyan", "Red", "Magenta", "Yellow", "White",
            ]
        case .dateTimeKind: ["Unspecified", "Utc", "Local"]
        case .stringComparison:
            [
                "CurrentCulture", "CurrentCultureIgnoreCase", "InvariantCulture", "InvariantCultureIgnoreCase",
                "Ordinal",
                "OrdinalIgnoreCase",
            ]
        case .splitOptions: ["None", "RemoveEmptyEntries", "TrimEntries"]
        // An empty text stands for a value without a name.
        case .regexOptions: ["None", "IgnoreCase", "Multiline", "", "ExplicitCapture", "", "", "", "Compiled"]
        case .errorCategory:
            [
                "NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument",
                "InvalidData", "InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented",
                "NotInstalled", "ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError",
                "PermissionDenied", "ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError",
                "FromStdErr", "SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError",
                "LimitsExceeded", "QuotaExceeded", "NotEnabled",
            ]
        case .midpointRounding:
            ["ToEven", "AwayFromZero", "ToZero", "ToNegativeInfinity", "ToPositiveInfinity"]
        }
    }

    /// Creates a value from its number.
    init(_ kind: Kind, _ value: Int32) {
        self.kind = kind
        self.value = value
    }

    /// Creates a value from its exact name, ignoring case; `nil` if there is none.
    init?(_ kind: Kind, named name: String) {
        let folded = name.lowercased()
        guard !folded.isEmpty, let place = PSEnum.names(kind).firstIndex(where: { $0.lowercased() == folded }) else {
            return nil
        }
        self.init(kind, Int32(place))
    }

    /// The name, or the number if it has no name.
    var name: String {
        let names = PSEnum.names(kind)
        guard names.indices.contains(Int(value)), !names[Int(value)].isEmpty else { return String(value) }
        return names[Int(value)]
    }
}
