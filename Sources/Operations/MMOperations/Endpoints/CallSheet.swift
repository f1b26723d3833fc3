import MMCore
import MMGuard

/// The calls of Microsoft Graph and other services that match a question or a path, as rows and as text.
enum CallSheet {
    /// The maximum size in bytes of the answer to a question, since a model reads every word.
    private static let room = 1900

    /// Returns the path if a question is a path; `nil` for words.
    static func path(in question: String) -> String? {
        var text = question.filter { !$0.isNewline }[...]
        while text.first == " " { text.removeFirst() }
        let words = text.split(separator: " ", maxSplits: 1)
        if words.count == 2, ["GET", "POST", "PATCH", "PUT", "DELETE"].contains(words[0].uppercased()),
            isPath(words[1])
        {
            return String(words[1])
        }
        return isPath(text) ? String(text) : nil
    }

    private static func isPath(_ text: Substring) -> Bool {
        text.hasPrefix("/") || text.prefix(8).lowercased() == "https://"
    }

    /// Returns the calls for a question in words.
    /// - Parameters:
    ///   - resource: the service whose calls are searched; `nil` for Graph and any other service that the question
    ///     names.
    ///   - shelf: the tasks by name, which are listed above the calls.
    static func answer(
        to question: String, method: String?, beta: Bool, top: Int, of resource: RequestResource? = nil,
        with shelf: ReadyShelf = .standard
    ) throws(MMError) -> OperationAnswer {
        // A caller that gives a method or service looks only for a request.
        let graph =
            resource == nil || resource == .graph
            ? EndpointSearch().find(question, limit: top, method: method, withBeta: beta) : []
        let ready =
            method == nil && resource == nil
            ? ReadyRows(question, on: shelf, besides: graph.first?.score ?? 0) : nil
        let others = ServiceSearch().find(question, limit: top, method: method, among: resource?.services)
        // With equal scores, calls of other services precede those of Graph.
        let ranked =
            others.map { hit in (score: hit.score, row: { CallRow(hit.call) }) }
            + graph.map { hit in (score: hit.score, row: { CallRow(hit.call) }) }
        let sorted = ranked.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        guard !sorted.isEmpty || ready.map({ !$0.isEmpty }) ?? false else {
            throw MMError(
                .notFound, "No call of Microsoft Graph matches “\(question.prefix(80))”.",
                hint:
                    "Use other words, such as guests, licences or sign-in logs. A path such as /users is explained, "
                    + "and `mm endpoints --properties user` lists the properties of a type.")
        }
        var rows: [CallRow] = []
        var size = ready.map { $0.isEmpty ? 0 : JSONWriter.string(.object($0.members)).utf8.count } ?? 0
        for (_, found) in sorted.prefix(top) {
            let row = found.row()
            size += JSONWriter.string(.object(row.members)).utf8.count + 1
            if size > room, !rows.isEmpty { break }
            rows.append(row)
        }
        var found = answer(rows)
        if let ready, !ready.isEmpty, case .value(.object(let calls)) = found.body {
            var members = ready.members
            for (name, value) in calls { members[name] = value }
            found.body = .value(.object(members))
            found.text = (ready.text + [""] + [found.text ?? ""]).joined(separator: "\n")
        }
        return found
    }

    /// Returns all methods of a path.
    static func answer(about path: String, method: String?, beta: Bool) throws(MMError) -> OperationAnswer {
        var target = try RequestTarget(parsing: path, service: .graph, normalization: .clean)
        if beta { target = target.replacingVersion("beta") }
        let index = EndpointIndex.standard
        if let fault = PathCheck(index).fault("GET", target) {
            switch fault {
            case .unknown: throw PathFault.error(fault, endpoint: path, isSent: false)
            case .betaOnly: target = target.replacingVersion("beta")
            case .method: break
            }
        }
        guard let found = index.engine.template(of: target) else {
            throw MMError(
                .notFound, "The path \(path.prefix(200)) is unknown.", hint: "It may exist if it is new in Graph.")
        }
        let calls = index.calls(of: found.template, counted: found.isCounted)
            .filter { method == nil || $0.method == method }
        guard !calls.isEmpty else {
            throw MMError(
                .notFound, "The path \(index.engine.text(of: found.template)) exists, but its methods are unknown.",
                hint: "Try mm graph CONNECTION \(ShellWord.quoted(path)).")
        }
        return answer(calls.map(CallRow.init))
    }

    private static func answer(_ rows: [CallRow]) -> OperationAnswer {
        OperationAnswer(
            .value(["calls": .array(rows.map { .object($0.members) })]), columns: ["call", "class", "least"],
            text: rows.map(\.text).joined(separator: "\n\n"))
    }
}

/// The tasks and cmdlets that answer a question in words directly; they are listed above the calls.
struct ReadyRows {
    /// The rows for programs and models.
    var members = JSONObject()
    /// The lines for people.
    var text: [String] = []

    private static let mostTasks = 2
    private static let mostCmdlets = 2
    /// The maximum total size in bytes: a model reads every word, and the calls below them are answers too.
    private static let room = 1_000
    /// The minimum score of a cmdlet.
    private static let leastOfCmdlets: Float = 0.5
    /// How much worse than the best call a cmdlet may match: a worse one is about another thing, such as a policy for
    /// meetings where a meeting is meant.
    private static let shareOfCall: Float = 0.75

    /// Whether there are none.
    var isEmpty: Bool { members.isEmpty }

    /// Finds the tasks and cmdlets for a question.
    /// - Parameter call: the score of the call of Graph that matches best.
    init(_ question: String, on shelf: ReadyShelf, besides call: Float) {
        let effects = ToolEffects(.standard)
        var rows: [(list: String, row: JSONValue, text: String, score: Float)] = []
        for found in shelf.find(question, limit: Self.mostTasks) {
            var row = found.task.sheet(effects)
            row.remove("name")
            row["tool"] = "recipe"
            row["request"] = ["name": .string(found.task.name)]
            rows.append(("ready", .object(row), "\(Self.command(found.task))   \(found.task.summary)", found.score))
        }
        let least = max(Self.leastOfCmdlets, Self.shareOfCall * min(call, 1))
        for found in CmdletCallTable.find(question, limit: Self.mostCmdlets, above: least) {
            let row: JSONValue = [
                "tool": "run",
                "request": ["module": .string(found.call.module), "command": .string(found.call.example)],
            ]
            let line = "mm run CONNECTION \(found.call.module) \(ShellWord.quoted(found.call.example))"
            rows.append(("cmdlets", row, line, found.score))
        }
        // If there isn't room for all, the best matches are kept.
        rows.sort { $0.score > $1.score }
        var size = 0
        for row in rows {
            size += JSONWriter.string(row.row).utf8.count + 20
            guard size <= Self.room || members.isEmpty else { break }
            members[row.list] = .array((members[row.list]?.array ?? []) + [row.row])
            text.append(row.text)
        }
    }

    private static func command(_ task: ReadyTask) -> String {
        switch task {
        case .tool(let definition, let shelf): "mm \(shelf.operation) \(definition.name) CONNECTION"
        case .operation(let operation, _): operation.declaration.commandLine
        }
    }
}

/// The presentation of a call of Microsoft Graph or another service: its parameters, permissions and an example.
struct CallRow {
    /// The row for programs.
    let members: JSONObject
    /// The text for people.
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
        case (let work?, nil): return "\(work), not available to apps"
        case (nil, let app?): return "\(app), available to apps only"
        }
    }

    /// Returns the class of the example, and the strictest class if another body can have a stricter one.
    private static func classes(_ call: OfferedCall, _ target: RequestTarget, _ body: JSONValue?) -> String {
        let worst = strictest(call.method, target, .none)
        guard call.method != "GET", call.method != "DELETE" else { return worst.rawValue }
        let own = strictest(call.method, target, .json(body ?? [:]))
        return worst == own ? own.rawValue : "\(own.rawValue), depending on its body up to \(worst.rawValue)"
    }

    private static func strictest(_ method: String, _ target: RequestTarget, _ body: RequestBody) -> GuardClass {
        let request = GuardedRequest(method: method, target: target, body: body)
        return GuardEngine.standard.classify(request).classes.strictest
    }
}

/// An example request of a call.
struct CallExample {
    /// Path and query.
    let path: String
    /// The body; `nil` for none.
    let body: JSONValue?
    private let method: String
    /// The service, if it isn't Graph.
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
            let usual = GraphTypeTable.standard.type(named: call.singleType)?.usualProperties ?? []
            if !usual.isEmpty { path += "?$select=" + usual.prefix(4).joined(separator: ",") }
        }
        if bodyText.isEmpty, !call.body.isEmpty {
            let names = call.body.filter { !$0.hasSuffix("?") }
            bodyText = "{" + names.prefix(4).map { "\"\($0)\":\"…\"" }.joined(separator: ",") + "}"
        } else if bodyText.isEmpty, call.kind == .create || call.kind == .update || call.kind == .replace {
            bodyText = call.type.isEmpty ? "" : "{…}"
        }
        self.path = path
        self.bodyText = bodyText
        body = bodyText.isEmpty ? nil : try? JSONParser.parse(bodyText.replacing("{…}", with: "{}"))
    }

    /// The arguments of `graph_request`.
    var members: JSONObject {
        var members: JSONObject = ["endpoint": .string(path)]
        if method != "GET" { members["method"] = .string(method) }
        if let resource { members["resource"] = .string(resource.rawValue) }
        members["body"] = body
        return members
    }

    /// The command line.
    var command: String {
        var line = "mm graph CONNECTION \(ShellWord.quoted(path))"
        if let resource { line += " --resource \(resource.rawValue)" }
        if method != "GET" { line += " -X \(method)" }
        if !bodyText.isEmpty { line += " -d \(ShellWord.quoted(bodyText))" }
        return line
    }

    /// Returns the path with example values for placeholders of known form: a person's address, a folder's name, a
    /// period.
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
