import MMCore
import MMOperations
import MMShell

/// The tools for commands that run in the background.
enum SSHCommandTools {
    static func all(_ history: SSHSessionFullProfile.CommandHistory) -> [ProfileTool] {
        [status(history), interrupt, running(history), past(history), input]
    }

    private static let commandID = FastSchema.Parameter(
        "command_id", .text, "The command ID returned by execute_command_async")

    private static func task(_ call: SSHTools.Call) async throws(MMError) -> ShellTask {
        let id = call.arguments.written("command_id")
        do throws(MMError) {
            return try await call.shells.task(id, of: call.toolCall.context.shellOwner)
        } catch {
            throw MMError(.notFound, "Command ID not found")
        }
    }

    private static func word(_ task: ShellTask, _ prompt: ShellPrompt?) -> String {
        guard let end = task.job.end else { return prompt == nil ? "running" : "awaiting_input" }
        switch end.cause {
        case .finished, .shellEnded: return "completed"
        case .cancelled: return "interrupted"
        default: return "failed"
        }
    }

    private static func status(_ history: SSHSessionFullProfile.CommandHistory) -> ProfileTool {
        SSHTools.tool(
            "get_command_status", "Get the status and output of an async command.", [commandID], SSHTools.looks
        ) { (call) async throws(MMError) in
            let task = try await task(call)
            let prompt = await task.job.waitingFor()
            var text = "Command ID: \(task.handle)\n"
            text += "Session: \(await history.host(of: task.handle) ?? task.session.name)\n"
            text += "Command: \(task.summary)\nStatus: \(word(task, prompt))\nStarted: \(task.started.iso8601)\n"
            if let end = task.job.end {
                text += "Ended: \((task.started + end.duration).iso8601)\nExit Code: \(end.exitCode)\n"
            }
            if let prompt {
                text += "Awaiting Input: \(prompt.isSecret ? "password" : prompt.text)\n"
                text += "  → Use send_input('\(task.handle)', 'your_input\\n') to provide input\n"
            }
            let out = task.job.words(.stdout).droppingLastNewline
            let error = task.job.words(.stderr).droppingLastNewline
            if !out.isEmpty { text += "\nSTDOUT:\n\(out)\n" }
            if !error.isEmpty { text += "\nSTDERR:\n\(error)\n" }
            return text
        }
    }

    private static let interrupt = SSHTools.tool(
        "interrupt_command_by_id", "Interrupt a running async command by sending Ctrl+C.", [commandID], SSHTools.acts
    ) { (call) async throws(MMError) in
        let task = try await task(call)
        guard task.isRunning else { return "Command \(task.handle) is not running" }
        task.job.cancel()
        _ = await task.job.wait(until: .after(.seconds(10)))
        return "Command \(task.handle) interrupted"
    }

    private static func running(_ history: SSHSessionFullProfile.CommandHistory) -> ProfileTool {
        SSHTools.tool("list_running_commands", "List all currently running async commands.", [], SSHTools.looks) {
            (call) async throws(MMError) in
            let tasks = call.shells.tasks(of: call.toolCall.context.shellOwner, in: .ssh).filter(\.isRunning)
            guard !tasks.isEmpty else { return "No running commands" }
            var text = "Running Commands:\n"
            for task in tasks {
                text += "\n- ID: \(task.handle)\n"
                text += "  Session: \(await history.host(of: task.handle) ?? task.session.name)\n"
                text += "  Command: \(task.summary)\n  Status: \(word(task, await task.job.waitingFor()))\n"
                text += "  Started: \(task.started.iso8601)\n"
            }
            return text
        }
    }

    private static func past(_ history: SSHSessionFullProfile.CommandHistory) -> ProfileTool {
        SSHTools.tool(
            "list_command_history", "List recent command history (completed, failed, interrupted commands).",
            [
                FastSchema.Parameter(
                    "limit", .number, standard: 50, "Maximum number of commands to return (default: 50)")
            ],
            SSHTools.looks
        ) { (call) async throws(MMError) in
            let limit = max(1, call.arguments.number("limit") ?? 50)
            let tasks = call.shells.tasks(of: call.toolCall.context.shellOwner, in: .ssh).filter { !$0.isRunning }
            guard !tasks.isEmpty else { return "No command history" }
            let shown = tasks.suffix(limit)
            var text = "Command History (last \(shown.count)):\n"
            for task in shown {
                text += "\n- ID: \(task.handle)\n"
                text += "  Session: \(await history.host(of: task.handle) ?? task.session.name)\n"
                text += "  Command: \(task.summary)\n  Status: \(word(task, nil))\n"
                if let end = task.job.end {
                    text += "  Exit Code: \(end.exitCode)\n  Started: \(task.started.iso8601)\n"
                    text += "  Ended: \((task.started + end.duration).iso8601)\n"
                }
            }
            return text
        }
    }

    private static let input = SSHTools.tool(
        "send_input",
        "Send input to a running async command and return any new output.\n\nUseful for pagers, yes/no prompts and "
            + "interactive programs.",
        [
            FastSchema.Parameter("command_id", .text, "The command ID to send input to"),
            FastSchema.Parameter("input_text", .text, "Text to send (e.g., 'q', 'y\\n', etc.)"),
        ], SSHTools.acts
    ) { (call) async throws(MMError) in
        let task = try await task(call)
        guard task.isRunning else { throw MMError(.conflict, "Command is not running") }
        let output = try await type(call.arguments.written("input_text"), into: task)
        return "Input sent successfully\n"
            + (output.isEmpty ? "\nNo immediate output received" : "\nOutput:\n\(output)")
    }

    /// Types into a command's input.
    /// - Returns: the command's output since then.
    static func type(_ text: String, into task: ShellTask) async throws(MMError) -> String {
        let before = ShellCommand.Stream.allCases.map { task.job.page($0, from: 0, limit: 0).total }
        try await task.job.type(.text(text))
        _ = await task.job.waitForQuiet(.milliseconds(200), until: .after(.seconds(2)))
        var output = ""
        for (stream, start) in zip(ShellCommand.Stream.allCases, before) {
            output += String(decoding: task.job.page(stream, from: start, limit: 64 << 10).bytes, as: UTF8.self)
        }
        return output
    }
}
