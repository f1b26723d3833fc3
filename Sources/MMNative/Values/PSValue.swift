/// A value of the native engine: the closed set of .NET types whose behaviour the engine knows exactly. Scripts that
/// need other types are handed over to a real PowerShell.
package enum PSValue: Sendable {
    /// `$null`.
    case null
    /// System.Boolean.
    case bool(Bool)
    /// System.Int32.
    case int(Int32)
    /// System.Int64.
    case long(Int64)
    /// System.Double.
    case double(Double)
    /// System.Decimal.
    indirect case decimal(PSDecimal)
    /// System.TimeSpan, in ticks of 100 ns.
    case span(Int64)
    /// System.Guid, in its canonical text.
    case guid(String)
    /// System.Version, with the parts that are given.
    case version([Int32])
    /// A value of an enumeration.
    case enumeration(PSEnum)
    /// System.Char, ASCII only.
    case char(UInt8)
    /// System.String.
    case string(String)
    /// System.Object[].
    case array([PSValue])
    /// A hashtable, ordered or not.
    indirect case table(PSTable)
    /// A custom object, or the answer of a cmdlet.
    indirect case object(PSObject)
    /// System.DateTime.
    case date(PSDate)
    /// A script block that hasn't run yet.
    case block(PSBlock)
    /// A literal of one of the types that casts and tests may name.
    case type(PSType)
    /// The type that `GetType()` returns, for System.RuntimeType.Name and similar properties.
    case typeInfo(String)
}

extension PSValue {
    /// The full name of the .NET type, as the `types` of recorded results spell it.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "System.Boolean"
        case .int: "System.Int32"
        case .long: "System.Int64"
        case .double: "System.Double"
        case .decimal: "System.Decimal"
        case .span: "System.TimeSpan"
        case .guid: "System.Guid"
        case .version: "System.Version"
        case .enumeration(let value): value.kind.rawValue
        case .char: "System.Char"
        case .string: "System.String"
        case .array: "System.Object[]"
        case .table(let table):
            table.isOrdered ? "System.Collections.Specialized.OrderedDictionary" : "System.Collections.Hashtable"
        case .object(let object): object.typeName
        case .date: "System.DateTime"
        case .block: "System.Management.Automation.ScriptBlock"
        case .type, .typeInfo: "System.RuntimeType"
        }
    }

    /// Whether this is `$null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The value's truth in a condition.
    package var isTrue: Bool {
        switch self {
        case .null: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .long(let number): number != 0
        case .double(let number): number != 0
        case .decimal(let number): number.digits != 0
        case .enumeration(let value): value.value != 0
        case .char(let unit): unit != 0
        case .string(let text): !text.isEmpty
        case .array(let items):
            switch items.count {
            case 0: false
            case 1:
                // A list within a list counts by its length, not by its contents.
                if case .array(let inner) = items[0] { !inner.isEmpty } else { items[0].isTrue }
            default: true
            }
        case .table, .object, .date, .span, .guid, .version, .block, .type, .typeInfo: true
        }
    }

    /// Combines the output of a pipeline into one value: nothing, the only object, or a list of all.
    package static func collapsed(_ items: [PSValue]) -> PSValue {
        switch items.count {
        case 0: .null
        case 1: items[0]
        default: .array(items)
        }
    }
}

/// The types that casts, `-is` and `-as` may name.
package enum PSType: String, Sendable {
    case bool, int, long, double, string, datetime, array, object, pscustomobject, hashtable, ordered, char
    case decimal, timespan, guid, version, dayofweek, datetimekind, math, regex, convert, void

    /// The type with this name as written; `nil` when the engine doesn't know it.
    package init?(written: String) {
        let name = written.lowercased()
        let short = name.hasPrefix("system.") ? String(name.dropFirst(7)) : name
        switch short {
        case "bool", "boolean": self = .bool
        case "int", "int32": self = .int
        case "long", "int64": self = .long
        case "double": self = .double
        case "string": self = .string
        case "datetime": self = .datetime
        case "array", "object[]": self = short == "array" ? .array : .array
        case "object": self = .object
        case "pscustomobject": self = .pscustomobject
        case "hashtable": self = .hashtable
        case "ordered": self = .ordered
        case "char": self = .char
        case "decimal": self = .decimal
        case "timespan": self = .timespan
        case "guid": self = .guid
        case "version": self = .version
        case "dayofweek": self = .dayofweek
        case "datetimekind": self = .datetimekind
        case "math": self = .math
        case "regex", "text.regularexpressions.regex": self = .regex
        case "convert": self = .convert
        default: return nil
        }
    }
}
