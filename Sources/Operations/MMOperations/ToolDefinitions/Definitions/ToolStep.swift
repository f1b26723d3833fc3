import MMCore

/// One step of a tool: a request or a command, once or for each row of what came before.
package struct ToolStep: Sendable {
    /// What is done.
    package enum Action: Sendable {
        /// A request to a service.
        case request(ToolRequest)
        /// A PowerShell command.
        case command(ToolCommand)
    }

    /// The name under which later steps and the answer find its result.
    package let id: String
    /// The line where it begins.
    package let line: Int
    /// What is done.
    package let action: Action
    /// The rows for each of which it is done; `nil` for once.
    package let each: ToolReference?
    /// The parameter or result without which it is left out.
    package let condition: ToolReference?
    /// A jq program over its result.
    package let projection: String?
    /// Whether the tool goes on where the service refuses it or finds nothing.
    package let isOptional: Bool
    /// The most rows for which it is done.
    package let limit: Int
    /// What is wrong where it finds nothing: the tool ends with this sentence. `nil` where nothing is an answer like any other.
    package let nothing: ToolTemplate?

    /// The limit of a step that names none.
    package static let usualLimit = 1000
    /// The largest limit that a step may name.
    package static let greatestLimit = 20_000

    package init(
        id: String, line: Int, action: Action, each: ToolReference? = nil, condition: ToolReference? = nil,
        projection: String? = nil, isOptional: Bool = false, limit: Int = ToolStep.usualLimit,
        nothing: ToolTemplate? = nil
    ) {
        self.id = id
        self.line = line
        self.action = action
        self.each = each
        self.condition = condition
        self.projection = projection
        self.isOptional = isOptional
        self.limit = limit
        self.nothing = nothing
    }
}

/// A request of a step.
package struct ToolRequest: Sendable {
    /// The method.
    package let method: String
    /// The path.
    package let path: ToolTemplate
    /// The query's parameters, in the order written.
    package let query: [(name: String, value: ToolTemplate)]
    /// The body.
    package let body: ToolBody?
    /// The service; `nil` for Graph.
    package let resource: String?
    /// Whether all pages are read.
    package let readsAllPages: Bool
    /// The most items that are read.
    package let top: Int?
    /// Further header fields, as `Name: value`.
    package let headers: [String]

    package init(
        method: String, path: ToolTemplate, query: [(name: String, value: ToolTemplate)], body: ToolBody? = nil,
        resource: String? = nil, readsAllPages: Bool = true, top: Int? = nil, headers: [String] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.resource = resource
        self.readsAllPages = readsAllPages
        self.top = top
        self.headers = headers
    }
}

/// A PowerShell command of a step. Values reach it as parameters, never as text.
package struct ToolCommand: Sendable {
    /// The module that it runs in.
    package let module: String
    /// The command as written.
    package let script: String
    /// Variables of the script and what they are bound to.
    package let bindings: [(variable: String, value: ToolBody)]

    package init(module: String, script: String, bindings: [(variable: String, value: ToolBody)]) {
        self.module = module
        self.script = script
        self.bindings = bindings
    }
}
