import Glibc
import MMCore

/// Which clients know of this server.
enum ClientSurvey {
    /// One row for every list that knows it, and one for every client that doesn't.
    /// - Parameters:
    ///   - environment: `HOME`, and what moves a client's files.
    ///   - project: the folder whose lists are looked at too.
    static func rows(_ environment: [String: String], project: String) async -> [JSONValue] {
        var rows: [JSONValue] = []
        for client in AIClient.allCases {
            guard let own = client.file(environment) else { continue }
            var files = [own]
            if let other = client.file(environment, project: project), other != own, client.form != .ownCommand {
                files.append(other)
            }
            var found: [JSONValue] = []
            for (number, file) in files.enumerated() {
                found += await Self.rows(ClientList(client: client, path: file), environment, isProject: number > 0)
            }
            rows += found.isEmpty ? [row(client, own, "not installed")] : found
        }
        return rows
    }

    private static func rows(_ list: ClientList, _ environment: [String: String], isProject: Bool) async -> [JSONValue]
    {
        var servers: [ClientList.Found] = []
        do throws(MMError) {
            if list.client.form != .ownCommand {
                servers = try list.servers()
            } else if let codex = CodexCommand(environment) {
                servers = try await codex.servers()
            } else if access(list.path, F_OK) == 0 {
                return [row(list.client, list.path, "unknown: codex is not in PATH")]
            }
        } catch {
            return [row(list.client, list.path, "unreadable: \(error.message)")]
        }
        return servers.filter { $0.isOurs || $0.name == ServerEntry.usualName }.map { server in
            let isThere = server.command.map { !$0.hasPrefix("/") || access($0, X_OK) == 0 } ?? (server.url != nil)
            let state =
                isThere ? (isProject ? "installed for this folder" : "installed") : "broken: the program is missing"
            return row(list.client, list.path, state, server)
        }
    }

    private static func row(_ client: AIClient, _ file: String, _ state: String, _ server: ClientList.Found? = nil)
        -> JSONValue
    {
        var row: JSONObject = ["client": .string(client.rawValue), "state": .string(state)]
        if let server {
            row["name"] = .string(server.name)
            let words = [server.command ?? server.url ?? ""] + server.arguments.map { $0.isEmpty ? "''" : $0 }
            row["runs"] = .string(words.joined(separator: " "))
        }
        row["file"] = .string(file)
        return .object(row)
    }
}
