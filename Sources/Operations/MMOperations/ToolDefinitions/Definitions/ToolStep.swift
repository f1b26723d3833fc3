import MMCore

/// One step of a tool: a request or a command, done once or for each row of an earlier result.
package struct ToolStep: Sendable {
    /// The action of a step.
    package enum Action: Sendable {
        /// A request to a service.
        case request(ToolRequest)
        /// A PowerShell command.
        case command(ToolCommand)
    }

    /// The name under which later steps and the answer use its result.
    package let id: String
    package let action: Action
    /// The rows for each of which it is done; `nil` for a step that is done once.
    package let each: ToolReference?
    /// The parameter or result that must be set for the step to be done.
    package let condition: ToolReference?
    /// A jq program that is applied to its result.
    package let projection: String?
    /// Whether the tool continues if the service refuses the step or finds nothing.
    package let isOptional: Bool
    /// The maximum number of rows for which it is done.
    package let limit: Int
    /// The error that ends the tool if the step finds nothing; `nil` where an empty result is allowed.
    package let nothing: ToolTemplate?

    /// The default limit.
    package static let usualLimit = 1000
    /// The largest limit that a step may set.
    package static let greatestLimit = 20_000
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
    /// The service.
    package let resource: RequestResource
    /// Whether all pages are read.
    package let readsAllPages: Bool
    /// The maximum number of items that are read.
    package let top: Int?
    /// Additional headers.
    package let headers: [String: String]
}

/// A PowerShell command of a step. Values are passed as parameters, never inserted into the text.
package struct ToolCommand: Sendable {
    /// The module that it runs in.
    package let module: String
    /// The command as written.
    package let script: String
    /// The variables of the script with their values.
    package let bindings: [(variable: String, value: ToolBody)]

    /// Returns the script as it is judged and run: with a param block for its values.
    /// - Parameter parameters: the parameters of the tool, whose types the values have.
    func text(for parameters: [ToolParameter]) -> String {
        guard !bindings.isEmpty else { return script }
        let declared = bindings.map { binding in
            let parameter = parameters.first { $0.name == binding.variable }
            let type =
                switch parameter?.kind {
                case .integer?: "[int] "
                case .number?: "[double] "
                case .datetime?: "[datetime] "
                case .boolean?: "[bool] "
                case .string?, .list?, nil: ""
                }
            return "\(type)$\(binding.variable)"
        }
        return "param(\(declared.joined(separator: ", ")))\n\(script)"
    }
}
