public import MMCore

/// A value for the `param` block of a script. Values never become script text.
public enum PowerShellValue: Sendable, Hashable {
    /// A string, number, Boolean, list or table. Strings stay strings, also those that look like dates.
    case json(JSONValue)
    /// A string that must not be shown or logged.
    case secret(Secret)

    /// The value that is sent.
    package var plain: JSONValue {
        switch self {
        case .json(let value): value
        case .secret(let secret): .string(secret.reveal())
        }
    }
}

extension PowerShellValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// Creates a string value.
    public init(stringLiteral value: String) { self = .json(.string(value)) }
    /// Creates an integer value.
    public init(integerLiteral value: Int64) { self = .json(.int(value)) }
    /// Creates a Boolean value.
    public init(booleanLiteral value: Bool) { self = .json(.bool(value)) }
}

/// One script to run in a session, with its arguments and the form of its answer.
public struct PowerShellCommand: Sendable, Hashable {
    /// The form in which records are returned.
    public enum Format: String, Sendable, Hashable {
        /// Objects as JSON.
        case json
        /// Lines, as a console of the given width would show them.
        case text
        /// Objects in the form for another session: each as a text in PowerShell's own XML ("[MS-PSRP]", section
        /// 2.2.5).
        case objects
    }

    /// The script.
    public var script: String
    /// Values for its `param` block, by name without the dash.
    public var parameters: [String: PowerShellValue]
    /// The form of the answer.
    package var format: Format
    /// The depth to which objects are serialised, 1 to 100; 3 by default. Deeper values are replaced by their type
    /// names.
    package var depth: Int?
    /// The width of text in columns, 20 to 10,000; 200 by default.
    package var width: Int?
    /// Whether the script's variables and functions are removed when it ends.
    package var isLocal: Bool
    /// The names in the script that its session doesn't define by itself; they are defined before the script runs.
    package var needs = ScriptNeeds()

    /// Creates a command.
    /// - Parameters:
    ///   - script: the script. A leading byte order mark is removed.
    ///   - parameters: values for its `param` block.
    ///   - format: the form of the answer.
    ///   - depth: the depth to which objects are serialised.
    ///   - width: the width of text in columns.
    ///   - isLocal: whether the script's variables and functions are removed when it ends.
    public init(
        _ script: String, parameters: [String: PowerShellValue] = [:], format: Format = .json, depth: Int? = nil,
        width: Int? = nil, isLocal: Bool = false
    ) {
        // A byte order mark would become part of the script's first word.
        self.script = script.unicodeScalars.first == "\u{FEFF}" ? String(script.unicodeScalars.dropFirst()) : script
        self.parameters = parameters
        self.format = format
        self.depth = depth
        self.width = width
        self.isLocal = isLocal
    }

    /// The maximum nesting depth of a parameter's value.
    private static let valueDepth = 64
    /// The maximum size of a script in bytes.
    package static let scriptLimit = 16 << 20

    /// Checks all fields that a caller may have set wrongly.
    /// - Throws: `invalidInput` or `limitExceeded`, naming the field.
    public func check() throws(MMError) {
        guard script.utf8.count <= Self.scriptLimit else {
            throw MMError(
                .limitExceeded,
                "The script has \(script.utf8.count) bytes; \(Self.scriptLimit) are the most a session takes.",
                hint: "Put the data into a file or a parameter and let the script read it.")
        }
        if let depth, !(1...100).contains(depth) {
            throw MMError(.invalidInput, "depth is \(depth); it must be from 1 to 100.")
        }
        if let width, !(20...10_000).contains(width) {
            throw MMError(.invalidInput, "width is \(width); it must be from 20 to 10000.")
        }
        var seen: Set<String> = []
        for name in parameters.keys.sorted() {
            guard Self.isParameterName(name) else {
                throw MMError(
                    .invalidInput, "The parameter name “\(name)” can't be a parameter of a param block.",
                    hint: "Use letters, digits and underscores, without the dash in front.")
            }
            if case .json(let value)? = parameters[name], Self.depth(of: value, most: Self.valueDepth) > Self.valueDepth
            {
                throw MMError(
                    .limitExceeded, "The parameter “\(name)” is nested deeper than \(Self.valueDepth).",
                    hint: "Give it as JSON text and let the script take it apart with ConvertFrom-Json.")
            }
            guard seen.insert(name.lowercased()).inserted else {
                throw MMError(
                    .invalidInput, "The parameter “\(name)” is given twice; PowerShell's names don't differ by case.")
            }
        }
    }

    private static func depth(of value: JSONValue, most: Int) -> Int {
        guard most >= 0 else { return 1 }
        switch value {
        case .array(let items): return 1 + (items.map { depth(of: $0, most: most - 1) }.max() ?? 0)
        case .object(let members): return 1 + (members.values.map { depth(of: $0, most: most - 1) }.max() ?? 0)
        default: return 0
        }
    }

    private static func isParameterName(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first.properties.isAlphabetic || first == "_" else { return false }
        return name.unicodeScalars.count <= 128
            && name.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_"
            }
    }
}
