import MMCore
import MMGuard

/// The calls of Microsoft Graph, and of the services beside it, that answer a question or belong to a path, as rows and as
/// text.
enum CallSheet {
    /// A model reads every word: the answer to a question stays below this many bytes.
    private static let room = 1900

    /// The path in a question that is one; `nil` for words.
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

    /// The calls that a question in words asks for.
    /// - Parameters:
    ///   - resource: only calls of this one; `nil` for those of Graph and whatever other service the question names.
    ///   - shelf: what has the answer ready stands above the calls.
    static func answer(
        to question: String, method: String?, beta: Bool, top: Int, of resource: RequestResource? = nil,
        with shelf: ReadyShelf = .standard
    ) throws(MMError) -> OperationAnswer {
        // Who says method or service looks for a request and nothing else.
        let ready = method == nil && resource == nil ? ReadyRows(question, on: shelf) : nil
        let graph =
            resource == nil || resource == .graph
            ? EndpointSearch().find(question, limit: top, method: method, withBeta: beta) : []
        let others = ServiceSearch().find(question, limit: top, method: method, among: resource?.services)
        // What is called as another service's thing goes before what only resembles it.
        let ranked =
            others.map { hit in (score: hit.score, row: { CallRow(hit.call) }) }
            + graph.map { hit in (score: hit.score, row: { CallRow(hit.call) }) }
        let sorted = ranked.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        guard !sorted.isEmpty || ready.map({ !$0.isEmpty }) ?? false else {
            throw MMError(
                .notFound, "No call of Microsoft Graph fits “\(question.prefix(80))”.",
                hint:
                    "Say it with other words: what the thing is called, such as guests, licences, sign-in logs. A path "
                    + "such as /users is explained, and --properties user lists what a query may ask for.")
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

    /// All that can be done with a path.
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
                .notFound, "No table has the path \(path.prefix(200)).", hint: "Graph may have it all the same.")
        }
        let calls = index.calls(of: found.template).filter { method == nil || $0.method == method }
        guard !calls.isEmpty else {
            throw MMError(
                .notFound, "Nothing is known of \(index.engine.text(of: found.template)) but that it exists.",
                hint: "Graph may have it all the same.")
        }
        return answer(calls.map(CallRow.init))
    }

    private static func answer(_ rows: [CallRow]) -> OperationAnswer {
        OperationAnswer(
            .value(["calls": .array(rows.map { .object($0.members) })]), columns: ["call", "class", "least"],
            text: rows.map(\.text).joined(separator: "\n\n"))
    }
}
