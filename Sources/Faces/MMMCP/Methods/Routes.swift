import MMCore

/// Everything a server offers, validated once and indexed for look-up.
struct Routes: Sendable {
    private let permanentTools: [RegisteredTool]
    private let permanentPrompts: [Prompt]
    let resources: [Resource]
    let templates: [RegisteredTemplate]
    let moreResources: MCPServer.ResourceLister?
    private let moreTools: MCPServer.ToolLister
    private let morePrompts: MCPServer.PromptLister
    private let toolIndex: [String: Int]
    private let promptIndex: [String: Int]
    private let resourceIndex: [String: Int]

    /// All tools at this moment.
    var tools: [RegisteredTool] { permanentTools + passingTools }
    /// All prompts at this moment.
    var prompts: [Prompt] { permanentPrompts + morePrompts().filter { promptIndex[$0.name] == nil } }

    var hasTools: Bool { !permanentTools.isEmpty }
    var hasPrompts: Bool { !permanentPrompts.isEmpty }
    var hasResources: Bool { !resources.isEmpty || !templates.isEmpty || moreResources != nil }
    var hasCompletions: Bool {
        permanentPrompts.contains { $0.arguments.contains { $0.complete != nil } }
            || templates.contains { !$0.template.completions.isEmpty }
    }

    init(
        tools: [Tool], prompts: [Prompt], resources: [Resource], resourceTemplates: [ResourceTemplate],
        moreResources: MCPServer.ResourceLister?, moreTools: @escaping MCPServer.ToolLister,
        morePrompts: @escaping MCPServer.PromptLister, options: ServerOptions
    ) throws(MMError) {
        guard options.pageSize > 0 else {
            throw MMError(.invalidInput, "The page size must be at least 1, not \(options.pageSize).")
        }
        var registered: [RegisteredTool] = []
        var toolIndex: [String: Int] = [:]
        for tool in tools {
            for name in [tool.name] + tool.aliases {
                guard toolIndex.updateValue(registered.count, forKey: name) == nil else {
                    throw MMError(.conflict, "Two tools have the name or alias \"\(name)\".")
                }
            }
            registered.append(try RegisteredTool(tool))
        }
        var promptIndex: [String: Int] = [:]
        for (position, prompt) in prompts.enumerated() {
            guard !prompt.name.isEmpty else { throw MMError(.invalidInput, "A prompt needs a name.") }
            guard promptIndex.updateValue(position, forKey: prompt.name) == nil else {
                throw MMError(.conflict, "Two prompts have the name \"\(prompt.name)\".")
            }
        }
        var resourceIndex: [String: Int] = [:]
        for (position, resource) in resources.enumerated() {
            guard resourceIndex.updateValue(position, forKey: resource.uri) == nil else {
                throw MMError(.conflict, "Two resources have the address \"\(resource.uri)\".")
            }
        }
        var templates: [RegisteredTemplate] = []
        for template in resourceTemplates { templates.append(try RegisteredTemplate(template)) }
        permanentTools = registered
        permanentPrompts = prompts
        self.moreTools = moreTools
        self.morePrompts = morePrompts
        self.resources = resources
        self.templates = templates
        self.moreResources = moreResources
        self.toolIndex = toolIndex
        self.promptIndex = promptIndex
        self.resourceIndex = resourceIndex
    }

    func tool(named name: String) -> RegisteredTool? {
        toolIndex[name].map { permanentTools[$0] }
            ?? passingTools.first { $0.tool.name == name || $0.tool.aliases.contains(name) }
    }

    func prompt(named name: String) -> Prompt? {
        promptIndex[name].map { permanentPrompts[$0] } ?? morePrompts().first { $0.name == name }
    }

    /// The valid tools among those that come and go. Invalid ones are left out, since they are no fault of the server.
    private var passingTools: [RegisteredTool] {
        moreTools().filter { toolIndex[$0.name] == nil }.compactMap { try? RegisteredTool($0) }
    }

    func resource(at uri: String) -> Resource? { resourceIndex[uri].map { resources[$0] } }
}

/// A tool whose declaration has been validated.
struct RegisteredTool: Sendable {
    let tool: Tool
    let input: JSONSchema
    let output: JSONSchema?
    let headers: ParameterHeaders

    init(_ tool: Tool) throws(MMError) {
        for name in [tool.name] + tool.aliases {
            let allowed = name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            guard allowed, (1...128).contains(name.utf8.count) else {
                throw MMError(
                    .invalidInput,
                    "The tool name \"\(name)\" must be 1 to 128 of A-Z, a-z, 0-9, \"_\", \"-\" and \".\"."
                )
            }
        }
        guard tool.inputSchema["type"] == "object" else {
            throw MMError(
                .invalidInput, "The input schema of \"\(tool.name)\" must have \"type\": \"object\" at its root.")
        }
        var input = try JSONSchema(
            tool.acceptedSchema ?? tool.inputSchema, called: "The input schema of \"\(tool.name)\"")
        if let advice = tool.argumentAdvice { input.advice = advice }
        if let remark = tool.argumentRemark { input.remark = remark }
        self.input = input
        var output: JSONSchema?
        if let schema = tool.outputSchema {
            output = try JSONSchema(schema, called: "The output schema of \"\(tool.name)\"")
        }
        self.output = output
        headers = try ParameterHeaders(schema: tool.inputSchema, tool: tool.name)
        self.tool = tool
    }
}

/// A resource template whose declaration has been validated.
struct RegisteredTemplate: Sendable {
    let template: ResourceTemplate
    let pattern: URITemplate

    init(_ template: ResourceTemplate) throws(MMError) {
        pattern = try URITemplate(template.uriTemplate)
        for blank in template.completions.keys where !pattern.variables.contains(blank) {
            throw MMError(
                .invalidInput,
                "The template \"\(template.uriTemplate)\" has completions for \"\(blank)\", but no such blank."
            )
        }
        self.template = template
    }
}

/// A URI template (RFC 6570, levels 1 and 2 without fragments): `{name}` stands for one path segment, `{+name}` for any
/// text.
struct URITemplate: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
        case literal([UInt8])
        case variable(String, wide: Bool)
    }

    private let pieces: [Piece]
    let variables: [String]

    /// Parses a template.
    /// - Throws: `MMError` for unbalanced braces, for unsupported operators, and for adjacent variables, whose values
    ///   could not be told apart.
    init(_ text: String) throws(MMError) {
        var pieces: [Piece] = []
        var names: [String] = []
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) else {
                pieces.append(.literal(Array(rest.utf8)))
                break
            }
            if open > rest.startIndex { pieces.append(.literal(Array(rest[..<open].utf8))) }
            guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else {
                throw MMError(.invalidInput, "The braces of the resource template \"\(text)\" don't match.")
            }
            var name = rest[rest.index(after: open)..<close]
            let isWide = name.first == "+"
            if isWide { name = name.dropFirst() }
            let isName = !name.isEmpty && name.utf8.allSatisfy { Self.isNameByte($0) }
            guard isName, !names.contains(String(name)) else {
                throw MMError(
                    .invalidInput, "The resource template \"\(text)\" has the blank \"{\(isWide ? "+" : "")\(name)}\".",
                    hint: "Blanks are {name} or {+name} with letters, digits and \"_\", each name once."
                )
            }
            if case .variable? = pieces.last {
                throw MMError(
                    .invalidInput, "The resource template \"\(text)\" has two blanks with nothing in between.")
            }
            pieces.append(.variable(String(name), wide: isWide))
            names.append(String(name))
            rest = rest[rest.index(after: close)...]
        }
        self.pieces = pieces
        self.variables = names
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Returns the variables' values in a URI, percent-decoded; `nil` when the URI doesn't match the template.
    func match(_ uri: String) -> [String: String]? {
        var values: [String: String] = [:]
        return match(Array(uri.utf8)[...], pieces[...], &values) ? values : nil
    }

    private func match(_ text: ArraySlice<UInt8>, _ pieces: ArraySlice<Piece>, _ values: inout [String: String]) -> Bool
    {
        guard let piece = pieces.first else { return text.isEmpty }
        let following = pieces.dropFirst()
        switch piece {
        case .literal(let bytes):
            return text.starts(with: bytes) && match(text.dropFirst(bytes.count), following, &values)
        case .variable(let name, let isWide):
            let reach = isWide ? text.endIndex : text.firstIndex(where: Self.endsSegment) ?? text.endIndex
            guard let end = end(of: text, upTo: reach, before: following.first) else { return false }
            guard end > text.startIndex, let value = Self.percentDecoded(text[text.startIndex..<end]) else {
                return false
            }
            values[name] = value
            return match(text[end...], following, &values)
        }
    }

    /// Returns where a variable's value ends: at the first occurrence of the literal that follows it (the last one for
    /// `{+name}`), or at the end of its range. Trying a single position keeps matching linear.
    private func end(of text: ArraySlice<UInt8>, upTo reach: Int, before next: Piece?) -> Int? {
        guard case .literal(let bytes)? = next else { return reach }
        var position = text.startIndex + 1
        while position <= reach {
            if text[position...].starts(with: bytes) { return position }
            position += 1
        }
        return nil
    }

    private static func endsSegment(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }

    private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if bytes[position] == UInt8(ascii: "%") {
                guard position + 2 < bytes.endIndex, let high = Hex.value(of: bytes[position + 1]),
                    let low = Hex.value(of: bytes[position + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                position += 3
            } else {
                decoded.append(bytes[position])
                position += 1
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
