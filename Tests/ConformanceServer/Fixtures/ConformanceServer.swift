package import MMCore
package import MMMCP

/// The server for the official conformance suite: fixtures with the names that it expects, on the engine of the
/// product.
package enum ConformanceServer {
    /// The server, with everything that the suite's scenarios need.
    package static func make() throws(MMError) -> MCPServer {
        var options = ServerOptions()
        options.changingLists = [.tools, .prompts]
        options.offersResourceSubscriptions = true
        let trigger = Trigger()
        let tasks = FixtureTasks()
        let server = try MCPServer(
            ServerInfo(name: "conformance-server", title: "Conformance server", version: "1.0.0"),
            instructions: "Fixtures for the conformance suite.",
            tools: try contentTools() + progressTools() + legacyQuestionTools() + modernQuestionTools()
                + changeTools(trigger) + taskTools(tasks) + [schemaTool(), headerTool()],
            prompts: try prompts(), resources: resources(), resourceTemplates: templates(), tasks: tasks,
            options: options
        )
        trigger.arm(server.changes)
        return server
    }
}
