import MMCore
import MMDesk
import MMGuard
import MMNative

/// What a cmdlet of Graph's modules sends, and what becomes of the answer.
struct GraphCmdletCall: Sendable {
    /// What an answer is shown as.
    enum Shape: Sendable {
        /// Objects with the properties of their type; those of any type keep theirs beside.
        case objects(isAny: Bool)
        /// Hashtables, as Invoke-MgGraphRequest makes them.
        case tables
        /// Custom objects.
        case plain
        /// The text itself.
        case text
        /// What Invoke-WebRequest makes of an answer: its text with its status and headers.
        case page
    }

    /// The cmdlet as written.
    let cmdlet: String
    /// The method in capitals.
    var method = "GET"
    /// The path with its version, or a whole address.
    var path = ""
    /// Options of the query, in order.
    var query: [(name: String, value: String)] = []
    /// Headers besides the service's own.
    var headers: [String: String] = [:]
    /// The body.
    var body: JSONValue?
    /// Whether all pages are read.
    var isWhole = false
    /// How many objects are wanted.
    var limit: Int?
    /// The name of the variable that takes the number of all objects.
    var countVariable: String?
    /// What becomes of errors, in small letters.
    var errorAction: String?
    /// How the answer is shown.
    var shape = Shape.objects(isAny: false)
    /// The file that takes the answer as it came.
    var outFile: String?
    /// Whether `$true` is put out for what answers nothing.
    var passesThrough = false
    /// Whether it is one of PowerShell's own commands for the web, which end their statement when they are refused.
    var isOfWeb = false
    /// Whether nothing is sent and only said.
    var isPreview = false

    /// The request at a client.
    func request(at client: GuardedClient) throws(MMError) -> GraphRequest {
        var target = try client.target(path)
        for (name, value) in query where target.queryValue(name) == nil { target = target.addingQuery(name, value) }
        guard let body else { return try GraphRequest(method: method, target: target, headers: headers) }
        return try GraphRequest(method: method, target: target, headers: headers, json: body)
    }

    /// The request for a person.
    var json: JSONObject {
        var object: JSONObject = ["method": .string(method), "path": .string(path)]
        if !query.isEmpty { object["query"] = .object(JSONObject(query.map { ($0.name, .string($0.value)) })) }
        if !headers.isEmpty {
            object["headers"] = .object(JSONObject(headers.sorted { $0.key < $1.key }.map { ($0, .string($1)) }))
        }
        if let body { object["body"] = body }
        if isWhole { object["all"] = true }
        if let limit { object["top"] = .int(Int64(limit)) }
        return object
    }
}
