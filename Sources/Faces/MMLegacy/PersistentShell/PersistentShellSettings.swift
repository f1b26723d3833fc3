package import MMCore
package import MMOperations
package import MMShell

/// The settings that the persistent shell reads from its environment and its configuration file, with the
/// persistent-shell server's names and defaults.
package struct PersistentShellSettings: Sendable {
    /// The server's name and version as reported to clients.
    package var name = "mcp-persistent-shell"
    package var version = "0.1.0"
    /// The address to listen on.
    package var host = "127.0.0.1"
    package var port = 3000
    /// The log level: debug, info, warning, error or critical.
    package var logLevel = "info"
    /// Whether the log level was set explicitly.
    private var namesLogLevel = false
    /// The log format: `json` or `console`.
    package var logFormat = "json"
    /// How many seconds a shell may be idle before it is closed.
    package var timeout = 3600
    /// The maximum number of shells.
    package var maximumSessions = 100
    /// The number of seconds between checks for idle shells.
    package var cleanupInterval = 300
    /// Whether each session of a client has shells of its own, which end with it, instead of those of its user.
    package var isolatesSessions = false
    /// The path of the shell program.
    package var defaultShell = "/bin/bash"
    /// How far shells are confined.
    package var confinement = ShellsConfiguration.Confinement.guard
    /// The memory limit of each process, in MiB.
    package var memory: Int?
    /// The combined limits of all processes of a shell, if a control group is delegated.
    package var together = TreeLimits(isBestEffort: true)
    /// The security settings.
    package var policy = ShellPolicy.open
    /// The folder where shells start.
    package var workspace = "/workspace"
    /// Whether the workspace was set explicitly.
    package var namesWorkspace = false

    /// Reads the settings; the file takes precedence over the environment, as in the persistent-shell server.
    /// - Throws: `invalidInput`, naming the variable or key; `notFound` when the configured file is missing, because
    ///   requested security must never be dropped silently.
    /// - Parameter file: a file of settings in the form of `.env.example`; the environment takes precedence over it.
    package init(environment given: [String: String], file: String = ".env") throws(MMError) {
        // Names are case-insensitive, as in the persistent-shell server.
        var environment = try Self.variables(in: file)
        for (key, value) in given where key.uppercased().hasPrefix("MCP_SHELL_") {
            environment[key.uppercased()] = value
        }
        for (section, key) in [
            ("server", "name"), ("server", "version"), ("server", "host"), ("server", "port"), ("logging", "level"),
            ("logging", "format"), ("session", "timeout"), ("session", "max_sessions"), ("session", "cleanup_interval"),
            ("session", "isolation"),
            ("shell", "default_shell"), ("shell", "prompt_marker"), ("shell", "sandbox"), ("shell", "memory_mb"),
            ("shell", "total_memory_mb"), ("shell", "total_processes"), ("shell", "total_cpus"),
        ] {
            let variable = "MCP_SHELL_\(section.uppercased())__\(key.uppercased())"
            guard let value = environment[variable], !value.isEmpty else { continue }
            try take(section, key, value, from: variable)
        }
        if let file = environment["MCP_SHELL_CONFIG_FILE"], !file.isEmpty {
            try read(file)
        } else {
            try readSecurity(environment)
        }
        if let directory = policy.workingDirectory { workspace = directory }
    }

    /// Reads the settings from a file in the folder where the server was started, as the persistent-shell server does:
    /// lines of the form `NAME=VALUE`, with or without quotes around the value.
    private static func variables(in file: String) throws(MMError) -> [String: String] {
        let path = file.hasPrefix("/") ? file : CallContext.ownDirectory.map { "\($0)/\(file)" } ?? file
        guard let bytes = try bytes(of: path) else { return [:] }
        var variables: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            var text = line.drop(while: \.isWhitespace)
            if text.hasPrefix("export ") { text = text.dropFirst(7) }
            guard !text.hasPrefix("#"), let sign = text.firstIndex(of: "=") else { continue }
            let name = text[..<sign].filter { !$0.isWhitespace }.uppercased()
            guard name.hasPrefix("MCP_SHELL_") else { continue }
            variables[name] = value(text[text.index(after: sign)...])
        }
        return variables
    }

    /// Returns a value of such a file: text in quotes is taken as it is; a comment after a blank is removed.
    private static func value(_ written: Substring) -> String {
        let text = written.drop(while: \.isWhitespace)
        if let quote = text.first, quote == "\"" || quote == "'", let end = text.dropFirst().firstIndex(of: quote) {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        let plain = text.firstRange(of: " #").map { text[..<$0.lowerBound] } ?? text
        return String(plain.reversed().drop(while: \.isWhitespace).reversed())
    }

    private mutating func take(_ section: String, _ key: String, _ value: String, from source: String) throws(MMError) {
        func wrong(_ due: String) -> MMError {
            MMError(.invalidInput, "\(source) is “\(value.prefix(60))”.", hint: "It must be \(due).")
        }
        func number(_ range: ClosedRange<Int>) throws(MMError) -> Int {
            guard let number = Int(value), range.contains(number) else {
                throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        switch (section, key) {
        case ("server", "name"): name = value
        case ("server", "version"): version = value
        case ("server", "host"): host = value
        case ("server", "port"): port = try number(0...65535)
        case ("logging", "level"):
            guard ["debug", "info", "warning", "error", "critical"].contains(value.lowercased()) else {
                throw wrong("debug, info, warning, error or critical")
            }
            logLevel = value.lowercased()
            namesLogLevel = true
        case ("logging", "format"):
            guard ["json", "console"].contains(value.lowercased()) else { throw wrong("json or console") }
            logFormat = value.lowercased()
        case ("session", "timeout"): timeout = try number(1...31_536_000)
        case ("session", "max_sessions"): maximumSessions = try number(1...100_000)
        case ("session", "cleanup_interval"): cleanupInterval = try number(1...86_400)
        case ("session", "isolation"):
            guard ["user", "session"].contains(value.lowercased()) else { throw wrong("user or session") }
            isolatesSessions = value.lowercased() == "session"
        case ("shell", "default_shell"):
            let base = value.split(separator: "/").last.map(String.init) ?? value
            guard ShellKind(program: value) != nil || base.hasPrefix("python") else {
                throw wrong("bash, zsh, dash, ash or python3, by name or path")
            }
            defaultShell = value
        // This server doesn't look for a prompt, so the setting is ignored.
        case ("shell", "prompt_marker"): return
        case ("shell", "sandbox"):
            guard let kind = ShellsConfiguration.Confinement(rawValue: value), kind != .argv else {
                throw wrong("guard, workspace or isolated")
            }
            confinement = kind
        case ("shell", "memory_mb"): memory = try number(16...1_048_576)
        case ("shell", "total_memory_mb"): together.memory = UInt64(try number(16...1_048_576)) << 20
        case ("shell", "total_processes"): together.processes = try number(2...1_000_000)
        case ("shell", "total_cpus"):
            guard let number = Double(value), (0.01...4096).contains(number) else {
                throw wrong("a number from 0.01 to 4096")
            }
            together.processors = number
        default: throw MMError(.invalidInput, "\(source) is not a known setting.", hint: "See .env.example.")
        }
    }

    private mutating func read(_ file: String) throws(MMError) {
        guard let bytes = try Self.bytes(of: file) else {
            throw MMError(
                .notFound, "The configuration file \(file) does not exist.",
                hint: "Correct MCP_SHELL_CONFIG_FILE; without the file no shell is started.")
        }
        guard case .map(let top)? = try YAMLNode.read(bytes, name: file)?.content else {
            throw MMError(.invalidInput, "\(file) contains no settings.")
        }
        for entry in top {
            let (section, value) = (entry.key, entry.value)
            guard section != "security" else { continue }
            guard ["session", "server", "logging", "shell"].contains(section), case .map(let entries) = value.content
            else {
                throw MMError(.invalidInput, "\(file): “\(section)” is not a known section.")
            }
            for entry in entries {
                guard case .scalar(let text, _) = entry.value.content else {
                    throw MMError(.invalidInput, "\(file): “\(section).\(entry.key)” is not text.")
                }
                try take(section, entry.key, text, from: "\(file): \(section).\(entry.key)")
            }
        }
        guard let security = top.first(where: { $0.key == "security" }) else { return }
        policy = try ShellPolicy(yaml: bytes, name: file)
        if case .map(let entries) = security.value.content {
            namesWorkspace = entries.contains { $0.key == "working_directory" }
            if policy.isEnabled, !entries.contains(where: { $0.key == "audit_log" }) { policy.audit = .standard }
        }
    }

    private static func bytes(of file: String) throws(MMError) -> [UInt8]? {
        // A mounted file belongs to the administrator, so it is read with the same rules as any policy's security file.
        do throws(MMError) {
            return try ShellPolicy.bytes(of: file)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Reads the security settings from the environment alone, as a document in the same form as the file.
    private mutating func readSecurity(_ environment: [String: String]) throws(MMError) {
        var security: JSONObject = [:]
        for key in ["ENABLED", "AUDIT_LOG", "MAX_EXECUTION_TIME", "MAX_OUTPUT_SIZE"] {
            guard let value = environment["MCP_SHELL_SECURITY__" + key], !value.isEmpty else { continue }
            let isOn = ["true", "1", "yes", "on"].contains(value.lowercased())
            let isOff = ["false", "0", "no", "off"].contains(value.lowercased())
            let number = key.hasPrefix("MAX_") ? Int64(value) : nil
            if let number {
                security[key.lowercased()] = .int(number)
            } else if isOn || isOff, !key.hasPrefix("MAX_") {
                security[key.lowercased()] = .bool(isOn)
            } else {
                throw MMError(
                    .invalidInput, "MCP_SHELL_SECURITY__\(key) is “\(value.prefix(60))”.",
                    hint: key.hasPrefix("MAX_") ? "It must be a whole number." : "It must be true or false.")
            }
        }
        for key in ["ALLOWED_EXECUTABLES", "BLOCKED_PATTERNS"] {
            guard let value = environment["MCP_SHELL_SECURITY__" + key], !value.isEmpty else { continue }
            guard let list = try? JSONParser.parse(value), list.array != nil else {
                throw MMError(
                    .invalidInput, "MCP_SHELL_SECURITY__\(key) isn't a JSON list.",
                    hint: "For example [\"ls\", \"git\"]."
                )
            }
            security[key.lowercased()] = list
        }
        if let directory = environment["MCP_SHELL_SECURITY__WORKING_DIRECTORY"], !directory.isEmpty {
            security["working_directory"] = .string(directory)
            namesWorkspace = true
        }
        guard !security.isEmpty else { return }
        if security["audit_log"] == nil { security["audit_log"] = true }
        policy = try ShellPolicy(
            yaml: JSONWriter.bytes(["security": .object(security)]), name: "MCP_SHELL_SECURITY__…")
    }

    /// Returns the environment as the rest of the product reads it: the log level, and the format of standard error,
    /// where the persistent-shell server logged.
    ///
    /// Invalid settings are ignored here and refused when the profile is created.
    package static func product(_ environment: [String: String]) -> [String: String] {
        guard let settings = try? PersistentShellSettings(environment: environment) else { return environment }
        var environment = environment
        if settings.namesLogLevel || environment["MM_LOG_LEVEL"] == nil {
            environment["MM_LOG_LEVEL"] = settings.logLevel
        }
        environment[OperationServices.standardErrorForm] = settings.logFormat
        return environment
    }

    /// The name of the shell's kind.
    package var kind: String {
        ShellKind(program: defaultShell)?.rawValue ?? "python"
    }

    /// Returns the settings as a configuration of shells that start in a folder.
    package func configuration(workspace: String) -> ShellsConfiguration {
        var made = ShellsConfiguration()
        made.shell = kind
        if defaultShell.hasPrefix("/"), kind != "python" { made.program = defaultShell }
        made.directory = workspace
        made.sandbox = confinement
        made.network = .all
        made.policy = policy
        if policy.isEnabled { made.policy.workingDirectory = workspace }
        made.idle = .seconds(timeout)
        made.maximumSessions = maximumSessions
        made.maximumSessionsOfOwner = maximumSessions
        if together.memory != nil || together.processes != nil || together.processors != nil {
            made.treeLimits = together
        }
        if let memory { made.limits.append(.memory(UInt64(memory) << 20)) }
        return made
    }
}
