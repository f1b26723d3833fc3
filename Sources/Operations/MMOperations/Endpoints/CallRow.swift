import MMCore
import MMGuard

/// A call of Microsoft Graph or of a service beside it as it is shown: what it takes, what it needs, an example.
struct CallRow {
    /// For programs and models.
    let members: JSONObject
    /// For people.
    let text: String

    init(_ call: OfferedCall) {
        let example = CallExample(call)
        let target = try? RequestTarget(parsing: example.path, service: .graph, normalization: .clean)
        let least = target.flatMap { Self.least(call.method, $0) }
        let judged = target.map { Self.classes(call, $0, example.body) }

        var members: JSONObject = ["call": .string("\(call.method) \(call.path)")]
        if call.isBetaOnly { members["betaOnly"] = true }
        if !call.type.isEmpty {
            members[call.kind == .create || call.kind == .update ? "takes" : "answers"] = .string(call.type)
        }
        if !call.body.isEmpty { members["body"] = .string(call.body.joined(separator: ", ")) }
        let options = call.options.filter { ["select", "filter", "expand", "orderby", "search", "count"].contains($0) }
        let query = (call.method == "GET" ? options.map { "$" + $0 } : []) + call.parameters
        if !query.isEmpty { members["query"] = .string(query.joined(separator: " ")) }
        if let least { members["least"] = .string(least) }
        if let judged { members["class"] = .string(judged) }
        members["request"] = .object(example.members)
        self.members = members

        var lines = ["\(call.method) \(call.path)" + (call.isBetaOnly ? "   (beta only)" : "")]
        for (name, label) in [("answers", "answers"), ("takes", "takes"), ("body", "body"), ("query", "query")] {
            if let value = members[name]?.string { lines.append("  \(Self.padded(label)) \(value)") }
        }
        lines.append("  \(Self.padded("needs")) \(least ?? "unknown permissions")")
        if let judged { lines.append("  \(Self.padded("class")) \(judged)") }
        lines.append("  " + example.command)
        text = lines.joined(separator: "\n")
    }

    init(_ call: ServiceCall) {
        let example = CallExample(call)
        let target = try? RequestTarget(parsing: call.path, service: call.service, normalization: .clean)
        let judged = target.map { Self.strictest(call.method, $0, example.body.map { .json($0) } ?? .none).rawValue }

        var members: JSONObject = ["call": .string("\(call.method) \(call.path)")]
        if let resource = example.members["resource"] { members["resource"] = resource }
        if let judged { members["class"] = .string(judged) }
        members["request"] = .object(example.members)
        self.members = members

        var lines = ["\(call.method) \(call.path)"]
        if let judged { lines.append("  \(Self.padded("class")) \(judged)") }
        text = (lines + ["  " + example.command]).joined(separator: "\n")
    }

    private static func padded(_ word: String) -> String {
        word + String(repeating: " ", count: max(0, 7 - word.utf8.count))
    }

    private static func least(_ method: String, _ target: RequestTarget) -> String? {
        guard let found = PermissionTable.standard.permissions(method, target) else { return nil }
        let work = found.work?.advised?.name
        let app = found.application?.advised?.name
        switch (work, app) {
        case (nil, nil): return nil
        case (let work?, let app?) where work == app: return work
        case (let work?, let app?): return "\(work), for apps \(app)"
        case (let work?, nil): return "\(work), not for apps"
        case (nil, let app?): return "\(app), for apps only"
        }
    }

    /// The class of the example; with another body it may be stricter, which is said.
    private static func classes(_ call: OfferedCall, _ target: RequestTarget, _ body: JSONValue?) -> String {
        let worst = strictest(call.method, target, .none)
        guard call.method != "GET", call.method != "DELETE" else { return worst.rawValue }
        let own = strictest(call.method, target, .json(body ?? [:]))
        return worst == own ? own.rawValue : "\(own.rawValue), by its body up to \(worst.rawValue)"
    }

    private static func strictest(_ method: String, _ target: RequestTarget, _ body: RequestBody) -> GuardClass {
        let request = GuardedRequest(method: method, target: target, body: body)
        return GuardEngine.standard.classify(request).classes.strictest
    }
}

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

    init(_ call: OfferedCall) {
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
