import Glibc
package import MMCore
import MMDesk
package import MMOperations
import MMPool
import MMSessions
package import MMShell

/// The tools of the original persistent shell server, with its parameters, answers and wording.
package enum PersistentShellProfile {
    /// The name on the command line.
    package static let name = "persistent-shell"

    /// Creates the profile.
    /// - Throws: `invalidInput` for invalid settings.
    package static func profile(environment: [String: String]) throws(MMError) -> ToolProfile {
        let own = try PersistentShellSettings(environment: environment)
        let shell =
            if let directory = try RedisSessionDirectory(environment: environment) {
                PersistentShell(settings: own, directory: directory, holder: try holder(environment))
            } else {
                PersistentShell(settings: own)
            }
        let settings = shell.settings
        return ToolProfile(
            name: name, title: "MCP Persistent Shell",
            instructions:
                "A persistent shell: directory, variables and functions are kept between commands, also for a client "
                + "that reconnects. Use the argument `shell_id` of every tool for additional "
                + "shells. Files in the workspace are permanent.",
            tools: tools(shell),
            upkeep: { services in
                await services.shells.runMaintenance(every: .seconds(settings.cleanupInterval))
            },
            close: { await shell.close() },
            http: ProfileHTTP(
                serverName: settings.name, serverVersion: settings.version,
                outlivesSessions: !settings.isolatesSessions,
                sessionIdle: .seconds(settings.timeout),
                pages: ["/health": { services in .object(await shell.health(services)) }],
                warnings: settings.policy.isEnabled
                    ? []
                    : [
                        "Security is disabled: every command is run. To enable it, set MCP_SHELL_CONFIG_FILE to a file with security settings."
                    ]))
    }

    /// Returns the address at which clients reach this server among several: `MM_NODE_ADDRESS`, or by default the
    /// machine's name.
    private static func holder(_ environment: [String: String]) throws(MMError) -> String {
        if let named = environment["MM_NODE_ADDRESS"], !named.isEmpty { return named }
        return
            "http://\(ThisProcess.hostName ?? "localhost"):\(try PersistentShellSettings(environment: environment).port)"
    }

    /// Returns the address to listen on when the command line names none.
    package static func address(environment: [String: String]) throws(MMError) -> String {
        let settings = try PersistentShellSettings(environment: environment)
        let host = settings.host.contains(":") && !settings.host.hasPrefix("[") ? "[\(settings.host)]" : settings.host
        return "\(host):\(settings.port)"
    }

    private static func tools(_ shell: PersistentShell) -> [ProfileTool] {
        func tool(
            _ name: String, _ description: String, _ parameters: [FastSchema.Parameter],
            _ effects: OperationDeclaration.Effects,
            _ body:
                @escaping @Sendable (ToolArguments, ShellToolCall, PersistentShell) async throws(MMError) -> JSONObject
        ) -> ProfileTool {
            ProfileTool(
                name: name, description: description, inputSchema: FastSchema.arguments(name, parameters),
                outputSchema: FastSchema.dictionary(name), effects: effects
            ) { (arguments, call, services) async throws(MMError) in
                let configuration = try await shell.opening(services).configuration
                let toolCall = ShellToolCall(
                    tool: name, context: call, services: services, configuration: configuration)
                let object = try await body(ToolArguments(arguments), toolCall, shell)
                return ProfileAnswer(JSONWriter.string(.object(object), layout: .indented(2)), structured: object)
            }
        }
        let path = FastSchema.Parameter("path", .text, "Path to the file in workspace")
        return [
            tool(
                "execute_command",
                "Execute a shell command in the persistent session.\n\nState is preserved across commands (cwd, env vars, "
                    + "etc.).\n\nArgs:\n    command: The shell command to execute\n    timeout: Timeout in seconds "
                    + "(default: 30)",
                [
                    FastSchema.Parameter("command", .text, "The shell command to execute"),
                    FastSchema.Parameter("timeout", .number, standard: 30, "Timeout in seconds (default: 30)"),
                ], .init(readOnly: false, destructive: true, openWorld: true), execute),
            tool(
                "get_working_directory", "Get the current working directory of the shell session.", [],
                .init(readOnly: true, idempotent: true), directory),
            tool(
                "reset_session", "Reset the shell session to a clean state (equivalent to spawning a new shell).", [],
                .init(readOnly: false, destructive: true, idempotent: true), reset),
            tool(
                "upload_file",
                "Upload a file to the shell workspace.\n\nArgs:\n    path: Path to the file in workspace\n    content: File "
                    + "content (base64 or utf8 encoded)\n    encoding: Content encoding (default: base64)",
                [
                    path, FastSchema.Parameter("content", .text, "File content (base64 or utf8 encoded)"),
                    FastSchema.Parameter("encoding", .text, standard: "base64", "Content encoding: base64 or utf-8"),
                ], .init(readOnly: false, destructive: true, idempotent: true), upload),
            tool(
                "download_file",
                "Download a file from the shell workspace.\n\nArgs:\n    path: Path to the file in workspace\n    encoding: "
                    + "Content encoding (default: base64)",
                [
                    path,
                    FastSchema.Parameter("encoding", .text, standard: "base64", "Content encoding: base64 or utf-8"),
                ], .init(readOnly: true, idempotent: true), download),
        ]
    }

    // MARK: Commands

    private static func execute(_ arguments: ToolArguments, _ toolCall: ShellToolCall, _ shell: PersistentShell)
        async throws(MMError) -> JSONObject
    {
        let command = arguments.written("command")
        let limit = min(max(1, arguments.number("timeout") ?? 30), 86_400)
        let start = ContinuousClock.now
        func answer(_ status: String, _ code: Int32, _ out: String, _ error: String, _ time: Double) -> JSONObject {
            [
                "status": .string(status), "exit_code": .int(Int64(code)), "stdout": .string(out),
                "stderr": .string(error),
                "command": .string(command), "execution_time": .double(time),
            ]
        }
        let member: ShellSessions.Member
        let task: ShellTask
        do throws(MMError) {
            member = try await shell.member(toolCall.context, id: arguments.text("shell_id"), toolCall.services)
            let directory = await member.workingDirectory
            if toolCall.configuration.policy.isEnabled, command.allSatisfy(\.isWhitespace) {
                throw MMError(.denied, "Security validation failed: Empty command")
            }
            let cleared = try await toolCall.check(command, place: .shell, directory: directory)
            let admission = try toolCall.configuration.policy.check(command, directory: directory ?? "/")
            task = try await ShellRunner(sessions: toolCall.services.shells, member: member).start(
                cleared, timeLimit: .seconds(limit), patience: .seconds(limit), admission: admission)
        } catch {
            if error.code == .denied {
                toolCall.services.log.warning(error.message)
                await toolCall.note(command, secrets: [], isRefused: true)
            }
            await toolCall.record(
                ["commandBytes": .int(Int64(command.utf8.count))], outcome: error.code.word, since: start)
            return answer("error", -1, "", refusal(of: error), 0)
        }
        await toolCall.note(command, secrets: [], isRefused: false)
        // A client that has gone away doesn't want the command to continue.
        _ = await withTaskCancellationHandler {
            await task.job.waitForEnd()
        } onCancel: {
            task.job.cancel()
        }
        await toolCall.services.shells.touch(member.key)
        guard let end = task.job.end else { throw MMError(.internalError, "The command is incomplete.") }
        let seconds = Double((ContinuousClock.now - start) / .microseconds(1)) / 1_000_000
        await toolCall.record(
            [
                "commandBytes": .int(Int64(command.utf8.count)), "exitCode": .int(Int64(end.exitCode)),
                "stdoutBytes": .int(Int64(task.job.output(.stdout).total)),
            ], outcome: end.cause.word, since: start)
        let out = trimmed(task.job.words(.stdout))
        let (status, code, errors) = outcome(of: end, task, toolCall, limit)
        return answer(status, code, out, errors.joined(separator: "\n"), seconds)
    }

    /// Returns the outcome of a command in the persistent-shell server's words.
    private static func outcome(
        of end: ShellEnd, _ task: ShellTask, _ toolCall: ShellToolCall, _ limit: Int
    ) -> (status: String, code: Int32, errors: [String]) {
        let errors = [trimmed(task.job.words(.stderr)), trimmed(task.job.words(.terminal))].filter { !$0.isEmpty }
        let status = end.exitCode == 0 ? "success" : "error"
        switch end.cause {
        case .finished: return (status, end.exitCode, errors)
        case .shellEnded:
            return (status, end.exitCode, errors + (end.exitCode == 0 ? [] : ["Shell process terminated"]))
        case .deadline:
            let effective = toolCall.configuration.policy.isEnabled ? toolCall.configuration.policy.maximumTime : nil
            let shown = min(effective?.components.seconds ?? Int64(limit), Int64(limit))
            return ("error", -1, errors + ["Command timed out after \(shown)s"])
        case .cancelled: return ("error", -1, errors + ["Command was cancelled"])
        case .flood: return ("error", -1, errors + ["Command wrote too much output"])
        case .closed, .lost: return ("error", -1, errors + ["Shell process terminated"])
        }
    }

    /// Returns a text without trailing whitespace, which every command leaves.
    private static func trimmed(_ text: String) -> String {
        var rest = Substring(text)
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }

    /// Returns a refusal in the persistent-shell server's wording.
    private static func refusal(of error: MMError) -> String {
        let mark = "Security validation failed"
        let quoted = error.message.split(separator: "“").dropFirst().first?.split(separator: "”").first.map(String.init)
        switch (error.details["rule"]?.string, quoted) {
        case ("allowed_executables"?, let name?):
            let allowed =
                error.hint.map { $0.hasPrefix("Allowed are ") ? String($0.dropFirst(12).dropLast()) : $0 } ?? ""
            return "\(mark): Command '\(name)' is not in the allowlist. Allowed: \(allowed)"
        case ("blocked_patterns"?, let pattern?) where error.message.contains("matches"):
            return "\(mark): Command matches blocked pattern: \(pattern)"
        default: return error.message
        }
    }

    // MARK: The session

    private static func directory(_ arguments: ToolArguments, _ toolCall: ShellToolCall, _ shell: PersistentShell)
        async throws(MMError) -> JSONObject
    {
        let member = try await shell.member(toolCall.context, id: arguments.text("shell_id"), toolCall.services)
        return ["cwd": .string(await member.workingDirectory ?? "")]
    }

    private static func reset(_ arguments: ToolArguments, _ toolCall: ShellToolCall, _ shell: PersistentShell)
        async throws(MMError) -> JSONObject
    {
        let start = ContinuousClock.now
        let member = try await shell.member(toolCall.context, id: arguments.text("shell_id"), toolCall.services)
        if case .shell(let session) = member.body { try await session.reset() }
        await toolCall.record([:], outcome: "done", since: start)
        return ["status": "reset", "message": "Shell session has been reset to clean state"]
    }

    // MARK: Files

    /// Returns the files as the shell sees them: relative paths belong to its directory.
    private static func files(_ arguments: ToolArguments, _ toolCall: ShellToolCall, _ shell: PersistentShell)
        async throws(MMError) -> LocalFiles
    {
        let member = try await shell.member(toolCall.context, id: arguments.text("shell_id"), toolCall.services)
        let opening = try await shell.opening(toolCall.services)
        return LocalFiles(directory: await member.workingDirectory ?? opening.startDirectory, rules: opening.fileRules)
    }

    private static func upload(_ arguments: ToolArguments, _ toolCall: ShellToolCall, _ shell: PersistentShell)
        async throws(MMError) -> JSONObject
    {
        let start = ContinuousClock.now
        do throws(MMError) {
            let content = arguments.written("content")
            var bytes = Array(content.utf8)
            if try ContentEncoding.of(arguments, or: .base64) == .base64 {
                guard let decoded = Base64.bytes(content.filter { !$0.isWhitespace }) else {
                    throw MMError(.invalidInput, "the content is not base64")
                }
                bytes = decoded
            }
            var how = FileWriting()
            how.createsFolders = true
            let receipt = try await files(arguments, toolCall, shell).write(arguments.written("path"), bytes, how: how)
            await toolCall.record(["bytes": .int(Int64(bytes.count))], outcome: "done", since: start)
            return ["status": "uploaded", "path": .string(receipt.path), "size": .int(Int64(receipt.size))]
        } catch {
            await toolCall.record([:], outcome: error.code.word, since: start)
            return ["error": .string("Failed to upload file: \(error.message)")]
        }
    }

    private static func download(_ arguments: ToolArguments, _ toolCall: ShellToolCall, _ shell: PersistentShell)
        async throws(MMError) -> JSONObject
    {
        let path = arguments.written("path")
        do throws(MMError) {
            let encoding = try ContentEncoding.of(arguments, or: .base64)
            let piece = try await files(arguments, toolCall, shell).read(path)
            let content: String
            if encoding == .base64 {
                content = Base64.text(piece.bytes)
            } else {
                guard let text = String(validating: piece.bytes, as: UTF8.self) else {
                    throw MMError(.invalidInput, "the file is not UTF-8 text; use base64")
                }
                content = text
            }
            return [
                "content": .string(content), "size": .int(Int64(piece.size)),
                "encoding": .string(arguments.text("encoding") ?? "base64"),
            ]
        } catch  where error.code == .notFound {
            return ["error": .string("File not found: \(path)")]
        } catch {
            return ["error": .string("Failed to download file: \(error.message)")]
        }
    }
}

/// The directory, in Redis, of the sessions that several servers share.
///
/// A session may be idle for an hour, but its server renews the claim every half minute: if a server is gone, its
/// sessions can soon be started anew elsewhere.
package actor RedisSessionDirectory: SessionDirectory {
    private struct Held {
        let holder: String
        /// Until when the session may be idle.
        var until: ContinuousClock.Instant
    }

    /// How long a server may be silent before its claims expire.
    static let patience = Duration.seconds(90)

    private let claims: SharedClaims
    private var held: [String: Held] = [:]
    private var upkeep: Task<Void, Never>?

    init(_ redis: RedisClient) {
        claims = SharedClaims(redis, kind: "shells")
    }

    /// Creates the directory that an environment names (`MM_CLUSTER`); `nil` if it names none.
    /// - Throws: `invalidInput` for an invalid address, `unavailable` without the library.
    package init?(environment: [String: String]) throws(MMError) {
        guard let url = environment["MM_CLUSTER"], !url.isEmpty else { return nil }
        if let fault = RedisLibrary.fault {
            throw MMError(
                .unavailable, "The Redis library can't be used: \(fault)", hint: "apt-get install libhiredis0.14")
        }
        self.init(RedisClient(try RedisAddress(url, environment: environment)))
    }

    deinit { upkeep?.cancel() }

    package func claim(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> SessionPlacement {
        let claim = try await claims.claim(key, for: holder, lease: min(lease, Self.patience))
        if claim.holder == holder {
            held[key] = Held(holder: holder, until: .now + lease)
            goOn()
        } else {
            held[key] = nil
        }
        return SessionPlacement(holder: claim.holder, until: .now + claim.left)
    }

    package func release(_ key: String, from holder: String) async throws(MMError) {
        held[key] = nil
        try await claims.release(key, from: holder)
    }

    /// Renews this server's claims as long as it has any.
    private func goOn() {
        guard upkeep == nil else { return }
        upkeep = Task { [weak self] in
            while (try? await Task.sleep(for: Self.patience / 3)) != nil {
                guard let self, await self.renewAll() else { return }
            }
        }
    }

    /// Renews all claims.
    /// - Returns: whether any are left.
    func renewAll() async -> Bool {
        for (key, one) in held {
            let left = ContinuousClock.now.duration(to: one.until)
            guard left > .zero else {
                held[key] = nil
                continue
            }
            // If Redis can't be reached at the moment, the next round renews the claim.
            let isOurs = try? await claims.renew(key, for: one.holder, lease: min(left, Self.patience))
            if isOurs == false, held[key]?.holder == one.holder { held[key] = nil }
        }
        if held.isEmpty { upkeep = nil }
        return !held.isEmpty
    }
}

/// The persistent shell: one shell per client, across all its sessions, in one permanent workspace.
package actor PersistentShell {
    /// The settings.
    package nonisolated let settings: PersistentShellSettings
    private var workspace: String?
    /// A shell that belongs to no client and proves that shells can be started.
    private var standby: GuardedShell?
    /// The check for `/health` that is under way.
    private var checking: Task<Bool, Never>?
    /// The directory that records which of several servers has a session.
    private let directory: any SessionDirectory
    /// The name by which other servers know this one.
    private let holder: String
    /// The sessions that this server has claimed, by owner.
    private var claims: [String: Set<String>] = [:]

    /// Creates a persistent shell.
    /// - Parameters:
    ///   - directory: records which of several servers has a session; a single server needs only its own.
    ///   - holder: the name by which other servers know this one.
    package init(
        settings: PersistentShellSettings, directory: any SessionDirectory = LocalSessionDirectory(),
        holder: String = RandomBytes.text(bytes: 12)
    ) {
        self.settings = settings
        self.directory = directory
        self.holder = holder
    }

    /// Claims a session, or renews the claim, which lasts as long as the session may be idle.
    /// - Throws: `conflict` when the session lives on another server; `unavailable` when that can't be determined.
    private func claim(_ key: ShellSessionName) async throws(MMError) {
        let name = "\(key.owner)/\(key.name)"
        let lease = Duration.seconds(settings.timeout + settings.cleanupInterval)
        let placement = try await directory.claim(name, for: holder, lease: lease)
        guard placement.holder == holder else {
            throw MMError(
                .conflict, "This session belongs to another server.",
                hint: "Send its requests there, or start a new session.",
                details: ["holder": .string(placement.holder)])
        }
        claims[key.owner, default: []].insert(name)
    }

    /// Releases everything claimed for a client.
    package func release(_ owner: String) async {
        for name in claims.removeValue(forKey: owner) ?? [] { try? await directory.release(name, from: holder) }
    }

    /// Returns the folder in which shells start and files are kept; creates it if missing.
    /// - Throws: an error when it can't be created and was configured explicitly.
    private func folder(_ services: OperationServices) throws(MMError) -> String {
        if let workspace { return workspace }
        var made = settings.workspace
        if !Self.isFolder(made), mkdir(made, 0o755) != 0 || !Self.isFolder(made) {
            guard !settings.namesWorkspace, let here = ThisProcess.workingDirectory else {
                throw MMError(
                    .notFound, "The working directory \(made) does not exist and can't be created.",
                    hint: "Create it, or set MCP_SHELL_SECURITY__WORKING_DIRECTORY.")
            }
            // Outside a container, use the folder next to where the server was started, as the compose file mounts it.
            made = here + "/workspace"
            guard Self.isFolder(made) || mkdir(made, 0o755) == 0 else {
                throw MMError(
                    .notFound, "There is no workspace, and \(made) can't be created.",
                    hint: "Set MCP_SHELL_SECURITY__WORKING_DIRECTORY to a folder that you own.")
            }
            services.log.warning("\(settings.workspace) does not exist: using \(made) as the workspace")
        }
        workspace = made
        return made
    }

    private static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// Returns how to open shells according to the settings.
    func opening(_ services: OperationServices) throws(MMError) -> ShellOpening {
        ShellOpening(
            services: services.shellServices, configuration: settings.configuration(workspace: try folder(services)),
            confinement: settings.confinement)
    }

    /// Returns the client's shell with this name, starting it if necessary.
    package func member(_ call: CallContext, id: String?, _ services: OperationServices) async throws(MMError)
        -> ShellSessions.Member
    {
        let opening = try opening(services)
        let key = ShellSessionName(owner: call.shellOwner, place: .shell, name: id ?? NamedSession.standard)
        try await claim(key)
        return try await services.shells.session(key, limits: SessionLimits(opening.configuration)) {
            () async throws(MMError) in
            try await opening.local(key, kind: nil)
        }.member
    }

    /// Returns the content of `/health`.
    package func health(_ services: OperationServices) async -> JSONObject {
        [
            "status": "healthy", "version": .string(settings.version), "shell_alive": .bool(await isAlive(services)),
            "security_enabled": .bool(settings.policy.isEnabled),
        ]
    }

    /// Returns whether a shell can be used. Callers who ask at the same time share one check.
    private func isAlive(_ services: OperationServices) async -> Bool {
        if let checking { return await checking.value }
        let check = Task { await hasStandby(services) }
        checking = check
        defer { checking = nil }
        return await check.value
    }

    private func hasStandby(_ services: OperationServices) async -> Bool {
        if let standby, await standby.processID != nil { return true }
        await standby?.close()
        standby = nil
        guard let opening = try? opening(services) else { return false }
        let key = ShellSessionName(owner: "health", place: .shell, name: "standby")
        guard let member = try? await opening.local(key, kind: settings.kind == "python" ? "bash" : nil),
            case .shell(let shell) = member.body
        else { return false }
        standby = shell
        return true
    }

    /// Ends the standby shell and releases all claims.
    package func close() async {
        for owner in claims.keys { await release(owner) }
        _ = await checking?.value
        await standby?.close()
        standby = nil
    }
}
