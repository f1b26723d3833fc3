import MMCLI
import MMCore
import MMOperations
import MMSystem

/// `mm mcp …`: installs this server in AI clients.
enum MCPCommands {
    static func all(environment: [String: String]) -> [LocalCommand] {
        [install(environment), uninstall(environment), list(environment)]
    }

    static let clients = AIClient.allCases.map(\.rawValue)

    private static func install(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["mcp", "install"], summary: "Configure an AI client for mm-mcp, or print the configuration.",
            discussion:
                "Keeps everything else in the client's file and saves the old file as .bak. Running it again changes "
                + "nothing. Codex is configured with `codex mcp add`, if codex is in PATH. For Open WebUI and gateways, which "
                + "are configured elsewhere, the configuration is printed, and also for a Windows client that starts mm-mcp "
                + "in WSL (--wsl), unless --file gives its file. The secret of an address is never written to a file: "
                + "--token-from sets where the client gets it.",
            fields: [
                InputField("client", .choice(clients), "Which client.", .required, .at(0)),
                InputField("print", .flag, "Print the configuration and write nothing."),
                InputField("name", .text, "Name of the server in the client (default mm)."),
                InputField("project", .flag, "Configure the project in this folder instead of the user."),
                InputField(
                    "url", .text,
                    "Call a server at this address, such as http://127.0.0.1:8365/mcp, instead of starting one."),
                InputField(
                    "token-from", .text,
                    "Where the client gets the secret for --url: an environment variable, or prompt (vscode)."),
                InputField(
                    "wsl", .text, "WSL distribution in which a Windows client starts mm-mcp."),
                InputField(
                    "file", .text, "Configuration file of the client, if not the default one.", .completes(.files)),
                InputField("read-only", .flag, "Offer only tools that change nothing."),
                InputField("toolsets", .text, "Groups of tools to offer, separated by commas."),
                InputField("server-name", .text, "Name of this server in the connections' mcps lists."),
                InputField("replace", .flag, "Replace another program's server of the same name."),
            ],
            examples: [
                .init("mm mcp install claude-code", "Claude Code, for every project"),
                .init("mm mcp install vscode --project --read-only", "this folder's .vscode/mcp.json"),
                .init("mm mcp install gateway > mm.json", "then: mcpjungle register --conf mm.json"),
                .init("mm mcp install claude-desktop --wsl Debian", "configuration for Claude Desktop on Windows"),
                .init("mm mcp install cursor --url https://mm.contoso.com/mcp --token-from MM_MCP_TOKEN", "a server"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            try await put(input, options, streams, environment)
        }
    }

    private static func put(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams, _ environment: [String: String]
    ) async throws(MMError) -> Int32 {
        let client = try client(input)
        let entry = try entry(of: client, input, environment)
        let place = try place(of: client, input, environment)
        let file = place.file
        // Codex's own command doesn't support a project's list, and a client on Windows has its own list.
        let isOutside = try input.text("wsl") != nil && !place.isNamed
        let codex = client == .codex && !place.isProject && !isOutside ? CodexCommand(environment) : nil
        let isPrinted = try input.flag("print") || client.form == .ownCommand && codex == nil || isOutside
        if client == .claudeDesktop, file == nil, !isPrinted {
            throw noFile(of: client, "--print shows what to add")
        }
        guard let file, !isPrinted else {
            try streams.write(ClientConfiguration.text(of: entry, for: client))
            if !options.quiet, let note = ClientConfiguration.note(for: client, isOutside ? nil : file) {
                streams.note(note)
            }
            return 0
        }
        let replacing = try input.flag("replace")
        let changed =
            if let codex { try await codex.put(entry, replacing: replacing) } else {
                try ClientList(client: client, path: file).put(entry, replacing: replacing)
            }
        if options.format == .json {
            let answer: JSONValue = [
                "client": .string(client.rawValue), "file": .string(file), "name": .string(entry.name),
                "changed": .bool(changed),
            ]
            try streams.writeLine(JSONWriter.string(answer))
        } else if !options.quiet {
            let what =
                changed ? "\(client.title) is now configured for" : "\(client.title) is already configured for"
            try streams.writeLine("\(what) the server \(entry.name): \(file)")
            if changed { streams.note("Restart \(client.title), or reload its servers.") }
        }
        return 0
    }

    private static func list(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["mcp", "list"], summary: "Show which AI clients are configured for mm-mcp, and in which files.",
            examples: [.init("mm mcp list --json", "the same for a script")]
        ) { (_, options, streams) throws(MMError) in
            let rows = await ClientSurvey.rows(environment, project: workingFolder)
            try await streams.show(.array(rows), options, columns: ["client", "state", "name", "runs", "file"])
            return 0
        }
    }

    static func client(_ input: InputReader) throws(MMError) -> AIClient {
        guard let client = AIClient(rawValue: try input.requiredText("client")) else {
            throw MMError(.internalError, "a client that is listed is unknown")
        }
        return client
    }

    /// Returns the file that the arguments refer to.
    static func place(
        of client: AIClient, _ input: InputReader, _ environment: [String: String]
    ) throws(MMError) -> (file: String?, isProject: Bool, isNamed: Bool) {
        let isProject = try input.flag("project")
        if let named = try input.text("file") {
            guard !isProject, case .json = client.form else {
                throw MMError(
                    .invalidInput, "--file can't be combined with \(isProject ? "--project" : client.rawValue).",
                    hint: "Use it with the JSON file of a client, such as one of Windows below /mnt/c.")
            }
            return (named.hasPrefix("/") ? named : "\(workingFolder)/\(named)", false, true)
        }
        let file = client.file(environment, project: isProject ? workingFolder : nil)
        if isProject, file == nil {
            throw MMError(
                .unsupported, "\(client.title) has no project configuration.", hint: "Leave out --project.")
        }
        return (file, isProject, false)
    }

    static func noFile(of client: AIClient, _ otherwise: String) -> MMError {
        MMError(
            .unsupported, "\(client.title) does not run on Linux, so it has no configuration file here.",
            hint:
                "\(otherwise), in \(client.filesElsewhere ?? "its own file"); or give a copy on this machine with --file."
        )
    }

    /// Returns the server that the arguments describe.
    private static func entry(of client: AIClient, _ input: InputReader, _ environment: [String: String])
        throws(MMError)
        -> ServerEntry
    {
        let name = try name(input)
        var arguments: [String] = client == .gateway ? ["--tool-prefix", ""] : []
        if try input.flag("read-only") { arguments.append("--read-only") }
        for option in ["toolsets", "server-name"] {
            if let value = try input.text(option) { arguments += ["--\(option)", value] }
        }
        if let url = try input.text("url") {
            guard client != .claudeDesktop else {
                throw MMError(
                    .unsupported, "Claude Desktop's file doesn't support URLs.",
                    hint: "Leave out --url: it starts mm-mcp itself.")
            }
            guard arguments.isEmpty || client == .gateway else {
                throw MMError(
                    .invalidInput, "--url can't be combined with options of the server.",
                    hint: "Use them with `mm-mcp --http` instead.")
            }
            guard try input.text("wsl") == nil else {
                throw MMError(
                    .invalidInput, "--url and --wsl can't be combined.",
                    hint: "A server at an address does not need WSL.")
            }
            let secret: ClientSecret? =
                if let text = try input.text("token-from") { try ClientSecret(text, for: client) } else { nil }
            return ServerEntry(name: name, way: .url(try checked(url)), secret: secret)
        }
        guard try input.text("token-from") == nil else {
            throw MMError(
                .invalidInput, "--token-from needs --url.", hint: "A server that the client starts needs no secret."
            )
        }
        // Arguments that would be refused when the client starts the server are refused now.
        _ = try MCPFaceOptions(words: arguments)
        if client == .openwebui { return ServerEntry(name: name, way: .url("http://127.0.0.1:8365/mcp")) }
        // A project's list is shared, so it must not contain what is only valid on this machine.
        let isShared = try input.flag("project")
        if let distribution = try input.text("wsl") {
            return ServerEntry(
                name: name, way: try windowsWay(distribution, arguments, isShared ? [:] : passed(on: environment)))
        }
        return ServerEntry(
            name: name,
            way: .command(
                isShared ? "mm-mcp" : program(), arguments: arguments,
                environment: isShared ? [:] : passed(on: environment)))
    }

    static func name(_ input: InputReader) throws(MMError) -> String {
        let name = try input.text("name") ?? ServerEntry.usualName
        guard name.utf8.count <= 40, !name.isEmpty, name.utf8.allSatisfy(isNameByte) else {
            throw MMError(
                .invalidInput, "--name can't be `\(name.prefix(60))`.", hint: "Use up to 40 letters, digits, - and _.")
        }
        return name
    }

    /// Returns how a client on Windows starts `mm-mcp` in WSL, where a shell parses these words. Environment variables
    /// of Windows aren't passed on.
    private static func windowsWay(
        _ distribution: String, _ arguments: [String], _ variables: [String: String]
    ) throws(MMError) -> ServerEntry.Way {
        guard !distribution.isEmpty, distribution.utf8.allSatisfy({ isNameByte($0) || $0 == UInt8(ascii: ".") }) else {
            throw MMError(
                .invalidInput, "--wsl needs the name of a distribution.",
                hint: "`wsl.exe --list` lists them; inside WSL, WSL_DISTRO_NAME has the name.")
        }
        let settings = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let words = (settings.isEmpty ? [] : ["env"] + settings) + [program()] + arguments
        return .command(
            "wsl.exe", arguments: ["-d", distribution, "--"] + words.map(ShellWord.quoted), environment: [:])
    }

    /// Returns whether every client accepts a byte in a name.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func checked(_ url: String) throws(MMError) -> String {
        let isAddress = ["http://", "https://"].contains { url.hasPrefix($0) && url.utf8.count > $0.utf8.count }
        guard isAddress, !url.contains("@"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }) else {
            throw MMError(
                .invalidInput, "--url must be an address without credentials.",
                hint: "For example http://127.0.0.1:8365/mcp.")
        }
        return url
    }

    /// Returns the variables to write into the entry: clients start servers with another environment, so those that
    /// determine the paths of our files must be included.
    private static func passed(on environment: [String: String]) -> [String: String] {
        let names = ["MM_CONNECTIONS", "MM_TOKEN_DIR", "MM_STATE_DIR", "MM_LOG_DIR"]
        return environment.filter { names.contains($0.key) && !$0.value.isEmpty }
    }

    /// Returns the path of `mm-mcp` beside this program, since clients may have another search path than shells.
    private static func program() -> String {
        ExecutableSearch.find(OwnProgram.beside("mm-mcp"), path: "") ?? "mm-mcp"
    }

    private static var workingFolder: String { ThisProcess.workingDirectory ?? "." }
}

extension MCPCommands {
    /// Returns `mm mcp uninstall`.
    static func uninstall(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["mcp", "uninstall"], summary: "Remove mm-mcp from an AI client's configuration.",
            discussion:
                "Removes only what `mm mcp install` wrote and saves the old file as .bak. Another "
                + "program's server is kept, even with the same name.",
            fields: [
                InputField("client", .choice(clients), "Which client.", .required, .at(0)),
                InputField("name", .text, "Name of the server in the client (default mm)."),
                InputField("project", .flag, "Change the project in this folder instead of the user."),
                InputField(
                    "file", .text, "Configuration file of the client, if not the default one.", .completes(.files)),
                InputField("url", .text, "Address of the server, if it has another name than mm."),
            ],
            examples: [
                .init("mm mcp uninstall claude-code", "from the user's configuration"),
                .init("mm mcp uninstall vscode --project", "from this folder's .vscode/mcp.json"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let client = try client(input)
            let name = try name(input)
            let place = try place(of: client, input, environment)
            let url = try input.text("url")
            guard client.form != .shown else {
                throw MMError(
                    .unsupported, "\(client.title) has no file that could be written from here.",
                    hint: client == .gateway
                        ? "mcpjungle deregister \(name)" : "Remove it in Open WebUI: Admin Settings, External Tools.")
            }
            guard let file = place.file else { throw noFile(of: client, "Remove \(name) from it") }
            let removed: Bool
            if client.form == .ownCommand {
                guard !place.isProject, !place.isNamed, let codex = CodexCommand(environment) else {
                    throw MMError(
                        .unsupported,
                        "Codex manages \(file) itself, and the command codex isn't in PATH or doesn't support it.",
                        hint: "Remove the table [mcp_servers.\(name)] manually.")
                }
                removed = try await codex.take(name, url: url)
            } else {
                removed = try ClientList(client: client, path: file).take(name, url: url)
            }
            if options.format == .json {
                let answer: JSONValue = [
                    "client": .string(client.rawValue), "file": .string(file), "name": .string(name),
                    "changed": .bool(removed),
                ]
                try streams.writeLine(JSONWriter.string(answer))
            } else if !options.quiet {
                let what = removed ? "is no longer configured for" : "is not configured for"
                try streams.writeLine("\(client.title) \(what) the server \(name): \(file)")
                if removed { streams.note("Restart \(client.title), or reload its servers.") }
            }
            return 0
        }
    }
}
