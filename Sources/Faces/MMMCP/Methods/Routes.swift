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

    /// What a declaration that comes and goes lacks of the protocol is no fault of the server: it isn't offered.
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
        var input = try JSONSchema(tool.inputSchema, called: "The input schema of \"\(tool.name)\"")
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
