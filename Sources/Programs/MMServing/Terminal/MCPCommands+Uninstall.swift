import MMCLI
import MMCore
import MMOperations

extension MCPCommands {
    /// `mm mcp uninstall`.
    static func uninstall(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["mcp", "uninstall"], summary: "Take mm-mcp out of an AI client's configuration.",
            discussion:
                "Takes out what `mm mcp install` wrote and nothing else; the old file stays beside it as .bak. Another "
                + "program's server stays, whatever its name.",
            fields: [
                InputField("client", .choice(clients), "Which client.", isRequired: true, at: .positional(0)),
                InputField("name", .text, "The server's name in the client (default mm)."),
                InputField("project", .flag, "The list of the project in this folder, not the person's own."),
                InputField("file", .text, "This file of the client's, not its usual one."),
                InputField("url", .text, "The server's address, where it has another name than mm."),
            ],
            examples: [
                .init("mm mcp uninstall claude-code", "from the person's own list"),
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
                        ? "mcpjungle deregister \(name)" : "Take it out in Open WebUI: Admin Settings, External Tools.")
            }
            guard let file = place.file else { throw noFile(of: client, "Take \(name) out of it") }
            let removed: Bool
            if client.form == .ownCommand {
                guard !place.isProject, !place.isNamed, let codex = CodexCommand(environment) else {
                    throw MMError(
                        .unsupported,
                        "Codex keeps \(file) itself, and its own command isn't in PATH or doesn't know it.",
                        hint: "Take the table [mcp_servers.\(name)] out by hand.")
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
                let what = removed ? "no longer knows" : "doesn't know"
                try streams.writeLine("\(client.title) \(what) the server \(name): \(file)")
                if removed { streams.note("Start \(client.title) again, or reload its servers.") }
            }
            return 0
        }
    }
}
