import MMCore
import MMGuard

/// A request that shows how a call is made.
struct CallExample {
    /// Path and query.
    let path: String
    /// The body; `nil` for none.
    let body: JSONValue?
    private let method: String
    /// The service, where it isn't Graph.
    private let resource: RequestResource?
    private let bodyText: String

    init(_ call: ServiceCall) {
        method = call.method
        path = call.path
        resource = RequestResource(call.service)
        bodyText = call.body
        body = bodyText.isEmpty ? nil : try? JSONParser.parse(bodyText)
    }

    init(_ call: GraphCall) {
        method = call.method
        resource = nil
        var path = Self.filled(call.path)
        var bodyText = ""
        if call.example.hasPrefix("?") {
            path += call.example
        } else if !call.example.isEmpty {
            bodyText = call.example
        } else if call.answersMany, call.method == "GET", call.options.contains("select") {
            let usual = GraphTypeTable.standard.type(named: Self.single(call.type))?.usualProperties ?? []
            if !usual.isEmpty { path += "?$select=" + usual.prefix(4).joined(separator: ",") }
        }
        if bodyText.isEmpty, !call.body.isEmpty {
            let names = call.body.filter { !$0.hasSuffix("?") }
            bodyText = "{" + (names.isEmpty ? [] : names).prefix(4).map { "\"\($0)\":…" }.joined(separator: ",") + "}"
        } else if bodyText.isEmpty, call.kind == .create || call.kind == .update || call.kind == .replace {
            bodyText = call.type.isEmpty ? "" : "{…}"
        }
        self.path = path
        self.bodyText = bodyText
        body = bodyText.isEmpty ? nil : try? JSONParser.parse(bodyText.replacing("{…}", with: "{}"))
    }

    /// As the arguments of `graph_request`.
    var members: JSONObject {
        var members: JSONObject = ["endpoint": .string(path)]
        if method != "GET" { members["method"] = .string(method) }
        if let resource { members["resource"] = .string(resource.rawValue) }
        if !bodyText.isEmpty { members["body"] = body ?? .string(bodyText) }
        return members
    }

    /// As a command line.
    var command: String {
        var line = "mm graph CONNECTION \(ShellWord.quoted(path))"
        if let resource { line += " --resource \(resource.rawValue)" }
        if method != "GET" { line += " -X \(method)" }
        if !bodyText.isEmpty { line += " -d \(ShellWord.quoted(bodyText))" }
        return line
    }

    private static func single(_ type: String) -> String { type.hasSuffix("[]") ? String(type.dropLast(2)) : type }

    /// The path with values in the places whose form is known: a person's address, a folder's name, a period.
    private static func filled(_ path: String) -> String {
        var text = path
        for (key, value) in [
            ("/users/{user-id}", "/users/ada@contoso.com"), ("{mailFolder-id}", "inbox"),
            ("period='{period}'", "period='D30'"),
            ("period={period}", "period='D30'"),
            ("/drives/{drive-id}/items/{driveItem-id}/children", "/me/drive/root/children"),
            ("{group-id}/members/{directoryObject-id}/$ref", "{group-id}/members/{user-id}/$ref"),
        ] {
            text = text.replacing(key, with: value)
        }
        return text
    }
}
