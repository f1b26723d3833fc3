import Glibc
import MMCore

/// Which clients know of this server.
enum ClientSurvey {
    /// One row for every list that knows it, and one for every client that doesn't.
    /// - Parameters:
    ///   - environment: `HOME`, and what moves a client's files.
    ///   - project: the folder whose lists are looked at too.
    static func rows(_ environment: [String: String], project: String) -> [JSONValue] {
        AIClient.allCases.flatMap { client -> [JSONValue] in
            guard let own = client.file(environment) else { return [] }
            var files = [own]
            if let other = client.file(environment, project: project), other != own { files.append(other) }
            let found = files.enumerated().flatMap { number, file in
                rows(ClientList(client: client, path: file), isProject: number > 0)
            }
            return found.isEmpty ? [row(client, own, "not installed")] : found
        }
    }

    private static func rows(_ list: ClientList, isProject: Bool) -> [JSONValue] {
        let servers: [ClientList.Found]
        do throws(MMError) {
            servers = try list.servers()
        } catch {
            return [row(list.client, list.path, "unreadable: \(error.message)")]
        }
        return servers.filter { ServerEntry.isOurs(command: $0.command) || $0.name == "mm" }.map { server in
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
