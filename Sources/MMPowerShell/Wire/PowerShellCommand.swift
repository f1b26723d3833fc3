public import MMCore

/// A value for the `param` block of a script. Values never become script text.
public enum PowerShellValue: Sendable, Hashable {
    /// A text, number, truth, list or table. Texts inside lists and tables that look like ISO dates arrive as dates,
    /// as they do from `ConvertFrom-Json`; a text of its own stays a text.
    case json(JSONValue)
    /// A text that must not be shown or logged.
    case secret(Secret)

    /// What goes over the wire.
    package var plain: JSONValue {
        switch self {
        case .json(let value): value
        case .secret(let secret): .string(secret.reveal())
        }
    }
}

extension PowerShellValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// A text.
    public init(stringLiteral value: String) { self = .json(.string(value)) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .json(.int(value)) }
    /// A truth.
    public init(booleanLiteral value: Bool) { self = .json(.bool(value)) }
}

/// One script to run in a session, with its arguments and the form of its answer.
public struct PowerShellCommand: Sendable, Hashable {
    /// How records come back.
    public enum Format: String, Sendable, Hashable {
        /// Objects as JSON.
        case json
        /// Lines, as a console of a given width would show them.
        case text
    }

    /// The script.
    public var script: String
    /// Values for its `param` block, by name without the dash.
    public var parameters: [String: PowerShellValue]
    /// The form of the answer.
    public var format: Format
    /// How deep objects are followed, 1 to 100; 3 when not said. Deeper values become the names of their types.
    public var depth: Int?
    /// Columns of text, 20 to 10,000; 200 when not said.
    public var width: Int?
    /// Whether the script's variables and functions go away with it.
    public var isLocal: Bool

    /// A command.
    /// - Parameters:
    ///   - script: the script. A byte order mark in front is taken off.
    ///   - parameters: values for its `param` block.
    ///   - format: the form of the answer.
    ///   - depth: how deep objects are followed.
    ///   - width: columns of text.
    ///   - isLocal: whether the script's variables and functions go away with it.
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

    /// Deepest nesting of a parameter's value.
    public static let valueDepth = 64
    /// Longest script that is sent, in bytes.
    public static let scriptLimit = 16 << 20

    /// Checks everything that a caller may have got wrong.
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
                    .invalidInput, "The parameter name “\(name)” is none that a param block can have.",
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
