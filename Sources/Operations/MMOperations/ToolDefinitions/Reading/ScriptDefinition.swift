package import MMCore
import PowerShellSyntax

/// Reads a definition that is a PowerShell script, from its param block and its comment-based help, without running it.
package struct ScriptDefinition {
    private let place: String
    private let text: String
    private let help: CommentHelp

    /// Reads a script.
    /// - Parameters:
    ///   - bytes: the text.
    ///   - name: the file's name without its extension.
    ///   - place: the path of the file.
    ///   - modules: the session modules, by the lowercase names of their PowerShell modules.
    /// - Throws: `invalidInput` with the place, the line and the remedy.
    package static func read(_ bytes: [UInt8], name: String, place: String, modules: [String: String]) throws(MMError)
        -> ToolDefinition
    {
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw .definition(place, line: 1, "the script isn't UTF-8.", hint: "Save it as UTF-8.")
        }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        let script = PowerShellParser.parse(text)
        if let fault = script.errors.first {
            throw .definition(
                place, line: ScriptLines.line(of: fault.extent.start, in: text),
                "the script doesn't parse (\(fault.id)).",
                hint: "To see the place: mm guard check \(place)")
        }
        let reader = ScriptDefinition(place: place, text: text, help: CommentHelp(of: text, script))
        return try reader.definition(script, name: name, modules: modules)
    }

    private func definition(_ script: ParsedScript, name: String, modules: [String: String]) throws(MMError)
        -> ToolDefinition
    {
        guard ToolDefinition.isName(name) else {
            throw .definition(
                place, line: 1, "the file's name can't be used as a tool name.",
                hint: "Use letters, digits, - and _, starting with a letter: Get-UnusedGuest.ps1.")
        }
        guard let summary = help.text("SYNOPSIS").map(CommentHelp.line) else {
            throw .definition(
                place, line: 1, "the script has no description.",
                hint: "Start it with <# .SYNOPSIS, a line of text, and #>.")
        }
        guard let block = script.root?.parameterBlock else {
            throw .definition(
                place, line: 1, "the script has no param block.",
                hint: "Start it with param(), even if it has no parameters.")
        }
        var parameters: [ToolParameter] = []
        for (index, node) in block.parameters.enumerated() {
            let comment = comment(
                before: node, after: index == 0 ? block.extent.start : block.parameters[index - 1].extent.end)
            let parameter = try ScriptParameterReader(place: place, text: text, help: help).parameter(node, comment)
            guard let parameter else { continue }
            guard !parameters.contains(where: { $0.name == parameter.name }) else {
                throw fault(node.extent, "two parameters are called `\(parameter.name)`.", "Rename one of them.")
            }
            parameters.append(parameter)
        }
        let module = try module(script, modules)
        let description = [summary, help.text("DESCRIPTION").map(CommentHelp.line)].compactMap(\.self)
        var definition = ToolDefinition(
            name: name, title: summary, summary: summary, description: description.joined(separator: " "),
            parameters: parameters, examples: help.examples,
            work: .script(commands(of: script, in: module, modules), module: module), source: text, place: place)
        let traits = (help.text("FUNCTIONALITY") ?? "").lowercased().filter { $0.isLetter }
        definition.isReadOnly = traits == "readonly"
        return definition
    }

    private func fault(_ extent: SourceExtent, _ message: String, _ hint: String) -> MMError {
        .definition(place, line: ScriptLines.line(of: extent.start, in: text), message, hint: hint)
    }

    /// Returns the module: the one that `.COMPONENT` names, or else the one of `#Requires -Modules`.
    private func module(_ script: ParsedScript, _ modules: [String: String]) throws(MMError) -> String {
        if let word = help.text("COMPONENT").map(CommentHelp.line)?.lowercased() {
            if modules.values.contains(word) { return word }
            if let known = modules[word] { return known }
            let near = NearestNames.of(word, among: Set(modules.values).sorted(), limit: 1).first
            throw .definition(
                place, line: 1,
                ".COMPONENT is `\(word.prefix(40))`, which is not a module."
                    + (near.map { " Did you mean `\($0)`?" } ?? ""),
                hint: "The modules are \(Set(modules.values).sorted().joined(separator: ", ")).")
        }
        for required in script.requirements?.modules ?? [] {
            if let known = Self.session(of: required, modules) { return known }
        }
        throw .definition(
            place, line: 1, "the script doesn't say which module it runs in.",
            hint: "Add #Requires -Modules ExchangeOnlineManagement above it, or .COMPONENT exo to its help.")
    }

    /// Returns the text that is run, without `#Requires` lines for modules that the session has loaded anyway: for the
    /// guard and for PowerShell these lines would load modules.
    private func commands(of script: ParsedScript, in module: String, _ modules: [String: String]) -> String {
        guard let required = script.requirements, required.assemblies.isEmpty,
            required.modules.allSatisfy({ Self.session(of: $0, modules) == module })
        else { return text }
        var units = Array(text.utf16)
        for extent in required.extents {
            for index in extent.start..<min(extent.end, units.count) { units[index] = 0x20 }
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Returns the session to which a required module belongs.
    private static func session(of required: String, _ modules: [String: String]) -> String? {
        let name = required.lowercased()
        return modules[name] ?? modules.first { name.hasPrefix(family(of: $0.key)) }?.value
    }

    /// Returns the prefix of a module's family: `az.accounts` stands for all modules whose names begin with `az.`.
    private static func family(of module: String) -> String {
        guard let dot = module.lastIndex(of: "."), module.hasPrefix("az.") || module.hasPrefix("microsoft.graph.")
        else {
            return module + "."
        }
        return String(module[...dot])
    }

    /// Returns the comment directly above a parameter, which PowerShell shows where `.PARAMETER` is missing.
    private func comment(before parameter: ParameterSyntax, after place: Int) -> String? {
        let units = Array(text.utf16)
        let first = parameter.attributes.first?.extent.start ?? parameter.extent.start
        guard place < first, first <= units.count else { return nil }
        let lines = String(decoding: units[place..<min(first, parameter.extent.start)], as: UTF16.self)
            .split(whereSeparator: \.isNewline)
            .map { $0.drop(while: { $0.isWhitespace }) }.filter { $0.hasPrefix("#") && !$0.hasPrefix("#>") }
        guard !lines.isEmpty else { return nil }
        return CommentHelp.line(lines.map { String($0.drop { $0 == "#" }) }.joined(separator: " "))
    }
}

/// Information about a PowerShell text that definitions need: lines, and the variables that it mentions.
enum ScriptLines {
    /// Returns the line of a position, counted in UTF-16 units like the parser's.
    static func line(of place: Int, in text: String) -> Int {
        1 + text.utf16.prefix(place).reduce(0) { $1 == 10 ? $0 + 1 : $0 }
    }

    /// Whether a text is a valid name for a variable that is a parameter.
    static func isVariable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 60
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": true
                default: false
                }
            }
    }

    /// Returns the variables that a script mentions, each once.
    static func variables(of script: ParsedScript) -> [String] {
        var seen: Set<String> = []
        var names: [String] = []
        for item in ScriptFacts(of: script).items {
            guard case .variable(let path, _) = item.detail, path.isVariable,
                seen.insert(path.name.lowercased()).inserted
            else { continue }
            names.append(path.name)
        }
        return names
    }
}

/// Determines the type of a parameter from its declaration in a script's param block.
struct ScriptParameterReader {
    let place: String
    let text: String
    let help: CommentHelp

    /// Returns the parameter of the tool; `nil` for one that the script hides.
    /// - Throws: `invalidInput` for a type whose values can't be given as arguments.
    func parameter(_ node: ParameterSyntax, _ comment: String?) throws(MMError) -> ToolParameter? {
        let variable = node.variable.path.name
        var parameter = ToolParameter(ToolParameter.name(of: variable), .string, "")
        parameter.variable = variable
        var message: String?
        var mandatory: [Bool] = []
        for attribute in node.attributes {
            switch attribute {
            case .typeConstraint(let constraint): try take(constraint.typeName, node, into: &parameter)
            case .attribute(let attribute):
                switch Self.plain(attribute.typeName.name) {
                case "parameter":
                    if attribute.isSet("dontshow") { return nil }
                    mandatory.append(attribute.isSet("mandatory"))
                    message = message ?? attribute.named("helpmessage").flatMap(Self.constant)?.string
                case "validateset":
                    parameter.choices = attribute.positionalArguments.compactMap {
                        Self.constant($0).flatMap(ToolParameter.text(of:))
                    }
                case "validaterange":
                    let bounds = attribute.positionalArguments.compactMap { Self.constant($0)?.int }
                    if bounds.count == 2, bounds[0] <= bounds[1] { parameter.range = bounds[0]...bounds[1] }
                    if bounds.isEmpty, let word = attribute.positionalArguments.first.flatMap(Self.constant)?.string {
                        parameter.range = Self.ranges[word.lowercased()]
                    }
                case "validatepattern":
                    parameter.pattern = attribute.positionalArguments.first.flatMap(Self.constant)?.string
                        .map { "(?i).*(?:\($0)).*" }
                default: continue
                }
            }
        }
        // In several parameter sets, it is required only if it is mandatory in all of them.
        parameter.isRequired = !mandatory.isEmpty && mandatory.allSatisfy { $0 } && node.defaultValue == nil
        parameter.defaultValue = node.defaultValue.flatMap(Self.constant)
        parameter.summary = help.parameter(variable) ?? message ?? comment ?? "The script's parameter \(variable)."
        return parameter
    }

    private static let ranges: [String: ClosedRange<Int>] = [
        "positive": 1...Int.max, "nonnegative": 0...Int.max, "negative": Int.min...(-1), "nonpositive": Int.min...0,
    ]

    private func take(_ type: TypeNameSyntax, _ node: ParameterSyntax, into parameter: inout ToolParameter)
        throws(MMError)
    {
        if case .array = type.form {
            parameter.kind = .list
            return
        }
        switch Self.plain(type.name) {
        case "int", "int32", "int64", "long", "uint", "uint32", "uint64", "ulong", "int16", "short", "uint16", "ushort",
            "byte", "sbyte":
            parameter.kind = .integer
        case "double", "single", "float", "decimal": parameter.kind = .number
        case "switch", "switchparameter":
            parameter.kind = .boolean
            parameter.isSwitch = true
        case "bool", "boolean": parameter.kind = .boolean
        case "datetime", "datetimeoffset": parameter.kind = .datetime
        case let name where name.hasPrefix("generic.") || name == "array" || name == "arraylist": parameter.kind = .list
        case "securestring", "pscredential", "credential":
            throw .definition(
                place, line: ScriptLines.line(of: node.extent.start, in: text),
                "the parameter \(node.variable.path.name) is a password, which can't be an argument.",
                hint: "Let the connection sign in instead of passing a password.")
        default: return
        }
    }

    /// Returns a type's name without the usual namespaces.
    private static func plain(_ name: String) -> String {
        var name = name.lowercased()
        for prefix in ["system.", "management.automation.", "collections.", "security."] where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
        }
        if name.hasSuffix("attribute") { name.removeLast("attribute".count) }
        return name
    }

    /// Returns the value of a constant expression.
    static func constant(_ expression: ExpressionSyntax) -> JSONValue? {
        switch expression {
        case .string(let node): return .string(node.value)
        case .number(let node):
            if case .boolean(let truth) = node.value { return .bool(truth) }
            if let whole = Int64(node.text) { return .int(whole) }
            return Double(node.text).map { .double($0) }
        case .variable(let node):
            switch node.path.name.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: return nil
            }
        case .arrayLiteral(let node):
            let items = node.elements.compactMap(constant)
            return items.count == node.elements.count ? .array(items) : nil
        default: return nil
        }
    }
}

extension AttributeSyntax {
    /// Returns the argument with a name.
    fileprivate func named(_ name: String) -> ExpressionSyntax? {
        namedArguments.first { $0.name.lowercased() == name }?.argument
    }

    /// Whether an argument is given and true.
    fileprivate func isSet(_ name: String) -> Bool {
        named(name).flatMap(ScriptParameterReader.constant)?.bool ?? false
    }
}

/// The comment-based help of a script (about_Comment_Based_Help), before its first statement or after its last one.
struct CommentHelp {
    /// A keyword with its text.
    private struct Section {
        let keyword: String
        let argument: String
        var lines: [String]

        var text: String {
            var rest = lines[...]
            while rest.first?.allSatisfy(\.isWhitespace) == true { rest.removeFirst() }
            while rest.last?.allSatisfy(\.isWhitespace) == true { rest.removeLast() }
            return rest.joined(separator: "\n")
        }
    }

    private let sections: [Section]

    /// Finds the help of a script.
    /// - Parameters:
    ///   - text: the script.
    ///   - script: the parsed script.
    init(of text: String, _ script: ParsedScript) {
        let units = Array(text.utf16)
        let root = script.root
        let start = [
            root?.parameterBlock?.attributes.first?.extent.start, root?.parameterBlock?.extent.start,
            root?.body?.statements.first?.extent.start, root?.namedBlocks.first?.extent.start,
        ].compactMap(\.self).min()
        let end = [root?.body?.statements.last?.extent.end, root?.namedBlocks.last?.extent.end].compactMap(\.self).max()
        let head = Self.sections(String(decoding: units[..<min(start ?? units.count, units.count)], as: UTF16.self))
        let tail = Self.sections(String(decoding: units[min(end ?? units.count, units.count)...], as: UTF16.self))
        sections = head.isEmpty ? tail : head
    }

    /// Returns the text after and below a keyword; `nil` where it is missing or empty.
    func text(_ keyword: String) -> String? {
        sections.first { $0.keyword == keyword }.map(\.text).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Returns the text of `.PARAMETER name`.
    func parameter(_ name: String) -> String? {
        sections.first { $0.keyword == "PARAMETER" && $0.argument.lowercased() == name.lowercased() }
            .map { Self.line($0.text) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The examples of the help (`.EXAMPLE`).
    var examples: [ToolDefinition.Example] {
        sections.filter { $0.keyword == "EXAMPLE" }.compactMap { section in
            var lines = section.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            guard let first = lines.first, !first.isEmpty else { return nil }
            lines.removeFirst()
            return ToolDefinition.Example(text: first, purpose: Self.line(lines.joined(separator: " ")))
        }
    }

    /// Returns a text on one line.
    static func line(_ text: String) -> String {
        text.split { $0.isNewline || $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    private static func sections(_ text: String) -> [Section] {
        var sections: [Section] = []
        for line in commentLines(of: text) {
            let trimmed = String(line.drop { $0 == " " || $0 == "\t" })
            let words = trimmed.split(separator: " ", maxSplits: 1).map(String.init)
            if let word = words.first, word.hasPrefix("."), word.count > 1, word.dropFirst().allSatisfy(\.isLetter) {
                let keyword = word.dropFirst().uppercased()
                let rest = words.count > 1 ? Self.line(words[1]) : ""
                // Only a parameter has a name; what follows another keyword in its line begins the text.
                let isNamed = keyword == "PARAMETER"
                sections.append(
                    Section(keyword: keyword, argument: isNamed ? rest : "", lines: isNamed ? [] : [rest]))
            } else if !sections.isEmpty {
                sections[sections.count - 1].lines.append(trimmed)
            }
        }
        return sections
    }

    /// Returns the lines within comments, without comment marks.
    private static func commentLines(of text: String) -> [String] {
        var lines: [String] = []
        var isBlock = false
        for part in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            var line = String(part)
            if !isBlock {
                guard let start = line.firstIndex(where: { !$0.isWhitespace }) else { continue }
                line = String(line[start...])
                if line.hasPrefix("<#") {
                    isBlock = true
                    line.removeFirst(2)
                } else if line.hasPrefix("#") {
                    lines.append(String(line.drop { $0 == "#" }))
                    continue
                } else {
                    continue
                }
            }
            if let end = line.firstRange(of: "#>") {
                isBlock = false
                line = String(line[..<end.lowerBound])
            }
            lines.append(line)
        }
        return lines
    }
}
