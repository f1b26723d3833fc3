import MMCore

/// The arguments of `graph_request`.
struct GraphRequestInput: OperationInput {
    static let fields: [InputField] = [
        InputField(
            "connection", .text, "Connection; leave all arguments out to list them.",
            at: .positional(0)),
        InputField(
            "endpoint", .text, "Path such as /me/messages or /beta/users (default v1.0).",
            at: .positional(1)),
        InputField(
            "method", .choice(["GET", "POST", "PATCH", "PUT", "DELETE"]), "HTTP method (default GET).", at: .option("X")
        ),
        InputField("body", .object, "JSON body for POST, PATCH and PUT.", at: .option("d"), readsFiles: true),
        InputField(
            "resource", .choice(["graph", "flow"]), "graph (default), or flow for Power Automate.", at: .option("r")),
        InputField(
            "query", .parameters, "OData options, such as {\"$select\": \"id,displayName\"}."),
        InputField("top", .integer(1...1_000_000), "At most this many items, over pages."),
        InputField("all", .flag, "Follow all pages and answer every item."),
        InputField(
            "output", .choice(["json", "table", "csv", "jsonl"]),
            "Form (default json, or csv where shorter).",
            at: .absent),
        InputField("search", .text, "Words: finds endpoints.", at: .absent),
        InputField("unlisted", .flag, "Send what no table lists."),
        InputField("confirmed", .flag, "Changes nothing: a person confirms."),
    ]

    let connection: String?
    let endpoint: String?
    let method: String
    let body: JSONValue?
    let resource: String
    let query: [(name: String, value: String)]
    let top: Int?
    let all: Bool
    let search: String?
    let unlisted: Bool
    let confirmed: Bool
    let isEmpty: Bool

    init(from reader: InputReader) throws(MMError) {
        connection = try reader.text("connection")
        endpoint = try reader.text("endpoint")
        method = try reader.text("method") ?? "GET"
        var body = try reader.object("body")
        // Models put the word into the body too, where the service would refuse it.
        let inBody = body?.remove("confirmed")
        self.body = body.map { .object($0) }
        resource = try reader.text("resource") ?? "graph"
        query = try reader.parameters("query")
        top = try reader.integer("top")
        all = try reader.flag("all")
        search = try reader.text("search")
        unlisted = try reader.flag("unlisted")
        confirmed = try reader.flag("confirmed") || inBody == .bool(true) || inBody == .string("true")
        isEmpty = connection == nil && endpoint == nil && body == nil
        guard !isEmpty, search == nil else { return }
        guard connection != nil else {
            throw MMError(
                .invalidInput, "graph_request needs the argument `connection`.",
                hint: "Call it without arguments to list the connections.")
        }
        guard endpoint != nil else {
            throw MMError(
                .invalidInput, "graph_request needs the argument `endpoint`.", hint: "For example /me or /users.")
        }
        if method == "GET", self.body != nil {
            throw MMError(.invalidInput, "A GET request has no body.", hint: "Say the method: POST, PATCH or PUT.")
        }
        // A POST may be an action that takes none. Nobody should be asked for a yes to a change that says nothing.
        if method == "PATCH" || method == "PUT", self.body == nil {
            throw MMError(
                .invalidInput, "A \(method) request needs a body: what to change.",
                hint: "Give `body` (in a terminal: -d '{\"displayName\": \"…\"}' or -d @file.json).")
        }
        if all || top != nil, method != "GET" {
            throw MMError(.invalidInput, "`all` and `top` go with GET, not with \(method).", hint: "Leave them out.")
        }
    }
}
