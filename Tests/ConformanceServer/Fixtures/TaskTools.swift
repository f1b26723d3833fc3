import MMCore
import MMMCP

extension ConformanceServer {
    static func taskTools(_ tasks: FixtureTasks) throws(MMError) -> [Tool] {
        let confirm = try Form([.boolean("confirm", title: "Delete it")])
        let name = try Form([.text("name", description: "Your name")])
        let oneName: JSONObject = ["type": "object", "properties": ["name": ["type": "string"]]]
        let compute: JSONObject = [
            "type": "object", "properties": ["seconds": ["type": "number"], "label": ["type": "string"]],
        ]
        let file: JSONObject = ["type": "object", "properties": ["filename": ["type": "string"]]]
        return [
            Tool(name: "greet", description: "Greets at once.", inputSchema: oneName) { arguments, _ in
                .text("Hello, \(arguments["name"]?.string ?? "nobody")!")
            },
            Tool(name: "slow_compute", description: "Takes its time.", inputSchema: compute) { arguments, context in
                let work: @Sendable () async throws -> ToolResult = {
                    try await Task.sleep(for: .seconds(arguments["seconds"]?.double ?? 0))
                    return .text("Computed \(arguments["label"]?.string ?? "it").")
                }
                if context.taskWish == .unwanted { return try await work() }
                return tasks.start(context) { _ in try await work() }
            }.answering(.optional),
            Tool(name: "failing_job", description: "Fails at its work.") { _, context in
                tasks.start(context) { _ in .failure("The job failed, as it was meant to.") }
            }.answering(.required),
            Tool(name: "protocol_error_job", description: "Ends with a protocol error.") { _, context in
                tasks.start(context) { _ in throw MCPError.internalError("The job broke down, as it was meant to.") }
            }.answering(.required),
            Tool(name: "confirm_delete", description: "Asks before it deletes.", inputSchema: file) {
                arguments, context in
                let file = arguments["filename"]?.string ?? "the file"
                return tasks.start(context) { running in
                    let answers = try await running.ask([.form("confirm", "Delete \(file)?", confirm)])
                    let isMeant = answers["confirm"]?["content"]?["confirm"] == true
                    return .text(isMeant ? "Deleted \(file)." : "Kept \(file).")
                }
            }.answering(.required),
            Tool(name: "multi_input", description: "Asks two things at once.") { _, context in
                tasks.start(context) { running in
                    let answers = try await running.ask([
                        .form("first", "Who are you?", name), .form("second", "Who else?", name),
                    ])
                    let names = ["first", "second"].map { answers[$0]?["content"]?["name"]?.string ?? "nobody" }
                    return .text("Met \(names.joined(separator: " and ")).")
                }
            }.answering(.required),
            Tool(name: "test_tool_with_task", description: "Asks first, then goes on by itself.") { _, context in
                let greeting = greeting(try await context.elicit("user_name", "What is your name?", form: name))
                return tasks.start(context) { _ in .text(greeting) }
            }.answering(.required),
        ]
    }
}

extension Tool {
    fileprivate func answering(_ support: TaskSupport) -> Tool {
        var tool = self
        tool.taskSupport = support
        return tool
    }
}
