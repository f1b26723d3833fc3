package import MMCore
package import MMMCP

/// The server that the official conformance suite expects to find: fixtures by exact name, on the same engine that the
/// product uses.
package enum ConformanceServer {
    /// The server, with everything the suite's scenarios ask for.
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
