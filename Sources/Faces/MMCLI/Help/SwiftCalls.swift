import MMCore
package import MMOperations

/// Typed calls for Swift programs: a struct for an operation, a recipe or a tool of the owner's, whose arguments the
/// compiler checks. They are generated from the same declarations as all other interfaces, into the program that uses
/// them, so that the library itself needs no type for each.
package struct SwiftCalls: Sendable {
    private var calls: [SwiftCall] = []

    package init() {}

    /// Adds an operation.
    package mutating func add(_ operation: AnyOperation) {
        let declaration = operation.declaration
        calls.append(
            SwiftCall(
                name: declaration.name, operation: declaration.name, summary: declaration.summary,
                arguments: operation.fields.map(SwiftArgument.init), values: []))
    }

    /// Adds a recipe or an owner's tool as a call of the operation that carries it out.
    /// - Parameter effects: the effects that the tool may have.
    package mutating func add(
        _ definition: ToolDefinition, on shelf: ToolShelf, effects: OperationDeclaration.Effects
    ) {
        var common = [SwiftArgument("connection", .text, "Name of the connection.", isRequired: true)]
        if !effects.readOnly {
            common.append(SwiftArgument("dryRun", .flag, "Show what would change; only reads are sent."))
        }
        if definition.isPlan { common.append(SwiftArgument("apply", .flag, "Apply the plan.")) }
        calls.append(
            SwiftCall(
                name: definition.name, operation: shelf.operation, summary: definition.summary, tool: definition.name,
                arguments: common, values: definition.parameters.map(SwiftArgument.init)))
    }

    /// The source of a Swift file with all calls.
    package var text: String {
        "// Written by `mm swift`. Generate it again after an update of mm.\nimport MicrosoftMaster\n"
            + calls.map { "\n" + $0.text }.joined()
    }
}

/// A call as a struct.
private struct SwiftCall: Sendable {
    /// The name by which the call is made.
    let name: String
    let operation: String
    let summary: String
    /// The recipe or tool that the operation is to carry out.
    var tool: String?
    /// The operation's arguments.
    let arguments: [SwiftArgument]
    /// The tool's own parameters, which are sent together in one argument.
    let values: [SwiftArgument]

    private var all: [SwiftArgument] { arguments + values }

    var text: String {
        var lines = ["/// \(summary)", "struct \(SwiftName.type(name)): OperationCall {"]
        lines.append("    static let operation = \(SwiftName.literal(operation))")
        for argument in all {
            lines.append("    /// \(argument.summary)")
            lines.append("    var \(argument.property): \(argument.declaredType)")
        }
        for argument in all {
            guard case .choice(let words) = argument.kind else { continue }
            lines += [
                "", "    /// The values of `\(argument.property)`.", "    enum \(argument.type): String, Sendable {",
            ]
            lines += words.map { word in
                let name = SwiftName.value(word)
                return "        case \(name)" + (name == word ? "" : " = \(SwiftName.literal(word))")
            }
            lines.append("    }")
        }
        lines += [""] + initializer + [""] + members
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    private var initializer: [String] {
        guard !all.isEmpty else { return ["    init() {}"] }
        // Required parameters come first.
        let ordered = all.filter(\.isRequired) + all.filter { !$0.isRequired }
        let parameters = ordered.map { "        \($0.property): \($0.declaredType)\($0.isRequired ? "" : " = nil")" }
        return ["    init(", parameters.joined(separator: ",\n"), "    ) {"]
            + all.map { "        self.\($0.property) = \($0.property)" } + ["    }"]
    }

    private var members: [String] {
        guard !all.isEmpty else { return ["    var members: JSONObject { [:] }"] }
        var lines = ["    var members: JSONObject {", "        var members = JSONObject()"]
        if let tool { lines.append("        members[\"tool\"] = \(SwiftName.literal(tool))") }
        lines += arguments.map { "        members[\(SwiftName.literal($0.name))] = \($0.json)" }
        if !values.isEmpty {
            lines.append("        var param = JSONObject()")
            lines += values.map { "        param[\(SwiftName.literal($0.name))] = \($0.json)" }
            lines.append("        if !param.isEmpty { members[\"param\"] = .object(param) }")
        }
        return lines + ["        return members", "    }"]
    }
}

/// An argument as a property of the struct.
private struct SwiftArgument: Sendable {
    enum Kind: Sendable {
        case text, flag, integer, number, object, value, textList, objectList
        case choice([String])

        /// Whether the value is JSON already.
        var isJSON: Bool { if case .value = self { true } else { false } }
    }

    let name: String
    let kind: Kind
    let summary: String
    let isRequired: Bool

    init(_ name: String, _ kind: Kind, _ summary: String, isRequired: Bool = false) {
        (self.name, self.kind, self.summary, self.isRequired) = (name, kind, summary, isRequired)
    }

    init(_ field: InputField) {
        let kind: Kind =
            switch field.kind {
            case .text: .text
            case .flag: .flag
            case .integer: .integer
            case .choice(let words): .choice(words)
            case .object, .parameters, .arguments: .object
            case .objectOrList: .value
            case .textList: .textList
            case .calls: .objectList
            }
        self.init(field.name, kind, field.summary, isRequired: field.isRequired)
    }

    init(_ parameter: ToolParameter) {
        let kind: Kind =
            switch parameter.kind {
            case .string where !parameter.choices.isEmpty: .choice(parameter.choices)
            case .string, .datetime: .text
            case .integer: .integer
            case .number: .number
            case .boolean: .flag
            case .list: .textList
            }
        self.init(parameter.name, kind, parameter.summary, isRequired: parameter.isRequired)
    }

    var property: String { SwiftName.value(name) }

    var type: String {
        switch kind {
        case .text: "String"
        case .flag: "Bool"
        case .integer: "Int"
        case .number: "Double"
        case .object: "JSONObject"
        case .value: "JSONValue"
        case .textList: "[String]"
        case .objectList: "[JSONObject]"
        case .choice: SwiftName.type(name)
        }
    }

    var declaredType: String { isRequired ? type : type + "?" }

    /// The expression for the value in JSON; `nil` at run time if the argument is left out.
    var json: String { isRequired || kind.isJSON ? json(of: property) : "\(property).map { \(json(of: "$0")) }" }

    private func json(of value: String) -> String {
        switch kind {
        case .text: ".string(\(value))"
        case .flag: ".bool(\(value))"
        case .integer: ".int(Int64(\(value)))"
        case .number: ".double(\(value))"
        case .object: ".object(\(value))"
        case .value: value
        case .textList: ".array(\(value).map { .string($0) })"
        case .objectList: ".array(\(value).map { .object($0) })"
        case .choice: ".string(\(value).rawValue)"
        }
    }
}

/// Converts names of JSON and of the command line into Swift names.
private enum SwiftName {
    private static let words: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do",
        "else", "enum",
        "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init",
        "inout",
        "internal", "is", "let", "nil", "operator", "precedencegroup", "private", "protocol", "public", "repeat",
        "rethrows",
        "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true", "try",
        "typealias", "var",
        "where", "while",
    ]

    /// Returns a type name: `GraphRequest` for `graph_request`, `UnusedGuests` for `unused-guests`.
    static func type(_ name: String) -> String { parts(name).map(capitalized).joined() }

    /// Returns a property name: `dryRun` for `dry_run`, `noWait` for `no-wait`.
    static func value(_ name: String) -> String {
        let parts = parts(name)
        let first =
            parts.first.map { part in
                // `GET` becomes `get`; `userPrincipalName` stays.
                part.contains(where: \.isLowercase) ? part.prefix(1).lowercased() + part.dropFirst() : part.lowercased()
            } ?? ""
        let text = first + parts.dropFirst().map(capitalized).joined()
        if text.isEmpty || text.utf8.first.map({ (0x30...0x39).contains($0) }) ?? false { return "_" + text }
        return words.contains(text) ? "`\(text)`" : text
    }

    static func literal(_ text: String) -> String { JSONWriter.string(.string(text)) }

    private static func parts(_ name: String) -> [String] {
        name.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.map(String.init)
    }

    private static func capitalized(_ word: String) -> String { word.prefix(1).uppercased() + word.dropFirst() }
}
