import MMCore
import MMMCP

extension ConformanceServer {
    static func progressTools() -> [Tool] {
        [
            Tool(name: "test_tool_with_logging", description: "Logs three times while it works.") { _, context in
                for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    context.log(.info, .string(text))
                    try await Task.sleep(for: .milliseconds(50))
                }
                return .text("Tool with logging executed successfully")
            },
            Tool(name: "test_logging_tool", description: "Logs once where the client asks for it.") { _, context in
                context.log(.info, "A log message", logger: "conformance")
                return .text("logged")
            },
            Tool(name: "test_tool_with_progress", description: "Tells how far it is.") { _, context in
                for step in [0.0, 50, 100] {
                    context.progress(step, of: 100, "Completed step \(Int(step)) of 100")
                    try await Task.sleep(for: .milliseconds(50))
                }
                return .text("Tool with progress executed successfully")
            },
            Tool(name: "test_reconnection", description: "Lets the connection go in mid-call.") { _, context in
                context.releaseConnection(retryAfter: .milliseconds(500))
                try await Task.sleep(for: .milliseconds(100))
                return .text("Reconnection test completed successfully")
            },
        ]
    }

    static func changeTools(_ trigger: Trigger) -> [Tool] {
        [
            Tool(name: "test_trigger_tool_change", description: "Tells that the tools changed.") { _, _ in
                trigger.fire(.tools)
                return .text("told")
            },
            Tool(name: "test_trigger_prompt_change", description: "Tells that the prompts changed.") { _, _ in
                trigger.fire(.prompts)
                return .text("told")
            },
        ]
    }
}
