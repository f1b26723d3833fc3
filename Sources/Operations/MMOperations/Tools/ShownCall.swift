package import MMCore

/// The call that a step of a tool makes, as a model makes it: with the values that are known, and placeholders for the
/// others. Arguments that models don't have are left out.
package struct ShownCall: Sendable {
    /// The operation.
    package let operation: OperationDeclaration
    /// Its arguments.
    package let arguments: JSONObject
    /// The values of a script's variables, in the order written.
    package let bindings: [(variable: String, value: JSONValue)]

    /// Creates the call of a step on a connection.
    package init(_ step: ToolStep, on connection: String, in scope: ToolScope) {
        operation = step.operation
        switch step.action {
        case .request(let request):
            arguments = request.arguments(
                on: connection, path: (try? request.path.path(in: scope)) ?? request.path.shown(in: scope),
                query: JSONObject(request.query.map { ($0.name, .string($0.value.shown(in: scope))) }),
                body: request.body?.shown(in: scope))
            bindings = []
        case .command(let command):
            arguments = ToolCommand.arguments(on: connection, command.module, command.script)
            bindings = command.bindings.map { ($0.variable, $0.value.shown(in: scope)) }
        }
    }
}

extension ToolStep {
    /// The operation that the step calls.
    package var operation: OperationDeclaration {
        switch action {
        case .request: .graphRequest
        case .command: .run
        }
    }
}

extension ToolRequest {
    /// Returns the arguments of the call that sends the request.
    func arguments(on connection: String, path: String, query: JSONObject, body: JSONValue?) -> JSONObject {
        var arguments: JSONObject = ["connection": .string(connection), "endpoint": .string(path)]
        if !query.isEmpty { arguments["query"] = .object(query) }
        if method != "GET" { arguments["method"] = .string(method) }
        arguments["body"] = body
        if resource != .graph { arguments["resource"] = .string(resource.rawValue) }
        if let top {
            arguments["top"] = .int(Int64(top))
        } else if readsAllPages {
            arguments["all"] = true
        }
        return arguments
    }
}

extension ToolCommand {
    /// Returns the arguments of the call that runs a script.
    static func arguments(on connection: String, _ module: String, _ script: String) -> JSONObject {
        ["connection": .string(connection), "module": .string(module), "command": .string(script)]
    }
}
