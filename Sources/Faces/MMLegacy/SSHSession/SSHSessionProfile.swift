import MMCore
import MMOperations
import MMShell

/// The four tools of the ssh-session server.
package enum SSHSessionProfile {
    /// The name on the command line.
    package static let name = "ssh-session"

    /// Creates the profile.
    package static func profile() -> ToolProfile {
        let user = FastSchema.Parameter("username", .text, "SSH username")
        let port = FastSchema.Parameter("port", .number, standard: 22, "SSH port (default: 22)")
        let execute = SSHTools.tool(
            "execute_command",
            "Execute a command on an SSH host using a persistent session.\n\nArgs:\n    host: Hostname or IP address\n    "
                + "username: SSH username\n    command: Command to execute\n    password: Password (optional)\n    "
                + "key_filename: Path to SSH key file (optional)\n    port: SSH port (default: 22)",
            [SSHTools.host, user, SSHTools.command, SSHTools.password, SSHTools.keyFile, port], SSHTools.acts
        ) { (call) async throws(MMError) in
            let limit = call.toolCall.configuration.commandTime
            let task: ShellTask
            do throws(MMError) {
                task = try await SSHTools.start(
                    call.arguments.written("command"), call, limit: limit, patience: limit, isTyped: false)
            } catch  where error.details["reason"] == "no_shell" {
                // Network devices have a prompt of their own.
                let host = try call.host()
                return try await SSHScreenTools.device(call.arguments.written("command"), call, host, within: limit)
            }
            let end = await withTaskCancellationHandler {
                await task.job.waitForEnd()
            } onCancel: {
                task.job.cancel()
            }
            await call.shells.touch(task.session)
            return SSHTools.answer(task, end)
        }
        return ToolProfile(
            name: name, title: "MCP SSH Session",
            instructions:
                "Lasting SSH sessions, one for each host: directory and variables stay from command to command.",
            tools: [
                execute, SSHTools.listSessions, SSHTools.closeSession([SSHTools.host, user, port]), SSHTools.closeAll,
            ],
            http: ProfileHTTP(sessionEnded: { owner, services in await services.shells.closeAll(of: owner) }))
    }
}
