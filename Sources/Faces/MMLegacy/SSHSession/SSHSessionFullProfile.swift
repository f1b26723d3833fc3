import MMCore
import MMDesk
import MMGuard
import MMOperations
import MMShell

/// The tools of the SSH session server's latest release: those of the first, plus background commands, input, screens
/// and files.
package enum SSHSessionFullProfile {
    /// The name on the command line.
    package static let name = "ssh-session-full"

    /// Creates the profile.
    package static func profile() -> ToolProfile {
        let history = CommandHistory()
        return ToolProfile(
            name: name, title: "MCP SSH Session",
            instructions:
                "Persistent SSH sessions, one for each host: directory and variables are kept between commands. A "
                + "command that takes longer than its timeout continues under a command ID.",
            tools: [execute(history), executeAsync(history)] + SSHCommandTools.all(history)
                + SSHScreenTools.all + SSHFileTools.all
                + [
                    SSHTools.listSessions,
                    SSHTools.closeSession([SSHTools.hostOrAlias, SSHTools.optionalUser, SSHTools.optionalPort]),
                    SSHTools.closeAll,
                ],
            http: ProfileHTTP(sessionEnded: { owner, services in await services.shells.closeAll(of: owner) }))
    }

    /// The texts of commands by ID, for lists.
    actor CommandHistory {
        private var entries: [String: (command: String, host: String)] = [:]
        private var order: [String] = []

        func add(_ task: ShellTask, host: String) {
            entries[task.handle] = (task.summary, host)
            order.append(task.handle)
            if order.count > 200 { entries[order.removeFirst()] = nil }
        }

        func host(of handle: String) -> String? { entries[handle]?.host }
    }

    private static func execute(_ history: CommandHistory) -> ProfileTool {
        SSHTools.tool(
            "execute_command",
            "Execute a command on an SSH host using a persistent session.\n\nStarts synchronously and waits for completion. If "
                + "the command doesn't complete within the timeout, it automatically transitions to async mode and returns a "
                + "command ID for tracking. The host may be a name, an address or an SSH config alias. For network devices "
                + "use enable_password; for hosts requiring sudo, sudo_password.",
            [
                SSHTools.hostOrAlias, SSHTools.command, SSHTools.optionalUser, SSHTools.password, SSHTools.keyFile,
                SSHTools.optionalPort,
                FastSchema.Parameter(
                    "enable_password", .optionalText, "Enable mode password for network devices (optional)"),
                FastSchema.Parameter(
                    "enable_command", .text, standard: "enable", "Command to enter enable mode (default: \"enable\")"),
                FastSchema.Parameter("sudo_password", .optionalText, "Password for sudo commands (optional)"),
                FastSchema.Parameter("timeout", .number, standard: 30, "Timeout in seconds (default: 30)"),
            ], SSHTools.acts
        ) { (call) async throws(MMError) in
            let command = call.arguments.written("command")
            let wait = Duration.seconds(min(max(1, call.arguments.number("timeout") ?? 30), 86_400))
            let host = try call.host()
            if call.arguments.text("enable_password") != nil || host.enablePassword != nil {
                return try await SSHScreenTools.device(command, call, host, within: wait)
            }
            if let password = host.sudoPassword,
                call.arguments.text("sudo_password") != nil || command.hasPrefix("sudo ")
            {
                return try await SSHScreenTools.sudo(command, password, call, host, within: wait)
            }
            let task: ShellTask
            do throws(MMError) {
                task = try await SSHTools.start(command, call, limit: .seconds(3600), patience: wait, isTyped: true)
            } catch  where error.details["reason"] == "no_shell" {
                // A network device; privileged mode isn't needed for this.
                return try await SSHScreenTools.device(command, call, host, within: wait)
            }
            await history.add(task, host: await sessionName(task, call))
            let prompt = await withTaskCancellationHandler {
                await ShellRunner.wait(task.job, until: .after(wait))
            } onCancel: {
                task.job.cancel()
            }
            await call.shells.touch(task.session)
            if let end = task.job.end { return SSHTools.answer(task, end) }
            if let prompt {
                return "Command paused waiting for user input (\(prompt.isSecret ? "password" : "input")).\n\n"
                    + "Command ID: \(task.handle)\n\nUse send_input('\(task.handle)', 'your_input\\n') to provide input.\n"
                    + "For example, if it's a password, provide the password followed by \\n."
            }
            return "Command exceeded timeout of \(wait.components.seconds)s and is now running in background.\n\n"
                + "Command ID: \(task.handle)\n\nUse get_command_status('\(task.handle)') to check progress.\n"
                + "Use interrupt_command_by_id('\(task.handle)') to stop it."
        }
    }

    private static func executeAsync(_ history: CommandHistory) -> ProfileTool {
        SSHTools.tool(
            "execute_command_async",
            "Execute a command asynchronously without blocking the server.\n\nReturns a command ID that can be used to check "
                + "status, retrieve output, or interrupt.",
            [
                SSHTools.hostOrAlias, SSHTools.command, SSHTools.optionalUser, SSHTools.password, SSHTools.keyFile,
                SSHTools.optionalPort,
                FastSchema.Parameter(
                    "timeout", .number, standard: 300, "Maximum execution time in seconds (default: 300)"),
            ], SSHTools.acts
        ) { (call) async throws(MMError) in
            let limit = Duration.seconds(min(max(1, call.arguments.number("timeout") ?? 300), 604_800))
            let task = try await SSHTools.start(
                call.arguments.written("command"), call, limit: limit, patience: .zero, isTyped: true)
            await history.add(task, host: await sessionName(task, call))
            return "Command started with ID: \(task.handle)\n\n"
                + "Use get_command_status('\(task.handle)') to check progress."
        }
    }

    private static func sessionName(_ task: ShellTask, _ call: SSHTools.Call) async -> String {
        (try? await call.shells.existing(task.session))?.host ?? task.session.name
    }
}

/// The tools for files on a host.
enum SSHFileTools {
    static var all: [ProfileTool] { [readFile, writeFile] }

    private static let usualLimit = 2 << 20
    private static let connection = [
        SSHTools.optionalUser, SSHTools.password, SSHTools.keyFile, SSHTools.optionalPort,
    ]
    private static let rights = [
        FastSchema.Parameter("sudo_password", .optionalText, "Password for sudo (optional)"),
        FastSchema.Parameter(
            "use_sudo", .flag, standard: false, "Use sudo (passwordless if no sudo_password is given)"),
    ]

    private static func files(
        _ call: SSHTools.Call, by cleared: Cleared<ShellLine>
    ) async throws(MMError) -> RemoteFiles {
        let host = try call.host()
        guard case .shell(let shell) = try await call.member(host).body else {
            throw MMError(.unsupported, "Files can't be accessed there.")
        }
        let password = host.sudoPassword
        let isRoot = call.arguments.flag("use_sudo") || call.arguments.text("sudo_password") != nil
        return try shell.files(by: cleared, limit: 64 << 20, sudo: isRoot ? .root(password: password) : .none)
    }

    private static func failure(_ error: MMError, _ path: String, _ deed: String) -> String {
        switch error.code {
        case .notFound:
            return SSHTools.result(
                1, [("STDERR", deed == "reading" ? "Remote file not found: \(path)" : "Remote path not found: \(path)")]
            )
        case .forbidden where error.details["reason"] == nil:
            return SSHTools.result(
                1,
                [
                    (
                        "STDERR",
                        "Permission denied \(deed) file. Set use_sudo=True or provide sudo_password to retry with sudo."
                    )
                ])
        default: return SSHTools.result(1, [("STDERR", error.message)])
        }
    }

    private static func quoted(_ path: String) -> String {
        "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static let readFile = SSHTools.tool(
        "read_file", "Read a remote file over SSH.",
        [SSHTools.hostOrAlias, FastSchema.Parameter("remote_path", .text, "Path to the remote file")] + connection
            + [
                FastSchema.Parameter("encoding", .text, standard: "utf-8", "Text encoding (default: utf-8), or base64"),
                FastSchema.Parameter(
                    "errors", .text, standard: "replace", "Error handling for decoding: replace or strict"),
                FastSchema.Parameter("max_bytes", .optionalNumber, "Maximum bytes to read (default: 2MB)"),
            ] + rights, .init(readOnly: true, openWorld: true)
    ) { (call) async throws(MMError) in
        let path = call.arguments.written("remote_path")
        guard !path.isEmpty else { return SSHTools.result(1, [("STDERR", "Remote path must be provided")]) }
        let encoding = try ContentEncoding.of(call.arguments, or: .text)
        let limit = max(1, min(call.arguments.number("max_bytes") ?? usualLimit, usualLimit))
        let cleared = try await call.toolCall.check("cat -- \(quoted(path))", place: .ssh, directory: nil)
        let files = try await files(call, by: cleared)
        do throws(MMError) {
            let piece = try await files.read(path, limit: limit)
            let content: String
            if encoding == .base64 {
                content = Base64.text(piece.bytes)
            } else if let text = String(validating: piece.bytes, as: UTF8.self) {
                content = text
            } else if call.arguments.text("errors") == "strict", piece.bytes.count == piece.size {
                return SSHTools.result(1, [("STDERR", "Failed to decode file using encoding 'utf-8'")])
            } else {
                content = String(decoding: piece.bytes, as: UTF8.self)
            }
            var text = "Exit Status: 0\n\n"
            if !content.isEmpty { text += "CONTENT:\n\(content)\n" }
            if piece.bytes.count < piece.size {
                text += "STDERR:\nContent truncated to \(limit) bytes. Increase max_bytes to retrieve full file.\n"
            }
            return text
        } catch {
            return failure(error, path, "reading")
        }
    }

    private static let writeFile = SSHTools.tool(
        "write_file", "Write content to a remote file over SSH.",
        [
            SSHTools.hostOrAlias, FastSchema.Parameter("remote_path", .text, "Path to the remote file"),
            FastSchema.Parameter("content", .text, "Content to write"),
        ] + connection
            + [
                FastSchema.Parameter("encoding", .text, standard: "utf-8", "Text encoding (default: utf-8), or base64"),
                FastSchema.Parameter("errors", .text, standard: "strict", "Error handling for encoding"),
                FastSchema.Parameter("append", .flag, standard: false, "Append to file instead of overwriting"),
                FastSchema.Parameter("make_dirs", .flag, standard: false, "Create parent directories"),
                FastSchema.Parameter(
                    "permissions", .optionalNumber, "Octal file permissions to set (e.g., 420 for 0644)"),
                FastSchema.Parameter("max_bytes", .optionalNumber, "Maximum bytes to write (default: 2MB)"),
            ] + rights, SSHTools.acts
    ) { (call) async throws(MMError) in
        let path = call.arguments.written("remote_path")
        guard !path.isEmpty else { return SSHTools.result(1, [("STDERR", "Remote path must be provided")]) }
        let content = call.arguments.written("content")
        var bytes = Array(content.utf8)
        if try ContentEncoding.of(call.arguments, or: .text) == .base64 {
            guard let decoded = Base64.bytes(content) else {
                return SSHTools.result(1, [("STDERR", "Failed to encode content using encoding 'base64'")])
            }
            bytes = decoded
        }
        let limit = max(1, min(call.arguments.number("max_bytes") ?? usualLimit, usualLimit))
        guard bytes.count <= limit else {
            return SSHTools.result(
                1, [("STDERR", "Content size \(bytes.count) bytes exceeds maximum allowed \(limit) bytes")])
        }
        let cleared = try await call.toolCall.check("tee -- \(quoted(path))", place: .ssh, directory: nil)
        var how = FileWriting()
        how.appends = call.arguments.flag("append")
        how.createsFolders = call.arguments.flag("make_dirs")
        how.permissions = try call.arguments.permissions()
        let files = try await files(call, by: cleared)
        do throws(MMError) {
            let receipt = try await files.write(path, bytes, how: how)
            let message = "Wrote \(bytes.count) bytes to \(receipt.path)" + (how.appends ? " (append)" : "")
            return SSHTools.result(0, [("MESSAGE", message)])
        } catch {
            return failure(error, path, "writing")
        }
    }
}
