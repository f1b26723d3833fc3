/// A value of an enumeration: one of the few of .NET that scripts name, or one that a script declares.
package struct PSEnum: Sendable, Hashable {
    /// An enumeration.
    package final class Kind: Sendable, Hashable {
        /// The full name of its type.
        let typeName: String
        /// The names, by value; of .NET's own an empty text stands for a value without a name.
        let members: [(name: String, value: Int32)]
        /// Whether its values are combined as bits.
        let isFlags: Bool
        /// The type that casts and type tests use for it; `nil` if a script declares it.
        let type: PSType?

        /// Creates an enumeration that a script declares.
        init(_ name: String, _ members: [(name: String, value: Int32)], isFlags: Bool) {
            typeName = name
            // .NET lists the names in the order of their values' bits.
            self.members = members.sorted { UInt32(bitPattern: $0.value) < UInt32(bitPattern: $1.value) }
            self.isFlags = isFlags
            type = nil
        }

        private init(
            _ name: String, _ members: [(name: String, value: Int32)], _ type: PSType, isFlags: Bool = false
        ) {
            (typeName, self.members, self.isFlags, self.type) = (name, members, isFlags, type)
        }

        private init(_ name: String, _ type: PSType, _ names: [String]) {
            typeName = name
            members = names.enumerated().map { ($1, Int32($0)) }
            isFlags = false
            self.type = type
        }

        /// Returns whether a number is a value of the enumeration, or a combination of values if they are bits.
        func defines(_ number: Int32) -> Bool {
            guard isFlags else { return members.contains { $0.value == number } }
            return number & ~members.reduce(0) { $0 | $1.value } == 0
        }

        /// Returns the name of a value: of bits, the names of all of them; the number if it has no name.
        func name(of number: Int32) -> String {
            if let member = members.first(where: { $0.value == number }) {
                return member.name.isEmpty ? String(number) : member.name
            }
            guard isFlags, number != 0 else { return String(number) }
            var (rest, names): (Int32, [String]) = (number, [])
            for member in members.reversed() where member.value != 0 && rest & member.value == member.value {
                rest &= ~member.value
                names.insert(member.name, at: 0)
            }
            return rest == 0 ? names.joined(separator: ", ") : String(number)
        }

        package static func == (left: Kind, right: Kind) -> Bool { left === right }

        package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

        /// System.DayOfWeek.
        static let dayOfWeek = Kind(
            "System.DayOfWeek", .dayofweek,
            ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"])
        /// System.ConsoleColor.
        static let consoleColor = Kind(
            "System.ConsoleColor", .consolecolor,
            [
                "Black", "DarkBlue", "DarkGreen", "DarkCyan", "DarkRed", "DarkMagenta", "DarkYellow", "Gray",
                "DarkGray", "Blue", "Green", "Cyan", "Red", "Magenta", "Yellow", "White",
            ])
        /// System.DateTimeKind.
        static let dateTimeKind = Kind(
            "System.DateTimeKind", .datetimekind,
            ["Unspecified", "Utc", "Local"])
        /// System.MidpointRounding.
        static let midpointRounding = Kind(
            "System.MidpointRounding", .midpointrounding,
            ["ToEven", "AwayFromZero", "ToZero", "ToNegativeInfinity", "ToPositiveInfinity"])
        /// System.StringComparison.
        static let stringComparison = Kind(
            "System.StringComparison", .stringcomparison,
            [
                "CurrentCulture", "CurrentCultureIgnoreCase", "InvariantCulture", "InvariantCultureIgnoreCase",
                "Ordinal", "OrdinalIgnoreCase",
            ])
        /// System.StringSplitOptions.
        static let splitOptions = Kind(
            "System.StringSplitOptions", .splitoptions,
            ["None", "RemoveEmptyEntries", "TrimEntries"])
        /// System.Text.RegularExpressions.RegexOptions.
        static let regexOptions = Kind(
            "System.Text.RegularExpressions.RegexOptions",
            [
                ("None", 0), ("IgnoreCase", 1), ("Multiline", 2), ("ExplicitCapture", 4), ("Compiled", 8),
                ("Singleline", 16), ("IgnorePatternWhitespace", 32), ("RightToLeft", 64), ("ECMAScript", 256),
                ("CultureInvariant", 512), ("NonBacktracking", 1024),
            ], .regexoptions, isFlags: true)
        /// System.Management.Automation.ErrorCategory.
        static let errorCategory = Kind(
            "System.Management.Automation.ErrorCategory", .errorcategory,
            [
                "NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument",
                "InvalidData", "InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented",
                "NotInstalled", "ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError",
                "PermissionDenied", "ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError",
                "FromStdErr", "SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError",
                "LimitsExceeded", "QuotaExceeded", "NotEnabled",
            ])

        /// System.Management.Automation.ActionPreference.
        static let actionPreference = Kind(
            "System.Management.Automation.ActionPreference", .actionpreference,
            ["SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend", "Break"])
        /// System.Net.HttpStatusCode, with the codes of errors.
        static let httpStatus = Kind(
            "System.Net.HttpStatusCode",
            [
                ("OK", 200), ("Created", 201), ("Accepted", 202), ("NoContent", 204), ("NotModified", 304),
                ("BadRequest", 400), ("Unauthorized", 401), ("Forbidden", 403), ("NotFound", 404),
                ("MethodNotAllowed", 405), ("NotAcceptable", 406), ("RequestTimeout", 408), ("Conflict", 409),
                ("Gone", 410), ("PreconditionFailed", 412), ("RequestEntityTooLarge", 413),
                ("UnsupportedMediaType", 415), ("Locked", 423), ("TooManyRequests", 429),
                ("InternalServerError", 500), ("NotImplemented", 501), ("BadGateway", 502),
                ("ServiceUnavailable", 503), ("GatewayTimeout", 504),
            ], .httpstatus)

        /// .NET's enumerations.
        static let ofLibrary = [
            dayOfWeek, consoleColor, dateTimeKind, midpointRounding, stringComparison, splitOptions, regexOptions,
            errorCategory, actionPreference, httpStatus,
        ]

        /// Whether all of its values are known here.
        var isWhole: Bool { self != .httpStatus }

        /// Returns the enumeration that a type's name names in a script; `nil` for any other.
        static func of(named name: String, in types: ScriptTypes) -> Kind? {
            switch types.named(name) {
            case .known(let type)?: of(type)
            case .own(.enumeration(let own))?: own
            default: nil
            }
        }

        /// Returns .NET's enumeration of a type; `nil` for any other type.
        static func of(_ type: PSType) -> Kind? { ofLibrary.first { $0.type == type } }
    }

    /// The enumeration.
    let kind: Kind
    /// The numeric value.
    let value: Int32

    /// Creates a value from its number.
    init(_ kind: Kind, _ value: Int32) {
        self.kind = kind
        self.value = value
    }

    /// Creates a value from its exact name, ignoring case; `nil` if there is none.
    init?(_ kind: Kind, named name: String) {
        let folded = name.lowercased()
        guard !folded.isEmpty, let member = kind.members.first(where: { $0.name.lowercased() == folded }) else {
            return nil
        }
        self.init(kind, member.value)
    }

    /// Reads a value of an enumeration as PowerShell does: names or a number, ignoring case;
    /// also the beginning of one name alone. `nil` if the text certainly is no value.
    init?(_ kind: Kind, reading text: String) {
        let words = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharactersOfBlanks }
        var sum: Int32 = 0
        for word in words {
            if let number = Int32(word) {
                sum |= number
            } else if let one = PSEnum(kind, named: String(word)) {
                sum |= one.value
            } else {
                let folded = word.lowercased()
                let begun = kind.members.filter { $0.name.lowercased().hasPrefix(folded) }
                guard words.count == 1, !folded.isEmpty, begun.count == 1 else { return nil }
                sum = begun[0].value
            }
        }
        guard kind.defines(sum) else { return nil }
        self.init(kind, sum)
    }

    /// The name, or the number if it has no name.
    var name: String { kind.name(of: value) }
}
